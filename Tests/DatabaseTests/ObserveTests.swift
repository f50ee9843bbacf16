import Foundation
import Model
import Postgres
import TestSupport
import Testing

@testable import Databases

/// What a plan finds out about a database before anything is changed.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .timeLimit(.minutes(5))
)
struct ObserveTests {
  private func refusal(_ url: String) async -> Failure? {
    let target = DatabaseTarget(key: "main", url: .secret("U"), migrations: Migrations(tool: .encore))
    let observer = PostgresObserver(
      secrets: SecretValues(values: ["U": Sensitive(url)]), files: SchemaBench.Files(), digest: { $0 })
    do { _ = try await observer.observe(target, commit: "c", isDirty: false) } catch { return error }
    return nil
  }

  @Test(arguments: [
    "postgres://u:planted@db.example:6543/postgres", "postgres://u:planted@ep-x-pooler.eu.neon.tech/db",
    "postgres://u:planted@pgbouncer.internal/db", "postgres://u:planted@h/db?pgbouncer=true",
    "host=h port=6543 password=planted dbname=d",
  ]) func poolersAreRefused(_ url: String) async {
    let failure = await refusal(url)
    #expect(failure?.kind == .configuration)
    #expect(failure?.message.contains("transaction pooler") == true)
    #expect(failure?.place == "databases.main.url")
    #expect("\(failure?.description ?? "")".contains("planted") == false)
  }

  @Test func theWayIsTestedAndNoErrorHoldsThePassword() async throws {
    let server = try await PostgresServer.shared()
    let wrong = await refusal(server.url.replacingOccurrences(of: "planted", with: "planted-wrong"))
    #expect(wrong?.kind == .authentication)
    let closed = await refusal("postgres://u:planted@127.0.0.1:9/shop")
    #expect(closed?.kind == .failed)
    #expect(closed?.message.contains("127.0.0.1:9/shop cannot be reached") == true)
    let garbled = await refusal("postgres://u:planted@[::1/x")
    #expect(garbled?.kind == .configuration)
    for failure in [wrong, closed, garbled] {
      #expect("\(failure?.description ?? "planted")".contains("planted") == false)
    }
    let bench = try await SchemaBench()
    let observed = try await bench.observe()
    #expect(observed.version.first?.isNumber == true)
    #expect(!observed.place.contains("planted"))
  }

  @Test func anotherToolsTableIsLeftAlone() async throws {
    let bench = try await SchemaBench()
    try await bench.run("CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY)")
    bench.files.set("1_a.up.sql", "SELECT 1;")
    do {
      _ = try await bench.observe()
      Issue.record("it was taken for Encore's")
    } catch let failure as Failure {
      #expect(failure.kind == .configuration)
      #expect(failure.cause?.contains("Rails or dbmate") == true)
    }
  }

  @Test func anOldCheckoutFindsTheSchemaAheadAndAGapIsRefused() async throws {
    let bench = try await SchemaBench()
    bench.files.set("1_a.up.sql", "SELECT 1;")
    try await bench.run(
      """
      CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
      INSERT INTO schema_migrations VALUES (5, false)
      """)
    let observed = try await bench.observe()
    #expect(observed.pending.isEmpty)
    #expect(observed.notes.contains { $0.contains("the schema is ahead: 5 is applied") })
    bench.files.set("6_b.up.sql", "SELECT 1;")
    do {
      _ = try await bench.observe()
      Issue.record("a file that is missing in the middle was not noticed")
    } catch let failure as Failure {
      #expect(failure.cause?.contains("no migration found for version 5") == true)
    }
  }

  @Test func namesOfFilesAreReadAsTheToolReadsThem() throws {
    let tool = SequentialTool(name: .encore)
    #expect(
      try tool.migrations(among: ["10_c.up.sql", "0002_b.up.sql", "0002_b.down.sql", "1.up.sql", "readme.md"])
        .map(\.id)
        == ["1", "2", "10"])
    #expect(throws: Failure.self) { try tool.migrations(among: ["1_a.up.sql", "01_b.up.sql"]) }
    #expect(throws: Failure.self) { try tool.migrations(among: ["orders.sql"]) }
    #expect(throws: Failure.self) { try tool.migrations(among: ["0_a.up.sql"]) }
    #expect(throws: Failure.self) { try tool.migrations(among: ["1_init/migration.sql"]) }
    // As golang-migrate computes it for its own test database.
    #expect(crc32(Array("123456789".utf8)) == 0xCBF4_3926)
  }
}
