package import Concurrency
package import Model
import SQLite

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The ledger of one environment in `.shipit/ENV.db` under the project's root.
///
/// Every write is one `BEGIN IMMEDIATE` transaction, durable on return, that first checks the fence.
/// While it holds the lease the process also holds a kernel lock, so a killed holder is superseded at once.
package final class LocalLedger: Ledger {
  /// The database file, for messages.
  package var path: String { file.database }

  let environment: String
  let time: any TimeSource
  private let timing: LeaseTiming
  private let file: LedgerFile
  private let identity: FileIdentity?
  let database: Database
  private let lock: HolderLock
  private let machine: String
  /// Fence and holder as they stood when a lease of this nonce was found to be theirs.
  private let confirmed = Locked<(row: [SQLValue], nonce: String)?>(nil)

  /// Opens the ledger, made with its directory when it is missing.
  /// - Parameters:
  ///   - root: the project's root.
  ///   - busyTimeout: how long a write waits for another process's write.
  ///   - machine: what tells this machine from others that share the directory; default: the host's name.
  /// - Throws: `Failure` when the file cannot be made or read, is another program's, damaged, or newer.
  package static func open(
    root: String, environment: String, time: any TimeSource, timing: LeaseTiming = LeaseTiming(),
    busyTimeout: Duration = .seconds(5), machine: String? = nil
  ) async throws(Failure) -> LocalLedger {
    try await open(
      LedgerFile(root: root, environment: environment), environment: environment, time: time, timing: timing,
      busyTimeout: busyTimeout, machine: machine)
  }

  static func open(
    _ file: LedgerFile, environment: String, time: any TimeSource, timing: LeaseTiming,
    busyTimeout: Duration = .seconds(5), machine: String? = nil
  ) async throws(Failure) -> LocalLedger {
    try file.prepareDirectory()
    guard let lock = HolderLock(path: file.lock) else { throw file.unusable(file.lock, errno) }
    do {
      let options = DatabaseOptions(busyTimeout: busyTimeout)
      // Judged read-only first: opening for writing would already change another program's file.
      if file.isPresent {
        let judge = try await Database.open(
          file.database, DatabaseOptions(busyTimeout: busyTimeout, isReadOnly: true))
        let kind = try await judge.snapshot { try LedgerSchema.kind($0) }
        await judge.close()
        try LedgerSchema.refuse(kind, path: file.database)
      }
      let database = try await Database.open(file.database, options)
      let now = time.now.milliseconds
      try await database.transaction { connection in
        let kind = try LedgerSchema.kind(connection)
        try LedgerSchema.refuse(kind, path: file.database)
        switch kind {
        case .empty: try LedgerSchema.create(connection, environment: environment, at: now)
        case .ours(let version): try LedgerSchema.migrate(connection, from: version)
        case .foreign: break
        }
        try connection.script(LedgerSchema.additions)
      }
      return LocalLedger(
        environment: environment, time: time, timing: timing, file: file, database: database, lock: lock,
        machine: machine ?? Self.hostName())
    } catch {
      throw .ledger(error, path: file.database)
    }
  }

  private init(
    environment: String, time: any TimeSource, timing: LeaseTiming, file: LedgerFile, database: Database,
    lock: HolderLock, machine: String
  ) {
    self.environment = environment
    self.time = time
    self.timing = timing
    self.file = file
    identity = file.identity
    self.database = database
    self.lock = lock
    self.machine = machine
  }

  private static func hostName() -> String {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return "unknown" }
    return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  // MARK: Lease

  package func acquire(holder: Holder) async throws(Failure) -> Lease {
    try await acquire(holder, evenIfMoved: false)
  }

  package func acquireForMove(holder: Holder) async throws(Failure) -> Lease {
    try await acquire(holder, evenIfMoved: true)
  }

  private func acquire(_ holder: Holder, evenIfMoved: Bool) async throws(Failure) -> Lease {
    do {
      let damage = try await database.damage()
      guard damage.isEmpty else { throw Failure.damaged(path, damage.prefix(3).joined(separator: "; ")) }
    } catch {
      throw .ledger(error, path: path)
    }
    let now = time.now
    let attempt = Locked<Int64?>(nil)
    do {
      return try await transaction { connection in
        if !evenIfMoved, let move = try Self.move(connection) {
          throw Failure.moved(move, environment: self.environment)
        }
        var row = try LeaseRow.read(connection)
        let lease = try row.state.acquire(
          holder, timing: self.timing, at: now, environment: self.environment, isDead: self.isDead(row))
        row.machine = self.machine
        // Locked before the row can be seen: whoever reads the new fence finds its byte taken.
        row.isLocked = self.lock.lock(lease.fence)
        attempt.withLock { $0 = lease.fence }
        try row.write(connection)
        return lease
      }
    } catch {
      if let fence = attempt.withLock({ $0 }) { lock.unlock(fence) }
      throw error
    }
  }

  package func renew(_ lease: Lease) async throws(Failure) -> Lease {
    let now = time.now
    return try await transaction { connection in
      var row = try LeaseRow.read(connection)
      let renewed = try row.state.renew(lease, at: now, environment: self.environment)
      try row.write(connection)
      return renewed
    }
  }

  package func release(_ lease: Lease) async {
    // What cannot be recorded does no harm: the kernel lock goes, and the lease expires.
    try? await transaction { connection in
      var row = try LeaseRow.read(connection)
      let before = row.state
      row.state.release(lease)
      if row.state != before { try row.write(connection) }
    }
    lock.unlock(lease.fence)
  }

  package func holder() async throws(Failure) -> Lease? {
    let now = time.now
    return try await read { connection in
      let row = try LeaseRow.read(connection)
      return row.state.current(at: now, isDead: self.isDead(row))
    }
  }

  package func requestCancel(_ request: CancelRequest) async throws(Failure) -> Lease? {
    let now = time.now
    return try await transaction { connection in
      var row = try LeaseRow.read(connection)
      let asked = row.state.requestCancel(request, at: now, isDead: self.isDead(row))
      if asked != nil { try row.write(connection) }
      return asked
    }
  }

  package func expel(_ seen: Lease, evenIfRenewed: Bool) async throws(Failure) {
    let now = time.now
    try await transaction { connection in
      var row = try LeaseRow.read(connection)
      try row.state.expel(seen, evenIfRenewed: evenIfRenewed, at: now, environment: self.environment)
      try row.write(connection)
    }
  }

  /// A holder on this machine whose kernel lock is gone does not live any more.
  private func isDead(_ row: LeaseRow) -> (Lease) -> Bool {
    { lease in
      row.isLocked && row.machine == self.machine && self.lock.state(of: lease.fence) == .free
    }
  }

  // MARK: Access

  /// Runs `body` in one transaction under the lease.
  /// - Throws: `stale` when the lease was lost; otherwise what stopped the ledger.
  func write<Value: Sendable>(
    under lease: Lease, _ body: @Sendable (Connection) throws -> Value
  ) async throws(Failure) -> Value {
    try await transaction { connection in
      try self.verify(lease, connection)
      return try body(connection)
    }
  }

  /// - Throws: `stale` when the lease is not the holder's.
  private func verify(_ lease: Lease, _ connection: Connection) throws {
    // A row like the one that was judged last needs no reading: every entry of a journal asks.
    let row = try connection.query("SELECT fence, holder FROM lease WHERE id = 1").first?.values
    let isKnown = confirmed.withLock { $0.map { $0.row == row && $0.nonce == lease.holder.nonce } ?? false }
    if isKnown, row?.first == .int(lease.fence) { return }
    try LeaseRow.read(connection).state.verify(lease, environment: environment)
    if let row { confirmed.withLock { $0 = (row, lease.holder.nonce) } }
  }

  /// Runs `body` on one consistent state.
  func read<Value: Sendable>(_ body: @Sendable (Connection) throws -> Value) async throws(Failure) -> Value {
    do {
      return try await database.snapshot(body)
    } catch {
      throw .ledger(error, path: path)
    }
  }

  /// Runs `body` in one transaction without asking for the lease.
  func transaction<Value: Sendable>(
    _ body: @Sendable (Connection) throws -> Value
  ) async throws(Failure) -> Value {
    do {
      return try await database.transaction { connection in
        // A ledger that was deleted or replaced meanwhile would take the record with it.
        guard self.file.identity == self.identity else { throw Failure.replaced(self.path) }
        return try body(connection)
      }
    } catch {
      throw .ledger(error, path: path)
    }
  }

  /// Closes the file; every later call fails. Without it the file is closed with the last reference.
  package func close() async { await database.close() }
}

extension Failure {
  fileprivate static func replaced(_ path: String) -> Failure {
    Failure(
      .stale, "the ledger \(path) was removed or replaced while this shipit used it", place: path,
      hint: "put the file back if it was moved; see what is live with `shipit status`")
  }
}
