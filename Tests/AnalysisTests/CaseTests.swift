import Analysis
import Concurrency
import Engine
import JSON
import Metrics
import Model
import Testing
import Zones

/// The rules against the cases of contract rollout-analysis §15.
@Suite struct CaseTests {
  @Test("a rule gives what its case says", arguments: Case.all)
  func rule(_ item: Case) throws {
    let rule = try #require(rules[item.kind], "no rule for cases of kind \(item.kind)")
    let found = try #require(rule(item.input), "the input was refused")
    #expect(found.matches(item.expect), "\(item.id): \(found.serialized()), not \(item.expect.serialized())")
  }

  private typealias Rule = @Sendable (JSON) -> JSON?

  private var rules: [String: Rule] {
    [
      "read_prometheus": Self.prometheus, "classify": Self.classify, "metric": Self.metric, "run": Self.run,
      "due": Self.due, "step": Self.step, "steps": Self.steps, "window": Self.window, "sprt": Self.sequential,
      "msprt": Self.mixture,
      "mann_whitney": Self.ranks, "srm": Self.split, "relative": Self.relative,
      "flagger_weights": FlaggerWeights.answer, "kayenta": KayentaJudge.answer,
    ]
  }

  // MARK: - Readings

  private static let prometheus: Rule = { input in
    let answer: PrometheusAnswer
    if let transport = input["transport"]?.string {
      answer = PrometheusAnswer(timedOut: transport == "timeout")
    } else {
      guard let status = input.count("http_status"), let body = input["body"] else { return nil }
      answer = PrometheusAnswer(status: status, body: body.string ?? body.serialized())
    }
    let retry = JSON.bool(answer.retry != .no)
    switch answer.reading {
    case .value(let value): return ["outcome": "value", "value": .double(value), "retry": retry]
    case .noData(let reason): return ["outcome": "nodata", "reason": .string(reason), "retry": retry]
    case .error(let reason): return ["outcome": "error", "reason": .string(reason), "retry": retry]
    }
  }

  private static let classify: Rule = { input in
    let thresholds = MetricThresholds(
      pass: input["pass"]?.string.flatMap(Threshold.init),
      abort: input["abort"]?.string.flatMap(Threshold.init),
      minSamples: input["min_samples"]?.double ?? 0)
    let reading = input["value"]?.double.map(Reading.value) ?? .noData(reason: "empty")
    let judged = thresholds.judged(reading, samples: input["samples"]?.double)
    var found: [String: JSON] = ["outcome": .string(judged.outcome.rawValue)]
    if case .noData(let reason) = judged.reading { found["reason"] = .string(reason) }
    return .object(found)
  }

  private static let metric: Rule = { input in
    var tally = MetricTally()
    guard let outcomes = input["outcomes"]?.array else { return nil }
    for word in outcomes {
      guard let outcome = word.string.flatMap(Analysis.Outcome.init) else { return nil }
      tally.count(outcome, limits(input["config"] ?? .null))
    }
    return ["state": .string(tally.state.rawValue)]
  }

  private static func limits(_ config: JSON) -> MetricLimits {
    MetricLimits(
      failures: config.count("failure_limit"), consecutiveFailures: config.count("consecutive_failure_limit"),
      consecutiveErrors: config.count("consecutive_error_limit") ?? 4,
      inconclusive: config.count("inconclusive_limit"), noData: config.count("nodata_limit"),
      consecutiveSuccesses: config.count("consecutive_success_limit"), count: config.count("count"))
  }

  // MARK: - Decisions

  private static let run: Rule = { input in
    let deciding = (input["metrics"]?.array ?? []).filter { $0["mode"]?.string != "observe" }
    let verdict = Verdict(deciding.compactMap { $0["state"]?.string.flatMap(MetricState.init) })
    let action = verdict.action(onError: input["on_error"]?.string.flatMap(OnError.init) ?? .pause)
    return ["verdict": .string(verdict.rawValue), "action": .string(action.rawValue)]
  }

