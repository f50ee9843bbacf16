import Crypto
import Model
import Postgres

/// The tables of ledgers in PostgreSQL, in a schema of their own: one row of `ledgers` per environment.
///
/// Times are milliseconds since 1970 by the server's clock. Records are `json`, not `jsonb`, which would
/// refuse what JSON allows.
enum PostgresSchema {
  /// What brings the tables from version N to N + 1. Only ever appended to.
  static let migrations = [
    """
    CREATE TABLE shipit.ledgers (
      id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      app text NOT NULL,
      environment text NOT NULL,
      fingerprint_key bytea NOT NULL CHECK (length(fingerprint_key) = 32),
      fence bigint NOT NULL DEFAULT 0,
      holder json,
      since bigint,
      expires bigint,
      duration bigint,
      heartbeat bigint,
      hold json,
      UNIQUE (app, environment)
    );
    CREATE TABLE shipit.runs (
      ledger int NOT NULL REFERENCES shipit.ledgers,
      id int NOT NULL,
      release int NOT NULL,
      by text NOT NULL,
      started_at bigint NOT NULL,
      plan json NOT NULL,
      result json,
      ended_at bigint,
      PRIMARY KEY (ledger, id),
      UNIQUE (ledger, release),
      CHECK ((result IS NULL) = (ended_at IS NULL))
    );
    CREATE UNIQUE INDEX one_open_run ON shipit.runs (ledger) WHERE result IS NULL;
    CREATE TABLE shipit.journal (
      ledger int NOT NULL,
      run int NOT NULL,
      sequence int NOT NULL CHECK (sequence > 0),
      entry json NOT NULL,
      PRIMARY KEY (ledger, run, sequence),
      FOREIGN KEY (ledger, run) REFERENCES shipit.runs
    );
    CREATE TABLE shipit.releases (
      ledger int NOT NULL,
      number int NOT NULL,
      run int NOT NULL,
      release json NOT NULL,
      PRIMARY KEY (ledger, number),
      FOREIGN KEY (ledger, run) REFERENCES shipit.runs
    );
    CREATE TABLE shipit.bad_commits (
      ledger int NOT NULL REFERENCES shipit.ledgers,
      commit_id text NOT NULL,
      release int NOT NULL,
      PRIMARY KEY (ledger, commit_id)
    );
    """,
    """
    ALTER TABLE shipit.ledgers ADD COLUMN cancel json, ADD COLUMN moved json;
    """,
    """
    CREATE TABLE shipit.decisions (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      ledger int NOT NULL REFERENCES shipit.ledgers,
      decision json NOT NULL
    );
    """,
    """
    CREATE TABLE shipit.rollouts (
      ledger int NOT NULL REFERENCES shipit.ledgers,
      key text NOT NULL,
      version int NOT NULL,
      rollout json NOT NULL,
      PRIMARY KEY (ledger, key)
    );
    """,
  ]

  /// The letters `ship`: only one process at a time makes or changes the tables.
  private static let lock: Int64 = 0x7368_6970

  /// Whether nothing has to be made or changed. Ask it in a transaction of its own.
  static func isPrepared(_ connection: PostgresConnection) throws -> Bool {
    try version(connection) == migrations.count
  }

  /// Brings the tables to the newest version. Call it first in a transaction: what the server has looked up
  /// before it waits for the lock, it may not look up again.
  /// - Parameter migrations: other ones for tests.
  /// - Throws: `Failure` when a newer shipit made them; `PostgresError`.
  static func prepare(
    _ connection: PostgresConnection, place: String, migrations: [String] = migrations
  ) throws {
    try connection.query("SELECT pg_advisory_xact_lock($1::bigint)", [.int(lock)])
    let found = try version(connection)
    guard found <= migrations.count else { throw newer(found, migrations.count, place) }
    if found == migrations.count { return }
    if found == 0 {
      try connection.script(
        """
        CREATE SCHEMA IF NOT EXISTS shipit;
        CREATE TABLE shipit.meta (id int PRIMARY KEY CHECK (id = 1), version int NOT NULL);
        INSERT INTO shipit.meta (id, version) VALUES (1, 0)
        """)
    }
    for migration in migrations[found...] { try connection.script(migration) }
    try connection.query(
      "UPDATE shipit.meta SET version = $1::int", [.int(Int64(migrations.count))])
  }

  /// The number of the ledger, whose row is made when it is missing.
  static func ledger(
    _ connection: PostgresConnection, app: String, environment: String
  ) throws -> Int64 {
    let find = "SELECT id FROM shipit.ledgers WHERE app = $1 AND environment = $2"
    let names: [PostgresValue] = [.text(app), .text(environment)]
    if let id = try connection.query(find, names).first?.int("id") { return id }
    try connection.query(
      """
      INSERT INTO shipit.ledgers (app, environment, fingerprint_key) VALUES ($1, $2, $3::bytea)
        ON CONFLICT DO NOTHING
      """, names + [.bytes(randomBytes(32))])
    guard let id = try connection.query(find, names).first?.int("id") else {
      throw PostgresError(code: .other, message: "the ledger's row cannot be seen after it was made")
    }
    return id
  }

  private static func version(_ connection: PostgresConnection) throws -> Int {
    let tables = try connection.query(
      "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'shipit' AND tablename = 'meta'")
    guard !tables.isEmpty else { return 0 }
    return Int(try connection.query("SELECT version FROM shipit.meta").first?.int("version") ?? 0)
  }

  private static func newer(_ found: Int, _ known: Int, _ place: String) -> Failure {
    Failure(
      .failed, "the ledger at \(place) was written by a newer shipit", place: place,
      cause: "its schema has version \(found), this shipit knows \(known)",
      hint: "install that shipit or a later one; nothing was touched")
  }
}
