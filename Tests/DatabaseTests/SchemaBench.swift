import Concurrency
import Crypto
import Databases
import Engine
import Foundation
import Model
import Postgres
import TestSupport

/// A database of its own on a real server, with the files of a commit in memory.
struct SchemaBench: Sendable {
  static let directory = "db/migrations"
  static let digest: @Sendable (String) -> String = { SHA256.digest(of: $0).hex }

  let url: String
  let files = Files()
  let target: DatabaseTarget
  let secrets: SecretValues

  init(_ tool: MigrationToolName = .encore, lock: Duration = .seconds(5), statement: Duration = .seconds(30))
    async throws
  {
    url = try await PostgresServer.shared().freshDatabase().url
    target = DatabaseTarget(
      key: "main", url: .secret("MAIN_URL"),
      migrations: Migrations(
        tool: tool, directory: "./" + Self.directory, lockTimeout: lock, statementTimeout: statement))
    secrets = SecretValues(values: ["MAIN_URL": Sensitive(url)])
  }

  /// The commit's files.
  final class Files: MigrationFiles {
    private let texts = Locked<[String: String]>([:])

    subscript(name: String) -> String? {
      get { texts.withLock { $0[name] } }
      set { texts.withLock { $0[name] = newValue } }
    }

    var all: [String] { texts.withLock { $0.keys.sorted() } }

    func set(_ name: String, _ text: String?) { texts.withLock { $0[name] = text } }

    func names(in directory: String, commit: String, isDirty: Bool) async throws(Failure) -> [String]? {
      texts.withLock { $0.keys.sorted() }
    }

    func texts(of paths: [String], commit: String, isDirty: Bool) async throws(Failure) -> [String: String] {
      texts.withLock { texts in
        var found: [String: String] = [:]
        for path in paths { found[path] = texts[String(path.dropFirst(SchemaBench.directory.count + 1))] }
        return found
      }
    }
  }

  func observe() async throws -> ObservedDatabase {
    try await PostgresObserver(secrets: secrets, files: files, digest: Self.digest)
      .observe(target, commit: "c0ffee", isDirty: false)
  }

  /// The step a plan has for it; nil when nothing is pending.
  func step() async throws -> Step? {
    let observed = try await observe()
    let input = PlanInput(
      environment: Environment(name: "prod", app: "shop", databases: [target]), commit: "c0ffee",
      observed: [:], databases: ["main": observed])
    return try DeployPlanner(input).migrationPlan(only: nil).steps.first
  }

  func performer(longTransaction: Duration = .seconds(60)) -> MigrationPerformer {
    MigrationPerformer(
      secrets: secrets, files: files, clock: SystemClock(), digest: Self.digest,
      longTransaction: longTransaction, random: { 0 })
  }

  /// What a step reports and makes durable.
  final class Witness: Sendable {
    let identified = Locked<[String]>([])
    let progress = Locked<[String]>([])

    func call(limit: Duration = .seconds(60)) -> StepCall {
      StepCall(
        run: RunFacts(
          id: RunID(1), release: 3, app: "shop", environment: "prod", commit: "c0ffee",
          startedAt: SystemClock().now), attempt: 1, beganAt: SystemClock().now,
        deadline: SystemClock().now + limit,
        identify: { [identified] name in identified.withLock { $0.append(name) } },
        report: { [progress] report in
          if case .progress(let text) = report { progress.withLock { $0.append(text) } }
        })
    }

    /// Returns when something was reported that holds the words.
    func reported(_ words: String) async throws {
      while !progress.withLock({ $0.contains { $0.contains(words) } }) {
        try await Task.sleep(for: .milliseconds(5))
      }
    }
  }

  /// Another session on the database.
  func session() async throws -> PostgresSession {
    let session = PostgresSession(try PostgresAddress(url))
    try await session.open()
    return session
  }

  /// One column of a query, over a session of its own.
  func values(_ sql: String) async throws -> [String] {
    let session = try await session()
    defer { Task { await session.close() } }
    return try await session.query(sql).map { $0.texts.values.sorted().joined(separator: ",") }
  }

  func run(_ sql: String) async throws {
    let session = try await session()
    try await session.run(sql, limit: .seconds(20))
    await session.close()
  }
}

extension Outcome {
  var failure: Failure? { if case .failed(let failure, _) = self { failure } else { nil } }
  var result: StepResult? { if case .done(let result) = self { result } else { nil } }
  var moved: Bool { if case .failed(_, true) = self { true } else { self == .cancelled(moved: true) } }
}
