/// How much of what a metric may do wrong is tolerated within one step (contract rollout-analysis §2, §5). A limit of
/// 2 means that the third one decides.
package struct MetricLimits: Sendable, Hashable {
  /// Breaches in all; nil for any number.
  package var failures: Int?
  /// Breaches in a row.
  package var consecutiveFailures: Int?
  /// Readings in a row that failed.
  package var consecutiveErrors: Int
  /// Readings in the band between pass and abort, in all.
  package var inconclusive: Int?
  /// Readings without data, in a row.
  package var noData: Int?
  /// Good readings in a row that end a one-off check well.
  package var consecutiveSuccesses: Int?
  /// Usable readings after which a one-off check is decided.
  package var count: Int?

  /// - Parameter failures: breaches tolerated in all, -1 for any number; when left out 0, or any number where a limit
  ///   in a row is given.
  package init(
    failures: Int? = nil, consecutiveFailures: Int? = nil, consecutiveErrors: Int = 4,
    inconclusive: Int? = nil,
    noData: Int? = nil, consecutiveSuccesses: Int? = nil, count: Int? = nil
  ) {
    let limit = failures ?? (consecutiveFailures == nil ? 0 : -1)
    self.failures = limit < 0 ? nil : limit
    self.consecutiveFailures = consecutiveFailures
    self.consecutiveErrors = consecutiveErrors
    self.inconclusive = inconclusive
    self.noData = noData
    self.consecutiveSuccesses = consecutiveSuccesses
    self.count = count
  }
}

/// What the readings of a step say so far.
package enum MetricState: String, Sendable, Hashable, Codable {
  case pending, running, passed, failed, inconclusive, starved, errored
}

/// The counters of one metric within one step (contract rollout-analysis §5).
package struct MetricTally: Sendable, Hashable, Codable {
  package private(set) var usable = 0
  package private(set) var breaches = 0
  package private(set) var holds = 0
  package private(set) var passesInARow = 0
  package private(set) var breachesInARow = 0
  package private(set) var errorsInARow = 0
  package private(set) var noDataInARow = 0
  package private(set) var latest: Outcome?
  /// Once decided it stays so for the step.
  package private(set) var state = MetricState.pending

  package init() {}

  package mutating func count(_ outcome: Outcome, _ limits: MetricLimits) {
    latest = outcome
    if outcome.isUsable { usable += 1 }
    passesInARow = outcome == .pass ? passesInARow + 1 : 0
    // Neither a gap in the data nor an error ends a run of breaches.
    if outcome == .breach {
      breaches += 1
      breachesInARow += 1
    } else if outcome.isUsable {
      breachesInARow = 0
    }
    if outcome == .hold { holds += 1 }
    errorsInARow = outcome == .error ? errorsInARow + 1 : 0
    if outcome == .noData {
      noDataInARow += 1
    } else if outcome != .error {
      noDataInARow = 0
    }
    if state == .pending || state == .running { state = decide(limits) }
  }

  /// A pause was the answer to a streak, which would otherwise cause the next one at once.
  package mutating func clearStreak() {
    switch state {
    case .errored: errorsInARow = 0
    case .inconclusive: holds = 0
    case .starved: noDataInARow = 0
    case .pending, .running, .passed, .failed: return
    }
    state = .running
  }

  private func decide(_ limits: MetricLimits) -> MetricState {
    if let limit = limits.failures, breaches > limit { return .failed }
    if let limit = limits.consecutiveFailures, breachesInARow > limit { return .failed }
    if errorsInARow > limits.consecutiveErrors { return .errored }
    if let limit = limits.inconclusive, holds > limit { return .inconclusive }
    if let limit = limits.noData, noDataInARow > limit { return .starved }
    if let wanted = limits.consecutiveSuccesses, passesInARow >= wanted { return .passed }
    if let count = limits.count, usable >= count {
      guard limits.consecutiveSuccesses != nil else { return .passed }
      return limits.failures == nil ? .failed : .inconclusive
    }
    return .running
  }
}
