import Concurrency
import Foundation
import Ledgers
import Model
import Processes

/// A git remote on this machine with clones of it: each clone is another person's machine.
final class GitLedgerWorld: Sendable {
  let scratch: Scratch
  var remote: String { scratch.path + "/remote.git" }

  static var environment: [String: String] { ScratchRepository.environment }

  init() async throws {
    scratch = try Scratch("git-ledger")
    try await git(["init", "--quiet", "--bare", remote])
    try await git(["-C", remote, "config", "uploadpack.allowFilter", "true"])
    try await git(["-C", remote, "config", "core.fsync", "none"])
  }

  @discardableResult
  func git(_ arguments: [String], input: String = "") async throws -> String {
    let result = try await Launcher().run(
      ProcessSpecification(
        "git", arguments, environment: Self.environment, directory: scratch.path, input: Array(input.utf8)))
    guard result.exit.isSuccess else {
      throw Failure(.failed, "git \(arguments.joined(separator: " "))", cause: result.errorText)
    }
    return result.text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// A project whose remote `origin` is this one, or another address.
  func machine(_ name: String, url: String? = nil) async throws -> String {
    let path = scratch.path + "/" + name
    try await git(["init", "--quiet", "--initial-branch=main", path])
    try await git(["-C", path, "remote", "add", "origin", url ?? "file://" + remote])
    return path
  }

  /// The ledger of `prod` as that machine sees it; it neither waits nor remembers unless told so.
  func ledger(
    _ machine: String, time: any TimeSource, app: String = "shop", options: GitLedger.Options? = nil,
    tell: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> GitLedger {
    try await GitLedger.open(
      root: machine, app: app, environment: "prod", time: time, process: Self.environment,
      options: options ?? Self.impatient, tell: tell)
  }

  static var impatient: GitLedger.Options {
    var options = GitLedger.Options()
    options.patience = .zero
    options.freshness = .zero
    return options
  }

  /// A file at the end of the chain, as anybody with git sees it.
  func show(_ path: String) async throws -> String {
    try await git(["-C", remote, "show", "refs/shipit/prod:\(path)"])
  }

  /// All files at the end of the chain.
  func files() async throws -> [String] {
    try await git(["-C", remote, "ls-tree", "-r", "--name-only", "refs/shipit/prod"])
      .split(separator: "\n").map(String.init)
  }

  func commits() async throws -> Int {
    Int(try await git(["-C", remote, "rev-list", "--count", "refs/shipit/prod"])) ?? 0
  }
}
