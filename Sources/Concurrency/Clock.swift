#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Where time comes from. Everything that waits takes one, so that no test waits for real minutes.
package protocol TimeSource: Sendable {
  /// The present moment; never earlier than a moment this source gave before.
  var now: Timestamp { get }

  /// Suspends until `moment`. Throws `CancellationError` when the task is cancelled first.
  func sleep(until moment: Timestamp) async throws
}

extension TimeSource {
  /// Suspends for `duration`. Throws `CancellationError` when the task is cancelled first.
  package func sleep(for duration: Duration) async throws {
    try await sleep(until: now + duration)
  }
}

/// The machine's clock: wall time at start plus the time counted since by a clock that runs through sleep.
package struct SystemClock: TimeSource {
  private let anchor: Int64

  package init() {
    anchor = SystemClock.read(CLOCK_REALTIME) - SystemClock.read(SystemClock.counting)
  }

  package var now: Timestamp {
    Timestamp(milliseconds: anchor + SystemClock.read(SystemClock.counting))
  }

  package func sleep(until moment: Timestamp) async throws {
    let wait = moment - now
    guard wait > .zero else {
      try Task.checkCancellation()
      return
    }
    try await Task.sleep(for: wait, tolerance: .zero, clock: .continuous)
  }

  #if canImport(Darwin)
    private static let counting = CLOCK_MONOTONIC
  #else
    private static let counting = CLOCK_BOOTTIME
  #endif

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
