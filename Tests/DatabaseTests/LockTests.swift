import Concurrency
import Model
import Postgres
import TestSupport
import Testing

@testable import Engine

/// The safety review against a real server: each operation's lock is the one that PostgreSQL took, and a table is said to
/// be written anew where its file changed, and nowhere else.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(2))
)
struct LockTests {
  /// Operations on `t`, which has 1,000 rows, and `u`; the second text is run before.
  private static let operations: [(sql: String, before: String)] = [
    ("ALTER TABLE t ADD COLUMN x int", ""),
    ("ALTER TABLE t ADD COLUMN x int NOT NULL DEFAULT 1", ""),
    ("ALTER TABLE t ADD COLUMN x timestamptz NOT NULL DEFAULT now()", ""),
    ("ALTER TABLE t ADD COLUMN x uuid DEFAULT gen_random_uuid()", ""),
    ("ALTER TABLE t ADD COLUMN x serial", ""),
    ("ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS IDENTITY", ""),
    ("ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (a + 1) STORED", ""),
    ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", ""),
    ("ALTER TABLE t ALTER COLUMN n DROP NOT NULL", ""),
    ("ALTER TABLE t ALTER COLUMN a SET DEFAULT 3", ""),
    ("ALTER TABLE t ALTER COLUMN a DROP DEFAULT", ""),
    ("ALTER TABLE t ALTER COLUMN a TYPE bigint", ""),
    ("ALTER TABLE t ALTER COLUMN w TYPE varchar(10)", ""),
    ("ALTER TABLE t ALTER COLUMN a SET STATISTICS 200", ""),
    ("ALTER TABLE t DROP COLUMN a", ""),
    ("ALTER TABLE t RENAME COLUMN a TO b", ""),
    ("ALTER TABLE t RENAME TO t2", ""),
    ("ALTER TABLE t SET UNLOGGED", ""),
    ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u", ""),
    ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u NOT VALID", ""),
    (
      "ALTER TABLE t VALIDATE CONSTRAINT f",
      "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u NOT VALID"
    ),
    ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", ""),
    ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", ""),
    ("ALTER TABLE t DROP CONSTRAINT c", "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)"),
    ("ALTER TABLE t ADD CONSTRAINT q UNIQUE (a)", ""),
    ("ALTER TABLE t ADD CONSTRAINT q UNIQUE USING INDEX qi", "CREATE UNIQUE INDEX qi ON t (a)"),
    ("ALTER TABLE t ADD PRIMARY KEY (n)", ""),
    ("ALTER TABLE t DISABLE TRIGGER ALL", ""),
    ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", ""),
    ("CREATE INDEX i ON t (a)", ""),
    ("CREATE UNIQUE INDEX i ON t (a)", ""),
    ("DROP INDEX i", "CREATE INDEX i ON t (a)"),
    ("REINDEX TABLE t", "CREATE INDEX i ON t (a)"),
    ("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()", ""),
    ("CLUSTER t USING i", "CREATE INDEX i ON t (a)"),
    ("ALTER TABLE t SET (fillfactor = 70)", ""),
    ("ALTER TABLE t OWNER TO CURRENT_USER", ""),
    ("CREATE POLICY p ON t USING (true)", ""),
    (
      "DROP TRIGGER g ON t",
      "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()"
    ),
    ("COMMENT ON TABLE t IS 'a table'", ""),
    ("TRUNCATE t", ""),
    ("DROP TABLE t", ""),
    ("UPDATE t SET a = a + 1", ""),
    ("DELETE FROM t WHERE a = 1", ""),
    ("CREATE INDEX CONCURRENTLY i ON t (a)", ""),
    ("DROP INDEX CONCURRENTLY i", "CREATE INDEX i ON t (a)"),
    ("REINDEX TABLE CONCURRENTLY t", "CREATE INDEX i ON t (a)"),
    ("VACUUM FULL t", ""),
  ]

  private static let levels = [
    "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE", "ACCESS EXCLUSIVE",
  ]

  /// `AccessExclusiveLock` in the words of the manual.
  private static func words(_ mode: String) -> String {
    mode.dropLast("Lock".count).reduce(into: "") { text, letter in
      if letter.isUppercase, !text.isEmpty { text += " " }
      text += letter.uppercased()
    }
  }

  private struct Taken: Equatable {
    var lock: String?
    var isOnBoth = false
    var rewrites = false
  }

