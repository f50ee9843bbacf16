import Concurrency
import Model

/// dbmate's files and table, run by shipit: `NUMBER_name.sql` with `-- migrate:up` and `-- migrate:down`, one row a file
/// in `schema_migrations(version)` (contract migrations §2). dbmate itself has no lock.
struct DbmateTool: MigrationTool {
  func migrations(among names: [String]) throws(Failure) -> [MigrationFile] {
    var files: [String: String] = [:]
    for name in names.sorted() where !name.contains("/") && name.hasSuffix(".sql") {
      let version = String(name.prefix { $0.isASCII && $0.isNumber })
      guard !version.isEmpty else { continue }
      if let other = files[version] {
        throw Failure(
          .configuration, "\(other) and \(name) have the same version",
          hint: "dbmate new makes one that is new")
      }
      files[version] = name
    }
    return files.sorted { $0.value < $1.value }.map { MigrationFile(id: $0.key, name: $0.value) }
  }

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    guard let table = try await LedgerTable.find("schema_migrations", session) else {
      return MigrationState()
    }
    guard table.columns["version"] == "character varying", table.columns["dirty"] == nil else {
      throw table.stranger("dbmate")
    }
    let rows = try await session.rows("SELECT version FROM \(table.quoted) ORDER BY version", [])
    return MigrationState(applied: rows.compactMap { $0["version"] })
  }

  func pending(_ files: [MigrationFile], _ state: MigrationState) throws(Failure) -> PendingFiles {
    PendingFiles(byRow: files, state)
  }

  /// Up to `-- migrate:down`: the lines stay where they are.
  func upText(_ text: String) -> String {
    var up = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if DbmateTool.marker(line) == "down" { break }
      up += line + "\n"
    }
    return up
  }

  private static func marker(_ line: Substring) -> Substring? {
    guard let match = line.prefixMatch(of: #/\s*--\s*migrate:(up|down)\b/#) else { return nil }
    return match.1
  }

  private func isAlone(_ text: String) -> Bool {
    text.split(separator: "\n").contains { line in
      DbmateTool.marker(line) == "up" && line.contains("transaction:false")
    }
  }

  func objection(to script: SQLScript) -> String? { nil }

  func objection(toText text: String) -> String? {
    guard text.split(separator: "\n").contains(where: { DbmateTool.marker($0) == "up" }) else {
      return "it has no line `-- migrate:up`"
    }
    if case .needsNone(let what) = TransactionUse(SQLScript(text)), !isAlone(text) {
      return "\(what) cannot run inside a transaction: write `-- migrate:up transaction:false`"
    }
    return nil
  }

  func apply(_ migration: MigrationText, limits: Migrations, _ session: any DatabaseSession) async throws {
    let table = "\(SequentialTool.quoted(try await LedgerTable.schema(session))).schema_migrations"
    let create = "CREATE TABLE IF NOT EXISTS \(table) (version varchar(128) PRIMARY KEY)"
    let row = "INSERT INTO \(table) (version) VALUES (\(LedgerTable.literal(migration.file.id)))"
    let run = FileRun(session, limits)
    if isAlone(migration.text) || TransactionUse(migration.script) == .own {
      // As dbmate does it: the row comes when the file has ended.
      try await run.alone(migration.text, before: create, after: row)
    } else {
      try await run.inTransaction(migration.text, before: create, after: row)
    }
  }

  func lock(_ session: any DatabaseSession) async throws -> Int64? { nil }
}
