import Foundation
import JSON
import Model
import TestSupport
import Testing

/// One environment, a ledger that is shared, and two machines with a clone and a home each.
struct SharedStage {
  enum Place: String, CaseIterable, Sendable {
    case git, postgres

    /// Why there is none here; nil when there is.
    var missing: String? { self == .postgres ? PostgresServer.missing : nil }
  }

  let place: Place
  /// Where commands are killed.
  let ann: GitProject
  /// Where they are continued: another directory, another home, the same remote ledger.
  let bo: GitProject
  let twin: TwinProcess
  /// Of every command, on both machines.
  let variables: [String: String]

  /// How long a lease lasts in these tests: short, and long enough for a busy machine.
  static let lease = "6s"

  /// - Parameters:
  ///   - project: Ann's; nil: one program as two services on Railway.
  ///   - change: before anything is committed.
  static func with(
    _ place: Place, _ project: GitProject? = nil, change: (GitProject) throws -> Void = { _ in },
    _ play: (SharedStage) async throws -> Void
  ) async throws {
    if let reason = place.missing {
      print("SKIPPED on a ledger in PostgreSQL: \(reason)")
      return
    }
    var ann = if let project { project } else { try await GitProject() }
    var secrets = ["SHIPIT_LEASE": lease]
    if place == .postgres {
      secrets["LEDGER_URL"] = try await PostgresServer.shared().url
      // One server serves all tests: the application's name tells their ledgers apart.
      try ann.change(
        "environments/demo.yaml", "\napp: demo\n", "\napp: demo-\(UUID().uuidString.prefix(8))\n")
    }
    let state = place == .git ? "git" : "{postgres: {url: {secret: LEDGER_URL}}}"
    try ann.change("environments/demo.yaml", "state: local", "state: \(state)")
    try change(ann)
    // What is not about a gate that gives up must not fail because the machine is busy.
    if try ann.scratch.read("project/environments/demo.yaml").contains("within: 4s") {
      try ann.change("environments/demo.yaml", "within: 4s", "within: 30s")
    }
    if ann.origin == nil { try await ann.publish() }
    try await ann.commit("a shared ledger")
    var bo = try await GitProject()
    bo.variables["USER"] = "bo"
    try await bo.git("remote", "add", "origin", "file://" + (ann.origin ?? ""))
    let twin = try await TwinProcess.start(
      for: ann, seed: project == nil ? nil : ann.seed)
    let stage = SharedStage(
      place: place, ann: ann, bo: bo, twin: twin, variables: twin.variables.merging(secrets) { $1 })
    do {
      try await stage.update()
      try await play(stage)
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  /// Bo's clone is brought to where Ann's is.
  func update() async throws {
    try await bo.git("fetch", "-q", "origin")
    try await bo.git("reset", "-q", "--hard", "origin/main")
  }

  func shipit(
    _ project: GitProject, _ arguments: String..., extra: [String: String] = [:]
  ) async throws -> ShipitResult {
    try await project.shipit(
      arguments, variables: variables.merging(extra) { $1 }, timeout: .seconds(240))
  }

  /// A deploy of whoever comes after a killed holder: until its lease has run out, it is told that it is held.
  func deployAfterKill(_ project: GitProject) async throws -> ShipitResult {
    let limit = ContinuousClock.now + .seconds(60)
    while true {
      let result = try await shipit(project, "deploy", "demo", "--yes")
      guard result.code == 5, ContinuousClock.now < limit else { return result }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  func status(_ project: GitProject) async throws -> JSON {
    let result = try await shipit(project, "status", "demo", "--json", "--offline")
    try #require(result.code == 0, "\(result.text)")
    return try JSON(parsing: Array(result.output.utf8))
  }

  /// Railway's deployments of a commit, by service and trigger.
  func made(of commit: String) async throws -> [String: Int] {
    let all = try await twin.control("GET", "state")["deployments"]?.array ?? []
    let ours = all.filter { $0["message"]?.string?.contains(commit) ?? false }
    return Dictionary(grouping: ours) { "\($0["service"]?.string ?? "") \($0["trigger"]?.string ?? "")" }
      .mapValues(\.count)
  }
}
