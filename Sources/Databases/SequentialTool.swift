import Concurrency
import Model

/// Files and table of golang-migrate, which Encore embeds: `N_name.up.sql`, applied in the order of their
/// numbers, and one row in `schema_migrations(version, dirty)` (contracts encore §7, migrations §2.2).
struct SequentialTool: MigrationTool {
  let name: MigrationToolName
  let keepsOneRow = true

  /// - Throws: `Failure` of kind configuration for two files of one number, and for files of other tools.
  func migrations(among names: [String]) throws(Failure) -> [MigrationFile] {
    var files: [Int64: String] = [:]
    for name in names where !name.contains("/") && name.hasSuffix(".sql") {
      guard let version = Self.version(of: name) else {
        if name.hasSuffix(".down.sql") { continue }
        throw Failure(
          .configuration, "\(name) is no migration of \(self.name.rawValue)",
          hint: "call it like 12_add_orders.up.sql, the number above those before it")
      }
      guard name.hasSuffix(".up.sql") else { continue }
      if let other = files[version] {
        throw Failure(
          .configuration, "\(other) and \(name) have the same number",
          hint: "give the newer one the next number")
      }
      files[version] = name
    }
    if files.isEmpty, names.contains(where: { $0.hasSuffix("/migration.sql") }) {
      throw Failure(
        .configuration, "the migrations are those of Prisma or Drizzle, which are not supported yet",
        hint: "apply them by their own tool, in a `run:` step that the service needs")
    }
    return files.sorted { $0.key < $1.key }.map { MigrationFile(id: String($0.key), name: $0.value) }
  }

  /// `^(\d+)(_[^.]+)?\.(up|down).sql$`, above 0.
  static func version(of name: String) -> Int64? {
    let digits = name.prefix { $0.isASCII && $0.isNumber }
    guard let version = Int64(digits), version > 0 else { return nil }
    let rest = name.dropFirst(digits.count)
    guard let dot = rest.firstIndex(of: "."), [".up.sql", ".down.sql"].contains(rest[dot...]) else {
      return nil
    }
    let title = rest[..<dot]
    return title.isEmpty || (title.hasPrefix("_") && title.count > 1) ? version : nil
  }

  // MARK: The table

  /// The schema of the table: Encore's is always `public`, golang-migrate takes the session's.
  private func schema(_ session: any DatabaseSession) async throws -> String {
    if name == .encore { return "public" }
    return try await session.rows("SELECT current_schema() AS schema", []).first?["schema"] ?? "public"
  }

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    let schema = try await schema(session)
    let columns = try await session.rows(
      """
      SELECT column_name, data_type FROM information_schema.columns
        WHERE table_schema = $1 AND table_name = 'schema_migrations'
      """, [schema])
    guard !columns.isEmpty else { return MigrationState() }
    let types = Dictionary(
      columns.compactMap { row in row["column_name"].map { ($0, row["data_type"] ?? "") } },
      uniquingKeysWith: { first, _ in first })
    guard types == ["version": "bigint", "dirty": "boolean"] else {
      // The same name, other columns: whose it is is told by them (contract migrations §2.2).
      throw Failure(
        .configuration, "\(schema).schema_migrations belongs to another tool",
        cause: "its columns are \(types.keys.sorted().joined(separator: ", ")): "
          + (types["version"] == "character varying" ? "those of Rails or dbmate" : "not version and dirty"),
        hint: "name the tool that wrote it under `migrations.tool`; nothing was changed")
    }
    let rows = try await session.rows(
      "SELECT version, dirty FROM \(Self.quoted(schema)).schema_migrations ORDER BY version", [])
    guard rows.count <= 1 else {
      throw Failure(
        .configuration, "\(schema).schema_migrations has \(rows.count) rows, one per file",
        cause: "so keep Encore's migrators of Prisma and Drizzle, which are not supported yet",
        hint: "apply them by their own tool, in a `run:` step that the service needs")
    }
    guard let row = rows.first, let version = row["version"] else { return MigrationState() }
    return MigrationState(applied: [version], dirty: row["dirty"] == "t" ? version : nil)
  }

  func pending(_ files: [MigrationFile], _ state: MigrationState) throws(Failure) -> PendingFiles {
    guard let current = state.applied.last.flatMap({ Int64($0) }) else {
      return PendingFiles(files: files, applied: 0)
    }
    let rest = files.filter { Int64($0.id) ?? 0 > current }
    let applied = files.count - rest.count
    if !files.contains(where: { Int64($0.id) == current }) {
      guard rest.isEmpty else {
        throw Failure(
          .configuration, "the schema is at \(current), and there is no file of that number",
          cause: "the tool would stop: `no migration found for version \(current): file does not exist`",
          hint: "bring the file back (git log --diff-filter=D -- '*\(current)_*.up.sql')")
      }
      return PendingFiles(
        files: [], applied: applied,
        notes: [
          "the schema is ahead: \(current) is applied, and the newest file here is "
            + "\(files.last?.name ?? "none"); this code has to get along with it"
        ])
    }
    return PendingFiles(files: rest, applied: applied)
  }

  func count(of pending: [MigrationFile], in state: MigrationState) -> Int {
    let current = state.applied.last.flatMap { Int64($0) } ?? 0
    return pending.prefix { (Int64($0.id) ?? .max) <= current }.count
  }

  func objection(to script: SQLScript) -> String? {
    switch TransactionUse(script) {
    case .none: nil
    case .needsNone(let what) where name == .encore:
      "\(what) cannot run inside a transaction, and Encore's migrations always do"
    case .needsNone(let what) where script.statements.count > 1:
      "\(what) cannot run inside a transaction: put it into a file of its own"
    case .needsNone, .own: nil
    }
  }

  // MARK: Applying

  func apply(_ migration: MigrationText, limits: Migrations, _ session: any DatabaseSession) async throws {
    let schema = Self.quoted(try await schema(session))
    let table = "\(schema).schema_migrations"
    let version = migration.file.id
    func row(dirty: Bool) -> String {
      "DELETE FROM \(table); INSERT INTO \(table) (version, dirty) VALUES (\(version), \(dirty))"
    }
    let create =
      "CREATE TABLE IF NOT EXISTS \(table) (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)"
    let run = FileRun(session, limits)
    switch TransactionUse(migration.script) {
    case .none: try await run.inTransaction(migration.text, before: create, after: row(dirty: false))
    case .needsNone, .own:
      // As golang-migrate does it: the mark stays when nobody is there to take it away.
      try await run.alone(
        migration.text, before: "\(create); \(row(dirty: true))", after: row(dirty: false))
    }
  }

  /// golang-migrate's session lock: CRC-32 of schema, table and database joined by NUL, times a number,
  /// modulo 2^32 (contract encore §7).
  func lock(_ session: any DatabaseSession) async throws -> Int64? {
    let schema = try await schema(session)
    let database = try await session.rows("SELECT current_database() AS name", []).first?["name"] ?? ""
    return Self.lockKey(schema: schema, database: database)
  }

  static func lockKey(schema: String, database: String) -> Int64 {
    Int64(crc32(Array("\(schema)\0schema_migrations\0\(database)".utf8)) &* 1_486_364_155)
  }

  static func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}

/// The checksum of IEEE 802.3, for it is what golang-migrate's lock is made from.
func crc32(_ bytes: [UInt8]) -> UInt32 {
  var crc: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
  }
  return ~crc
}
