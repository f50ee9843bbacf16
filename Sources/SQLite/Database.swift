import Concurrency
import Dispatch

/// How to open a database.
package struct DatabaseOptions: Sendable {
  /// How long a statement waits for another connection's lock before `SQLiteError.Code.busy`.
  package var busyTimeout: Duration
  /// Opens an existing file for reading only.
  package var isReadOnly: Bool

  package init(busyTimeout: Duration = .seconds(5), isReadOnly: Bool = false) {
    self.busyTimeout = busyTimeout
    self.isReadOnly = isReadOnly
  }
}

/// A SQLite database in a file, for asynchronous code: its work runs on a queue of its own, so that a
/// slow disk or a lock held elsewhere blocks no other task. What takes less than two changes of thread is done
/// where it is asked for: see `Promptness`.
///
/// Opened with a write-ahead log and `synchronous = FULL`: what has returned survives a power cut.
package actor Database {
  /// The database file.
  package nonisolated let path: String

  private nonisolated let turn: Turn
  private nonisolated let promptness = Promptness()
  private nonisolated let executor: QueueExecutor

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Opens `path`, made with mode 0600 when it is missing.
  /// - Throws: `SQLiteError`.
  package static func open(_ path: String, _ options: DatabaseOptions = DatabaseOptions()) async throws
    -> Database
  {
    let executor = QueueExecutor(label: "database")
    // ThreadSanitizer does not see that a continuation hands over what the queue made; a lock it sees.
    let isMade = Locked(false)
    let database: Database = try await withCheckedThrowingContinuation { continuation in
      executor.queue.async {
        let made = Result { Database(try Connection(path: path, options: options), executor) }
        isMade.withLock { $0 = true }
        continuation.resume(with: made)
      }
    }
    isMade.withLock { _ in }
    return database
  }

  private init(_ connection: sending Connection, _ executor: QueueExecutor) {
    path = connection.path
    turn = Turn(connection)
    self.executor = executor
  }

  /// Runs one statement and tells how many rows it inserted, changed or deleted.
  /// - Parameter values: for `?1`, `?2`, … in their order.
  /// - Throws: `SQLiteError`.
  @discardableResult
  package func execute(_ sql: String, _ values: [SQLValue] = []) throws -> Int {
    try turn.take { try $0.execute(sql, values) }
  }

  /// Runs one statement and gives its rows.
  /// - Throws: `SQLiteError`.
  package func query(_ sql: String, _ values: [SQLValue] = []) throws -> [Row] {
    try turn.take { try $0.query(sql, values) }
  }

  /// Runs several statements without parameters, such as a schema; not in one transaction.
  /// - Throws: `SQLiteError`.
  package func script(_ sql: String) throws { try turn.take { try $0.script(sql) } }

  /// Runs `body` while nobody else can write, and commits; when it throws, nothing has happened.
  /// - Throws: `SQLiteError`, or what `body` throws.
  @discardableResult
  package nonisolated func transaction<Value: Sendable>(
    _ body: @Sendable (Connection) throws -> Value
  ) async throws -> Value {
    if promptness.isGiven {
      let done = try turn.takeIfFree { connection in
        try promptness.measured { try connection.transactionIfFree(body) }
      }
      if let done { return done.value }
    }
    return try await queuedTransaction(body)
  }

  private func queuedTransaction<Value: Sendable>(_ body: @Sendable (Connection) throws -> Value) throws
    -> Value
  {
    try turn.take { connection in
      try promptness.measured { try connection.transaction(begin: "BEGIN IMMEDIATE", body) }
    }
  }

  /// Runs `body` on one consistent state for reading; writers go on meanwhile.
  /// - Throws: `SQLiteError`, or what `body` throws.
  package func snapshot<Value: Sendable>(_ body: @Sendable (Connection) throws -> Value) throws -> Value {
    try turn.take { try $0.transaction(begin: "BEGIN", body) }
  }

  /// What SQLite finds wrong with the file; empty when it is sound.
  /// - Throws: `SQLiteError` when it cannot even be examined.
  package func damage() throws -> [String] {
    do {
      let findings = try turn.take { try $0.query("PRAGMA quick_check").compactMap { $0[0].text } }
      return findings == ["ok"] ? [] : findings
    } catch let error as SQLiteError where error.code == .corrupt {
      return [error.message]
    }
  }

  /// Closes the file; every later call throws. Without it the file is closed with the last reference.
  package func close() { turn.take { $0.close() } }
}
