import CSQLite

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// An open database, for synchronous use inside a transaction. Not to be kept beyond it.
package final class Connection {
  /// The database file.
  package let path: String

  private var handle: OpaquePointer?
  private var statements: [String: Statement] = [:]
  /// The error number the last call into SQLite left behind.
  private var systemError: Int32 = 0
  private static let keptStatements = 64
  /// How long a statement waits for another connection's lock.
  private let busyMilliseconds: Int32

  init(path: String, options: DatabaseOptions) throws {
    self.path = path
    busyMilliseconds = Int32(
      clamping: options.busyTimeout.components.seconds * 1000
        + options.busyTimeout.components.attoseconds / 1_000_000_000_000_000)
    if !options.isReadOnly, path != ":memory:" {
      // SQLite gives -wal and -shm the mode of the file.
      let fault = OwnerFile.create(path)
      guard fault == 0 else {
        throw SQLiteError(code: .cannotOpen, message: String(cString: strerror(fault)), path: path)
      }
    }
    let mode = options.isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
    let result = sqlite3_open_v2(path, &handle, mode | SQLITE_OPEN_NOMUTEX, nil)
    guard result == SQLITE_OK else {
      let error = failure(result)
      close()
      throw error
    }
    sqlite3_extended_result_codes(handle, 1)
    sqlite3_busy_timeout(handle, busyMilliseconds)
    do {
      try configure(options)
    } catch {
      close()
      throw error
    }
  }

  deinit { close() }

  /// Runs one statement and tells how many rows it inserted, changed or deleted.
  /// - Parameter values: for `?1`, `?2`, … in their order.
  /// - Throws: `SQLiteError`.
  @discardableResult
  package func execute(_ sql: String, _ values: [SQLValue] = []) throws -> Int {
    let statement = try prepare(sql)
    defer { statement.reset() }
    try check(statement.bind(values))
    var result = calling { statement.step() }
    while result == SQLITE_ROW { result = calling { statement.step() } }
    guard result == SQLITE_DONE else { throw failure(result) }
    return Int(sqlite3_changes64(handle))
  }

  /// Runs one statement and gives its rows.
  /// - Throws: `SQLiteError`.
  package func query(_ sql: String, _ values: [SQLValue] = []) throws -> [Row] {
    let statement = try prepare(sql)
    defer { statement.reset() }
    try check(statement.bind(values))
    var rows: [Row] = []
    while true {
      switch calling({ statement.step() }) {
      case SQLITE_ROW: rows.append(Row(values: statement.values(), columns: statement.columns))
      case SQLITE_DONE: return rows
      case let result: throw failure(result)
      }
    }
  }

  /// Runs several statements without parameters, such as a schema.
  /// - Throws: `SQLiteError`.
  package func script(_ sql: String) throws {
    let handle = try open()
    try check(calling { sqlite3_exec(handle, sql, nil, nil, nil) })
  }

  /// The key of the row inserted last.
  package var lastInsertedRow: Int64 { handle.map { sqlite3_last_insert_rowid($0) } ?? 0 }

  /// What a transaction gave.
  struct Done<Result> {
    var value: Result
  }

  /// A transaction for writing, unless another connection writes just now: then nil, without waiting for it.
  func transactionIfFree<Result>(_ body: (Connection) throws -> Result) throws -> Done<Result>? {
    sqlite3_busy_timeout(handle, 0)
    let result = Swift.Result { try execute("BEGIN IMMEDIATE") }
    sqlite3_busy_timeout(handle, busyMilliseconds)
    do {
      _ = try result.get()
    } catch let error as SQLiteError where error.code == .busy {
      return nil
    }
    return Done(value: try inside(body))
  }

  func transaction<Result>(begin: String, _ body: (Connection) throws -> Result) throws -> Result {
    try execute(begin)
    return try inside(body)
  }

  private func inside<Result>(_ body: (Connection) throws -> Result) throws -> Result {
    do {
      let result = try body(self)
      try execute("COMMIT")
      return result
    } catch {
      // Some failures have rolled back already; then there is nothing to undo.
      if let handle, sqlite3_get_autocommit(handle) == 0 { _ = try? execute("ROLLBACK") }
      throw error
    }
  }

  func close() {
    statements = [:]
    sqlite3_close_v2(handle)
    handle = nil
  }

  // MARK: Opening

  private func configure(_ options: DatabaseOptions) throws {
    guard !options.isReadOnly else {
      do { _ = try query("PRAGMA schema_version") } catch let error as SQLiteError
        where error.code == .readOnly
      {
        // Whoever wrote was killed half-way, which only one who may write can take back.
        _ = try Connection(path: path, options: DatabaseOptions(busyTimeout: options.busyTimeout))
        _ = try query("PRAGMA schema_version")
      }
      return
    }
    try enterWriteAheadLog(options)
    try script("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
  }

  /// The change to the write-ahead log needs every lock and does not wait for them by itself.
  private func enterWriteAheadLog(_ options: DatabaseOptions) throws {
    let start = ContinuousClock.now
    while true {
      do {
        _ = try query("PRAGMA journal_mode = WAL")
        return
      } catch let error as SQLiteError
        where error.code == .busy && ContinuousClock.now - start < options.busyTimeout
      {
        usleep(5000)
      }
    }
  }

  // MARK: Statements and failures

  private func open() throws -> OpaquePointer {
    guard let handle else { throw SQLiteError(code: .other, message: "it is closed already", path: path) }
    return handle
  }

  private func prepare(_ sql: String) throws -> Statement {
    let handle = try open()
    if let kept = statements[sql] { return kept }
    var pointer: OpaquePointer?
    let result = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &pointer, nil)
    guard result == SQLITE_OK, let pointer else {
      throw result == SQLITE_OK
        ? SQLiteError(code: .other, message: "the statement is empty", path: path) : failure(result)
    }
    if statements.count >= Self.keptStatements { statements = [:] }
    let statement = Statement(pointer)
    statements[sql] = statement
    return statement
  }

  /// Keeps the system's error number of `call`: SQLite itself forgets it for the write-ahead log.
  private func calling(_ call: () -> Int32) -> Int32 {
    errno = 0
    let result = call()
    systemError = errno
    return result
  }

  private func check(_ result: Int32) throws {
    guard result == SQLITE_OK else { throw failure(result) }
  }

  private func failure(_ result: Int32) -> SQLiteError {
    let message = String(cString: handle.map { sqlite3_errmsg($0) } ?? sqlite3_errstr(result))
    let code: SQLiteError.Code
    switch result & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED: code = .busy
    case SQLITE_FULL: code = .full
    case SQLITE_CORRUPT: code = .corrupt
    case SQLITE_NOTADB: code = .notADatabase
    case SQLITE_READONLY: code = .readOnly
    case SQLITE_CONSTRAINT: code = .constraint
    case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH: code = .cannotOpen
    case SQLITE_IOERR:
      // A limit on file sizes and a quota end in other error numbers than a full disk.
      code = [EFBIG, EDQUOT, ENOSPC].contains(systemError) ? .full : .other
    default: code = .other
    }
    return SQLiteError(code: code, message: message, path: path)
  }
}
