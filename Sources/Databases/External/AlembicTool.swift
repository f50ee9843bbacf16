import Concurrency
import Model

/// Alembic's table, one row a head. Its scripts are Python: Alembic itself runs them (contract migrations §2.3).
struct AlembicTool: MigrationTool {
  let keepsOneRow = true

  /// Its scripts are not told by their names: see `AlembicSurvey`.
  func migrations(among names: [String]) throws(Failure) -> [MigrationFile] { [] }

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    guard let table = try await LedgerTable.find("alembic_version", session) else { return MigrationState() }
    guard table.columns["version_num"] != nil else { throw table.stranger("Alembic") }
    let rows = try await session.rows("SELECT version_num FROM \(table.quoted) ORDER BY 1", [])
    return MigrationState(applied: rows.compactMap { $0["version_num"] })
  }

  func pending(_ files: [MigrationFile], _ state: MigrationState) throws(Failure) -> PendingFiles {
    PendingFiles(files: files, applied: 0)
  }

  func count(of pending: [MigrationFile], in state: MigrationState) -> Int {
    // The table tells heads alone: what stands before one in the plan's order is applied with it.
    (pending.lastIndex { state.applied.contains($0.id) } ?? -1) + 1
  }

  func objection(to script: SQLScript) -> String? { nil }

  func apply(_ migration: MigrationText, limits: Migrations, _ session: any DatabaseSession) async throws {
    throw Failure(.internalError, "Alembic's scripts are run by Alembic")
  }

  func lock(_ session: any DatabaseSession) async throws -> Int64? { nil }
}

/// Looks at the scripts of a commit and at what is applied. Changes nothing.
struct AlembicSurvey: Sendable {
  let files: any MigrationFiles
  let program: ExternalProgram

  struct Result: Sendable {
    var pending: [(revision: AlembicRevision, sql: String)] = []
    var applied = 0
    var notes: [String] = []
  }

  func look(
    _ database: DatabaseTarget, _ migrations: Migrations, _ state: MigrationState, commit: String,
    isDirty: Bool
  ) async throws -> Result {
    let graph = try await graph(database, migrations, commit: commit, isDirty: isDirty)
    var result = Result()
    let strangers = state.applied.filter { !graph.contains($0) }
    guard strangers.isEmpty else {
      // What Alembic itself would stop at. Nothing has to be done: this code has to get along with it.
      result.notes.append(
        "the schema is ahead: \(strangers.joined(separator: ", ")) is applied, and no script here has that id; "
          + "this code has to get along with it")
      return result
    }
    guard graph.heads.count < 2 else {
      throw Failure(
        .configuration, "Alembic has several heads: \(graph.heads.joined(separator: ", "))",
        place: "databases.\(database.key).migrations", cause: "`alembic upgrade head` would stop",
        hint: "join them: alembic merge heads -m 'join'")
    }
    result.applied = graph.ancestors(of: state.applied).count
    let pending = graph.pending(after: state.applied)
    guard !pending.isEmpty else { return result }
    let isHere = try await program.hasTree(pending.map(\.path), commit: commit, isDirty: isDirty)
    let texts = isHere ? await program.sql(from: state.applied, database, migrations) : nil
    result.pending = pending.map { ($0, $0.tag + (texts?[$0.id] ?? "-- shipit: unknown\n")) }
    if texts == nil {
      result.notes.append(
        isHere
          ? "Alembic could not print its SQL (offline mode of env.py): what it does is not reviewed"
          : "the working tree, where Alembic runs, is not commit \(commit.prefix(7)): what it does is not reviewed"
      )
    }
    return result
  }

  private func graph(
    _ database: DatabaseTarget, _ migrations: Migrations, commit: String, isDirty: Bool
  ) async throws(Failure) -> AlembicGraph {
    let ini = PostgresObserver.path("alembic.ini", in: migrations.directory)
    let texts = try await files.texts(of: [ini], commit: commit, isDirty: isDirty)
    guard let text = texts[ini] else {
      throw Failure(
        .configuration, "commit \(commit.prefix(7)) has no \(ini)",
        place: "databases.\(database.key).migrations.directory",
        hint: "directory is where alembic.ini is, from the project's root")
    }
    let location =
      text.firstMatch(of: #/(?m)^\s*script_location\s*=\s*(\S+)/#).map { String($0.1) } ?? "alembic"
    let clean = location.split(separator: "/").filter { $0 != "." && $0 != "%(here)s" }.joined(separator: "/")
    let folder = PostgresObserver.path("\(clean)/versions", in: migrations.directory)
    guard let names = try await files.names(in: folder, commit: commit, isDirty: isDirty) else {
      throw Failure(
        .configuration, "commit \(commit.prefix(7)) has no directory \(folder)", place: ini,
        cause: "script_location is \(location)", hint: "commit it, or correct script_location")
    }
    let paths = names.filter { $0.hasSuffix(".py") }.map { "\(folder)/\($0)" }
    let scripts = try await files.texts(of: paths, commit: commit, isDirty: isDirty)
    return try AlembicGraph(
      paths.compactMap { path in scripts[path].flatMap { AlembicRevision(path: path, text: $0) } })
  }
}
