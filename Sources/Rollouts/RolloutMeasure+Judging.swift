import Analysis
import Concurrency
import Metrics
import Model

extension RolloutMeasure {
  /// What a reading is judged in.
  struct Step {
    var began: Timestamp
    /// Nobody is left who does not have the feature.
    var isEverybody: Bool

    init(began: Timestamp, share: FlagShare) {
      self.began = began
      isEverybody = share == .everybody
    }
  }

  /// What a reading says, with what it is in the record.
  /// - Parameter test: what the metric's test has counted in this step, before and after.
  func judged(
    _ reading: MetricReading, at moment: Timestamp, isFilled: Bool, in step: Step, _ test: inout RolloutTest?
  ) -> Harvest.Reading {
    var (said, outcome) = bounds(for: reading).judged(reading.answer.reading, samples: reading.samples)
    var decided: String?
    if case .value(let value) = reading.answer.reading, value.isFinite {
      let other = reading.baseline.flatMap(\.counted)
      if let kind = target.test(test) {
        if case .relative(let rule) = kind {
          if !step.isEverybody, outcome.isUsable, let other, isEnough(other.samples) {
            let isWorse = rule.outcome(canary: value, baseline: other.value) == .breach
            test = compared(value, other.value, isWorse, at: moment)
            if isWorse { (outcome, decided) = (.breach, test?.words) }
          }
        } else {
          test = kind.counted(
            value, reading.samples ?? 0, other.map { ($0.value, $0.samples ?? 0) }, of: target, at: moment,
            into: test, since: step.began)
          if test?.isCrossed == true { (said, outcome, decided) = (.value(value), .breach, test?.words) }
        }
      }
      // Without the others nobody knows whether it is worse than theirs.
      if target.versus != nil, !step.isEverybody, outcome == .pass || outcome == .hold,
        other.map({ !isEnough($0.samples) }) ?? true
      {
        (said, outcome) = (.noData(reason: "baseline"), .noData)
      }
    }
    let (value, reason): (Double?, String?) =
      switch said {
      case .value(let value): (value, nil)
      case .noData(let reason), .error(let reason): (nil, reason)
      }
    var kept = RolloutReading(
      at: moment, value: value, samples: reading.samples, outcome: outcome.rawValue, reason: reason,
      isFilled: isFilled ? true : nil)
    kept.baseline = reading.baseline?.counted?.value
    kept.test = decided
    return Harvest.Reading(outcome: outcome, kept: kept, test: test)
  }

  /// The bounds; one that rolls back needs the samples that it takes, where a test stands beside it.
  private func bounds(for reading: MetricReading) -> MetricThresholds {
    var bounds = thresholds
    guard target.alpha != nil, bounds.minSamples <= 0, target.isShare else { return bounds }
    if !((reading.samples ?? 0) >= bounds.enoughSamples ?? .infinity) { bounds.abort = nil }
    return bounds
  }

  private func isEnough(_ samples: Double?) -> Bool {
    target.minSamples <= 0 || (samples ?? 0) >= Double(target.minSamples)
  }

  private func compared(_ value: Double, _ other: Double, _ isWorse: Bool, at moment: Timestamp)
    -> RolloutTest
  {
    var words = "\(MetricTest.short(value)), without the feature \(MetricTest.short(other))"
    if let most = target.versus?.maxIncrease { words += "; at most \(MetricTest.short(most)) % worse" }
    var test = RolloutTest(until: moment, bound: 0, words: words)
    test.isCrossed = isWorse
    return test
  }
}

extension MetricReading.Arm {
  /// Nil where it has no value.
  fileprivate var counted: (value: Double, samples: Double?)? {
    if case .value(let value) = reading, value.isFinite { (value, samples) } else { nil }
  }
}

extension RolloutTarget {
  /// Comparisons that are made once are made when nothing else of the step is missing.
  /// - Parameters:
  ///   - present: of this round; what is worse becomes a breach.
  ///   - kept: readings and tests of the step before this round.
  /// - Returns: whether the step may end now: a metric that is not read in this round is compared in a later one.
  func comparedOnce(
    _ present: inout [String: Harvest.Reading], _ tick: Tick, _ progress: StepProgress, _ rules: StepRules,
    kept: [String: RolloutMetric]
  ) -> Bool {
    let open = metrics.filter { !$0.isObserved && kept[$0.name]?.test?.isMade != true }
    guard !open.isEmpty, rules.share != FlagShare.everybody.thousandths else { return true }
    var trial = progress
    switch trial.tick(tick, rules) {
    case .advance, .wait(.approval), .wait(.window): break
    default: return true
    }
    var mayEnd = true
    for metric in open {
      guard case .ranks(let alpha, let tolerance, let minDelta) = metric.test(nil) else { continue }
      guard var reading = present[metric.name] else {
        mayEnd = false
        continue
      }
      let readings = (kept[metric.name]?.readings ?? []) + [reading.kept]
      if let found = MetricTest.ranked(
        readings, of: metric, alpha: alpha, tolerance: tolerance, minDelta: minDelta)
      {
        var test = RolloutTest(until: reading.kept.at, bound: 0, words: found.words)
        (test.isMade, test.isCrossed) = (true, found.isWorse)
        reading.test = test
        if found.isWorse {
          reading.outcome = .breach
          reading.kept.outcome = Analysis.Outcome.breach.rawValue
          reading.kept.test = found.words
        }
      } else {
        // More is wanted before anybody goes on.
        reading.outcome = .noData
        reading.kept.outcome = Analysis.Outcome.noData.rawValue
        reading.kept.reason = "comparison"
      }
      present[metric.name] = reading
    }
    return mayEnd
  }
}
