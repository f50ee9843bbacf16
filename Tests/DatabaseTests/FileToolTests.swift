import Concurrency
import Foundation
import Model
import Postgres
import Processes
import TestSupport
import Testing

@testable import Databases

/// Tools whose files and tables are theirs, and whose files shipit runs: on tables as those tools make them, and dbmate
/// itself before and after us.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(5))
)
struct FileToolTests {
  private func apply(_ bench: SchemaBench) async throws -> Outcome {
    let step = try #require(try await bench.step())
    return await bench.performer().perform(step, SchemaBench.Witness().call())
  }

  // MARK: dbmate

  private static let program = Checkout.root + "/build/venv/bin/dbmate"

  /// What the real program says; nil where it is not installed.
  private func dbmate(_ bench: SchemaBench, _ arguments: String...) async throws -> ProcessResult? {
    guard FileManager.default.isExecutableFile(atPath: Self.program) else {
      print("SKIPPED dbmate itself: build/venv has none (make setup)")
      return nil
    }
    let folder = try ScratchDirectory()
    for name in bench.files.all {
      try folder.write(bench.files[name] ?? "", to: "migrations/\(name)")
    }
    // It wants the socket's directory as a parameter of its own.
    let address = try PostgresAddress(bench.url)
    let login = bench.url.dropFirst("postgres://".count).prefix { $0 != "@" }
    let url =
      "postgres://\(login)@/\(address.part("dbname") ?? "")?socket=\(address.part("host") ?? "")&sslmode=disable"
    return try await Launcher().run(
      ProcessSpecification(
        Self.program, ["--no-dump-schema", "--migrations-dir", "migrations"] + arguments,
        environment: ["DATABASE_URL": url, "PATH": "/usr/bin:/bin", "HOME": folder.path],
        directory: folder.path),
      timeout: .seconds(30))
  }

  private func dbmateFiles(_ bench: SchemaBench) {
    bench.files.set(
      "20260101000000_orders.sql",
      "-- migrate:up\nCREATE TABLE orders (id int);\n\n-- migrate:down\nDROP TABLE orders;\n")
    bench.files.set(
      "20260102000000_index.sql",
      "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY orders_id ON orders (id);\n-- migrate:down\nDROP INDEX orders_id;\n"
    )
  }

