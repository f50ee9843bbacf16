import Concurrency
import Interface
import JSON
import Model
import Testing

/// A plan with a last look at each service.
private func confirmedPlan() -> Plan {
  var plan = ThreePlatforms.plan()
  let needs = plan.steps.filter { $0.id.rawValue.hasSuffix(".prove") }.map(\.id)
  for service in ["api", "jobs", "web"] as [ServiceName] {
    plan.steps.append(
      Step(
        id: StepID("\(service).confirm"), title: "look at \(service) once more", service: service,
        needs: needs,
        action: .soak(
          ProofRequest(
            target: ThreePlatforms.at(service), address: nil, health: Health(path: "/health", soak: .zero),
            commit: new)), limit: .seconds(60), isRepeatable: true))
  }
  return plan
}

private func confirms(_ plan: Plan) -> [Step] { plan.steps.filter { $0.id.rawValue.hasSuffix(".confirm") } }

private func plainLines(_ events: [RunEvent]) -> [String] {
  var face = PlainFace(Canvas(width: nil))
  return events.flatMap { face.handle($0) }
}

private func terminalLines(_ events: [RunEvent]) -> [String] {
  var face = TerminalFace(.eighty)
  return events.flatMap { face.handle($0) }
}

@Suite struct `The last looks at all services` {
  private func events(_ ends: [(StepID, Outcome)]) -> [RunEvent] {
    let plan = confirmedPlan()
    return [event(0, .started(facts(), plan: plan))]
      + confirms(plan).map { event(1, .stepBegan($0, attempt: 1)) }
      + confirms(plan).map { event(1.1, .stepProgress($0.id, "502 (1 in a row)")) }
      + ends.enumerated().map { event(1.2 + Double($0.offset) / 10, .stepEnded($0.element.0, $0.element.1)) }
  }

  private let well = Outcome.done(StepResult(summary: "stable for 0 s, 1 looks"))

  @Test func `are one line of a plan`() throws {
    let text = PlanReport(confirmedPlan(), live: nil, next: 7).text(.eighty)
    expectFits(text, 80)
    let looks = text.filter { $0.contains("once more") }
    #expect(looks == ["  9  look at all once more  after 4, 6, 8"])
    #expect(text.last?.contains("9 steps") == true)
    let document = try JSON(parsing: PlanReport(confirmedPlan(), live: nil).json().utf8)
    #expect(document["steps"]?.array?.count == 11, "programs see every step")
  }

  @Test func `are one line of a run that goes well`() {
    let events = events([("api.confirm", well), ("web.confirm", well), ("jobs.confirm", well)])
    #expect(
      plainLines(events).dropFirst() == [
        "10:00:01 → look at all once more",
        "10:00:01 ✓ look at all once more (400 ms): still as proven",
      ])
    #expect(terminalLines(events).count { $0.contains("once more") } == 1)
  }

  @Test func `are one running line`() {
    var face = TerminalFace(.eighty)
    for event in events([("api.confirm", well)]) { _ = face.handle(event) }
    let frame = face.frame(now: after(2), height: 10)
    #expect(frame.count { $0.contains("once more") } == 1, "\(frame)")
    #expect(frame.contains { $0.contains("0 of 9 steps") }, "\(frame)")
  }

  @Test func `name the one that fails, and no other`() {
    let failure = Failure(.stale, "jobs was replaced while it was being watched", hint: "shipit status prod")
    let lines = plainLines(
      events([
        ("api.confirm", well), ("jobs.confirm", .failed(failure, moved: false)),
        ("web.confirm", .cancelled(moved: false)),
      ]))
    #expect(lines.contains { $0.contains("✗ look at jobs once more") && $0.contains("was replaced") })
    #expect(lines.count { $0.contains("once more") } == 2, "\(lines)")
  }
}

@Suite struct `A step whose outcome was probed` {
  private let failure = Failure(
    .unknown, "it is not known whether Encore rolls 1a2b3c4 out", hint: "look at app.encore.dev, then again")

  private func events(_ finding: Finding, _ end: Outcome?) -> [RunEvent] {
    let step = ThreePlatforms.plan().steps[4]
    return [
      event(0, .resumed(facts(), plan: ThreePlatforms.plan(), finished: [])),
      event(1, .stepProbing(step.id)), event(2, .stepProbed(step.id, finding)),
    ] + (end.map { [event(2, .stepEnded(step.id, $0))] } ?? [])
  }

