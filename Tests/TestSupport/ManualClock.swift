package import Concurrency

/// A clock for tests: a sleep returns at once and moves the time to its end.
package final class ManualClock: TimeSource {
  private let moment: Locked<Timestamp>
  private let step: Duration

  /// - Parameter step: what each reading of `now` moves the time by, for code that waits by looking.
  package init(
    _ start: Timestamp = Timestamp(milliseconds: 1_766_000_000_000), step: Duration = .zero
  ) {
    moment = Locked(start)
    self.step = step
  }

  package var now: Timestamp {
    moment.withLock { moment in
      moment = moment + step
      return moment
    }
  }

  package func advance(by duration: Duration) {
    moment.withLock { $0 = $0 + duration }
  }

  package func sleep(until end: Timestamp) async throws {
    try Task.checkCancellation()
    moment.withLock { $0 = max($0, end) }
    await Task.yield()
    try Task.checkCancellation()
  }
}
