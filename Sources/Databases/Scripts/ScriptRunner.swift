import Concurrency
import Model

/// Runs the scripts of one database on one session, under shipit's lock.
struct ScriptRunner: Sendable {
  let session: LiveSession
  let files: any MigrationFiles
  let digest: @Sendable (String) -> String
  let clock: any TimeSource

  /// - Returns: what was done, in words.
  /// - Throws: `Failure`, `DatabaseError`, `CancellationError`.
  func run(_ run: ScriptRun, _ call: StepCall) async throws -> [String] {
    let paths = run.scripts.map { ScriptPlan.clean($0.script.path) }
    let texts = try await files.texts(of: paths, commit: run.commit, isDirty: run.isDirty)
    let table = ScriptTable(session: session)
    var done: [String] = []
    for (planned, path) in zip(run.scripts, paths) {
      try Task.checkCancellation()
      guard let text = texts[path], digest(text) == planned.checksum else {
        throw Failure(
          .stale, "\(path) is not what was planned", place: path,
          cause: "it was changed, or the commit is no longer at hand", hint: "plan anew")
      }
      if planned.script.concurrently {
        for index in try ScriptPlan.indexes(SQLScript(text), path) {
          if let words = try await build(index, run, table, call) { done.append(words) }
        }
      } else if try await table.finished()[path] != planned.checksum {
        call.report(.progress(path))
        try await whole(text, path, planned.checksum, run, call)
        done.append(path)
      }
    }
    return done
  }

  /// A script as it is, with its row in the same transaction.
  private func whole(
    _ text: String, _ path: String, _ checksum: String, _ run: ScriptRun, _ call: StepCall
  ) async throws {
    let table = try await OwnTable.quoted(session)
    let create = OwnTable.creation(table)
    let row = """
      INSERT INTO \(table) (id, checksum, kind, started_at, finished_at, release) VALUES (
        \(LedgerTable.literal(path)), \(LedgerTable.literal(checksum)), '\(ScriptTable.kind)', clock_timestamp(),
        clock_timestamp(), '\(call.run.release)')
      ON CONFLICT (id) DO UPDATE SET checksum = excluded.checksum, finished_at = excluded.finished_at,
        release = excluded.release
      """
    let limits = Migrations(
      tool: .sql, lockTimeout: run.lockTimeout, statementTimeout: run.statementTimeout)
    do {
      try await session.stoppable {
        try await FileRun(session, limits).inTransaction(text, before: create, after: row)
      }
    } catch let error as DatabaseError {
      let script = SQLScript(text)
      let index = error.position.flatMap { script.statement(at: $0) } ?? error.statement ?? 0
      let statement = script.statements.indices.contains(index) ? script.statements[index] : nil
      let line = error.position.map { SQLScript.line(of: $0, in: text) } ?? statement?.line ?? 1
      throw Failure(
        .failed, "\(path) failed in \(run.database.key) at line \(line)", place: "\(path):\(line)",
        cause: [error.words, statement?.excerpt].compactMap(\.self).joined(separator: "\n"),
        hint: "nothing of it remains; correct it in a new commit, then deploy that")
    }
  }

  // MARK: Indexes

  /// Builds one without a lock (contract migrations §3.1).
  /// - Returns: what was done; nil: it is there.
  private func build(
    _ index: IndexStatement, _ run: ScriptRun, _ table: ScriptTable, _ call: StepCall
  ) async throws -> String? {
    switch try await table.presence(of: index) {
    case .valid: return nil
    case .other(let definition):
      throw Failure(
        .failed, "the name \(index.name) is another index's", place: run.place, cause: definition,
        hint: "drop that one, or give the new one another name")
    case .building(let pid):
      throw Failure(
        .failed, "somebody builds \(index.name) now, pid \(pid)", place: run.place,
        hint: "wait for its end, then the same command again")
    case .invalid:
      call.report(.progress("\(index.name) was left half-built: dropping it"))
      try await drop(index, run)
      try await create(index, run, call)
      return "\(index.name) repaired"
    case .absent:
      try await create(index, run, call)
      return "\(index.name) built"
    }
  }

  private func create(_ index: IndexStatement, _ run: ScriptRun, _ call: StepCall) async throws {
    call.report(.progress("building \(index.name)"))
    do {
      // It waits for every transaction that is older; a limit would leave an invalid index behind.
      try await alone(index.sql, limit: run.statementTimeout)
    } catch {
      // An invalid unique index refuses rows all the same: nothing is gained by leaving it.
      try? await drop(index, run)
      guard let error = error as? DatabaseError else { throw error }
      throw Failure(
        .failed, "\(index.name) could not be built in \(run.database.key)", place: run.place,
        cause: [error.words, error.hint].compactMap(\.self).joined(separator: "\n"),
        hint: error.state == "23505"
          ? "there are rows that it forbids: find them, mend them, then deploy again"
          : "what was left of it is dropped; deploy again, which goes on from here")
    }
    guard try await ScriptTable(session: session).presence(of: index) == .valid else {
      throw Failure(
        .failed, "\(index.name) was built and is not valid", place: run.place, hint: "deploy again")
    }
  }

  private func drop(_ index: IndexStatement, _ run: ScriptRun) async throws {
    let schema = index.table.count > 1 ? SequentialTool.quoted(index.table[0]) + "." : ""
    try await alone(
      "DROP INDEX CONCURRENTLY IF EXISTS \(schema)\(SequentialTool.quoted(index.name))", limit: .seconds(600))
  }

  private func alone(_ sql: String, limit: Duration) async throws {
    let session = session
    try await session.run(
      "SET lock_timeout = 0; SET statement_timeout = '\(limit.wholeMilliseconds)ms'", limit: .seconds(15))
    do {
      try await session.stoppable { try await session.run(sql, limit: limit + .seconds(15)) }
    } catch {
      try? await session.run("SET lock_timeout = '5s'; SET statement_timeout = '15s'", limit: .seconds(15))
      throw error
    }
    try await session.run("SET lock_timeout = '5s'; SET statement_timeout = '15s'", limit: .seconds(15))
  }
}
