import Concurrency
import FoundationEssentials
package import Model
import Postgres

/// The ledger of one environment as rows in PostgreSQL, for everybody who can reach the database.
///
/// Time is the server's. Every write is one transaction that locks the ledger's row and checks the fence.
package final class PostgresLedger: Ledger {
  let environment: String
  /// Host and database, for messages.
  let place: String
  let id: Int64
  private let timing: LeaseTiming
  private let database: PostgresDatabase

  /// Opens the ledger; its tables and its row are made when they are missing.
  /// - Parameters:
  ///   - url: the database's address, with its password.
  ///   - app: one database may hold the ledgers of several applications.
  /// - Throws: `Failure`: configuration, authentication, or failed when the server cannot be reached.
  package static func open(
    url: Sensitive, app: String, environment: String, timing: LeaseTiming = LeaseTiming()
  ) async throws(Failure) -> PostgresLedger {
    let address: PostgresAddress
    do {
      address = try PostgresAddress(url.reveal())
    } catch {
      throw .ledger(error, of: environment, at: "state.postgres.url")
    }
    let place = address.description
    let database = PostgresDatabase(address)
    do {
      if try await !database.transaction({ connection, _ in try PostgresSchema.isPrepared(connection) }) {
        try await database.transaction { connection, _ in
          try PostgresSchema.prepare(connection, place: place)
        }
      }
      let id = try await database.transaction { connection, _ in
        try PostgresSchema.ledger(connection, app: app, environment: environment)
      }
      return PostgresLedger(
        environment: environment, place: place, id: id, timing: timing, database: database)
    } catch {
      throw .ledger(error, of: environment, at: place)
    }
  }

  private init(
    environment: String, place: String, id: Int64, timing: LeaseTiming, database: PostgresDatabase
  ) {
    self.environment = environment
    self.place = place
    self.id = id
    self.timing = timing
    self.database = database
  }

  // MARK: Lease

  package func acquire(holder: Holder) async throws(Failure) -> Lease {
    try await acquire(holder, evenIfMoved: false)
  }

  package func acquireForMove(holder: Holder) async throws(Failure) -> Lease {
    try await acquire(holder, evenIfMoved: true)
  }

  private func acquire(_ holder: Holder, evenIfMoved: Bool) async throws(Failure) -> Lease {
    try await transaction { connection, isRepeated in
      var row = try PostgresLeaseRow.lock(connection, ledger: self.id)
      if !evenIfMoved, let move = try self.move(connection) {
        throw Failure.moved(move, environment: self.environment)
      }
      // The answer to our own success was lost.
      if isRepeated, let mine = row.state.lease, mine.holder == holder { return mine }
      let lease = try row.state.acquire(
        holder, timing: self.timing, at: row.now, environment: self.environment, isDead: { _ in false })
      try row.write(connection, ledger: self.id)
      return lease
    }
  }

  package func renew(_ lease: Lease) async throws(Failure) -> Lease {
    try await transaction { connection, _ in
      var row = try PostgresLeaseRow.lock(connection, ledger: self.id)
      let renewed = try row.state.renew(lease, at: row.now, environment: self.environment)
      try row.write(connection, ledger: self.id)
      return renewed
    }
  }

  package func release(_ lease: Lease) async {
    // What cannot be recorded does no harm: the lease expires.
    try? await transaction { connection, _ in
      var row = try PostgresLeaseRow.lock(connection, ledger: self.id)
      let before = row.state
      row.state.release(lease)
      if row.state != before { try row.write(connection, ledger: self.id) }
    }
  }

  package func holder() async throws(Failure) -> Lease? {
    try await transaction { connection, _ in
      let row = try PostgresLeaseRow.read(connection, ledger: self.id)
      return row.state.current(at: row.now, isDead: { _ in false })
    }
  }

  package func requestCancel(_ request: CancelRequest) async throws(Failure) -> Lease? {
    try await transaction { connection, _ in
      var row = try PostgresLeaseRow.lock(connection, ledger: self.id)
      let asked = row.state.requestCancel(request, at: row.now, isDead: { _ in false })
      if asked != nil { try row.write(connection, ledger: self.id) }
      return asked
    }
  }

  package func expel(_ seen: Lease, evenIfRenewed: Bool) async throws(Failure) {
    try await transaction { connection, isRepeated in
      var row = try PostgresLeaseRow.lock(connection, ledger: self.id)
      // The answer to our own success was lost.
      if isRepeated, row.state.lease == nil, row.state.fence == seen.fence + 1 { return }
      try row.state.expel(
        seen, evenIfRenewed: evenIfRenewed, at: row.now, environment: self.environment)
      try row.write(connection, ledger: self.id)
    }
  }

  // MARK: Access

  /// Runs `body` in one transaction under the lease.
  /// - Parameter body: gets the server's time, and whether it runs again after a broken connection.
  /// - Throws: `stale` when the lease was lost; otherwise what stopped the database.
  func write<Value: Sendable>(
    under lease: Lease, _ body: @Sendable (PostgresConnection, Timestamp, Bool) throws -> Value
  ) async throws(Failure) -> Value {
    try await transaction { connection, isRepeated in
      let row = try PostgresLeaseRow.lock(connection, ledger: self.id)
      try row.state.verify(lease, environment: self.environment)
      return try body(connection, row.now, isRepeated)
    }
  }

  /// Runs `body` on one state for reading.
  func read<Value: Sendable>(
    _ body: @Sendable (PostgresConnection) throws -> Value
  ) async throws(Failure) -> Value {
    try await transaction { connection, _ in try body(connection) }
  }

  /// Runs `body` in one transaction without asking for the lease.
  func transaction<Value: Sendable>(
    _ body: @Sendable (PostgresConnection, Bool) throws -> Value
  ) async throws(Failure) -> Value {
    do {
      return try await database.transaction(body)
    } catch {
      throw .ledger(error, of: environment, at: place)
    }
  }

  /// Closes the connection; the next call opens one.
  package func close() async { await database.close() }
}

