import Model
import Testing

@testable import Engine

/// The safety review against the measured table (contract migrations §5.1), and how a text is taken apart.
struct ReviewTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var sql: String
    var effect: MigrationEffect
    var lock: String?
    var rewrites = false
    var blocks = false
    var testDescription: String { sql }
  }

  static let table: [Row] = [
    Row(sql: "ALTER TABLE t ADD COLUMN a int", effect: .expand, lock: "ACCESS EXCLUSIVE"),
    Row(
      sql: "ALTER TABLE t ADD a timestamptz NOT NULL DEFAULT now()", effect: .expand, lock: "ACCESS EXCLUSIVE"
    ),
    Row(
      sql: "alter table only s.t add column if not exists a uuid default gen_random_uuid()", effect: .expand,
      lock: "ACCESS EXCLUSIVE", rewrites: true, blocks: true),
    Row(
      sql: "ALTER TABLE t ADD a bigserial", effect: .expand, lock: "ACCESS EXCLUSIVE", rewrites: true,
      blocks: true),
    Row(
      sql: "ALTER TABLE t ADD a int GENERATED ALWAYS AS IDENTITY", effect: .expand, lock: "ACCESS EXCLUSIVE",
      rewrites: true, blocks: true),
    Row(sql: "ALTER TABLE t ADD a int NOT NULL", effect: .contract, lock: "ACCESS EXCLUSIVE"),
    Row(sql: "ALTER TABLE t ALTER a SET NOT NULL", effect: .contract, lock: "ACCESS EXCLUSIVE", blocks: true),
    Row(sql: "ALTER TABLE t ALTER COLUMN a DROP NOT NULL", effect: .unknown, lock: "ACCESS EXCLUSIVE"),
    Row(
      sql: "ALTER TABLE t ALTER a TYPE bigint", effect: .contract, lock: "ACCESS EXCLUSIVE", rewrites: true,
      blocks: true),
    Row(sql: "ALTER TABLE t DROP COLUMN a", effect: .contract, lock: "ACCESS EXCLUSIVE"),
    Row(sql: "DROP TABLE IF EXISTS t", effect: .contract, lock: "ACCESS EXCLUSIVE"),
    Row(sql: "TRUNCATE t", effect: .contract, lock: "ACCESS EXCLUSIVE"),
    Row(sql: "ALTER TABLE t RENAME a TO b", effect: .contract, lock: "ACCESS EXCLUSIVE"),
    Row(sql: "ALTER TYPE mood RENAME VALUE 'a' TO 'b'", effect: .contract, lock: "ACCESS EXCLUSIVE"),
    Row(sql: "ALTER TYPE mood ADD VALUE 'c'", effect: .expand, lock: nil),
    Row(
      sql: "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u", effect: .unknown,
      lock: "SHARE ROW EXCLUSIVE on both tables", blocks: true),
    Row(
      sql: "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u NOT VALID", effect: .unknown,
      lock: "SHARE ROW EXCLUSIVE on both tables"),
    Row(sql: "ALTER TABLE t VALIDATE CONSTRAINT f", effect: .expand, lock: "SHARE UPDATE EXCLUSIVE"),
    Row(sql: "ALTER TABLE t ADD CHECK (a > 0)", effect: .contract, lock: "ACCESS EXCLUSIVE", blocks: true),
    Row(sql: "ALTER TABLE t ADD UNIQUE (a)", effect: .contract, lock: "ACCESS EXCLUSIVE", blocks: true),
    Row(sql: "CREATE INDEX i ON t (a)", effect: .expand, lock: "SHARE", blocks: true),
    Row(sql: "CREATE INDEX CONCURRENTLY i ON t (a)", effect: .expand, lock: "SHARE UPDATE EXCLUSIVE"),
    Row(sql: "DROP INDEX i", effect: .expand, lock: "ACCESS EXCLUSIVE"),
    Row(sql: "REINDEX TABLE t", effect: .expand, lock: "SHARE", blocks: true),
    Row(
      sql: "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", effect: .expand,
      lock: "SHARE ROW EXCLUSIVE"),
    Row(sql: "VACUUM FULL t", effect: .expand, lock: "ACCESS EXCLUSIVE", rewrites: true, blocks: true),
    Row(sql: "UPDATE t SET a = 1", effect: .data, lock: "ROW EXCLUSIVE", blocks: true),
    Row(sql: "DELETE FROM t WHERE a = 1", effect: .data, lock: "ROW EXCLUSIVE"),
    Row(sql: "DO $$ BEGIN DROP TABLE t; END $$", effect: .unknown, lock: nil),
  ]

  @Test(arguments: table) func eachOperationIsJudgedAsTheTableSays(_ row: Row) throws {
    let review = MigrationReview("\n" + row.sql + ";")
    #expect(review.effect == row.effect)
    let finding = review.findings.first
    #expect(finding?.lock == row.lock)
    #expect(finding?.rewrites ?? false == row.rewrites)
    #expect(finding?.blocks ?? false == row.blocks)
    if let finding { #expect(finding.line == 2) }
  }

  @Test func theWorstStatementDecidesAndNewTablesAreExempt() {
    let review = MigrationReview(
      """
      CREATE TABLE orders (id bigint PRIMARY KEY);
      CREATE INDEX ON orders (id);
      INSERT INTO orders VALUES (1);
      ALTER TABLE orders ADD COLUMN note text NOT NULL;
      """)
    #expect(review.effect == .expand)
    #expect(review.findings.isEmpty)
    let mixed = MigrationReview("CREATE TABLE a (i int);\nUPDATE b SET i = 1;\nDROP TABLE c;")
    #expect(mixed.effect == .contract)
    #expect(mixed.findings.map(\.line) == [2, 3])
  }

  @Test func aCommentOverrides() {
    let review = MigrationReview("-- shipit: expand\nDO $$ BEGIN END $$;")
    #expect(review.effect == .expand)
    #expect(review.isTagged)
    #expect(MigrationReview("/* shipit: contract */ SELECT 1").effect == .contract)
    #expect(!MigrationReview("-- nothing\nSELECT 1").isTagged)
  }

  @Test func aTextIsTakenApartAsTheServerReadsIt() {
    let script = SQLScript(
      """
      -- a; comment
      SELECT ';', E'\\';', "a;b", $x$ ; $$ ; $x$ /* ; /* ; */ ; */;

      CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
      CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b);
      SELECT $1;;
      SELECT 'it''s'
      """)
    #expect(script.statements.map(\.line) == [2, 4, 5, 6, 7])
    #expect(script.statements[3].text == "SELECT $1")
    #expect(script.statements[4].text == "SELECT 'it''s'")
    #expect(SQLScript("  -- nothing\n ; ;").statements.isEmpty)
    #expect(SQLScript.line(of: 7, in: "ab\ncd\ne") == 3)
    #expect(SQLScript("SELECT 1; SELECT 2").statement(at: 12) == 1)
  }
}
