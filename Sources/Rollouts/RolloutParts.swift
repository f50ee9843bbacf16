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
  /// Why a person wants a share raised within a freeze, which the record keeps; nil: nobody does.
  package var freezeOverride: String?
  /// Leaves marks where people look at graphs, and says what could not be left.
  package var mark: @Sendable (RolloutMark) async -> [Failure]

  package init(
    _ target: RolloutTarget, flag: any FlagProvider,
    measures: @escaping @Sendable (RolloutRecord) throws(Failure) -> [RolloutMeasure],
    calendar: RaiseCalendar,
    ledger: any Ledger, clock: any TimeSource, by: String, digest: String, freezeOverride: String? = nil,
    mark: @escaping @Sendable (RolloutMark) async -> [Failure] = { _ in [] }
  ) {
    self.target = target
    self.flag = flag
    self.measures = measures
    self.calendar = freezeOverride == nil ? calendar : calendar.overridingFreezes
    self.freezeOverride = freezeOverride
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

  func evidence(_ reading: RolloutReading) -> RolloutEvidence {
    RolloutEvidence(
      metric: target.name, value: reading.value, threshold: target.abort, window: target.window,
      samples: reading.samples, at: reading.at, query: query, test: reading.test)
  }
}

extension MetricTarget {
  /// Over how long is counted; nil where a query says so itself.
  package var window: Duration? {
    switch question {
    case .template(_, _, let window), .railway(_, _, let window): window
    case .written, .command, .probe: nil
    }
  }
}
