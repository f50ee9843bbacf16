import Concurrency

/// A PostgreSQL database, for asynchronous code: libpq runs on a queue of its own, so that a slow server
/// blocks no other task. Connects when first used, and anew after the connection broke.
package actor PostgresDatabase {
  /// Where it is, for messages.
  package nonisolated let address: PostgresAddress

  private let patience: Duration
  private var connection: PostgresConnection?
  private nonisolated let executor = QueueExecutor(label: "postgres")

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// - Parameter patience: how long one statement may take; the server is told too, and given less.
  package init(_ address: PostgresAddress, patience: Duration = .seconds(6)) {
    self.address = address
    self.patience = patience
  }

  /// Runs `body` in one transaction; when it throws, nothing has happened.
  ///
  /// When the connection breaks, it runs once more, on a new one: then the first may have taken effect
  /// unseen, and `body` has to recognise its own work.
  /// - Parameter body: gets whether this is the second time.
  /// - Throws: `PostgresError`, or what `body` throws.
  @discardableResult
  package func transaction<Value: Sendable>(
    _ body: @Sendable (PostgresConnection, _ isRepeated: Bool) throws -> Value
  ) throws -> Value {
    do {
      return try attempt(isRepeated: false, body)
    } catch let error as PostgresError where error.isPassing {
      return try attempt(isRepeated: true, body)
    }
  }

  /// Closes the connection; the next call opens one.
  package func close() {
    connection?.close()
    connection = nil
  }

  private func attempt<Value>(
    isRepeated: Bool, _ body: (PostgresConnection, Bool) throws -> Value
  ) throws -> Value {
    let connection = try connected()
    do {
      // In one trip, and for this transaction alone: connections may be shared by a pooler. A holder that
      // is suspended in the middle must not keep its row locks.
      try connection.script(
        """
        BEGIN;
        SET LOCAL statement_timeout = '5s';
        SET LOCAL lock_timeout = '4s';
        SET LOCAL idle_in_transaction_session_timeout = '5s';
        SET LOCAL client_min_messages = 'error'
        """)
      let value = try body(connection, isRepeated)
      try connection.query("COMMIT")
      return value
    } catch {
      if connection.isOpen, (error as? PostgresError)?.code != .connectionLost {
        do {
          try connection.query("ROLLBACK")
        } catch {
          close()
        }
      } else {
        close()
      }
      throw error
    }
  }

  private func connected() throws -> PostgresConnection {
    if let connection, connection.isOpen { return connection }
    close()
    let made = try PostgresConnection(address, patience: Int(patience.components.seconds * 1000))
    connection = made
    return made
  }
}
