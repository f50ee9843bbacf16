import Concurrency
import Model
import Postgres

/// A connection of its own to a database, as tools use it.
struct LiveSession: DatabaseSession {
  private let session: PostgresSession

  private init(_ session: PostgresSession) { self.session = session }

  /// Connects, and looks whether it can be written to.
  /// - Throws: `Failure`.
  static func open(_ address: DirectAddress, of database: String) async throws(Failure) -> LiveSession {
    let session = PostgresSession(address.address)
    do {
      try await session.open()
      let made = LiveSession(session)
      // Ours, whatever the role's are: DDL that waits makes everybody behind it wait.
      try await session.run(
        "SET client_min_messages = 'error'; SET lock_timeout = '5s'; SET statement_timeout = '15s'",
        limit: .seconds(15))
      // From PostgreSQL 14 on: what a killed process left running ends soon, and with it our lock.
      _ = try await session.query(
        """
        SELECT set_config(name, '2000', false) FROM pg_settings WHERE name = 'client_connection_check_interval'
        """)
      return made
    } catch {
      await session.close()
      throw Failure.reaching(database, at: address.place, error)
    }
  }

  func rows(_ sql: String, _ values: [String?] = []) async throws -> [[String: String]] {
    do {
      return try await session.query(sql, values.map { PostgresValue($0) }).map(\.texts)
    } catch let error as PostgresError {
      throw DatabaseError(error)
    }
  }

  func run(_ sql: String, limit: Duration) async throws {
    do { try await session.run(sql, limit: limit) } catch let error as PostgresError {
      throw DatabaseError(error)
    }
  }

  func close() async { await session.close() }

  /// Does something that the server is asked to stop when the task is cancelled.
  func stoppable<Value: Sendable>(
    _ work: @Sendable () async throws -> Value
  ) async throws -> Value {
    let session = session
    return try await withTaskCancellationHandler {
      try await work()
    } onCancel: {
      // It connects once more, which may take a moment: not on the thread that cancels.
      Task.detached { _ = await OwnThread.run { session.cancel() } }
    }
  }
}

extension DatabaseError {
  init(_ error: PostgresError) {
    self.init(
      message: error.message, state: error.state, hint: error.hint, statement: error.statement,
      position: error.position, isLost: error.code == .connectionLost)
  }

  /// What to do about it may just be to try again (contract migrations §3).
  var isPassing: Bool { ["55P03", "40P01", "40001"].contains(state) }

  var words: String { state.map { "\(message) (SQLSTATE \($0))" } ?? message }
}

extension Failure {
  /// A database that cannot be used.
  static func reaching(_ database: String, at place: String, _ error: any Error) -> Failure {
    if let failure = error as? Failure { return failure }
    var kind = Failure.Kind.failed
    var message = "the database \(database) at \(place) cannot be reached"
    var hint = "see whether it runs and lets this machine in; nothing was changed there"
    var cause = "\(error)"
    if let error = error as? PostgresError {
      cause = error.description
      switch error.code {
      case .authentication:
        (kind, message) = (.authentication, "the database \(database) at \(place) refuses us")
        hint = "correct databases.\(database).url: user, password and database"
      case .permission:
        (kind, message) = (.authentication, "the database \(database) at \(place) does not let us do this")
        hint = "give databases.\(database).url a role that owns the schema"
      default: break
      }
    } else if let error = error as? DatabaseError {
      cause = error.words
      if error.state == "42501" {
        (kind, message) = (.authentication, "the database \(database) at \(place) does not let us do this")
        hint = "give databases.\(database).url a role that owns the schema"
      }
    }
    return Failure(kind, message, place: "databases.\(database).url", cause: cause, hint: hint)
  }
}