  private static let due: Rule = { input in
    guard let now = input.seconds("now") else { return nil }
    let schedule = ReadingSchedule(
      interval: input.seconds("interval"), initialDelay: input.seconds("initial_delay") ?? .zero)
    var last: (at: Duration, outcome: Analysis.Outcome)?
    if let at = input.seconds("last_finished_at"),
      let outcome = input["last_outcome"]?.string.flatMap(Analysis.Outcome.init)
    {
      last = (at, outcome)
    }
    let next = schedule.next(stepStarted: input.seconds("step_started_at"), last: last)
    return [
      "due": .bool(next.map { $0 <= now } ?? false),
      "next_at": next.map { .int($0.components.seconds) } ?? .null,
    ]
  }

  private static let step: Rule = { input in
    guard let config = input["config"], let events = input["events"]?.array,
      let rules = StepRules(case: config)
    else { return nil }
    var progress = StepProgress()
    return [
      "actions": .array(
        events.compactMap { event in
          Tick(case: event).map { .string(progress.tick($0, rules).written) }
        })
    ]
  }

  private static let window: Rule = { input in
    guard let now = input["now"]?.string.flatMap(Timestamp.init(iso8601:)),
      let zone = try? ZoneDatabase.system([:]).zone(input["timezone"]?.string ?? "UTC")
    else { return nil }
    let freezes = (input["freezes"]?.array ?? []).compactMap { freeze -> Freeze? in
      guard let from = freeze["from"]?.string, let to = freeze["to"]?.string,
        let begin = try? FreezeMoment(parsing: from), let end = try? FreezeMoment(parsing: to)
      else { return nil }
      return Freeze(from: begin, to: end, timezone: zone.name, reason: nil)
    }
    let calendar = try? FreezeCalendar(freezes) { _ in zone }
    if calendar?.active(at: now) != nil { return ["open": false, "why": "freeze"] }
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    let windows = RaiseWindows(
      (input["windows"]?.array ?? []).map { window in
        RaiseWindows.Window(
          weekdays: Set((window["days"]?.array ?? []).compactMap(\.string).compactMap(days.firstIndex)),
          from: minute(window["from"]), to: minute(window["to"]))
      }, in: zone)
    return windows.isOpen(at: now) ? ["open": true] : ["open": false, "why": "window"]
  }

  private static func minute(_ time: JSON?) -> Int {
    let parts = (time?.string ?? "").split(separator: ":").compactMap { Int($0) }
    return parts.count == 2 ? parts[0] * 60 + parts[1] : -1
  }

  private static let steps: Rule = { input in
    guard let percentages = try? Percentages(input.doubles("steps")) else { return ["valid": false] }
    return ["valid": true, "thousandths": .array(percentages.thousandths.map { .int(Int64($0)) })]
  }

  // MARK: - Statistics

  private static let sequential: Rule = { input in
    guard let healthy = input["e0"]?.double, let bad = input["e1"]?.double,
      let alpha = input["alpha"]?.double,
      var test = SequentialTest(healthy: healthy, bad: bad, alpha: alpha)
    else { return nil }
    var at: JSON = .null
    for (index, batch) in (input["batches"]?.array ?? []).enumerated() {
      test.add(requests: batch[0]?.double ?? 0, errors: batch[1]?.double ?? 0)
      if test.isCrossed {
        at = .int(Int64(index))
        break
      }
    }
    return [
      "decision": at.isNull ? "continue" : "abort", "at": at, "llr": .double(test.logLikelihoodRatio),
      "threshold": .double(test.threshold),
    ]
  }

