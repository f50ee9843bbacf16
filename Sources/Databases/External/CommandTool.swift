import Concurrency
import Model

/// A program that shipit knows nothing of: `program` is the whole command, run once for each content of `directory`, and
/// recorded in shipit's own table when it has ended well. Killed half-way it is run again.
struct CommandTool: ProgramTool {
  static let kind = "command"
  let program: [String] = []
  let upgrade: [String] = []

  func furtherPaths(
    _ migrations: Migrations, _ files: any MigrationFiles, commit: String
  ) async throws(Failure) -> [String] {
    (try await files.names(in: migrations.directory, commit: commit, isDirty: false) ?? [])
      .map { PostgresObserver.path($0, in: migrations.directory) }
  }

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    guard let table = try await LedgerTable.find(OwnTable.name, session) else {
      return MigrationState()
    }
    let rows = try await session.rows(
      "SELECT id FROM \(table.quoted) WHERE kind = $1 AND finished_at IS NOT NULL ORDER BY started_at",
      [Self.kind])
    return MigrationState(applied: rows.compactMap { $0["id"] })
  }

  func count(of pending: [MigrationFile], in state: MigrationState) -> Int {
    pending.prefix { state.applied.contains($0.id) }.count
  }

  func look(_ survey: ProgramSurvey) async throws -> ProgramSurvey.Result {
    guard let command = survey.migrations.program, !command.isEmpty else {
      throw Failure(
        .configuration, "tool: command needs `program`, the command that migrates",
        place: "databases.\(survey.database.key).migrations",
        hint: "migrations: {tool: command, program: [./bin/migrate, up], directory: ./db}")
    }
    let paths = try await survey.names().sorted().map(survey.path)
    let texts = try await survey.texts(paths)
    // One value for all of them, whatever they hold.
    let content = paths.map { "\($0)\0\(texts[$0] ?? "")\0" }.joined()
    let id = "command-" + survey.program.digest(content).prefix(16)
    var result = ProgramSurvey.Result(applied: survey.state.applied.count)
    guard !survey.state.applied.contains(id) else { return result }
    let tag = paths.compactMap { texts[$0]?.migrationTag }.first { !$0.isEmpty }
    result.pending = [
      ProgramSurvey.Pending(
        file: MigrationFile(id: id, name: command.joined(separator: " ")),
        path: survey.migrations.directory, script: content, sql: tag ?? ProgramSurvey.unknown)
    ]
    if !(try await survey.isHere(paths)) {
      result.notes.append(survey.elsewhere + ": it will be refused there")
    }
    return result
  }

  func finish(_ change: SchemaChange, release: Int, _ session: any DatabaseSession) async throws {
    let table = try await OwnTable.quoted(session)
    _ = try await session.rows(OwnTable.creation(table), [])
    for planned in change.pending {
      _ = try await session.rows(
        """
        INSERT INTO \(table) (id, checksum, kind, started_at, finished_at, release)
        VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp(), $4) ON CONFLICT (id) DO NOTHING
        """, [planned.id, planned.checksum, Self.kind, String(release)])
    }
  }
}