  @Test func theReviewSaysWhatPostgreSQLDoes() async throws {
    var lines: [String] = []
    for (sql, before) in Self.operations {
      let taken = try await take(sql, before)
      let finding = MigrationReview(sql).findings.first
      let said = Taken(
        lock: finding?.lock.map { $0.replacing(" on both tables", with: "") },
        isOnBoth: finding?.lock?.hasSuffix("on both tables") ?? false, rewrites: finding?.rewrites ?? false)
      // A truncated table has a new file too, with nothing to write into it.
      let isNew = taken.rewrites && !sql.hasPrefix("TRUNCATE")
      let lock = taken.lock ?? "none"
      lines.append(
        "\(lock.padding(to: 24)) \((isNew ? "rewritten" : "").padding(to: 10)) \(sql)")
      #expect(said.lock == taken.lock, "\(sql)")
      #expect(said.rewrites == isNew, "\(sql)")
      if sql.contains("FOREIGN KEY") { #expect(said.isOnBoth && taken.isOnBoth, "\(sql)") }
    }
    #expect(lines.count >= 25)
    print(lines.joined(separator: "\n"))
  }

  /// Runs an operation in a database of its own, and looks at the locks it has when it is done.
  private func take(_ sql: String, _ before: String) async throws -> Taken {
    let address = try PostgresAddress(try await PostgresServer.shared().freshDatabase().url)
    let session = PostgresSession(address)
    try await session.open()
    defer { Task { await session.close() } }
    for text in [
      "CREATE TABLE u (a int PRIMARY KEY); INSERT INTO u SELECT generate_series(1, 1000)",
      "CREATE TABLE t (a int DEFAULT 2, n int NOT NULL, w varchar(20))",
      "INSERT INTO t SELECT n, n, 'w' FROM generate_series(1, 1000) AS n",
      "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", before,
    ] where !text.isEmpty { try await session.run(text, limit: .seconds(10)) }
    let file = "SELECT relfilenode FROM pg_class WHERE oid = \(try await oid("t", session))"
    let old = try await session.query(file).first?["relfilenode"]
    var taken = Taken()
    if sql.contains("CONCURRENTLY") || sql.hasPrefix("VACUUM") {
      taken.lock = try await wanted(sql, address)
    } else {
      let tables = "(\(try await oid("t", session)), \(try await oid("u", session)))"
      try await session.run("BEGIN", limit: .seconds(5))
      try await session.run(sql, limit: .seconds(10))
      let rows = try await session.query(
        """
        SELECT relation, mode FROM pg_locks
        WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation IN \(tables)
        """)
      taken.lock = strongest(rows)
      taken.isOnBoth =
        Set(rows.filter { Self.words($0["mode"] ?? "") == taken.lock }.map { $0["relation"] }).count == 2
    }
    taken.rewrites = try await session.query(file).first.map { $0["relfilenode"] != old } ?? false
    return taken
  }

  private func oid(_ table: String, _ session: PostgresSession) async throws -> String {
    try await session.query("SELECT '\(table)'::regclass::oid AS oid").first?["oid"] ?? ""
  }

  private func strongest(_ rows: [PostgresRow]) -> String? {
    let locks = rows.compactMap { $0["mode"].map(Self.words) }
    // A plain read is no lock that anybody has to hear of.
    return locks.max { (Self.levels.firstIndex(of: $0) ?? 0) < (Self.levels.firstIndex(of: $1) ?? 0) }
      .flatMap { $0 == "ACCESS SHARE" ? nil : $0 }
  }

  /// What an operation that cannot run in a transaction asks for first: somebody else has the table meanwhile.
  private func wanted(_ sql: String, _ address: PostgresAddress) async throws -> String? {
    let (blocker, worker, watcher) = (
      PostgresSession(address), PostgresSession(address), PostgresSession(address)
    )
    for session in [blocker, worker, watcher] { try await session.open() }
    try await blocker.run("BEGIN; LOCK TABLE t IN SHARE MODE", limit: .seconds(5))
    let work = Task { try await worker.run(sql, limit: .seconds(20)) }
    var rows: [PostgresRow] = []
    while rows.isEmpty {
      rows = try await watcher.query(
        "SELECT mode FROM pg_locks WHERE locktype = 'relation' AND NOT granted AND relation = 't'::regclass")
      if rows.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
    }
    await blocker.close()
    try await work.value
    await worker.close()
    await watcher.close()
    return strongest(rows)
  }
}

extension String {
  fileprivate func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
