import Concurrency
import Model

/// Plain files with shipit's own ledger table, one row per file (contract migrations §3).
struct PlainTool: MigrationTool {
  /// Every `.sql` file, those with leading numbers by them, the others by name; `.down.sql` is never run.
  func migrations(among names: [String]) throws(Failure) -> [MigrationFile] {
    names.filter { !$0.contains("/") && $0.hasSuffix(".sql") && !$0.hasSuffix(".down.sql") }
      .sorted(by: Self.precedes).map { MigrationFile(id: $0, name: $0) }
  }

  private static func precedes(_ left: String, _ right: String) -> Bool {
    let numbers = [left, right].map { Int64($0.prefix { $0.isASCII && $0.isNumber }) ?? .max }
    return numbers[0] == numbers[1] ? left < right : numbers[0] < numbers[1]
  }

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    guard let table = try await LedgerTable.find(OwnTable.name, session) else { return MigrationState() }
    let rows = try await session.rows(
      "SELECT id, checksum, finished_at FROM \(table.quoted) "
        + "WHERE kind = 'migration' ORDER BY started_at, id",
      [])
    var state = MigrationState()
    for row in rows {
      guard let id = row["id"] else { continue }
      state.checksums[id] = row["checksum"]
      if row["finished_at"] == nil { state.dirty = id } else { state.applied.append(id) }
    }
    return state
  }

  func pending(_ files: [MigrationFile], _ state: MigrationState) throws(Failure) -> PendingFiles {
    let applied = Set(state.applied)
    let rest = files.filter { !applied.contains($0.id) }
    let known = Set(files.map(\.id))
    let gone = state.applied.filter { !known.contains($0) }
    var notes: [String] = []
    if !gone.isEmpty {
      notes.append("applied, and no file of it is here: \(gone.joined(separator: ", "))")
    }
    return PendingFiles(files: rest, applied: files.count - rest.count, notes: notes)
  }

  func objection(to script: SQLScript) -> String? {
    if case .needsNone(let what) = TransactionUse(script), script.statements.count > 1 {
      return "\(what) cannot run inside a transaction: put it into a file of its own"
    }
    return nil
  }

  func apply(_ migration: MigrationText, limits: Migrations, _ session: any DatabaseSession) async throws {
    let table = try await OwnTable.quoted(session)
    let id = LedgerTable.literal(migration.file.id)
    let create = OwnTable.creation(table)
    let begun = """
      INSERT INTO \(table) (id, checksum, kind, started_at, release) VALUES (
        \(id), \(LedgerTable.literal(migration.checksum)), 'migration', clock_timestamp(), '\(migration.release)')
      """
    let ended = "UPDATE \(table) SET finished_at = clock_timestamp() WHERE id = \(id)"
    let run = FileRun(session, limits)
    switch TransactionUse(migration.script) {
    case .none: try await run.inTransaction(migration.text, before: "\(create); \(begun)", after: ended)
    case .needsNone, .own: try await run.alone(migration.text, before: "\(create); \(begun)", after: ended)
    }
  }

  func lock(_ session: any DatabaseSession) async throws -> Int64? { nil }
}

/// Every tool: to add one is a line here.
extension MigrationToolName {
  var tool: any MigrationTool {
    switch self {
    case .encore, .golangMigrate: SequentialTool(name: self)
    case .sql: PlainTool()
    case .dbmate: DbmateTool()
    case .prisma: PrismaTool()
    case .supabase: SupabaseTool()
    case .alembic: AlembicTool()
    case .django: DjangoTool()
    case .sqitch: SqitchTool()
    case .command: CommandTool()
    }
  }

  /// Nil: shipit runs its files itself.
  var programTool: (any ProgramTool)? { tool as? any ProgramTool }

  /// It is a program of the project's that runs its own scripts.
  var isExternal: Bool { programTool != nil }
}