  private static let mixture: Rule = { input in
    guard
      var test = MixtureTest(
        alpha: input["alpha"]?.double ?? 0.01, tau: input["tau"]?.double ?? 0.01,
        margin: input["margin"]?.double ?? 0)
    else { return nil }
    var found: JSON = ["decision": "continue", "at": .null]
    for (index, counts) in (input["looks"]?.array ?? []).enumerated() {
      let n = (0..<4).map { counts[$0]?.double ?? 0 }
      guard
        let look = test.look(
          canary: .init(requests: n[0], errors: n[1]), baseline: .init(requests: n[2], errors: n[3]))
      else { continue }
      found = [
        "decision": look.isBreach ? "abort" : "continue", "at": look.isBreach ? .int(Int64(index)) : .null,
        "delta": .double(look.delta), "lambda": .double(look.ratio), "p": .double(look.p),
        "half_width": .double(look.halfWidth),
      ]
      if look.isBreach { break }
    }
    return found
  }

  private static let ranks: Rule = { input in
    guard let test = RankTest(canary: input.doubles("canary"), baseline: input.doubles("baseline")) else {
      return ["decision": "nodata"]
    }
    let decision = test.decision(
      alpha: input["alpha"]?.double ?? 0.01, tolerance: input["tolerance"]?.double ?? 0,
      minDelta: input["min_delta"]?.double ?? 0)
    return [
      "u": .double(test.u), "p": .double(test.p), "median_canary": .double(test.canaryMedian),
      "median_baseline": .double(test.baselineMedian), "decision": .string(decision.rawValue),
    ]
  }

  private static let split: Rule = { input in
    guard
      let check = SplitCheck(
        treatment: input["treatment"]?.double ?? 0, control: input["control"]?.double ?? 0,
        share: input.count("weight") ?? 0)
    else { return nil }
    return ["chi2": .double(check.chiSquare), "p": .double(check.p), "mismatch": .bool(check.isMismatch)]
  }

  private static let relative: Rule = { input in
    let rule = RelativeRule(
      maxIncrease: input["max_increase"]?.double ?? 0, minDelta: input["min_delta"]?.double ?? 0,
      worse: input["worse"]?.string.flatMap(RelativeRule.Worse.init) ?? .higher)
    guard let canary = input["canary"]?.double, let baseline = input["baseline"]?.double else { return nil }
    return ["outcome": .string(rule.outcome(canary: canary, baseline: baseline).rawValue)]
  }
}

extension StepRules {
  init?(case config: JSON) {
    guard let bake = config.seconds("bake"), let interval = config.seconds("interval"),
      let share = config.count("weight"), let metrics = config["metrics"]?.object
    else { return nil }
    self.init(
      bake: bake, interval: interval, initialDelay: config.seconds("initial_delay") ?? .zero,
      settle: config.count("settle") ?? 3, minReadings: config.count("min_readings") ?? 3,
      maxCredit: config.seconds("max_credit"), maxStep: config.seconds("max_step"),
      onError: config["on_error"]?.string.flatMap(OnError.init) ?? .pause,
      needsApproval: config["approval"]?.bool ?? false, share: share,
      metrics: metrics.mapValues { metric in
        Metric(
          MetricLimits(
            failures: metric.count("failure_limit"),
            consecutiveFailures: metric.count("consecutive_failure_limit"),
            consecutiveErrors: metric.count("consecutive_error_limit") ?? 4,
            inconclusive: metric.count("inconclusive_limit"), noData: metric.count("nodata_limit")),
          isObserved: metric["mode"]?.string == "observe", isCritical: metric["critical"]?.bool ?? false)
      })
  }
}

extension Tick {
  init?(case event: JSON) {
    guard let at = event.seconds("at") else { return nil }
    let readings = (event["readings"]?.object ?? [:]).compactMapValues {
      $0.string.flatMap(Analysis.Outcome.init)
    }
    let flag = event["flag"].flatMap { flag -> Flag? in
      guard let isOn = flag["on"]?.bool, let share = flag.count("weight") else { return nil }
      return Flag(isOn: isOn, share: share, isChanged: flag["changed"]?.bool ?? false)
    }
    self.init(
      at: at, readings: readings, order: event["op"]?.string.flatMap(Order.init), flag: flag,
      window: event["window"]?.string.flatMap(Window.init) ?? .open)
  }
}
