import CPostgres
import Concurrency

/// One connection for a while, with what hangs on it: session settings and advisory locks. It is opened once
/// and never silently anew, for then they would be gone.
package actor PostgresSession {
  /// Where it is, for messages.
  package nonisolated let address: PostgresAddress

  private let patience: Duration
  private var connection: PostgresConnection?
  private nonisolated let canceller = Canceller()
  private nonisolated let executor = QueueExecutor(label: "postgres session")

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// - Parameter patience: how long one statement may take that says nothing else.
  package init(_ address: PostgresAddress, patience: Duration = .seconds(15)) {
    self.address = address
    self.patience = patience
  }

  /// Connects.
  /// - Throws: `PostgresError`.
  package func open() throws {
    let made = try PostgresConnection(address, patience: milliseconds(patience))
    connection = made
    canceller.set(made.cancellation())
  }

  /// Runs one statement and gives its rows.
  /// - Throws: `PostgresError`.
  package func query(_ sql: String, _ values: [PostgresValue] = []) throws -> [PostgresRow] {
    try opened().query(sql, values)
  }

  /// Runs a text of statements as the server reads it.
  /// - Parameter limit: how long it may take altogether.
  /// - Throws: `PostgresError`, which says which statement failed.
  package func run(_ sql: String, limit: Duration) throws {
    try opened().run(sql, patience: milliseconds(limit))
  }

  /// Asks the server to stop what runs; what it stops fails with 57014. Blocks for as long as it takes to
  /// connect once more.
  package nonisolated func cancel() { canceller.cancel() }

  package func close() {
    canceller.set(nil)
    connection?.close()
    connection = nil
  }

  private func opened() throws -> PostgresConnection {
    guard let connection, connection.isOpen else {
      throw PostgresError(code: .connectionLost, message: "the connection is closed")
    }
    return connection
  }

  private func milliseconds(_ duration: Duration) -> Int {
    Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
  }
}

/// Keeps libpq's way to stop a statement; it may be used from any thread while the lock is held.
private final class Canceller: Sendable {
  private struct Handle: @unchecked Sendable {
    // Only touched under the lock of `handle`.
    var pointer: OpaquePointer?
  }
  private let handle = Locked(Handle())

  func set(_ pointer: OpaquePointer?) {
    let made = Handle(pointer: pointer)
    handle.withLock { handle in
      if let old = handle.pointer { PQfreeCancel(old) }
      handle = made
    }
  }

  func cancel() {
    handle.withLock { handle in
      guard let pointer = handle.pointer else { return }
      var words = [CChar](repeating: 0, count: 256)
      _ = PQcancel(pointer, &words, Int32(words.count))
    }
  }

  deinit { if let pointer = handle.withLock({ $0.pointer }) { PQfreeCancel(pointer) } }
}
