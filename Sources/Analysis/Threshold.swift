/// A bound of a metric: `> 95`, `< 1`, `>= 0.5`, `<= 3`. Compared strictly as written and on the full value, never
/// on what is printed (contract rollout-analysis §4).
package struct Threshold: Sendable, Hashable {
  package enum Sign: String, Sendable, Hashable, CaseIterable {
    // The longer ones first: reading takes the first that fits.
    case atLeast = ">="
    case atMost = "<="
    case greater = ">"
    case less = "<"
  }

  package let sign: Sign
  package let bound: Double

  package init(_ sign: Sign, _ bound: Double) {
    self.sign = sign
    self.bound = bound
  }

  /// Reads what the environment file says; nil when it is no sign with a finite number.
  package init?(_ text: String) {
    let trimmed = text.drop(while: \.isWhitespace)
    guard let sign = Sign.allCases.first(where: { trimmed.hasPrefix($0.rawValue) }),
      let bound = Double(trimmed.dropFirst(sign.rawValue.count).drop(while: \.isWhitespace)), bound.isFinite
    else { return nil }
    self.init(sign, bound)
  }

  /// Whether a value is within it.
  package func holds(for value: Double) -> Bool {
    switch sign {
    case .atLeast: value >= bound
    case .atMost: value <= bound
    case .greater: value > bound
    case .less: value < bound
    }
  }

  /// Whether some value is within both: as `pass` and `abort` of one metric they would contradict each other.
  package func overlaps(_ other: Threshold) -> Bool {
    guard isUpward != other.isUpward else { return true }
    let (up, down) = isUpward ? (self, other) : (other, self)
    return up.bound < down.bound
      || (up.bound == down.bound && up.sign == .atLeast && down.sign == .atMost)
  }

  private var isUpward: Bool { sign == .atLeast || sign == .greater }
}

/// How a metric's value becomes an outcome.
package struct MetricThresholds: Sendable, Hashable {
  /// Good enough to go on. A metric with only this can hold a rollout, never roll it back.
  package var pass: Threshold?
  /// Bad enough to go back.
  package var abort: Threshold?
  /// Fewer samples say nothing, for good and bad values alike.
  package var minSamples: Double

  package init(pass: Threshold? = nil, abort: Threshold? = nil, minSamples: Double = 0) {
    self.pass = pass
    self.abort = abort
    self.minSamples = minSamples
  }

  /// Contract rollout-analysis §4, in its order.
  /// - Parameter samples: how many stand behind the reading; nil counts as none.
  /// - Returns: the reading with what it lacks, and what it says.
  package func judged(_ reading: Reading, samples: Double?) -> (reading: Reading, outcome: Outcome) {
    if case .error = reading { return (reading, .error) }
    if minSamples > 0, !((samples ?? 0) >= minSamples) { return (.noData(reason: "samples"), .noData) }
    guard case .value(let value) = reading else { return (reading, .noData) }
    if value.isNaN { return (.noData(reason: "nan"), .noData) }
    if let abort, abort.holds(for: value) { return (reading, .breach) }
    guard let pass else { return (reading, .pass) }
    return (reading, pass.holds(for: value) ? .pass : .hold)
  }
}
