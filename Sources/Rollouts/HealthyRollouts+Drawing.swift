import Analysis
import Concurrency
import Metrics
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The same numbers on every machine (SplitMix64).
private struct Draws {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Above 0, up to 1.
  mutating func unit() -> Double { (Double(next() >> 11) + 1) / 9_007_199_254_740_992 }

  /// How many of so many requests fail.
  mutating func failures(of requests: Int, share: Double) -> Int {
    guard share > 0, requests > 0 else { return 0 }
    guard share < 1 else { return requests }
    let mean = Double(requests) * share
    if mean > 400 {
      // So many that the bell is as good.
      let bell = (-2 * log(unit())).squareRoot() * cos(2 * Double.pi * unit())
      return min(max(Int((mean + bell * (mean * (1 - share)).squareRoot()).rounded()), 0), requests)
    }
    var (found, place) = (0, 0)
    while true {
      // From one failure to the next.
      let gap = (log(unit()) / log(1 - share)).rounded(.down)
      guard gap < Double(requests - place) else { return found }
      place += Int(gap) + 1
      found += 1
      if place >= requests { return found }
    }
  }
}

extension HealthyRollouts {
  /// How many rollouts are played; fewer where one is long.
  private static let most = 1000
  /// Rounds of all of them together.
  private static let mostRounds = 150_000

  /// Plays rollouts of a service that is healthy: each reading has as many requests as the store counted, and each
  /// request fails by itself, with the share of the whole time where that is good, else with the bound of `pass`.
  /// - Returns: nil where no metric is a share of failures that can roll back.
  init?(_ target: RolloutTarget, _ measures: [RolloutMeasure], kept: [Timestamp: [String: MetricReading]]) {
    let readings = kept.sorted { $0.key < $1.key }.map(\.value)
    var drawn: [Drawn] = []
    var left: [String] = []
    for measure in measures where !measure.target.isObserved {
      let name = measure.target.name
      guard measure.target.abort != nil || measure.target.alpha != nil || measure.target.versus != nil else {
        continue
      }
      guard let found = Drawn(measure, readings.compactMap { $0[name] }) else {
        left.append(name)
        continue
      }
      drawn.append(found)
    }
    guard !drawn.isEmpty else { return nil }
    // One that goes well takes as long as its bakes; one that is held takes longer.
    let interval = max(target.interval, .seconds(1))
    let usual = target.steps.reduce(0) { sum, step in
      sum + Int((step.bake + target.initialDelay).wholeMilliseconds / interval.wholeMilliseconds) + 2
    }
    let count = min(Self.most, max(Self.mostRounds / max(usual, 1), 20))
    var target = target
    target.metrics = drawn.map(\.measure.target)
    var draws = Draws(seed: 20_260_822)
    let rolledBack = (0..<count).count { _ in
      Self.isRolledBack(target, drawn, interval, atMost: usual * 2, &draws)
    }
    self.init(
      rollouts: count, rolledBack: rolledBack,
      assumptions: drawn.map {
        Assumption(
          metric: $0.measure.target.name, failing: $0.share * 100, isSeen: $0.isSeen,
          requests: $0.requests.sorted()[$0.requests.count / 2])
      }, left: left)
  }

  /// One metric with what is known of its traffic.
  private struct Drawn {
    var measure: RolloutMeasure
    /// Of failures, from 0 to 1.
    var share: Double
    var isSeen: Bool
    /// Of each reading, both arms.
    var requests: [Double]
    var others: [Double]

    init?(_ measure: RolloutMeasure, _ readings: [MetricReading]) {
      let metric = measure.target
      guard metric.isShare else { return nil }
      var (requests, failures, others) = ([Double](), 0.0, [Double]())
      for reading in readings {
        guard case .value(let value) = reading.answer.reading, value.isFinite, let samples = reading.samples,
          samples >= 1
        else { continue }
        requests.append(samples)
        failures += samples * metric.failures(value)
        if let baseline = reading.baseline?.samples, baseline >= 1 { others.append(baseline) }
      }
      let all = requests.reduce(0, +)
      guard all > 0 else { return nil }
      let pass = metric.pass.flatMap(Threshold.init)
      let seen = failures / all
      isSeen = pass.map { $0.holds(for: metric.value(failing: seen)) } ?? true
      share = isSeen ? seen : metric.failures(pass?.bound ?? 0)
      self.measure = measure
      self.requests = requests
      self.others = others
    }

    func reading(_ number: Int, _ draws: inout Draws) -> MetricReading {
      func arm(_ all: [Double]) -> (value: Double, count: Double) {
        let count = Int(all[number % all.count].rounded())
        let failed = draws.failures(of: count, share: share)
        return (measure.target.value(failing: Double(failed) / Double(max(count, 1))), Double(count))
      }
      let canary = arm(requests)
      var reading = MetricReading(StoreAnswer(.value(canary.value)), samples: canary.count)
      if !others.isEmpty {
        let other = arm(others)
        reading.baseline = .init(.value(other.value), samples: other.count)
      }
      return reading
    }
  }

  private static func isRolledBack(
    _ target: RolloutTarget, _ drawn: [Drawn], _ interval: Duration, atMost rounds: Int, _ draws: inout Draws
  ) -> Bool {
    guard var share = target.steps.first?.share else { return false }
    let start = Timestamp(milliseconds: 0)
    var (began, progress) = (start, StepProgress())
    var tests: [String: RolloutTest] = [:]
    for number in 1...max(rounds, 1) {
      let now = start + interval * number
      let step = RolloutMeasure.Step(began: began, share: share)
      var readings: [String: Analysis.Outcome] = [:]
      for one in drawn where now - began >= target.initialDelay || one.measure.target.isCritical {
        let name = one.measure.target.name
        let judged = one.measure.judged(
          one.reading(number, &draws), at: now, isFilled: false, in: step, &tests[name])
        readings[name] = judged.outcome
      }
      switch progress.tick(
        Tick(at: now - began, readings: readings), target.rules(at: share, isApproved: true))
      {
      case .rollback: return true
      case .advance:
        guard let next = target.step(after: share) else { return false }
        (share, began, progress, tests) = (next.share, now, StepProgress(), [:])
      default: continue
      }
    }
    return false
  }
}
