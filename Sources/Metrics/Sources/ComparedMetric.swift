import Analysis
package import Concurrency

/// The same question about those who have the feature and those who have not, of the same moment.
package struct ComparedMetric: MetricSource {
  private let canary: any MetricSource
  private let baseline: any MetricSource

  package init(_ canary: any MetricSource, baseline: any MetricSource) {
    self.canary = canary
    self.baseline = baseline
  }

  package var name: String { canary.name }
  package var hasHistory: Bool { canary.hasHistory && baseline.hasHistory }

  package func read(at moment: Timestamp) async throws(CancellationError) -> MetricReading {
    let present = try await canary.read(at: moment)
    return Self.joined(present, try await baseline.read(at: moment))
  }

  package func history(
    at moments: [Timestamp]
  ) async throws(CancellationError) -> [(at: Timestamp, reading: MetricReading)] {
    let present = try await canary.history(at: moments)
    let others = try await baseline.history(at: moments)
    return zip(present, others).map { ($0.at, Self.joined($0.reading, $1.reading)) }
  }

  /// What the others' store cannot say makes the whole an error: nobody knows whether it is worse.
  private static func joined(_ canary: MetricReading, _ baseline: MetricReading) -> MetricReading {
    if case .error = canary.answer.reading { return canary }
    if case .error = baseline.answer.reading { return baseline }
    var joined = canary
    joined.baseline = .init(baseline.answer.reading, samples: baseline.samples)
    return joined
  }
}
