import Concurrency
import Foundation
import Model
import Processes
import TestSupport
import Testing

@testable import Ledgers
@testable import Postgres

/// What the ledger in PostgreSQL does beyond what all ledgers do, and the connection under it.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .timeLimit(.minutes(5))
)
struct PostgresLedgerTests {
  let app = "shop-\(UUID().uuidString)"

  private func open(_ environment: String = "prod", app: String? = nil) async throws -> PostgresLedger {
    try await PostgresLedger.open(
      url: Sensitive(try await PostgresServer.shared().url), app: app ?? self.app, environment: environment)
  }

  // MARK: Getting in

  private func refusal(_ url: String, _ kind: Failure.Kind, _ parts: [String]) async {
    let error = await failure {
      try await PostgresLedger.open(url: Sensitive(url), app: app, environment: "prod")
    }
    #expect(error?.kind == kind)
    #expect(error?.hint?.isEmpty == false)
    let text = "\(error?.description ?? "") \(error?.place ?? "")"
    for part in parts { #expect(text.contains(part), "\(part) is missing in: \(text)") }
    #expect(!text.contains("planted"), "\(text)")
  }

  @Test func noErrorHoldsThePassword() async throws {
    let server = try await PostgresServer.shared()
    let wrong = server.url.replacingOccurrences(of: "planted", with: "planted-wrong")
    await refusal(wrong, .authentication, ["refuses us", "shipit", server.directory])
    await refusal(
      server.url.replacingOccurrences(of: "/postgres", with: "/nowhere"), .authentication, ["nowhere"])
    await refusal(
      "postgres://shipit:planted@127.0.0.1:9/shop", .failed,
      ["127.0.0.1:9/shop", "cannot be reached", "nothing is started", "--without-ledger"])
    // What libpq says about these repeats the text.
    for text in ["planted", "postgres://u:planted@[::1/x", "postgres://h/?planted=1", ""] {
      await refusal(text, .configuration, ["state.postgres.url", "postgres://USER:PASSWORD@HOST/DATABASE"])
    }
  }

  @Test func aPasswordIsTakenOutAsWrittenAndDecoded() throws {
    let address = try PostgresAddress("postgres://ann:a%40b@h.example:6543/shop?application_name=x")
    #expect(address.description == "h.example:6543/shop")
    #expect(address.redact("no a@b, no a%40b, no a@b") == "no ‹secret›, no ‹secret›, no ‹secret›")
    #expect(address.parameters.filter { $0.keyword == "application_name" }.map(\.value) == ["x"])
    #expect(try PostgresAddress("host=h dbname=d password=p").description == "h/d")
    #expect(try PostgresAddress("postgresql:///shop").description == "localhost/shop")
  }

  // MARK: The tables

  @Test func manyMakeTheTablesAtOnce() async throws {
    let database = try await PostgresServer.shared().database()
    let name = "many_\(UUID().uuidString.prefix(8).lowercased())"
    // A database of its own, for the tables are made once per database.
    try await outside(database, "CREATE DATABASE \(name)")
    let url = try await PostgresServer.shared().url.replacingOccurrences(of: "/postgres", with: "/" + name)
    let keys = try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<6 {
        group.addTask {
          try await PostgresLedger.open(url: Sensitive(url), app: "shop", environment: "prod")
            .fingerprintKey()
        }
      }
      return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
    }
    #expect(keys.count == 1)

    // A later schema reaches tables of this one, once; this one refuses a later one.
    let own = PostgresDatabase(try PostgresAddress(url))
    let later = PostgresSchema.migrations + ["ALTER TABLE shipit.ledgers ADD COLUMN note text"]
    for _ in 0..<2 {
      try await own.transaction { connection, _ in
        try PostgresSchema.prepare(connection, place: "here", migrations: later)
        try connection.query("SELECT note FROM shipit.ledgers")
      }
    }
    await refusal(url, .failed, ["newer shipit", "version \(later.count)", "nothing was touched"])
    await own.close()
    try await outside(database, "DROP DATABASE \(name)  WITH (FORCE)")
  }

