import Concurrency
import Interface
import JSON
import Model
import Testing

private let now = start + .seconds(7200)
private let steps = [10.0, 25, 100].compactMap { FlagShare(percent: $0) }

private func target() -> RolloutTarget {
  var success = MetricTarget(
    name: "success", question: .template("http-success", labels: [], window: .seconds(300)), pass: "> 95",
    abort: "< 90", minSamples: 500)
  success.variant = .init("variant", "on")
  let slow = MetricTarget(
    name: "p95-latency", question: .written(query: "q", samples: nil), pass: "< 0.5")
  var seen = MetricTarget(name: "conversion", question: .written(query: "q", samples: nil), pass: "> 3")
  seen.isObserved = true
  return RolloutTarget(
    key: "new-checkout",
    flag: FlagTarget(.launchDarkly(project: "shop", environment: "production", url: nil), tokenSecret: "T"),
    store: MetricStoreTarget(url: "https://prometheus.example.com"),
    steps: steps.map { RolloutStep(share: $0, bake: .seconds(14_400), needsApproval: $0 == .everybody) },
    metrics: [success, slow, seen])
}

private func record(_ change: (inout RolloutRecord) -> Void = { _ in }) -> RolloutRecord {
  var record = RolloutRecord(
    key: "new-checkout", environment: "prod", app: "athlete-ally", release: 42, commit: new, digest: "d",
    steps: steps, by: "ci@actions-71", startedAt: start)
  record.status = .running
  record.share = steps[1]
  record.stepStartedAt = start + .seconds(600)
  record.lastTickAt = now - .seconds(120)
  record.lastAction = "wait:bake"
  record.credit = .seconds(5700)
  record.bake = .seconds(14_400)
  var success = RolloutMetric(state: "running")
  let values: [Double?] = [99.2, 98.7, 99.5, 96.1, 93.8, nil, 97.4, 99.1, 99.6]
  for (index, value) in values.enumerated() {
    let at = now - .seconds(300 * (values.count - index))
    let outcome = value.map { $0 > 95 ? "pass" : "hold" } ?? "nodata"
    success.add(
      RolloutReading(
        at: at, value: value, samples: value.map { _ in 812 }, outcome: outcome,
        reason: value == nil ? "empty" : nil))
  }
  var slow = RolloutMetric(state: "running")
  for index in 0..<4 {
    slow.add(
      RolloutReading(
        at: now - .seconds(300 * (4 - index)), value: index == 3 ? nil : 0.2 + Double(index) * 0.08,
        samples: nil, outcome: index == 3 ? "error" : "pass", reason: index == 3 ? "provider" : nil))
  }
  record.metrics = ["success": success, "p95-latency": slow]
  change(&record)
  return record
}

private func report(_ lines: [RolloutReport.RolloutLine], _ exit: ExitCode = .done) -> RolloutReport {
  RolloutReport(app: "athlete-ally", environment: "prod", now: now, rollouts: lines, exit: exit)
}

@Suite struct `Rollout report` {
  private var running: RolloutReport.RolloutLine {
    .init(
      target(), record(), served: "serves 25 %", nextRound: now + .seconds(180),
      earliestRaise: now + .seconds(8880), wantsApproval: .everybody,
      outcome: "waits: good time is still to be earned")
  }

  private var rolledBack: RolloutReport.RolloutLine {
    .init(
      target(),
      record {
        $0.status = .rolledBack
        var end = RolloutEnd(
          .metric, at: now, share: steps[1],
          evidence: RolloutEvidence(
            metric: "success", value: 84.2, threshold: "< 90", window: .seconds(300), samples: 1204, at: now,
            query: "q"))
        end.took = .milliseconds(84)
        end.cure = RolloutCure(until: now + .seconds(600))
        $0.end = end
      }, served: "is off", nextRound: now + .seconds(600),
      outcome: "switched off: success 84.2 (abort < 90) of 1204 samples within 300 s")
  }