/// The lease as its row keeps it, with the server's time.
struct PostgresLeaseRow {
  var state: LeaseState
  var now: Timestamp

  /// Reads the row and keeps everybody else from changing it until the transaction ends.
  static func lock(_ connection: PostgresConnection, ledger: Int64) throws -> PostgresLeaseRow {
    try read(connection, ledger: ledger, clause: "FOR UPDATE")
  }

  // `clock_timestamp`, for `now()` stands still from the transaction's begin on, which may lie before a wait
  // for the row. Where it was read before such a wait it is early: then nobody is declared dead too soon.
  static func read(
    _ connection: PostgresConnection, ledger: Int64, clause: String = ""
  ) throws -> PostgresLeaseRow {
    let row = try connection.query(
      """
      SELECT fence, holder, since, expires, duration, heartbeat, cancel,
        floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
      FROM shipit.ledgers WHERE id = $1::int \(clause)
      """, [.int(ledger)]
    ).first
    guard let row, let fence = row.int("fence"), let now = row.int("now") else {
      throw PostgresError(code: .other, message: "the ledger's row is missing")
    }
    var state = LeaseState(fence: fence)
    if let holder = row["holder"], let since = row.int("since"), let expires = row.int("expires"),
      let duration = row.int("duration"), let heartbeat = row.int("heartbeat")
    {
      state.lease = Lease(
        holder: try value(Holder.self, fromJSON: holder), fence: fence,
        since: Timestamp(milliseconds: since), expires: Timestamp(milliseconds: expires),
        duration: .milliseconds(duration), heartbeat: .milliseconds(heartbeat),
        cancel: try row["cancel"].map { try value(CancelRequest.self, fromJSON: $0) })
    }
    return PostgresLeaseRow(state: state, now: Timestamp(milliseconds: now))
  }

  func write(_ connection: PostgresConnection, ledger: Int64) throws {
    let lease = state.lease
    try connection.query(
      """
      UPDATE shipit.ledgers SET fence = $2::bigint, holder = $3::json, since = $4::bigint,
        expires = $5::bigint, duration = $6::bigint, heartbeat = $7::bigint, cancel = $8::json
      WHERE id = $1::int
      """,
      [
        .int(ledger), .int(state.fence), PostgresValue(try lease.map { try text(of: $0.holder) }),
        PostgresValue(lease?.since.milliseconds), PostgresValue(lease?.expires.milliseconds),
        PostgresValue(lease?.duration.wholeMilliseconds), PostgresValue(lease?.heartbeat.wholeMilliseconds),
        PostgresValue(try lease?.cancel.map { try text(of: $0) }),
      ])
  }
}

/// A record from JSON text.
func value<Value: Decodable>(_ type: Value.Type, fromJSON text: String?) throws -> Value {
  try JSONDecoder().decode(type, from: Data((text ?? "").utf8))
}
