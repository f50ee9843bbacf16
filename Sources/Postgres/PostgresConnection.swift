import CPostgres

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// An open connection, for synchronous use inside a transaction. Not to be kept beyond it.
package final class PostgresConnection {
  private var handle: OpaquePointer?
  private let address: PostgresAddress
  /// How long one statement may take until its answer is here, in milliseconds.
  private let patience: Int

  init(_ address: PostgresAddress, patience: Int) throws(PostgresError) {
    self.address = address
    self.patience = patience
    var keywords: [UnsafePointer<CChar>?] = []
    var values: [UnsafePointer<CChar>?] = []
    var kept: [UnsafeMutablePointer<CChar>?] = []
    defer { for text in kept { free(text) } }
    for (keyword, value) in address.parameters {
      let copies = [strdup(keyword), strdup(value)]
      kept += copies
      keywords.append(UnsafePointer(copies[0]))
      values.append(UnsafePointer(copies[1]))
    }
    // expand_dbname is 0: a database's name is never taken for an address.
    handle = PQconnectdbParams(keywords + [nil], values + [nil], 0)
    guard PQstatus(handle) == CONNECTION_OK else {
      let message = words(PQerrorMessage(handle))
      close()
      throw PostgresError(
        code: Self.isAboutUser(message) ? .authentication : .cannotConnect, message: message)
    }
    // Notices would go to standard error.
    PQsetNoticeProcessor(handle, { _, _ in }, nil)
  }

  deinit { close() }

  /// Whether the connection still stands, as far as libpq knows.
  var isOpen: Bool { handle != nil && PQstatus(handle) == CONNECTION_OK }

  /// Runs one statement and gives its rows.
  /// - Parameter values: for `$1`, `$2`, … in their order.
  /// - Throws: `PostgresError`.
  @discardableResult
  package func query(_ sql: String, _ values: [PostgresValue] = []) throws(PostgresError) -> [PostgresRow] {
    let texts = values.map { $0.sent.map { strdup($0) } ?? nil }
    defer { for text in texts { free(text) } }
    let pointers = texts.map { UnsafePointer($0) }
    return try answer(PQsendQueryParams(handle, sql, Int32(values.count), nil, pointers, nil, nil, 0))
  }

  /// Runs several statements without parameters at once, such as a schema.
  /// - Throws: `PostgresError`.
  package func script(_ sql: String) throws(PostgresError) {
    _ = try answer(PQsendQuery(handle, sql))
  }

  /// Runs a text of statements as the server reads it, one after the other, until one fails.
  /// - Parameter patience: how long it may take altogether, in milliseconds.
  /// - Throws: `PostgresError`, which says which statement failed.
  package func run(_ sql: String, patience: Int) throws(PostgresError) {
    _ = try answer(PQsendQuery(handle, sql), patience: patience)
  }

  /// What asks the server to stop what this connection runs; nil when there is none.
  func cancellation() -> OpaquePointer? { PQgetCancel(handle) }

  func close() {
    PQfinish(handle)
    handle = nil
  }

  // MARK: Answers

  /// Waits for everything that a statement gives; the rows of its last result.
  private func answer(_ sent: Int32, patience own: Int? = nil) throws(PostgresError) -> [PostgresRow] {
    guard sent == 1 else { throw lost() }
    let patience = own ?? patience
    var rows: [PostgresRow] = []
    var failure: PostgresError?
    var ended = 0
    let end = Self.milliseconds + patience
    while true {
      while PQisBusy(handle) == 1 { try waitForBytes(until: end, patience) }
      guard let result = PQgetResult(handle) else { break }
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
        rows = []
        ended += 1
      case PGRES_TUPLES_OK:
        rows = Self.rows(result)
        ended += 1
      case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
        // The same result would come for ever.
        close()
        throw PostgresError(
          code: .other, message: "COPY from or to the client is not possible here", statement: ended)
      default:
        if failure == nil {
          failure = refused(result)
          failure?.statement = ended
        }
      }
    }
    if let failure { throw failure }
    guard isOpen else { throw lost() }
    return rows
  }

  /// A server that stopped and one behind a broken network send nothing more.
  private func waitForBytes(until end: Int, _ patience: Int) throws(PostgresError) {
    let left = end - Self.milliseconds
    var descriptor = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
    guard descriptor.fd >= 0 else { throw lost() }
    let ready = left > 0 ? poll(&descriptor, 1, Int32(clamping: left)) : 0
    if ready < 0 && errno == EINTR { return }
    guard ready > 0 else {
      close()
      throw PostgresError(
        code: .connectionLost, message: "no answer from \(address.description) within \(patience / 1000) s")
    }
    guard PQconsumeInput(handle) == 1 else { throw lost() }
  }

  private func lost() -> PostgresError {
    guard handle != nil else {
      return PostgresError(code: .connectionLost, message: "the connection is closed")
    }
    return PostgresError(code: .connectionLost, message: words(PQerrorMessage(handle)))
  }

  private func refused(_ result: OpaquePointer) -> PostgresError {
    // 'C' is PG_DIAG_SQLSTATE, 'M' PG_DIAG_MESSAGE_PRIMARY: a detail could repeat what was sent.
    let state = PQresultErrorField(result, 67).map { String(cString: $0) }
    guard let message = PQresultErrorField(result, 77) else { return lost() }
    // 'P' is PG_DIAG_STATEMENT_POSITION, 'H' PG_DIAG_MESSAGE_HINT.
    let position = PQresultErrorField(result, 80).flatMap { Int(String(cString: $0)) }
    let hint = PQresultErrorField(result, 72).map { words($0) }
    return PostgresError(
      code: state.map { PostgresError.code(ofState: $0) } ?? .other, state: state, message: words(message),
      hint: hint, position: position)
  }

  private static func rows(_ result: OpaquePointer) -> [PostgresRow] {
    let columns = (0..<PQnfields(result)).map { PQfname(result, $0).map { String(cString: $0) } ?? "" }
    return (0..<PQntuples(result)).map { row in
      let values = (0..<PQnfields(result)).map { column -> String? in
        guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else {
          return nil
        }
        let count = Int(PQgetlength(result, row, column))
        return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
      }
      return PostgresRow(values: values, columns: columns)
    }
  }

  /// libpq's words in one line, without the password.
  private func words(_ text: UnsafePointer<CChar>?) -> String {
    let lines = address.redact(text.map { String(cString: $0) } ?? "").split(whereSeparator: \.isNewline)
      .map { $0.drop { $0 == "\t" || $0 == " " } }
    return lines.isEmpty ? "the connection ended without a word" : lines.joined(separator: "; ")
  }

  /// libpq 15 gives no code for a refused connection, only the server's words.
  private static func isAboutUser(_ message: String) -> Bool {
    [
      "authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied",
      "certificate", "permission denied for database", "is not permitted to log in",
    ].contains { message.contains($0) }
  }

  private static var milliseconds: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}
