import Concurrency
import Foundation
import Model
import Postgres
import TestSupport
import Testing

@testable import Databases

/// Migrations against a real PostgreSQL: applied, failed half-way, waited for, refused, stopped.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .timeLimit(.minutes(5))
)
struct ApplyTests {
  private func two(_ bench: SchemaBench) {
    bench.files.set(
      "1_orders.up.sql", "CREATE TABLE orders (id bigint PRIMARY KEY);\nINSERT INTO orders VALUES (1);")
    bench.files.set("2_note.up.sql", "ALTER TABLE orders ADD COLUMN note text;")
    bench.files.set("1_orders.down.sql", "DROP TABLE orders;")
  }

  private func failure(_ work: () async throws -> some Any) async -> Failure? {
    do { _ = try await work() } catch { return error as? Failure }
    return nil
  }

  @Test(arguments: [MigrationToolName.encore, .golangMigrate]) func whatIsPendingIsAppliedOnceAndRecorded(
    _ tool: MigrationToolName
  ) async throws {
    let bench = try await SchemaBench(tool)
    two(bench)
    let observed = try await bench.observe()
    #expect(observed.pending.map(\.path) == ["db/migrations/1_orders.up.sql", "db/migrations/2_note.up.sql"])
    #expect(observed.newest == nil)
    let step = try #require(try await bench.step())
    let witness = SchemaBench.Witness()
    let result = try #require(await bench.performer().perform(step, witness.call()).result)
    #expect(witness.identified.withLock { $0 } == ["1_orders.up.sql", "2_note.up.sql"])
    #expect(result.facts[StepFact.applied] == "1_orders.up.sql\n2_note.up.sql")
    #expect(result.facts[StepFact.schema] == "2")
    #expect(try await bench.values("SELECT version, dirty FROM public.schema_migrations") == ["2,f"])
    #expect(try await bench.step() == nil)
    // The same step once more, as a resumed run would perform it: nothing is applied twice.
    let again = await bench.performer().perform(step, SchemaBench.Witness().call())
    #expect(again.result != nil)
    #expect(try await bench.values("SELECT count(*) FROM orders") == ["1"])
    #expect(
      await bench.performer().probe(step, witness.call()) == .done(try #require(again.result).unhurried))
  }

  @Test func plainFilesHaveALedgerTableOfTheirOwn() async throws {
    let bench = try await SchemaBench(.sql)
    bench.files.set("10_b.sql", "CREATE TABLE b (i int);")
    bench.files.set("9_a.sql", "CREATE TABLE a (i int);")
    bench.files.set("9_a.down.sql", "DROP TABLE a;")
    let step = try #require(try await bench.step())
    let outcome = await bench.performer().perform(step, SchemaBench.Witness().call())
    #expect(outcome.result?.facts[StepFact.applied] == "9_a.sql\n10_b.sql")
    #expect(
      try await bench.values(
        "SELECT id || ' ' || release FROM shipit_migrations WHERE finished_at IS NOT NULL ORDER BY started_at"
      )
        == ["9_a.sql 3", "10_b.sql 3"])
    bench.files.set("9_a.sql", "CREATE TABLE a (i bigint);")
    bench.files.set("10_b.sql", nil)
    let notes = try await bench.observe().notes
    #expect(notes.contains { $0.contains("changed since it was applied") && $0.contains("9_a.sql") })
    #expect(notes.contains { $0.contains("no file of it is here: 10_b.sql") })
  }

  // MARK: Failures

