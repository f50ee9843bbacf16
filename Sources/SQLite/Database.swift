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
/// slow disk or a lock held elsewhere blocks no other task.
///
/// Opened with a write-ahead log and `synchronous = FULL`: what has returned survives a power cut.
package actor Database {
  /// The database file.
  package nonisolated let path: String

  private let connection: Connection
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
    self.connection = connection
    self.executor = executor
  }

  /// Runs one statement and tells how many rows it inserted, changed or deleted.
  /// - Parameter values: for `?1`, `?2`, … in their order.
  /// - Throws: `SQLiteError`.
  @discardableResult
  package func execute(_ sql: String, _ values: [SQLValue] = []) throws -> Int {
    try connection.execute(sql, values)
  }

  /// Runs one statement and gives its rows.
  /// - Throws: `SQLiteError`.
  package func query(_ sql: String, _ values: [SQLValue] = []) throws -> [Row] {
    try connection.query(sql, values)
  }

  /// Runs several statements without parameters, such as a schema; not in one transaction.
  /// - Throws: `SQLiteError`.
  package func script(_ sql: String) throws { try connection.script(sql) }

  /// Runs `body` while nobody else can write, and commits; when it throws, nothing has happened.
  /// - Throws: `SQLiteError`, or what `body` throws.
  @discardableResult
  package func transaction<Value: Sendable>(
    _ body: @Sendable (Connection) throws -> Value
  ) throws -> Value {
    try connection.transaction(begin: "BEGIN IMMEDIATE", body)
  }

  /// Runs `body` on one consistent state for reading; writers go on meanwhile.
  /// - Throws: `SQLiteError`, or what `body` throws.
  package func snapshot<Value: Sendable>(_ body: @Sendable (Connection) throws -> Value) throws -> Value {
    try connection.transaction(begin: "BEGIN", body)
  }

  /// What SQLite finds wrong with the file; empty when it is sound.
  /// - Throws: `SQLiteError` when it cannot even be examined.
  package func damage() throws -> [String] {
    do {
      let findings = try connection.query("PRAGMA quick_check").compactMap { $0[0].text }
      return findings == ["ok"] ? [] : findings
    } catch let error as SQLiteError where error.code == .corrupt {
      return [error.message]
    }
  }

  /// Closes the file; every later call throws. Without it the file is closed with the last reference.
  package func close() { connection.close() }
}
