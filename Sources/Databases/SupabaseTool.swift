import Concurrency
import Model

/// Supabase's files and table, run by shipit: `TIMESTAMP_name.sql`, one row a file in
/// `supabase_migrations.schema_migrations(version, statements, name)`, as `supabase db push` writes it.
struct SupabaseTool: MigrationTool {
  private static let table = "supabase_migrations.schema_migrations"

  func migrations(among names: [String]) throws(Failure) -> [MigrationFile] {
    names.sorted().compactMap { name in
      guard let match = name.wholeMatch(of: #/([0-9]+)_(.*)\.sql/#), !name.contains("/") else { return nil }
      return MigrationFile(id: String(match.1), name: name)
    }
  }

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    let there = try await session.rows(
      "SELECT 1 AS one FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = $2",
      ["supabase_migrations", "schema_migrations"])
    guard !there.isEmpty else { return MigrationState() }
    let rows = try await session.rows("SELECT version FROM \(Self.table) ORDER BY version", [])
    return MigrationState(applied: rows.compactMap { $0["version"] })
  }

  func pending(_ files: [MigrationFile], _ state: MigrationState) throws(Failure) -> PendingFiles {
    PendingFiles(byRow: files, state)
  }

  func objection(to script: SQLScript) -> String? {
    if case .needsNone(let what) = TransactionUse(script), script.statements.count > 1 {
      return "\(what) cannot run inside a transaction: put it into a file of its own"
    }
    return nil
  }

  func apply(_ migration: MigrationText, limits: Migrations, _ session: any DatabaseSession) async throws {
    let create = """
      CREATE SCHEMA IF NOT EXISTS supabase_migrations;
      CREATE TABLE IF NOT EXISTS \(Self.table) (version text NOT NULL PRIMARY KEY);
      ALTER TABLE \(Self.table) ADD COLUMN IF NOT EXISTS statements text[];
      ALTER TABLE \(Self.table) ADD COLUMN IF NOT EXISTS name text
      """
    let name = migration.file.name.dropFirst(migration.file.id.count + 1).dropLast(4)
    let statements = migration.script.statements.map { LedgerTable.literal($0.text) }.joined(separator: ", ")
    let row = """
      INSERT INTO \(Self.table) (version, name, statements) VALUES (
        \(LedgerTable.literal(migration.file.id)), \(LedgerTable.literal(String(name))), ARRAY[\(statements)]::text[])
      """
    let run = FileRun(session, limits)
    if TransactionUse(migration.script) == .none {
      try await run.inTransaction(migration.text, before: create, after: row)
    } else {
      try await run.alone(migration.text, before: create, after: row)
    }
  }

  func lock(_ session: any DatabaseSession) async throws -> Int64? { nil }
}
