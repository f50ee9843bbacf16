package import Analysis
package import Concurrency
package import Model

/// Who keeps numbers about services and answers questions about them (contract metrics §1).
///
/// A question never throws for what the store says: that it is down or does not understand is a reading too, and the
/// rules decide what follows from it.
package protocol MetricStore: Sendable {
  /// Who it is and where, for people: `Prometheus at metrics.example.com`.
  var name: String { get }

  /// Whether it can say what it would have answered at an earlier moment.
  var hasHistory: Bool { get }

  /// One number at one moment.
  /// - Parameters:
  ///   - query: as the store writes it, every reference already replaced.
  ///   - moment: the same for all questions of a round; never in the future.
  /// - Throws: only when the task was cancelled.
  func read(_ query: String, at moment: Timestamp) async throws(CancellationError) -> StoreAnswer

  /// The same question at every `step` from `start` to `end`, both included: what `read` would have said at each.
  /// - Throws: only when the task was cancelled. A store without history answers every slot with `noHistory`.
  func history(
    _ query: String, from start: Timestamp, to end: Timestamp, step: Duration
  ) async throws(CancellationError) -> StoreHistory

  /// What `doctor` says: whether it answers, and takes the credentials.
  func examine() async -> Examination
}

/// What a store answered to one question.
package struct StoreAnswer: Sendable, Hashable {
  package var reading: Reading
  /// Why there is no value, for people, with what to do; nil beside a value.
  package var failure: Failure?
  /// What the store said beside the data, such as that the answer is partial.
  package var warnings: [String]
  /// The store's clock (its `Date` header, whole seconds). More than a minute from ours, nothing may be raised
  /// (contract rollout-analysis §12).
  package var storeTime: Timestamp?

  package init(
    _ reading: Reading, failure: Failure? = nil, warnings: [String] = [], storeTime: Timestamp? = nil
  ) {
    self.reading = reading
    self.failure = failure
    self.warnings = warnings
    self.storeTime = storeTime
  }
}

/// What a store answers for several moments.
package struct StoreHistory: Sendable, Hashable {
  package struct Slot: Sendable, Hashable {
    package var at: Timestamp
    package var reading: Reading

    package init(at: Timestamp, reading: Reading) {
      self.at = at
      self.reading = reading
    }
  }

  /// One for each moment, in order of time.
  package var slots: [Slot]
  /// Why slots have no value, when the store could not be read.
  package var failure: Failure?
  package var warnings: [String]

  package init(_ slots: [Slot], failure: Failure? = nil, warnings: [String] = []) {
    self.slots = slots
    self.failure = failure
    self.warnings = warnings
  }

  /// The moments of a history; empty when the end lies before the start.
  static func moments(from start: Timestamp, to end: Timestamp, step: Duration) -> [Timestamp] {
    let width = max(step.wholeMilliseconds, 1)
    guard start <= end else { return [] }
    return stride(from: start.milliseconds, through: end.milliseconds, by: Int(width)).map {
      Timestamp(milliseconds: $0)
    }
  }
}

/// The question of one metric: its value, and how many samples stand behind it.
package struct MetricQuestion: Sendable, Hashable {
  package var query: String
  package var sampleQuery: String?

  package init(query: String, sampleQuery: String? = nil) {
    self.query = query
    self.sampleQuery = sampleQuery
  }
}

/// A metric's value with its samples, both of the same moment (contract metrics §1.6).
package struct MetricReading: Sendable, Hashable {
  package var answer: StoreAnswer
  /// Nil where nobody asked, or the store has none: then `min-samples` counts it as 0.
  package var samples: Double?
  /// The same of those who do not have the feature; nil where nobody compares.
  package var baseline: Arm?

  /// The other arm of a comparison.
  package struct Arm: Sendable, Hashable {
    package var reading: Reading
    package var samples: Double?

    package init(_ reading: Reading, samples: Double? = nil) {
      self.reading = reading
      self.samples = samples
    }
  }

  package init(_ answer: StoreAnswer, samples: Double? = nil, baseline: Arm? = nil) {
    self.answer = answer
    self.samples = samples
    self.baseline = baseline
  }
}

extension MetricReading {
  /// A value with what was counted beside it.
  ///
  /// Samples that cannot be read for a reason other than that there are none make the whole reading an error: a value
  /// of which nobody knows what stands behind it decides nothing.
  init(_ answer: StoreAnswer, counted samples: StoreAnswer) {
    switch samples.reading {
    case .value(let count): self.init(answer, samples: count)
    case .noData: self.init(answer)
    case .error:
      if case .error = answer.reading { self.init(answer) } else { self.init(samples) }
    }
  }
}

extension MetricStore {
  /// Value and samples at one moment, asked side by side.
  package func read(
    _ question: MetricQuestion, at moment: Timestamp
  ) async throws(CancellationError) -> MetricReading {
    guard let sampleQuery = question.sampleQuery else {
      return MetricReading(try await read(question.query, at: moment))
    }
    async let counted = result { () throws(CancellationError) in try await read(sampleQuery, at: moment) }
    let answer = try await read(question.query, at: moment)
    let samples = try await counted.get()
    return MetricReading(answer, counted: samples)
  }

  private nonisolated func result<Value>(
    _ body: () async throws(CancellationError) -> Value
  ) async -> Result<Value, CancellationError> {
    do throws(CancellationError) { return .success(try await body()) } catch { return .failure(error) }
  }
}
