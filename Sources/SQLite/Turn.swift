#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A connection that one thread at a time uses.
final class Turn: @unchecked Sendable {
  // `@unchecked`: the connection is only touched while `mutex` is held.
  private let held: Connection
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init(_ connection: sending Connection) {
    held = connection
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs `body` as soon as no other thread uses the connection.
  func take<Result>(_ body: (Connection) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(held)
  }

  /// Runs `body` when no other thread uses the connection; otherwise, or when `body` gives nil, nothing is done.
  func takeIfFree<Result>(_ body: (Connection) throws -> Result?) rethrows -> Result? {
    guard pthread_mutex_trylock(mutex) == 0 else { return nil }
    defer { pthread_mutex_unlock(mutex) }
    return try body(held)
  }
}
