/// When a metric is read next (contract rollout-analysis §7). Times count from any one instant.
package struct ReadingSchedule: Sendable, Hashable {
  /// Between two readings; nil for a metric that is read once.
  package var interval: Duration?
  /// Before the first one.
  package var initialDelay: Duration

  package init(interval: Duration?, initialDelay: Duration = .zero) {
    self.interval = interval
    self.initialDelay = initialDelay
  }

  /// After an error the next question comes soon, also of a metric that is read once.
  private static let afterError = Duration.seconds(10)

  /// When the next reading is due; nil when there is none.
  /// - Parameters:
  ///   - stepStarted: nil before the step began.
  ///   - last: when the last reading ended, and what it said.
  package func next(stepStarted: Duration?, last: (at: Duration, outcome: Outcome)?) -> Duration? {
    guard let stepStarted else { return nil }
    guard let last else { return stepStarted + initialDelay }
    if last.outcome == .error { return last.at + min(Self.afterError, interval ?? Self.afterError) }
    return interval.map { last.at + $0 }
  }
}
