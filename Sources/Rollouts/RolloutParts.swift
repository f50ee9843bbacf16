import Analysis
package import Concurrency
package import Metrics
package import Model

/// Everything that a round of one rollout works with: the flag, the metrics, the ledger, the clock, each behind its
/// protocol.
package struct RolloutParts: Sendable {
  package var target: RolloutTarget
  package var flag: any FlagProvider
  /// The metrics' sources, for the release that a record is about: queries name it.
  package var measures: @Sendable (RolloutRecord) throws(Failure) -> [RolloutMeasure]
  package var calendar: RaiseCalendar
  package var ledger: any Ledger
  package var clock: any TimeSource
  /// `ann@laptop`.
  package var by: String
  /// Of the rollout's part of the environment file.
  package var digest: String
  /// Leaves marks where people look at graphs, and says what could not be left.
  package var mark: @Sendable (RolloutMark) async -> [Failure]

  package init(
    _ target: RolloutTarget, flag: any FlagProvider,
    measures: @escaping @Sendable (RolloutRecord) throws(Failure) -> [RolloutMeasure],
    calendar: RaiseCalendar,
    ledger: any Ledger, clock: any TimeSource, by: String, digest: String,
    mark: @escaping @Sendable (RolloutMark) async -> [Failure] = { _ in [] }
  ) {
    self.target = target
    self.flag = flag
    self.measures = measures
    self.calendar = calendar
    self.ledger = ledger
    self.clock = clock
    self.by = by
    self.digest = digest
    self.mark = mark
  }
}

/// One metric with what it is read from.
package struct RolloutMeasure: Sendable {
  package var target: MetricTarget
  package var source: any MetricSource
  /// As the store is asked, for people.
  package var query: String?

  package init(_ target: MetricTarget, from source: any MetricSource, query: String? = nil) {
    self.target = target
    self.source = source
    self.query = query
  }

  var thresholds: MetricThresholds {
    MetricThresholds(
      pass: target.pass.flatMap(Threshold.init), abort: target.abort.flatMap(Threshold.init),
      minSamples: Double(target.minSamples))
  }

  /// What a reading says, with what it is in the record.
  func judged(
    _ reading: MetricReading, at moment: Timestamp, isFilled: Bool
  ) -> (outcome: Analysis.Outcome, kept: RolloutReading) {
    let (said, outcome) = thresholds.judged(reading.answer.reading, samples: reading.samples)
    let (value, reason): (Double?, String?) =
      switch said {
      case .value(let value): (value, nil)
      case .noData(let reason), .error(let reason): (nil, reason)
      }
    return (
      outcome,
      RolloutReading(
        at: moment, value: value, samples: reading.samples, outcome: outcome.rawValue, reason: reason,
        isFilled: isFilled ? true : nil)
    )
  }

  func evidence(_ reading: RolloutReading) -> RolloutEvidence {
    RolloutEvidence(
      metric: target.name, value: reading.value, threshold: target.abort, window: target.window,
      samples: reading.samples, at: reading.at, query: query)
  }
}

extension MetricTarget {
  /// Over how long is counted; nil where a query says so itself.
  package var window: Duration? {
    if case .template(_, _, let window) = question { window } else { nil }
  }
}
