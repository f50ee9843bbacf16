import Analysis
import Foundation
import JSON
import Metrics

/// Rollouts of services whose true share of errors is known, judged by the rules of the rooms Analysis and Metrics:
/// how many are rolled back, and how soon (contract rollout-analysis §9.1, §9.2).
///
/// Default settings: the bounds, as many samples as they need, and the sequential test between the two beside them.
enum SimulatedRollouts {
  private static let looks = 48
  private static let runs = 4000

  static func all() -> JSON {
    var cells: [JSON] = []
    for share in [0.01, 0.02, 0.03, 0.04] {
      for requests in [50, 200, 1000, 5000] {
        var random = SplitMix(UInt64(requests) * 1000 + UInt64(share * 1000))
        cells.append(cell(share, requests, &random))
      }
    }
    return ["cells": .array(cells)]
  }

  private static func cell(_ share: Double, _ requests: Int, _ random: inout SplitMix) -> JSON {
    var thresholds = MetricThresholds(pass: Threshold("< 1"), abort: Threshold("> 2"))
    let bare = thresholds
    thresholds.minSamples = thresholds.enoughSamples ?? 0
    var (stopped, stoppedBare, needed) = (0, 0, 0)
    for _ in 0..<runs {
      guard var test = SequentialTest(healthy: 0.01, bad: 0.02) else { continue }
      var (tally, bareTally) = (MetricTally(), MetricTally())
      var end: Int?
      for look in 1...looks {
        let errors = binomial(requests, share, &random)
        test.add(requests: Double(requests), errors: Double(errors))
        let value = Reading.value(100 * Double(errors) / Double(requests))
        tally.count(thresholds.judged(value, samples: Double(requests)).outcome, MetricLimits())
        bareTally.count(bare.judged(value, samples: Double(requests)).outcome, MetricLimits())
        if end == nil, test.isCrossed || tally.state == .failed { end = look }
      }
      if let end {
        stopped += 1
        needed += end * requests
      }
      if bareTally.state == .failed { stoppedBare += 1 }
    }
    // By Wald: the bound, over what one request adds to the evidence in the mean.
    let gain = share * log(0.02 / 0.01) + (1 - share) * log(0.98 / 0.99)
    return [
      "truePercent": .double(share * 100), "requests": .int(Int64(requests)),
      "stopped": .double(Double(stopped) / Double(runs)), "bare": .double(Double(stoppedBare) / Double(runs)),
      "mean": .double(stopped == 0 ? 0 : Double(needed) / Double(stopped)),
      "expected": .double(gain > 0 ? log(1 / 0.01) / gain : 0),
    ]
  }

  /// How many of so many requests fail: from one failure to the next by geometric steps.
  private static func binomial(_ count: Int, _ share: Double, _ random: inout SplitMix) -> Int {
    var (place, errors) = (0.0, 0)
    let rate = log(1 - share)
    while true {
      place += (log(1 - Double.random(in: 0..<1, using: &random)) / rate).rounded(.down) + 1
      guard place <= Double(count) else { return errors }
      errors += 1
    }
  }
}