  @Test func `tells an unknown one once`() {
    let events = events(.unknown(failure), .unknowable(failure))
    #expect(plainLines(events).count { $0.contains("it is not known") } == 1)
    #expect(terminalLines(events).count { $0.contains("it is not known") } == 1)
  }

  @Test func `tells a found one once, and no time that nobody measured`() {
    let result = StepResult(summary: "found as roll_1")
    let lines = plainLines(events(.done(result), .done(result)))
    #expect(lines.filter { $0.contains("found as") } == ["10:00:02 ✓ deploy jobs: found as roll_1"])
    let terminal = terminalLines(events(.done(result), .done(result)))
    #expect(terminal.count { $0.contains("found as") } == 1)
    #expect(!terminal.contains { $0.contains("0.0 s") })
  }

  @Test func `still tells what comes of nothing`() {
    #expect(plainLines(events(.absent, nil)).last?.contains("nothing came of it, so once more") == true)
  }

  @Test func `is shown as running while it is looked up`() {
    var face = TerminalFace(.eighty)
    for event in events(.absent, nil).prefix(2) { _ = face.handle(event) }
    #expect(face.frame(now: after(1.5), height: 10)[0].contains("finding out what became of it"))
  }
}

@Suite struct `Somebody else's deployment while a run fails elsewhere` {
  private var ended: RunResult {
    var result = ThreePlatforms.darkResult
    result.foreign = [
      "jobs": ForeignDeployment(id: "roll_77", commit: "fe" + String(repeating: "0", count: 38))
    ]
    return result
  }

  @Test func `is named at the end, and not called unmoved`() throws {
    let events = ThreePlatforms.darkFailed().dropLast() + [event(62, .finished(ended))]
    let text = terminalLines(Array(events))
    expectFits(text, 80)
    try expectGolden("three-foreign.txt", text)
    #expect(text.contains { $0.contains("nothing users see was changed by it") })
    #expect(!text.contains { $0.contains("the previous release is live and verified") })
    #expect(text.joined(separator: " ").contains("deployment roll_77"))
  }

  @Test func `is named by why`() {
    let record = RunRecord(
      id: RunID(12), release: 7, plan: ThreePlatforms.plan(), by: "ann@laptop", startedAt: start,
      result: ended, endedAt: after(62))
    let text = WhyReport(record, journal: [], live: nil).text(Canvas(width: nil))
    #expect(text.contains { $0.contains("jobs: deployment roll_77") && $0.contains("somebody else") })
  }
}

@Suite struct `The table before a rollback` {
  @Test func `says why that release, and what stays`() throws {
    var plan = ThreePlatforms.rollback()
    plan.choice =
      "api and jobs run release 7 and web runs release 6; this is the good one before 7, the newer of them"
    plan.order = ["api", "jobs", "web"]
    plan.steps.removeAll { $0.service == "web" }
    plan.services.removeAll { $0.service == "web" }
    let six = ThreePlatforms.release(6, old)
    plan.before = ["web": six.services["web"]].compactMapValues(\.self)
    let text = RollbackReport(plan, from: ThreePlatforms.release(8, new), to: six).text(.eighty)
    expectFits(text, 80)
    try expectGolden("three-rollback-rest.txt", text)
  }

  @Test func `of one service says where the others stay`() {
    var plan = ThreePlatforms.rollback()
    plan.order = ["api", "jobs", "web"]
    plan.services.removeAll { $0.service != "web" }
    let present = ThreePlatforms.release(7, new)
    plan.before = ["api": present.services["api"], "jobs": present.services["jobs"]].compactMapValues(\.self)
    let text = RollbackReport(plan, from: present, to: ThreePlatforms.release(6, old)).text(.eighty)
    #expect(text.contains("= api   railway  stays at 1a2b3c4"), "\(text)")
  }

  @Test func `without anything to do says so`() {
    var plan = ThreePlatforms.rollback()
    (plan.steps, plan.services) = ([], [])
    let six = ThreePlatforms.release(6, old)
    #expect(
      RollbackReport(plan, from: six, to: six).text(.eighty).last
        == "nothing to do: what is asked for is live already")
  }
}