  @Test func dbmateFindsWhatWeAppliedAndWeFindWhatItApplied() async throws {
    let bench = try await SchemaBench(.dbmate)
    dbmateFiles(bench)
    // The way down is no part of what is reviewed or run.
    let step = try #require(try await bench.step())
    guard case .migrate(let change) = step.action else { return }
    #expect(change.pending.map(\.effect) == [.expand, .expand])
    let outcome = await bench.performer().perform(step, SchemaBench.Witness().call())
    #expect(
      outcome.result?.facts[StepFact.applied]?.contains("20260102000000_index.sql") == true, "\(outcome)")
    #expect(try await bench.values("SELECT to_regclass('orders_id') IS NOT NULL") == ["t"])
    #expect(try await bench.step() == nil)
    if let status = try await dbmate(bench, "status", "--exit-code") {
      #expect(
        status.exit.isSuccess && status.text.contains("Pending: 0"), "\(status.text)\(status.errorText)")
    }

    bench.files.set(
      "20260103000000_more.sql",
      "-- migrate:up\nCREATE TABLE more (i int);\n-- migrate:down\nDROP TABLE more;\n")
    if let up = try await dbmate(bench, "up") {
      #expect(up.exit.isSuccess, "\(up.errorText)")
      #expect(try await bench.step() == nil, "dbmate applied it")
    }
    // An old checkout has fewer files, and that is no mistake.
    bench.files.set("20260103000000_more.sql", nil)
    #expect(try await bench.observe().pending.isEmpty)
  }

  @Test func ourFailureLeavesWhatDbmateCanGoOnWith() async throws {
    let bench = try await SchemaBench(.dbmate)
    bench.files.set("1_a.sql", "-- migrate:up\nCREATE TABLE a (i int);\n-- migrate:down\n")
    bench.files.set(
      "2_b.sql",
      "-- migrate:up\nCREATE TABLE b (i int);\nSELECT nothing FROM a;\n-- migrate:down\nDROP TABLE b;\n")
    let failure = try #require(try await apply(bench).failure)
    #expect(failure.place == "db/migrations/2_b.sql:3", "\(failure)")
    #expect(try await bench.values("SELECT version FROM schema_migrations") == ["1"])
    #expect(try await bench.values("SELECT to_regclass('b') IS NULL") == ["t"])
    if let status = try await dbmate(bench, "status") {
      #expect(status.text.contains("Pending: 1"), "\(status.text)")
    }
  }

  @Test func dbmateFilesThatCouldNotRunAreRefusedInThePlan() async throws {
    let bench = try await SchemaBench(.dbmate)
    bench.files.set("1_a.sql", "CREATE TABLE a (i int);\n")
    await #expect { try await bench.observe() } throws: {
      ($0 as? Failure)?.message.contains("no line `-- migrate:up`") == true
    }
    bench.files.set("1_a.sql", "-- migrate:up\nCREATE INDEX CONCURRENTLY i ON a (i);\n")
    await #expect { try await bench.observe() } throws: {
      ($0 as? Failure)?.message.contains("transaction:false") == true
    }
    bench.files.set("1_a.sql", nil)
    // Encore's table of the same name is not touched.
    try await bench.run("CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    bench.files.set("2_b.sql", "-- migrate:up\nSELECT 1;\n")
    await #expect { try await bench.observe() } throws: {
      ($0 as? Failure)?.message.contains("is not dbmate's") == true
    }
  }

  // MARK: Prisma

  private static let prismaTable = """
    CREATE TABLE _prisma_migrations (
      id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
      migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
      started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0);
    """

  @Test func prismasTableIsReadAndWrittenAsPrismaDoes() async throws {
    let bench = try await SchemaBench(.prisma)
    let first = "CREATE TABLE \"User\" (id int);\n"
    bench.files.set("20260101_init/migration.sql", first)
    bench.files.set("20260102_note/migration.sql", "ALTER TABLE \"User\" ADD COLUMN note text;\n")
    bench.files.set("migration_lock.toml", "provider = \"postgresql\"\n")
    // Applied by Prisma: once in vain and taken back, then for good.
    try await bench.run(
      Self.prismaTable + first + """
        INSERT INTO _prisma_migrations (id, checksum, migration_name, rolled_back_at) VALUES
          ('1', 'x', '20260101_init', now());
        INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES
          ('2', '\(SchemaBench.digest(first))', '20260101_init', now(), 1);
        """)
    let observed = try await bench.observe()
    #expect(observed.pending.map(\.path) == ["db/migrations/20260102_note/migration.sql"])
    #expect(observed.notes == [])
    #expect(try await apply(bench).result != nil)
    #expect(
      try await bench.values(
        """
        SELECT migration_name FROM _prisma_migrations
        WHERE finished_at IS NOT NULL AND applied_steps_count = 1 AND length(id) = 36 AND length(checksum) = 64
        """) == ["20260102_note"])
    #expect(try await bench.step() == nil)
  }

  @Test func whatPrismaCallsFailedBlocksHereToo() async throws {
    let bench = try await SchemaBench(.prisma)
    bench.files.set("20260101_init/migration.sql", "SELECT 1;\n")
    try await bench.run(
      Self.prismaTable
        + "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', 'x', '20260101_init')")
    await #expect { try await bench.observe() } throws: {
      let failure = $0 as? Failure
      return failure?.message.contains("left half-way in 20260101_init") == true
        && failure?.hint?.contains("prisma migrate resolve") == true
    }
  }

  // MARK: Supabase

  @Test func supabasesTableIsReadAndWrittenAsSupabaseDoes() async throws {
    let bench = try await SchemaBench(.supabase)
    bench.files.set("20260101000000_init.sql", "CREATE TABLE a (note text);\n")
    bench.files.set(
      "20260102000000_more.sql", "INSERT INTO a VALUES ('it''s; \\ fine');\nCREATE TABLE b (i int);\n")
    try await bench.run(
      """
      CREATE TABLE a (note text); CREATE SCHEMA supabase_migrations;
      CREATE TABLE supabase_migrations.schema_migrations (
        version text NOT NULL PRIMARY KEY, statements text[], name text);
      INSERT INTO supabase_migrations.schema_migrations (version, name) VALUES ('20260101000000', 'init')
      """)
    #expect(try await bench.observe().pending.map(\.file.id) == ["20260102000000"])
    #expect(try await apply(bench).result != nil)
    #expect(
      try await bench.values(
        "SELECT name || '|' || array_length(statements, 1) || '|' || statements[1] FROM supabase_migrations.schema_migrations WHERE version = '20260102000000'"
      ) == ["more|2|INSERT INTO a VALUES ('it''s; \\ fine')"])
    #expect(try await bench.step() == nil)
  }

  @Test func emptyDatabasesGetTheTablesOfTheirTools() async throws {
    for (tool, name, text) in [
      (MigrationToolName.dbmate, "1_a.sql", "-- migrate:up\nCREATE TABLE a (i int);\n"),
      (.prisma, "1_a/migration.sql", "CREATE TABLE a (i int);\n"),
      (.supabase, "1_a.sql", "CREATE TABLE a (i int);\n"),
    ] {
      let bench = try await SchemaBench(tool)
      bench.files.set(name, text)
      #expect(try await apply(bench).result != nil, "\(tool)")
      #expect(try await bench.step() == nil, "\(tool)")
    }
  }
}
