import Concurrency

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Whether the disk answers so fast that waiting for it costs less than handing the work to another thread and back.
///
/// A thread that tasks share may wait for the disk only that long, and only where another one goes on meanwhile:
/// after one slow transaction the following ones go to the queue, until one there was fast again.
final class Promptness: Sendable {
  private static let limit = Duration.milliseconds(5)
  private static let hasOtherThreads = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1
  private let wasFast = Locked(true)

  var isGiven: Bool { Promptness.hasOtherThreads && wasFast.withLock { $0 } }

  /// Runs `body` and remembers how long it took.
  func measured<Result>(_ body: () throws -> Result) rethrows -> Result {
    let began = ContinuousClock.now
    defer {
      let isFast = ContinuousClock.now - began < Promptness.limit
      wasFast.withLock { $0 = isFast }
    }
    return try body()
  }
}
