import Concurrency
import Model

/// Prisma Migrate's folders and table, run by shipit: `NAME/migration.sql`, one row a folder in `_prisma_migrations`
/// (contract migrations §2.2). What Prisma calls failed blocks here too.
struct PrismaTool: MigrationTool {
  func migrations(among names: [String]) throws(Failure) -> [MigrationFile] {
    names.filter { $0.wholeMatch(of: #/[^/]+/migration\.sql/#) != nil }.sorted()
      .map { MigrationFile(id: String($0.dropLast("/migration.sql".count)), name: $0) }
  }

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    guard let table = try await LedgerTable.find("_prisma_migrations", session) else {
      return MigrationState()
    }
    guard table.columns["migration_name"] != nil, table.columns["finished_at"] != nil else {
      throw table.stranger("Prisma")
    }
    let rows = try await session.rows(
      """
      SELECT migration_name, checksum, finished_at FROM \(table.quoted)
      WHERE rolled_back_at IS NULL ORDER BY migration_name, started_at
      """, [])
    var state = MigrationState()
    for row in rows {
      guard let name = row["migration_name"] else { continue }
      // A second attempt has a row of its own.
      if row["finished_at"] == nil {
        state.dirty = name
      } else {
        state.applied.append(name)
        state.checksums[name] = row["checksum"]
      }
    }
    return state
  }

  func pending(_ files: [MigrationFile], _ state: MigrationState) throws(Failure) -> PendingFiles {
    PendingFiles(byRow: files, state)
  }

  func objection(to script: SQLScript) -> String? {
    if case .needsNone(let what) = TransactionUse(script), script.statements.count > 1 {
      return "\(what) cannot run inside a transaction: put it into a migration of its own"
    }
    return nil
  }

  func apply(_ migration: MigrationText, limits: Migrations, _ session: any DatabaseSession) async throws {
    let table = "\(SequentialTool.quoted(try await LedgerTable.schema(session)))._prisma_migrations"
    let name = LedgerTable.literal(migration.file.id)
    // As Prisma makes it.
    let create = """
      CREATE TABLE IF NOT EXISTS \(table) (
        id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
        migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
        started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)
      """
    let begun = """
      INSERT INTO \(table) (id, checksum, migration_name, started_at)
      VALUES (gen_random_uuid()::text, \(LedgerTable.literal(migration.checksum)), \(name), clock_timestamp())
      """
    let ended = """
      UPDATE \(table) SET finished_at = clock_timestamp(), applied_steps_count = 1
      WHERE migration_name = \(name) AND finished_at IS NULL AND rolled_back_at IS NULL
      """
    let run = FileRun(session, limits)
    if TransactionUse(migration.script) == .none {
      try await run.inTransaction(migration.text, before: "\(create); \(begun)", after: ended)
    } else {
      try await run.alone(migration.text, before: "\(create); \(begun)", after: ended)
    }
  }

  /// The lock that Prisma takes itself.
  func lock(_ session: any DatabaseSession) async throws -> Int64? { 72_707_369 }
}
