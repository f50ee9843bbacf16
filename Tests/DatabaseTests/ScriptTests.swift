import Concurrency
import Engine
import Foundation
import Model
import Postgres
import TestSupport
import Testing

@testable import Databases

/// Scripts beside the migrations, on a real PostgreSQL: indexes built without a lock, repaired, refused; files once for
/// each content.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(5))
)
struct ScriptTests {
  private struct Bench {
    let schema: SchemaBench
    var database: DatabaseTarget

    init(_ text: String, concurrently: Bool = true) async throws {
      schema = try await SchemaBench()
      schema.files.set("script.sql", text)
      database = DatabaseTarget(
        key: "main", url: .secret("MAIN_URL"),
        scripts: [DatabaseScript(path: "./db/migrations/script.sql", concurrently: concurrently)])
      try await schema.run(
        "CREATE TABLE orders (id int, note text); INSERT INTO orders VALUES (1, 'a'), (2, 'b')")
    }

    func step() async throws -> Step? {
      let observed = try await PostgresObserver(
        secrets: schema.secrets, files: schema.files, digest: SchemaBench.digest
      ).observe(database, commit: "c0ffee", isDirty: false)
      let input = PlanInput(
        environment: Environment(name: "prod", app: "shop", databases: [database]), commit: "c0ffee",
        observed: [:], databases: ["main": observed])
      return try DeployPlanner(input).migrationPlan(only: nil).steps.first
    }

    func run() async throws -> Outcome {
      await schema.performer().perform(try #require(try await step()), SchemaBench.Witness().call())
    }

    func indexes(_ isValid: Bool = true) async throws -> [String] {
      try await schema.values(
        """
        SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n
          ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND i.indisvalid = \(isValid) ORDER BY 1
        """)
    }
  }

  private static let two = """
    -- both are wanted
    CREATE INDEX orders_note ON orders (lower(note)) WHERE note IS NOT NULL;
    CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_id ON public.orders (id);
    """

  @Test func indexesAreBuiltOnceAndToldByWhatIsThere() async throws {
    let bench = try await Bench(Self.two)
    #expect(try await bench.step()?.title == "build orders_note, orders_id in main")
    #expect(try await bench.run().result?.summary == "orders_note built, orders_id built")
    #expect(try await bench.indexes() == ["orders_id", "orders_note"])
    #expect(try await bench.step() == nil)
    // Whoever drops one gets it back.
    try await bench.schema.run("DROP INDEX orders_id")
    #expect(try await bench.step()?.title == "build orders_id in main")
  }

  @Test func whatAFailedBuildLeftIsRepaired() async throws {
    let bench = try await Bench(Self.two)
    // As a build by hand leaves it that was stopped: there, and invalid.
    try await bench.schema.run("INSERT INTO orders VALUES (1, 'again')")
    await #expect(throws: (any Error).self) {
      try await bench.schema.run("CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id)")
    }
    #expect(try await bench.indexes(false) == ["orders_id"])
    try await bench.schema.run("DELETE FROM orders WHERE note = 'again'")
    #expect(try await bench.run().result?.summary == "orders_note built, orders_id repaired")
    #expect(try await bench.indexes() == ["orders_id", "orders_note"])
    #expect(try await bench.indexes(false) == [])
  }

  @Test func aFailureNamesTheRowsAndLeavesNoHalf() async throws {
    let bench = try await Bench(Self.two)
    try await bench.schema.run("INSERT INTO orders VALUES (1, 'again')")
    let failure = try #require(try await bench.run().failure)
    #expect(failure.message == "orders_id could not be built in main", "\(failure)")
    #expect(
      failure.cause?.contains("23505") == true && failure.hint?.contains("rows that it forbids") == true)
    #expect(try await bench.indexes() == ["orders_note"])
    #expect(try await bench.indexes(false) == [], "an invalid unique index refuses rows all the same")
    // What was built before stays, and the next run goes on from there.
    try await bench.schema.run("DELETE FROM orders WHERE note = 'again'")
    #expect(try await bench.run().result?.summary == "orders_id built")
  }

  @Test func aNameThatIsTakenIsRefused() async throws {
    let bench = try await Bench("CREATE INDEX orders_note ON orders (note);")
    try await bench.schema.run("CREATE INDEX orders_note ON orders (id)")
    let failure = try #require(try await bench.run().failure)
    #expect(
      failure.message.contains("another index's") && failure.cause?.contains("(id)") == true, "\(failure)")
  }

  @Test func whatCannotBeBuiltWithoutALockIsRefusedInThePlan() async throws {
    let bench = try await Bench("CREATE INDEX a ON orders (id);\nUPDATE orders SET note = '';\n")
    await #expect { try await bench.step() } throws: {
      ($0 as? Failure)?.place == "db/migrations/script.sql:2"
    }
    let locked = try await Bench("CREATE INDEX CONCURRENTLY a ON orders (id);", concurrently: false)
    await #expect { try await locked.step() } throws: {
      ($0 as? Failure)?.hint?.contains("indexes: concurrently") == true
    }
    let gone = try await Bench("SELECT 1")
    gone.schema.files.set("script.sql", nil)
    await #expect { try await gone.step() } throws: {
      ($0 as? Failure)?.message.contains("has no file") == true
    }
  }

  @Test func aScriptRunsOnceForEachContentAndWhollyOrNotAtAll() async throws {
    let bench = try await Bench("INSERT INTO orders VALUES (3, 'c');\n", concurrently: false)
    #expect(try await bench.run().result?.summary == "db/migrations/script.sql")
    #expect(try await bench.step() == nil)
    bench.schema.files.set("script.sql", "INSERT INTO orders VALUES (4, 'd');\nSELECT nothing FROM orders;\n")
    let failure = try #require(try await bench.run().failure)
    #expect(failure.place == "db/migrations/script.sql:2", "\(failure)")
    #expect(try await bench.schema.values("SELECT count(*) FROM orders") == ["3"])
    bench.schema.files.set("script.sql", "INSERT INTO orders VALUES (4, 'd');\n")
    #expect(try await bench.run().result != nil)
    #expect(try await bench.schema.values("SELECT count(*) FROM orders") == ["4"])
    #expect(try await bench.step() == nil)
  }

  @Test(arguments: [
    ("CREATE INDEX i ON t (a)", "CREATE INDEX i ON public.t USING btree (a)"),
    (
      "create unique index concurrently if not exists i on s.t (a, b desc)",
      "CREATE UNIQUE INDEX i ON s.t USING btree (a, b DESC)"
    ),
    (
      "CREATE INDEX i ON t (lower(a)) WHERE b = 'x'",
      "CREATE INDEX i ON public.t USING btree (lower(a)) WHERE (b = 'x'::text)"
    ),
    (
      "CREATE INDEX i ON \"T\" USING gin (a jsonb_path_ops)",
      "CREATE INDEX i ON public.\"T\" USING gin (a jsonb_path_ops)"
    ),
  ])
  func anIndexIsKnownAgain(_ written: String, _ shown: String) throws {
    let statement = try #require(SQLScript(written).statements.first)
    let index = try #require(IndexStatement(statement))
    #expect(index.shape == IndexStatement.shape(of: shown))
    #expect(index.sql.contains("INDEX CONCURRENTLY i "))
    #expect(!index.sql.lowercased().contains("if not exists"))
  }
}
