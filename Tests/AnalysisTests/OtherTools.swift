import Foundation
import JSON

/// How Flagger raises its weight. No rule of ours: the cases state it for comparison.
enum FlaggerWeights {
  @Sendable static func answer(_ input: JSON) -> JSON? {
    let weights: [Int64]
    if let steps = input["stepWeights"]?.array {
      weights = steps.compactMap(\.int).map { min($0, 100) }
    } else {
      guard let step = input["stepWeight"]?.int, step > 0 else { return nil }
      weights = Array(stride(from: step, through: input["maxWeight"]?.int ?? 100, by: Int(step)))
    }
    return [
      "weights": .array(weights.map { .int($0) }), "promote_at": weights.last.map { .int($0) } ?? .null,
    ]
  }
}

/// Kayenta's judge of one metric: the confidence interval of the shift between both arms, and the ratio of the means.
/// No rule of ours: the cases state it for comparison.
enum KayentaJudge {
  @Sendable static func answer(_ input: JSON) -> JSON? {
    var experiment = input.doubles("experiment")
    var control = input.doubles("control")
    let replaces = input["nan"]?.string == "replace"
    if experiment.isEmpty || control.isEmpty {
      guard replaces else { return ["classification": "Nodata"] }
      // Both arms are filled up to the same length with zeros, so the missing one is all zeros and one value.
      if experiment.isEmpty, control.isEmpty { return ["classification": "Nodata"] }
      return ["classification": "Pass"]
    }
    experiment.sort()
    control.sort()
    guard experiment != control else { return ["classification": "Pass"] }
    let tolerance = input["tolerance"]?.double ?? 0.25
    let confidence = input["confidence"]?.double ?? 0.98
    let direction = input["direction"]?.string ?? "either"
    guard let shift = Shift(experiment, control, confidence: confidence) else {
      return ["classification": "Pass"]
    }
    let bound = tolerance * abs(shift.estimate)
    let ratio = effect(experiment, control)
    let critical = input["critical"]?.bool ?? false
    let isHigh = direction != "decrease" && shift.low > bound
    let isLow = direction != "increase" && shift.high < -bound
    guard isHigh || isLow else { return ["classification": "Pass", "critical": false] }
    let isMeant = { (range: [Double]) in
      range.count != 2 || (isHigh ? ratio >= range[1] : ratio <= range[0])
    }
    let word: JSON = isHigh ? "High" : "Low"
    if critical, input["critical_effect"] != nil, isMeant(input.doubles("critical_effect")) {
      return ["classification": word, "critical": true]
    }
    return isMeant(input.doubles("effect"))
      ? ["classification": word, "critical": .bool(critical && input["critical_effect"] == nil)]
      : ["classification": "Pass", "critical": false]
  }

  private static func effect(_ experiment: [Double], _ control: [Double]) -> Double {
    let mean = { (values: [Double]) in values.reduce(0, +) / Double(values.count) }
    return mean(control) == 0 ? .infinity : mean(experiment) / mean(control)
  }

  /// The confidence interval of the shift, as R's `wilcox.test` finds it without exact tables.
  private struct Shift {
    let low: Double
    let high: Double
    let estimate: Double

    /// Nil where all values are one.
    init?(_ x: [Double], _ y: [Double], confidence: Double) {
      guard Set(x + y).count > 1, let last = x.last, let first = x.first, let least = y.first,
        let most = y.last
      else { return nil }
      let (from, to) = (first - most, last - least)
      let quantile = Self.quantile(1 - (1 - confidence) / 2)
      low = Self.root(x, y, from, to, quantile, corrected: true)
      high = Self.root(x, y, from, to, -quantile, corrected: true)
      estimate = Self.root(x, y, from, to, 0, corrected: false)
    }

    private static func root(
      _ x: [Double], _ y: [Double], _ from: Double, _ to: Double, _ quantile: Double, corrected: Bool
    ) -> Double {
      if distance(x, y, from, quantile, corrected) <= 0 { return from }
      if distance(x, y, to, quantile, corrected) >= 0 { return to }
      var (low, high) = (from, to)
      for _ in 0..<200 {
        let middle = (low + high) / 2
        if distance(x, y, middle, quantile, corrected) > 0 { low = middle } else { high = middle }
      }
      return (low + high) / 2
    }

    private static func distance(
      _ x: [Double], _ y: [Double], _ shift: Double, _ quantile: Double, _ corrected: Bool
    ) -> Double {
      let all = x.map { $0 - shift } + y
      var ranks = [Double](repeating: 0, count: all.count)
      var ties = 0.0
      for (index, value) in all.enumerated() {
        let below = all.count { $0 < value }
        let equal = all.count { $0 == value }
        ranks[index] = Double(below) + Double(equal + 1) / 2
        ties += Double(equal * equal - 1)
      }
      let (n, m) = (Double(x.count), Double(y.count))
      let dz = ranks.prefix(x.count).reduce(0, +) - n * (n + 1) / 2 - n * m / 2
      let correction = corrected && dz != 0 ? (dz < 0 ? -0.5 : 0.5) : 0
      let sigma = (n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))).squareRoot()
      return sigma == 0 ? -quantile : (dz - correction) / sigma - quantile
    }

    private static func quantile(_ p: Double) -> Double {
      var (low, high) = (-10.0, 10.0)
      for _ in 0..<200 {
        let middle = (low + high) / 2
        if 0.5 * erfc(-middle / 2.0.squareRoot()) < p { low = middle } else { high = middle }
      }
      return (low + high) / 2
    }
  }
}