  /// Statements that PostgreSQL does not allow in a transaction.
  private func outside(_ database: PostgresDatabase, _ sql: String) async throws {
    try PostgresConnection(database.address, patience: 20_000).script(sql)
  }

  @Test func applicationsAndEnvironmentsShareNothing() async throws {
    let ours = try await open()
    let staging = try await open("staging")
    let other = try await open(app: app + "-other")
    let lease = try await ours.acquire(holder: Sample.holder("ann"))
    _ = try await staging.acquire(holder: Sample.holder("bo"))
    _ = try await other.acquire(holder: Sample.holder("cy"))
    try await ours.markBad("c0ffee", release: 1, lease: lease)
    #expect(try await staging.badCommits().isEmpty)
    #expect(
      try await Set([ours.fingerprintKey(), staging.fingerprintKey(), other.fingerprintKey()]).count == 3)
  }

  @Test func textsThatOtherStoresCannotKeepAreKept() async throws {
    let ledger = try await open()
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    let hold = Hold(
      reason: "it's \"broken\" \\ \u{0} \u{1F6A2}\n%s $1", by: "ann", at: Timestamp(milliseconds: 5))
    try await ledger.setHold(hold, lease: lease)
    #expect(try await ledger.hold() == hold)
    // A parameter is no statement.
    try await ledger.markBad("x'); DROP TABLE shipit.runs; --", release: 1, lease: lease)
    #expect(try await ledger.badCommits().keys.contains("x'); DROP TABLE shipit.runs; --"))
    #expect(try await ledger.runs(limit: 1).isEmpty)
  }

  // MARK: Connections that break

  /// Ends every connection of the ledgers but the one that asks.
  private func cut() async throws {
    try await PostgresServer.shared().database().transaction { connection, _ in
      try connection.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
      )
    }
  }

  @Test func aBrokenConnectionIsReplacedAndNothingIsDoneTwice() async throws {
    let ledger = try await open()
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    try await cut()
    let run = try await ledger.open(Sample.plan(), by: "ann", at: now, lease: lease)
    try await cut()
    try await ledger.append(Sample.entries(1...3, at: now), to: run.id, lease: lease)
    try await cut()
    try await ledger.close(run.id, result: Sample.result(), release: nil, lease: lease)
    #expect(try await ledger.runs(limit: 9).map(\.id) == [run.id])
    #expect(try await ledger.journal(of: run.id) == Sample.entries(1...3, at: now))
  }

  @Test func workWhoseAnswerWasLostIsRecognised() async throws {
    let database = try await PostgresServer.shared().database()
    let attempts = Locked(0)
    let done = try await database.transaction { connection, isRepeated in
      let attempt = attempts.withLock { count in
        count += 1
        return count
      }
      if attempt == 1 {
        // The server dies between its work and its answer.
        try connection.query("SELECT pg_terminate_backend(pg_backend_pid())")
      }
      return isRepeated
    }
    #expect(done)
    #expect(attempts.withLock { $0 } == 2)
  }

  @Test func aServerThatStopsAnsweringIsGivenUp() async throws {
    let address = try PostgresAddress(try await PostgresServer.shared().url)
    let database = PostgresDatabase(address, patience: .seconds(1))
    let start = ContinuousClock.now
    let error = await #expect(throws: PostgresError.self) {
      try await database.transaction { connection, _ in try connection.query("SELECT pg_sleep(4)") }
    }
    #expect(error?.code == .connectionLost)
    #expect(error?.message.contains("within 1 s") == true)
    #expect(ContinuousClock.now - start >= .seconds(2))
  }

  @Test func aHolderSuspendedInTheMiddleHoldsNobodyUp() async throws {
    let ledger = try await open()
    let address = try PostgresAddress(try await PostgresServer.shared().url)
    let stuck = try PostgresConnection(address, patience: 5000)
    try stuck.script("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '300ms'")
    try stuck.query("SELECT 1 FROM shipit.ledgers WHERE app = $1 FOR UPDATE", [.text(app)])
    // Waits for the row until the server ends the other transaction.
    _ = try await ledger.acquire(holder: Sample.holder("ann"))
  }
}
