import Concurrency
import Model

/// Reads scripts and says which have to be run.
struct ScriptPlan: Sendable {
  let files: any MigrationFiles
  let digest: @Sendable (String) -> String

  /// - Throws: `configuration` for a file that is not there, or that cannot be run as it says.
  func pending(
    _ database: DatabaseTarget, _ session: any DatabaseSession, commit: String, isDirty: Bool
  ) async throws -> [PlannedScript] {
    guard !database.scripts.isEmpty else { return [] }
    let paths = database.scripts.map(\.path).map(Self.clean)
    let texts = try await files.texts(of: paths, commit: commit, isDirty: isDirty)
    let table = ScriptTable(session: session)
    let finished = try await table.finished()
    var pending: [PlannedScript] = []
    for (script, path) in zip(database.scripts, paths) {
      guard let text = texts[path] else {
        throw Failure(
          .configuration, "commit \(commit.prefix(7)) has no file \(path)",
          place: "databases.\(database.key).scripts",
          hint: "commit it, or correct the path, which counts from the project's root")
      }
      let sum = digest(text)
      guard script.concurrently else {
        if let problem = Self.objection(SQLScript(text), path) { throw problem }
        if finished[path] != sum { pending.append(PlannedScript(script: script, checksum: sum)) }
        continue
      }
      var missing: [String] = []
      for index in try Self.indexes(SQLScript(text), path) {
        if try await table.presence(of: index) != .valid { missing.append(index.name) }
      }
      if !missing.isEmpty { pending.append(PlannedScript(script: script, checksum: sum, indexes: missing)) }
    }
    return pending
  }

  static func clean(_ path: String) -> String {
    path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
  }

  private static func objection(_ script: SQLScript, _ path: String) -> Failure? {
    guard case .needsNone(let what) = TransactionUse(script) else { return nil }
    return Failure(
      .configuration, "\(path) cannot be run: \(what) cannot run inside a transaction", place: path,
      hint: "write `indexes: concurrently` beside it in the environment file")
  }

  /// The indexes of a script that holds nothing else.
  static func indexes(_ script: SQLScript, _ path: String) throws(Failure) -> [IndexStatement] {
    var indexes: [IndexStatement] = []
    for statement in script.statements {
      guard let index = IndexStatement(statement) else {
        throw Failure(
          .configuration, "with `indexes: concurrently` a script holds CREATE INDEX with names alone",
          place: "\(path):\(statement.line)", cause: statement.excerpt,
          hint: "put the rest into a migration, or into a script of its own")
      }
      indexes.append(index)
    }
    return indexes
  }
}
