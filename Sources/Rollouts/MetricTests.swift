import Analysis
import Concurrency
import Model

/// What beside its bounds decides about a metric (contract rollout-analysis §9).
enum MetricTest: Sendable {
  /// The share of failures against the two bounds, over the whole step.
  case sequential(SequentialTest)
  /// The shares of failures of those who have the feature and of those who have not, over the whole step.
  case shares(MixtureTest)
  /// The values of both, once: when everything else of the step is earned.
  case ranks(alpha: Double, tolerance: Double, minDelta: Double)
  /// One reading of both.
  case relative(RelativeRule)

  /// How many values of each arm a comparison of ranks wants.
  static let leastValues = 8
}

extension MetricTarget {
  /// Whether it is a percentage of requests; a latency, or what a program prints without counting, is not.
  package var isShare: Bool {
    switch question {
    case .template(let name, _, _): name != "http-p95"
    case .written(_, let samples): samples != nil
    case .probe(_, let measure, _), .railway(_, let measure, _): measure != "p95"
    case .command: false
    }
  }

  /// Whether the requests it speaks of are those that failed, or those that did not.
  private var countsFailures: Bool {
    switch question {
    case .template(let name, _, _): return name != "http-success"
    case .probe(_, let measure, _), .railway(_, let measure, _): return measure != "success"
    case .written, .command: break
    }
    guard let bound = (abort ?? pass).flatMap(Threshold.init) else { return true }
    let isUpward = bound.sign == .greater || bound.sign == .atLeast
    return abort == nil ? !isUpward : isUpward
  }

  /// The share of failures in a value, from 0 to 1.
  func failures(_ value: Double) -> Double {
    let share = min(max(value / 100, 0), 1)
    return countsFailures ? share : 1 - share
  }

  /// The value of a share of failures.
  func value(failing share: Double) -> Double { 100 * (countsFailures ? share : 1 - share) }

  /// Over how long one reading counts; nil where nobody can tell.
  var countedWindow: Duration? {
    switch question {
    case .template(_, _, let window), .railway(_, _, let window): window
    case .written(let query, _): QueryWindows.longest(in: query)
    // Each reading sends requests of its own.
    case .probe: .zero
    case .command: nil
    }
  }

  /// - Parameter test: what was counted so far.
  func test(_ test: RolloutTest?) -> MetricTest? {
    guard let alpha else {
      return versus.map {
        .relative(
          RelativeRule(
            maxIncrease: ($0.maxIncrease ?? 0) / 100, minDelta: $0.minDelta ?? 0,
            worse: countsFailures ? .higher : .lower))
      }
    }
    let evidence = test?.evidence ?? 0
    guard let versus else {
      guard let pass = pass.flatMap(Threshold.init), let abort = abort.flatMap(Threshold.init) else {
        return nil
      }
      return SequentialTest(
        healthy: failures(pass.bound), bad: failures(abort.bound), alpha: alpha, evidence: evidence
      ).map { .sequential($0) }
    }
    guard isShare else {
      return .ranks(
        alpha: alpha, tolerance: (versus.maxIncrease ?? 0) / 100, minDelta: versus.minDelta ?? 0)
    }
    return MixtureTest(alpha: alpha, margin: (versus.minDelta ?? 0) / 100, evidence: evidence).map {
      .shares($0)
    }
  }
}

extension MetricTest {
  /// Counts what a reading is about, each request once, and says what follows.
  /// - Parameters:
  ///   - began: when the step did.
  ///   - isEverybody: nobody is left to be compared with.
  /// - Returns: nil where it has nothing to keep.
  func counted(
    _ value: Double, _ samples: Double, _ baseline: (value: Double, samples: Double)?,
    of metric: MetricTarget,
    at moment: Timestamp, into test: RolloutTest?, since began: Timestamp
  ) -> RolloutTest? {
    guard let window = metric.countedWindow, samples > 0, value.isFinite else { return test }
    var counted = test ?? RolloutTest(until: began, bound: 0, words: "")
    // What the window shares with the reading before was counted then.
    guard moment - window >= counted.until else { return test }
    switch self {
    case .sequential(var sequential):
      counted.until = moment
      counted.requests += samples
      counted.failures += samples * metric.failures(value)
      sequential.add(requests: samples, errors: samples * metric.failures(value))
      counted.evidence = sequential.logLikelihoodRatio
      counted.bound = sequential.threshold
      counted.isCrossed = counted.isCrossed || sequential.isCrossed
      counted.words =
        "\(Self.whole(counted.failures)) of \(Self.whole(counted.requests)) failed in this step, evidence \(Self.short(counted.evidence)) of \(Self.short(counted.bound))"
    case .shares(var mixture):
      guard let baseline, baseline.samples > 0, baseline.value.isFinite else { return test }
      counted.until = moment
      counted.requests += samples
      counted.failures += samples * metric.failures(value)
      counted.baselineRequests += baseline.samples
      counted.baselineFailures += baseline.samples * metric.failures(baseline.value)
      let look = mixture.look(
        canary: .init(requests: counted.requests, errors: counted.failures),
        baseline: .init(requests: counted.baselineRequests, errors: counted.baselineFailures))
      counted.evidence = mixture.largestRatio
      counted.bound = 1 / mixture.alpha
      counted.isCrossed = counted.isCrossed || look?.isBreach == true
      let p = look.map { "p \(Self.short($0.p)), stops at \(Self.short(mixture.alpha))" }
      counted.words =
        "\(Self.whole(counted.failures)) of \(Self.whole(counted.requests)) failed, without the feature \(Self.whole(counted.baselineFailures)) of \(Self.whole(counted.baselineRequests)); \(p ?? "too few to tell")"
    case .ranks, .relative: return test
    }
    return counted
  }

  /// The comparison of values, made once.
  /// - Parameter readings: of the step, the oldest first.
  /// - Returns: nil while there are too few.
  static func ranked(
    _ readings: [RolloutReading], of metric: MetricTarget, alpha: Double, tolerance: Double, minDelta: Double
  ) -> (isWorse: Bool, words: String)? {
    var (canary, baseline, until) = ([Double](), [Double](), Timestamp?.none)
    for reading in readings {
      guard let value = reading.value, let other = reading.baseline else { continue }
      // Windows that overlap say the same twice.
      if let until, let window = metric.countedWindow, reading.at - window < until { continue }
      canary.append(value)
      baseline.append(other)
      until = reading.at
    }
    guard canary.count >= leastValues, let test = RankTest(canary: canary, baseline: baseline) else {
      return nil
    }
    return (
      test.decision(alpha: alpha, tolerance: tolerance, minDelta: minDelta) == .worse,
      "median \(short(test.canaryMedian)) of \(canary.count), without the feature \(short(test.baselineMedian)); p \(short(test.p)), stops at \(short(alpha))"
    )
  }

  static func whole(_ count: Double) -> String { "\(Int64(count.rounded()))" }

  /// Three digits that tell.
  static func short(_ number: Double) -> String {
    guard number.isFinite, number != 0 else { return "\(number == 0 ? "0" : "\(number)")" }
    var scale = 1.0
    while abs(number) * scale < 100, scale < 1e9 { scale *= 10 }
    let rounded = (number * scale).rounded() / scale
    return rounded == rounded.rounded() ? "\(Int64(rounded))" : "\(rounded)"
  }
}