  @Test func `draws steps, earned time, readings with their bounds, and what is next`() throws {
    let paused = RolloutReport.RolloutLine(
      target(),
      record {
        var test = RolloutTest(
          until: now, bound: 4.605, words: "34 of 1200 failed in this step, evidence 2.1 of 4.61")
        test.evidence = 2.1
        $0.metrics["success"]?.test = test
        $0.pause = RolloutPause(
          why: "drift", since: now - .seconds(1500),
          reason: "the flag serves 40 %, changed by ann@example.com")
        $0.orders = [RolloutOrder(.resume, by: "bo@phone", at: now)]
      }, served: "serves 40 %", nextRound: now + .seconds(180), isOverdue: true)
    let complete = RolloutReport.RolloutLine(
      target(),
      record {
        $0.status = .completed
        $0.share = .everybody
        $0.metrics = [:]
        $0.end = RolloutEnd(.completed, at: now - .seconds(60), share: .everybody)
      })
    let reports = [
      report([running]), report([paused]), report([rolledBack], .failedClean), report([complete]),
      report([.init(target(), nil)]),
    ]
    try expectGolden("rollout.txt", Array(reports.map { $0.text(.eighty) }.joined(separator: [""])))
    try expectGolden("rollout-ascii.txt", report([running]).text(.ascii))
    try expectGolden("rollout-colour.txt", report([running]).text(.coloured))
    for report in reports { expectFits(report.text(.eighty), 80) }
  }

  @Test func `as a document says the same`() throws {
    let text = report([running, rolledBack], .failedClean).json()
    let document = try JSON(parsing: Array(text.utf8))
    #expect(document["kind"]?.string == "rollout" && document["shipit"]?.int == 1)
    #expect(document["rollouts"]?[0]?["earliestRaise"]?.string == (now + .seconds(8880)).iso8601)
    #expect(document["rollouts"]?[0]?["credit"]?.int == 5700)
    #expect(document["rollouts"]?[1]?["end"]?["evidence"]?["samples"]?.int == 1204)
    try expectGolden("rollout.json", [document.serialized(pretty: true)])
  }

  @Test func `of a simulation says when it would have acted`() throws {
    let events = [
      RolloutEvent(at: start, text: "10 %"), RolloutEvent(at: start + .seconds(15_000), text: "25 %"),
      RolloutEvent(at: start + .seconds(16_000), text: "paused: blind"),
      RolloutEvent(at: start + .seconds(16_300), text: "goes on"),
      RolloutEvent(
        at: start + .seconds(17_000), text: "off: success 84.2 (abort < 90) of 1204 samples within 300 s"),
    ]
    let report = RolloutReplayReport(
      app: "athlete-ally", environment: "prod", from: start, to: start + .seconds(20_000), release: 42,
      rollouts: [
        .init(
          target(), events: events, missing: [.init(metric: "orders", source: "the command ./orders")],
          healthy: HealthyRollouts(
            rollouts: 1000, rolledBack: 31,
            assumptions: [.init(metric: "success", failing: 0.42, isSeen: true, requests: 812)],
            left: ["p95-latency"]))
      ])
    try expectGolden("rollout-simulated.txt", report.text(.eighty))
  }

  @Test func `stands in a plan, also where nothing else changes`() throws {
    var plan = samplePlan()
    plan.rollouts = [
      PlannedRollout(target(), .begin), PlannedRollout(target(), .leave, share: steps[0]),
      PlannedRollout(target(), .restart, share: steps[1]),
      PlannedRollout(target(), .refuse, reason: "it ended with release 41: aborted by bo: enough"),
    ]
    var alone = plan
    alone.steps = []
    alone.services = []
    try expectGolden(
      "plan-rollouts.txt",
      PlanReport(plan, live: nil, next: 7).text(.eighty) + [""] + PlanReport(alone, live: nil).text(.eighty))
  }
}
