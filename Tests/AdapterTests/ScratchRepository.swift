import Archive
import Foundation
import Model
import Processes
import Source

/// A git repository that goes with the test, made with an identity and settings of its own.
final class ScratchRepository: Sendable {
  let scratch: Scratch
  var path: String { scratch.path }

  static var environment: [String: String] {
    [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": "/nonexistent",
      "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
      "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com", "GIT_COMMITTER_NAME": "Ann",
      "GIT_COMMITTER_EMAIL": "ann@example.com", "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
      "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z", "GIT_ALLOW_PROTOCOL": "file",
    ]
  }

  init() async throws {
    scratch = try Scratch("repository")
    try await git("init", "--quiet", "--initial-branch=main")
    try await git("config", "core.fsync", "none")
  }

  /// A clone with these arguments to `git clone`.
  init(cloning other: ScratchRepository, _ arguments: String...) async throws {
    scratch = try Scratch("clone")
    try await git(["clone", "--quiet"] + arguments + ["file://" + other.path, "."])
  }

  @discardableResult
  func git(_ arguments: String...) async throws -> String { try await git(arguments) }

  @discardableResult
  func git(_ arguments: [String], input: String = "") async throws -> String {
    let result = try await Launcher().run(
      ProcessSpecification(
        "git", arguments, environment: Self.environment, directory: path, input: Array(input.utf8)))
    guard result.exit.isSuccess else {
      throw Failure(.failed, "git \(arguments.joined(separator: " "))", cause: result.errorText)
    }
    return result.text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Writes files and commits everything.
  @discardableResult
  func commit(_ files: [String: String], _ message: String = "change") async throws -> String {
    for (name, text) in files { try scratch.write(name, text) }
    try await git("add", "--all", "--force")
    try await git("commit", "--quiet", "--allow-empty", "-m", message)
    return try await git("rev-parse", "HEAD")
  }

  func source(_ directory: String = "", process: [String: String]? = nil) async throws -> GitSource? {
    try await GitSource.find(
      root: directory.isEmpty ? path : "\(path)/\(directory)", process: process ?? Self.environment)
  }
}

/// An archive's entries: path → contents, `link → target`, with a star for executables.
func contents(of packed: PackedSource) throws -> [String: String] {
  let reader = try ArchiveReader(file: packed.file)
  var found: [String: String] = [:]
  while let entry = try reader.next() {
    switch entry.kind {
    case .link(let target): found[entry.path] = "→ " + target
    default:
      found[entry.path] =
        (entry.isExecutable ? "*" : "") + String(decoding: try reader.bytes(), as: UTF8.self)
    }
  }
  return found
}
