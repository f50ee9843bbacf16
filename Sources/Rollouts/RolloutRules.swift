package import Analysis
package import Model

extension RolloutTarget {
  /// The step that a share belongs to: also a share that somebody else set between two steps.
  package func step(at share: FlagShare) -> RolloutStep? { steps.last { $0.share <= share } ?? steps.first }

  /// The step after a share; nil after the last one.
  package func step(after share: FlagShare) -> RolloutStep? { steps.first { $0.share > share } }

  /// What decides while this share is served.
  /// - Parameter isApproved: a person has released the next step.
  package func rules(at share: FlagShare, isApproved: Bool) -> StepRules {
    StepRules(
      bake: step(at: share)?.bake ?? .zero, interval: interval, initialDelay: initialDelay, settle: settle,
      minReadings: minReadings, maxCredit: maxCredit, maxStep: maxStep,
      onError: onError == .rollback ? .rollback : .pause,
      needsApproval: (step(after: share)?.needsApproval ?? false) && !isApproved, share: share.thousandths,
      metrics: Dictionary(
        metrics.map {
          (
            $0.name,
            StepRules.Metric($0.limits.analysed, isObserved: $0.isObserved, isCritical: $0.isCritical)
          )
        }, uniquingKeysWith: { first, _ in first }))
  }

  /// When a metric is read, counted from its step's begin.
  package func schedule(of metric: MetricTarget) -> ReadingSchedule {
    ReadingSchedule(
      interval: metric.interval ?? interval, initialDelay: metric.isCritical ? .zero : initialDelay)
  }
}

extension MetricTarget.Limits {
  fileprivate var analysed: MetricLimits {
    MetricLimits(
      failures: failures, consecutiveFailures: consecutiveFailures, consecutiveErrors: consecutiveErrors ?? 4,
      inconclusive: inconclusive, noData: noData, consecutiveSuccesses: consecutiveSuccesses, count: count)
  }
}

extension RolloutRecord {
  /// Whether a person has released a share, for the configuration as it is now.
  package func isApproved(_ share: FlagShare, digest: String) -> Bool {
    approvals.contains { $0.share == share && $0.digest == digest }
  }
}
