#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// One-sided Mann-Whitney test of latencies, canary larger (contract rollout-analysis §9.3): ties averaged, normal
/// approximation with the correction for continuity. Not valid at every look: it is made once, or with `alpha` divided
/// by the number of looks.
package struct RankTest: Sendable, Hashable {
  package enum Decision: String, Sendable, Hashable {
    case worse, pass
    case noData = "nodata"
  }

  package let u: Double
  package let p: Double
  package let canaryMedian: Double
  package let baselineMedian: Double

  /// - Returns: nil when an arm is empty.
  package init?(canary: [Double], baseline: [Double]) {
    guard !canary.isEmpty, !baseline.isEmpty, (canary + baseline).allSatisfy(\.isFinite) else { return nil }
    let (ranks, ties) = Self.ranks(canary + baseline)
    let (n, m) = (Double(canary.count), Double(baseline.count))
    u = ranks.prefix(canary.count).reduce(0, +) - n * (n + 1) / 2
    let all = n + m
    let variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)))
    // Where every value is the same there is nothing to tell apart.
    p = variance > 0 ? 0.5 * erfc((u - n * m / 2 - 0.5) / variance.squareRoot() / 2.0.squareRoot()) : 1
    canaryMedian = Self.median(canary)
    baselineMedian = Self.median(baseline)
  }

  /// - Parameters:
  ///   - tolerance: the share by which the median may be larger.
  ///   - minDelta: the difference below which nothing counts, in the metric's unit.
  package func decision(alpha: Double, tolerance: Double = 0, minDelta: Double = 0) -> Decision {
    let isLarger =
      canaryMedian >= baselineMedian * (1 + tolerance) && canaryMedian - baselineMedian >= minDelta
    return p <= alpha && isLarger ? .worse : .pass
  }

  /// Ranks from 1, equal values sharing theirs, and the sum of t³ − t over the groups of equals.
  private static func ranks(_ values: [Double]) -> (ranks: [Double], ties: Double) {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var ties = 0.0
    var first = 0
    while first < order.count {
      var last = first
      while last + 1 < order.count, values[order[last + 1]] == values[order[first]] { last += 1 }
      for position in first...last { ranks[order[position]] = Double(first + last) / 2 + 1 }
      let size = Double(last - first + 1)
      ties += size * size * size - size
      first = last + 1
    }
    return (ranks, ties)
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
