/// The simple comparison with those who do not have the feature (contract rollout-analysis §9.3): a breach only where
/// both the ratio and the absolute floor are exceeded.
package struct RelativeRule: Sendable, Hashable {
  /// Which way is worse.
  package enum Worse: String, Sendable, Hashable { case higher, lower }

  /// The share of the baseline by which it may be worse: 0.2 is 20 %.
  package var maxIncrease: Double
  /// In the metric's unit.
  package var minDelta: Double
  package var worse: Worse

  package init(maxIncrease: Double, minDelta: Double, worse: Worse = .higher) {
    self.maxIncrease = maxIncrease
    self.minDelta = minDelta
    self.worse = worse
  }

  package func outcome(canary: Double, baseline: Double) -> Outcome {
    guard canary.isFinite, baseline.isFinite else { return .noData }
    let delta = worse == .higher ? canary - baseline : baseline - canary
    // A baseline of zero has no ratio: the floor decides alone.
    let isTooMuch = baseline == 0 ? delta > 0 : delta / abs(baseline) > maxIncrease
    return delta > minDelta && isTooMuch ? .breach : .pass
  }
}