  @Test func aFailureHalfWaySaysWhereAndWhatIsApplied() async throws {
    let bench = try await SchemaBench()
    two(bench)
    bench.files.set(
      "3_bad.up.sql", "CREATE TABLE kept (i int);\n-- then\nINSERT INTO orders\n  VALUES (1);\nSELECT 1;")
    bench.files.set("4_more.up.sql", "SELECT 1;")
    let step = try #require(try await bench.step())
    let outcome = await bench.performer().perform(step, SchemaBench.Witness().call())
    let failure = try #require(outcome.failure)
    #expect(outcome.moved)
    #expect(failure.message == "3_bad.up.sql failed in main at statement 2 of 3, line 3")
    #expect(failure.place == "db/migrations/3_bad.up.sql:3")
    #expect(failure.cause?.hasPrefix("duplicate key value violates unique constraint") == true)
    #expect(failure.cause?.contains("SQLSTATE 23505") == true)
    #expect(failure.cause?.contains("INSERT INTO orders") == true)
    #expect(
      failure.hint?.hasPrefix(
        "applied, and they stay: 1_orders.up.sql, 2_note.up.sql; nothing of 3_bad.up.sql remains; "
          + "not begun: 4_more.up.sql") == true)
    #expect(try await bench.values("SELECT version, dirty FROM schema_migrations") == ["2,f"])
    #expect(try await bench.values("SELECT to_regclass('kept') IS NULL") == ["t"])
    // What stopped between two files is found as such, and goes on with the third when it is whole.
    #expect(
      await bench.performer().probe(step, SchemaBench.Witness().call())
        == .underWay(externalID: "3_bad.up.sql"))
    // Settled by another command it is known, and what is applied stays.
    if case .tookEffectInPart(let result) = await bench.performer().abandon(
      step, SchemaBench.Witness().call())
    {
      #expect(result.facts[StepFact.applied] == "1_orders.up.sql\n2_note.up.sql")
    } else {
      Issue.record("what was applied was not told")
    }
    bench.files.set("3_bad.up.sql", "CREATE TABLE kept (i int);")
    let next = try #require(try await bench.step())
    #expect(await bench.performer().perform(next, SchemaBench.Witness().call()).result != nil)
    #expect(try await bench.values("SELECT version FROM schema_migrations") == ["4"])
  }

  @Test func aSyntaxErrorIsPlacedByTheServer() async throws {
    let bench = try await SchemaBench()
    bench.files.set("1_a.up.sql", "SELECT 1;\nSELECT 2;\nCREATE TABL t (i int);")
    let step = try #require(try await bench.step())
    let outcome = await bench.performer().perform(step, SchemaBench.Witness().call())
    #expect(outcome.failure?.message == "1_a.up.sql failed in main at statement 3 of 3, line 3")
    #expect(!outcome.moved)
    #expect(await bench.performer().probe(step, SchemaBench.Witness().call()) == .absent)
  }

  @Test func aFileWithTransactionsOfItsOwnIsMarkedWhileItRuns() async throws {
    let bench = try await SchemaBench(.golangMigrate)
    bench.files.set("1_a.up.sql", "BEGIN;\nCREATE TABLE a (i int);\nCOMMIT;")
    let step = try #require(try await bench.step())
    #expect(await bench.performer().perform(step, SchemaBench.Witness().call()).result != nil)
    #expect(try await bench.values("SELECT version, dirty FROM schema_migrations") == ["1,f"])
    bench.files.set("2_b.up.sql", "BEGIN;\nCREATE TABLE b (i int);\nCOMMIT;\nSELECT 1 / 0;")
    let next = try #require(try await bench.step())
    let outcome = await bench.performer().perform(next, SchemaBench.Witness().call())
    #expect(outcome.moved)
    #expect(outcome.failure?.message == "2_b.up.sql failed in main at statement 4 of 4, line 4")
    #expect(outcome.failure?.hint?.contains("ran outside of a transaction: see what of it is there") == true)
    #expect(try await bench.values("SELECT version, dirty FROM schema_migrations") == ["2,t"])
    // Nobody goes on from there by themselves.
    #expect(await failure { try await bench.observe() }?.hint?.contains("SET dirty = false") == true)
  }

  @Test func aChangedFileIsNotRun() async throws {
    let bench = try await SchemaBench()
    two(bench)
    let step = try #require(try await bench.step())
    bench.files.set("2_note.up.sql", "DROP TABLE orders;")
    let outcome = await bench.performer().perform(step, SchemaBench.Witness().call())
    #expect(outcome.failure?.kind == .stale)
    #expect(outcome.failure?.message.contains("2_note.up.sql is not what was planned") == true)
    #expect(try await bench.values("SELECT to_regclass('orders') IS NULL") == ["t"])
  }

  @Test func aSchemaThatMovedMeanwhileIsNotTouched() async throws {
    let bench = try await SchemaBench()
    two(bench)
    let step = try #require(try await bench.step())
    try await bench.run(
      """
      CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
      INSERT INTO schema_migrations VALUES (7, false)
      """)
    let outcome = await bench.performer().perform(step, SchemaBench.Witness().call())
    #expect(outcome.failure?.kind == .stale)
    #expect(outcome.failure?.message.contains("it is at 7") == true)
  }

  // MARK: Others at work

  @Test func theSecondOfTwoWaitsAndAppliesNothingTwice() async throws {
    let bench = try await SchemaBench()
    bench.files.set("1_slow.up.sql", "CREATE TABLE once (i int);\nSELECT pg_sleep(1.5);")
    let step = try #require(try await bench.step())
    let first = SchemaBench.Witness()
    let second = SchemaBench.Witness()
    async let one = bench.performer().perform(step, first.call())
    try await first.reported("1_slow.up.sql")
    async let two = bench.performer().perform(step, second.call())
    try await second.reported("changes this schema")
    #expect(second.progress.withLock { $0.first?.contains("(shipit)") } == true)
    let outcomes = await [one, two]
    #expect(outcomes.allSatisfy { $0.result != nil }, "\(outcomes)")
    #expect(second.identified.withLock { $0 }.isEmpty)
  }

  @Test func golangMigratesOwnLockKeepsUsOut() async throws {
    let bench = try await SchemaBench(.golangMigrate)
    two(bench)
    let step = try #require(try await bench.step())
    let name = try await bench.values("SELECT current_database()")[0]
    let other = try await bench.session()
    _ = try await other.query(
      "SELECT pg_advisory_lock($1::bigint)", [.int(SequentialTool.lockKey(schema: "public", database: name))])
    let outcome = await bench.performer().perform(step, SchemaBench.Witness().call(limit: .milliseconds(600)))
    #expect(outcome.failure?.kind == .leaseHeld)
    #expect(outcome.failure?.cause?.contains("pid ") == true)
    await other.close()
    #expect(await bench.performer().perform(step, SchemaBench.Witness().call()).result != nil)
  }

  @Test func aLongTransactionIsNamedAndNothingBegins() async throws {
    let bench = try await SchemaBench()
    two(bench)
    try await bench.run("CREATE TABLE busy (i int)")
    let step = try #require(try await bench.step())
    let other = try await bench.session()
    try await other.run("BEGIN; SELECT count(*) FROM busy", limit: .seconds(5))
    let pid = try await bench.values(
      "SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()")[
        0]
    let outcome = await bench.performer(longTransaction: .milliseconds(1)).perform(
      step, SchemaBench.Witness().call())
    let failure = try #require(outcome.failure)
    #expect(failure.message.contains("a transaction that is open for"))
    #expect(failure.cause?.contains("pid \(pid)") == true)
    #expect(failure.cause?.contains("SELECT count(*) FROM busy") == true)
    #expect(failure.hint?.contains("pg_terminate_backend(\(pid))") == true)
    #expect(!outcome.moved)
    await other.close()
  }

  @Test func aLockThatIsNotGivenInTimeIsAskedForAgain() async throws {
    let bench = try await SchemaBench(lock: .milliseconds(200))
    try await bench.run("CREATE TABLE busy (i int)")
    bench.files.set("1_a.up.sql", "ALTER TABLE busy ADD COLUMN a int;")
    let step = try #require(try await bench.step())
    let other = try await bench.session()
    try await other.run("BEGIN; LOCK TABLE busy", limit: .seconds(5))
    let witness = SchemaBench.Witness()
    async let outcome = bench.performer().perform(step, witness.call())
    try await witness.reported("again soon: canceling statement due to lock timeout (SQLSTATE 55P03)")
    await other.close()
    #expect(await outcome.result != nil)
  }

  @Test func anInvalidIndexAndADirtyStateAreRefused() async throws {
    let bench = try await SchemaBench()
    try await bench.run("CREATE TABLE t (i int); INSERT INTO t VALUES (1), (1)")
    try? await bench.run("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (i)")
    two(bench)
    let invalid = await failure { try await bench.observe() }
    #expect(invalid?.message.contains("an invalid index: public.broken") == true)
    #expect(invalid?.hint?.contains("DROP INDEX CONCURRENTLY public.broken") == true)
    try await bench.run("DROP INDEX broken")
    let step = try #require(try await bench.step())
    try await bench.run(
      """
      CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
      INSERT INTO schema_migrations VALUES (1, true)
      """)
    let dirty = await failure { try await bench.observe() }
    #expect(dirty?.message.contains("was left half-way in 1") == true)
    let outcome = await bench.performer().perform(step, SchemaBench.Witness().call())
    #expect(outcome.failure?.message.contains("was left half-way in 1") == true)
    if case .failed(_, let moved) = await bench.performer().probe(step, SchemaBench.Witness().call()) {
      #expect(moved)
    } else {
      Issue.record("a dirty state was not found")
    }
  }

  // MARK: Stopping

  @Test func aCancelledFileLeavesNothing() async throws {
    let bench = try await SchemaBench()
    bench.files.set("1_a.up.sql", "CREATE TABLE one (i int);")
    bench.files.set("2_slow.up.sql", "CREATE TABLE two (i int);\nSELECT pg_sleep(60);")
    let step = try #require(try await bench.step())
    let performer = bench.performer()
    let witness = SchemaBench.Witness()
    let task = Task { await performer.perform(step, witness.call()) }
    try await witness.reported("2_slow.up.sql")
    while try await bench.values(
      "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep'"
    ).isEmpty {}
    task.cancel()
    let abandonment = await performer.abandon(step, witness.call())
    #expect(abandonment == .inFlight("1 of 2 applied, they stay"))
    #expect(await task.value == .cancelled(moved: true))
    #expect(try await bench.values("SELECT version, dirty FROM schema_migrations") == ["1,f"])
    #expect(try await bench.values("SELECT to_regclass('two') IS NULL") == ["t"])
  }

  @Test func aConcurrentIndexIsBuiltOutsideOfATransaction() async throws {
    let bench = try await SchemaBench(.golangMigrate)
    two(bench)
    bench.files.set("3_index.up.sql", "CREATE INDEX CONCURRENTLY orders_note ON orders (note);")
    let step = try #require(try await bench.step())
    let outcome = await bench.performer().perform(step, SchemaBench.Witness().call())
    #expect(outcome.result?.facts[StepFact.schema] == "3", "\(outcome)")
    #expect(
      try await bench.values("SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_note'::regclass")
        == ["t"])
    bench.files.set("4_two.up.sql", "SELECT 1;\nCREATE INDEX CONCURRENTLY again ON orders (note);")
    let refused = await failure { try await bench.observe() }
    #expect(refused?.message.contains("put it into a file of its own") == true)
    // Encore's files are always one transaction (contract encore §7).
    let encore = try await SchemaBench(.encore)
    encore.files.set("1_index.up.sql", "CREATE INDEX CONCURRENTLY i ON t (a);")
    #expect(
      await failure { try await encore.observe() }?.message.contains("Encore's migrations always do") == true)
  }
}

extension StepResult {
  /// Without how long it took.
  fileprivate var unhurried: StepResult {
    var result = self
    result.summary =
      "\(facts[StepFact.applied]?.split(separator: "\n").count ?? 0) migrations applied, the schema is at "
      + (facts[StepFact.schema] ?? "")
    return result
  }
}
