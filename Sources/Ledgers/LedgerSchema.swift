import Crypto
import Model
import SQLite

/// The tables of a local ledger. A change of them is a further migration.
enum LedgerSchema {
  /// `PRAGMA application_id`: the letters `ship`.
  static let applicationID: Int64 = 0x7368_6970
  static let version = Int64(migrations.count + 1)

  static let tables = """
    CREATE TABLE meta (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      environment TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      fingerprint_key BLOB NOT NULL CHECK (length(fingerprint_key) = 32)
    ) STRICT;
    CREATE TABLE lease (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      fence INTEGER NOT NULL,
      holder TEXT,
      machine TEXT,
      locked INTEGER NOT NULL DEFAULT 0,
      since INTEGER,
      expires INTEGER,
      duration INTEGER,
      heartbeat INTEGER
    ) STRICT;
    CREATE TABLE runs (
      id INTEGER PRIMARY KEY,
      release INTEGER NOT NULL UNIQUE,
      by TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      plan TEXT NOT NULL,
      result TEXT,
      ended_at INTEGER,
      CHECK ((result IS NULL) = (ended_at IS NULL))
    ) STRICT;
    CREATE UNIQUE INDEX one_open_run ON runs (result IS NULL) WHERE result IS NULL;
    CREATE TABLE journal (
      run INTEGER NOT NULL REFERENCES runs (id),
      sequence INTEGER NOT NULL CHECK (sequence > 0),
      entry TEXT NOT NULL,
      PRIMARY KEY (run, sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE releases (
      number INTEGER PRIMARY KEY,
      run INTEGER NOT NULL UNIQUE REFERENCES runs (id),
      release TEXT NOT NULL
    ) STRICT;
    CREATE TABLE holds (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      reason TEXT NOT NULL,
      by TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE bad_commits (
      commit_id TEXT PRIMARY KEY,
      release INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

  /// What brings the tables from version N + 1 to N + 2. Only ever appended to.
  static let migrations = [
    """
    ALTER TABLE lease ADD COLUMN cancel TEXT;
    CREATE TABLE moved (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      move TEXT NOT NULL
    ) STRICT;
    """
  ]

  /// Tables that came later and that an earlier shipit does well without: made whenever they are missing.
  static let additions = """
    CREATE TABLE IF NOT EXISTS decisions (
      id INTEGER PRIMARY KEY,
      decision TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS rollouts (
      key TEXT PRIMARY KEY,
      version INTEGER NOT NULL,
      rollout TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

  /// What a database file says it is.
  enum Kind: Equatable {
    /// No table yet.
    case empty
    case ours(version: Int64)
    case foreign
  }

  static func kind(_ connection: Connection) throws -> Kind {
    func number(_ sql: String) throws -> Int64 { try connection.query(sql).first?[0].int ?? 0 }
    let application = try number("PRAGMA application_id")
    if application == applicationID { return .ours(version: try number("PRAGMA user_version")) }
    let tables = try number("SELECT count(*) FROM sqlite_schema")
    return application == 0 && tables == 0 ? .empty : .foreign
  }

  /// Refuses a file of another program or of a newer shipit.
  static func refuse(_ kind: Kind, path: String) throws(Failure) {
    switch kind {
    case .empty: return
    case .ours(let found):
      guard found > version else { return }
      throw Failure(
        .failed, "the ledger \(path) was written by a newer shipit", place: path,
        cause: "its schema has version \(found), this shipit knows \(version)",
        hint: "install that shipit or a later one; the file was not touched")
    case .foreign: throw .foreignLedger(path)
    }
  }

  /// Brings the tables of an older version to this one. Call it within a transaction.
  static func migrate(_ connection: Connection, from version: Int64) throws {
    guard version >= 1, version < self.version else { return }
    for migration in migrations[Int(version - 1)...] { try connection.script(migration) }
    try connection.script("PRAGMA user_version = \(self.version)")
  }

  /// Makes the tables in an empty file. Call it within a transaction.
  static func create(_ connection: Connection, environment: String, at now: Int64) throws {
    try connection.script(tables)
    try connection.execute(
      "INSERT INTO meta (id, environment, created_at, fingerprint_key) VALUES (1, ?1, ?2, ?3)",
      [.text(environment), .int(now), .blob(randomBytes(32))])
    try connection.execute("INSERT INTO lease (id, fence) VALUES (1, 0)")
    try connection.script("PRAGMA application_id = \(applicationID)")
    try migrate(connection, from: 1)
  }
}
