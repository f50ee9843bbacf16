import Analysis
package import Concurrency

/// What one metric of a rollout is read from, wherever that is.
package protocol MetricSource: Sendable {
  /// For people: `Prometheus at metrics.example.com`, `the command ./orders`.
  var name: String { get }

  /// Whether missed readings can be filled in from what it kept.
  var hasHistory: Bool { get }

  /// One reading.
  /// - Parameter moment: the same for all metrics of a round. What keeps no history reads now.
  /// - Throws: only when the task was cancelled.
  func read(at moment: Timestamp) async throws(CancellationError) -> MetricReading

  /// What `read` would have said at each of the moments; empty for a source without history.
  func history(at moments: [Timestamp]) async throws(CancellationError) -> [(
    at: Timestamp, reading: MetricReading
  )]
}

extension MetricSource {
  package var hasHistory: Bool { false }

  package func history(
    at moments: [Timestamp]
  ) async throws(CancellationError) -> [(at: Timestamp, reading: MetricReading)] { [] }
}

/// A question to a store.
package struct StoredMetric: MetricSource {
  private let store: any MetricStore
  private let question: MetricQuestion

  /// - Parameter question: every reference already replaced.
  package init(_ question: MetricQuestion, from store: any MetricStore) {
    self.question = question
    self.store = store
  }

  package var name: String { store.name }
  package var hasHistory: Bool { store.hasHistory }

  package func read(at moment: Timestamp) async throws(CancellationError) -> MetricReading {
    try await store.read(question, at: moment)
  }

  /// Moments that lie evenly are asked for at once; others one by one, for a range has one step.
  package func history(
    at moments: [Timestamp]
  ) async throws(CancellationError) -> [(at: Timestamp, reading: MetricReading)] {
    guard let first = moments.first, let last = moments.last else { return [] }
    let steps = Set(zip(moments, moments.dropFirst()).map { $1 - $0 })
    guard steps.count <= 1, steps.first.map({ $0 > .zero }) ?? true else {
      var readings: [(at: Timestamp, reading: MetricReading)] = []
      for moment in moments { readings.append((moment, try await read(at: moment))) }
      return readings
    }
    let step = steps.first ?? .seconds(1)
    let values = try await store.history(question.query, from: first, to: last, step: step)
    guard let sampleQuery = question.sampleQuery else {
      return values.slots.map { ($0.at, MetricReading(answer(of: $0, values))) }
    }
    let counts = try await store.history(sampleQuery, from: first, to: last, step: step)
    return zip(values.slots, counts.slots).map { value, count in
      (value.at, MetricReading(answer(of: value, values), counted: answer(of: count, counts)))
    }
  }

  private func answer(of slot: StoreHistory.Slot, _ history: StoreHistory) -> StoreAnswer {
    let hasValue = if case .value = slot.reading { true } else { false }
    return StoreAnswer(
      slot.reading, failure: hasValue ? nil : history.failure, warnings: history.warnings)
  }
}
