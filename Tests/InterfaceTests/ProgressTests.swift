import Concurrency
import Interface
import JSON
import Model
import Testing

@Suite struct `Progress on a terminal` {
  @Test func `settles finished steps above and ends with the whole truth`() throws {
    var face = TerminalFace(.eighty)
    let text = rolledBackEvents().flatMap { face.handle($0) }
    expectFits(text, 80)
    try expectGolden("run-rolled-back.txt", text)
  }

  @Test func `of a released run is short`() throws {
    var face = TerminalFace(.eighty)
    try expectGolden("run-released.txt", releasedEvents().flatMap { face.handle($0) })
  }

  @Test func `redraws running steps with time and last log line, waiting ones in one`() throws {
    var face = TerminalFace(.eighty)
    for event in rolledBackEvents().prefix(6) { _ = face.handle(event) }
    let frame = face.frame(now: after(3.2), height: 10)
    expectFits(frame, 80)
    try expectGolden("frame.txt", frame)
  }

  @Test func `moves its sign and clock between frames without an event`() {
    var face = TerminalFace(.eighty)
    for event in rolledBackEvents().prefix(6) { _ = face.handle(event) }
    #expect(
      face.frame(now: after(3.2), height: 9) != face.frame(now: after(3.3), height: 9))
  }

  @Test(arguments: 0...4) func `never draws more lines than there is room for`(_ height: Int) {
    var face = TerminalFace(.eighty)
    var plan = samplePlan()
    plan.steps = (0..<9).map { deploy(ServiceName(rawValue: "service-\($0)")) }
    _ = face.handle(event(0, .started(facts(), plan: plan)))
    for step in plan.steps.prefix(7) { _ = face.handle(event(0.1, .stepBegan(step, attempt: 1))) }
    #expect(face.frame(now: after(1), height: height).count <= height)
  }

  @Test func `shows the failed step's last lines at once, without control characters`() {
    var face = TerminalFace(.eighty)
    var printed: [String] = []
    for event in rolledBackEvents() {
      let lines = face.handle(event)
      if case .stepEnded("web.deploy", _) = event.kind { printed = lines }
    }
    #expect(printed.contains("    │ Error: DATABASE_URL is not set"))
    #expect(printed.contains { $0.contains("/health answered 503") })
  }

  @Test func `says of checks what they saw, and of a failed one how often and what was wanted`() throws {
    var face = TerminalFace(.eighty)
    let steps = sampleChecks().prefix(3).map { checkStep($0) }
    var plan = samplePlan()
    plan.steps = steps
    let failure = Failure(
      .timeout,
      "the check feed got 502 instead of a WebSocket (41 times in 58.7 s), wanted a message with type = pong",
      place: "wss://api.example.com/feed",
      cause: "the answer began: Bad Gateway; before that it got no connection 3 times",
      hint:
        "`curl -sS -i https://api.example.com/feed` shows it now; what is wanted stands under `checks` in environments/prod.yaml"
    )
    let events = [
      event(0, .started(facts(), plan: plan)), event(0, .stepBegan(steps[0], attempt: 1)),
      event(0, .stepProgress(steps[0].id, "looking at https://api.example.com/health")),
      event(1.2, .stepProgress(steps[0].id, "20 of 40 samples")),
      event(2, done(steps[0].id, "40 samples, p95 212 ms, slowest 240 ms, 0 wrong")),
      event(2, .stepBegan(steps[1], attempt: 1)),
      event(2.1, .stepProgress(steps[1].id, "got no connection, wants a message with type = pong")),
      event(60.7, .stepEnded(steps[1].id, .failed(failure, moved: false))),
    ]
    try expectGolden("run-checks.txt", events.flatMap { face.handle($0) })
    var plain = PlainFace(.eighty)
    try expectGolden("run-checks-plain.txt", events.flatMap { plain.handle($0) })
  }

  @Test func `leaves no frame behind once the run is over`() {
    var face = TerminalFace(.eighty)
    for event in releasedEvents() { _ = face.handle(event) }
    #expect(face.frame(now: after(30), height: 10).isEmpty)
  }

  @Test func `of a continued run names what had ended before`() throws {
    var face = TerminalFace(.eighty, plan: samplePlan())
    let text = face.handle(
      event(0, .resumed(facts(), plan: samplePlan(), finished: ["api.variables", "api.deploy"])))
    #expect(text.last == "  continues: 2 steps had ended before")
    #expect(face.frame(now: start, height: 9).joined().contains("3 wait: prove api, deploy web, prove web"))
  }

  @Test func `of a run continued after its proof still tells how it is proven`() throws {
    var picture = RunPicture(plan: samplePlan())
    picture.handle(
      event(0, .resumed(facts(), plan: samplePlan(), finished: ["api.variables", "api.deploy", "api.prove"])))
    picture.handle(event(1, .finished(RunResult(state: .mixed, exit: .failedMixed))))
    let api = try #require(RunSummary(picture)?.services.first)
    #expect(api.state == .moved && api.proof == .no)
  }
}

@Suite struct `Progress in CI` {
  @Test func `is one line an event`() throws {
    var face = PlainFace(Canvas(width: nil))
    try expectGolden("run-plain.txt", rolledBackEvents().flatMap { face.handle($0) })
  }

  @Test func `says something at least each 30 seconds`() {
    var face = PlainFace(Canvas(width: nil))
    for event in rolledBackEvents().prefix(6) { _ = face.handle(event) }
    var spoken = 0
    for second in 2...122 {
      let lines = face.tick(now: after(Double(second)))
      spoken += lines.count
      if let line = lines.first { #expect(line.contains("still running: deploy api")) }
    }
    // The last event that printed a line came after 1.2 s.
    #expect(spoken == 4)
  }
}

@Suite struct `Progress as JSON` {
  @Test func `is one versioned object a line, and text of others cannot break out`() throws {
    var face = JSONFace(redact: hiding("crunch"))
    let lines = rolledBackEvents().flatMap { face.handle($0) }
    #expect(lines.count == rolledBackEvents().count)
    let events = try lines.map { try JSON(parsing: $0.utf8) }
    #expect(events.allSatisfy { $0["shipit"] == 1 && $0["type"]?.string != nil && $0["at"]?.string != nil })
    #expect(events.first?["type"] == "run-started")
    #expect(events.first?["plan"]?["subject"] == "Add the ‹secret› mode")
    #expect(!lines.joined().contains("u001b") && !lines.joined().contains("\u{1B}"))
    let last = try #require(events.last)
    #expect(last["state"] == "rolledBack" && last["exit"] == 7)
    #expect(last["services"]?[0]?["exposed"]?.double == 8.7)
    try expectGolden("run.jsonl", lines)
  }
}

@Suite struct `Quiet progress` {
  @Test func `says nothing when all is well and the summary when not`() {
    var quiet = QuietFace(.eighty)
    #expect(releasedEvents().map { quiet.handle($0) }.joined().isEmpty)
    var failing = QuietFace(.eighty)
    #expect(
      rolledBackEvents().map { failing.handle($0) }.joined().first?.contains("release 7 failed") == true)
  }
}

@Suite struct `The summary of a run` {
  /// The summary of the first `count` events and what is given.
  private func summary(_ count: Int, _ more: [RunEvent]) throws -> RunSummary {
    var picture = RunPicture()
    for event in rolledBackEvents().prefix(count) + more { picture.handle(event) }
    return try #require(RunSummary(picture))
  }

  @Test func `of a failure before the cut-over says that nothing was moved`() throws {
    let failure = Failure(.failed, "the build of api failed", hint: "shipit logs prod api --build")
    let summary = try summary(
      6,
      [
        event(7, .stepEnded("api.deploy", .failed(failure, moved: false))),
        event(7, .turned(.failure, failure, undo: [])),
        event(
          7,
          .finished(
            RunResult(state: .unchanged, exit: .failedClean, failure: failure, failedStep: "api.deploy"))),
      ])
    #expect(summary.services.allSatisfy { $0.state == .untouched && $0.commit == old })
    try expectGolden("summary-unchanged.txt", summary.text(.eighty))
  }

  @Test func `of a mixed state names what is new, what is old and what is not known`() throws {
    let lost = Failure(
      .unknown, "Railway did not say whether the rollback took place", cause: "HTTP 504 three times")
    let summary = try summary(
      17,
      [
        event(19, .stepEnded("api.restore", .unknowable(lost))),
        event(
          19,
          .finished(
            RunResult(
              state: .mixed, exit: .failedMixed, failure: gateFailure, failedStep: "web.deploy",
              unattended: ["api.restore"], rollbackFailure: lost))),
      ])
    #expect(summary.services.map(\.state) == [.unknown, .untouched, .untouched])
    try expectGolden("summary-mixed.txt", summary.text(.eighty))
  }

  @Test func `of an interruption claims no verified state while something is in flight`() throws {
    let summary = try summary(
      6,
      [
        event(3, .interrupted(.interrupt)),
        event(6, .stepAbandoned("api.deploy", .inFlight("deployment d-new-api is building"))),
        event(6, .finished(RunResult(state: .inFlight, exit: .interrupted, unattended: ["api.deploy"]))),
      ])
    let text = summary.text(.eighty)
    #expect(!text.joined().contains("previous release is live"))
    try expectGolden("summary-in-flight.txt", text)
  }

  @Test func `of an interruption does not deny what went live`() throws {
    let summary = try summary(
      6,
      [
        event(3, done("api.deploy", "")), event(4, .interrupted(.interrupt)),
        event(6, .finished(RunResult(state: .inFlight, exit: .failedMixed))),
      ])
    #expect(summary.services.contains { $0.state == .moved })
    #expect(summary.text(.eighty).joined().contains("what went live stays"))
  }

  @Test func `of a rollback that was asked for names the release that is live again`() throws {
    var plan = samplePlan()
    plan.kind = .rollback
    plan.restores = 6
    plan.commit = old
    plan.subject = "Fix the crunch"
    plan.steps = [restore("api"), reprove("api")]
    plan.services = [planned("api")]
    var run = facts(release: 8)
    run.commit = old
    var picture = RunPicture()
    for event in [
      event(0, .started(run, plan: plan)), event(0, .stepBegan(plan.steps[0], attempt: 1)),
      event(2, done("api.restore", "")), event(3, done("api.restored", "", proof: .served)),
      event(3, .finished(RunResult(state: .restored, exit: .done))),
    ] { picture.handle(event) }
    try expectGolden("summary-restored.txt", try #require(RunSummary(picture)).text(.eighty))
  }

  @Test func `of a deploy that follows what was made counts its own time and steps alone`() throws {
    var plan = samplePlan()
    plan.kind = .provision
    plan.services = []
    plan.steps = [restore("api")]
    var making = facts(release: 6)
    making.id = RunID(6)
    var face = TerminalFace(.eighty)
    for event in [
      event(0, .started(making, plan: plan)), event(0, .stepBegan(plan.steps[0], attempt: 1)),
      event(2, done("api.restore", "made")),
      event(2, .finished(RunResult(state: .released, exit: .done))),
    ] { _ = face.handle(event) }
    let made = try #require(RunSummary(face.picture)).text(.eighty).joined(separator: "\n")
    // The command goes on: neither its exit nor what to type next is known yet.
    #expect(made.contains("what was missing is made") && !made.contains("exit") && !made.contains("next"))

    // Somebody reads the second plan for half a minute.
    var deploy = samplePlan()
    deploy.steps = [restore("api")]
    _ = face.handle(event(40, .started(facts(release: 7), plan: deploy)))
    _ = face.handle(event(40, .stepBegan(deploy.steps[0], attempt: 1)))
    #expect(!face.frame(now: after(41), height: 10).isEmpty)
    _ = face.handle(event(43, done("api.restore", "")))
    _ = face.handle(event(43, .finished(RunResult(state: .released, exit: .done))))
    let summary = try #require(RunSummary(face.picture))
    #expect(summary.text(.eighty).joined().contains("  in 3 s"), "\(summary.text(.eighty))")
    #expect(face.picture.order.count == 1)
  }

  @Test func `reads back from JSON`() throws {
    var picture = RunPicture()
    for event in rolledBackEvents() { picture.handle(event) }
    let summary = try #require(RunSummary(picture))
    #expect(
      try JSON(parsing: summary.json().utf8).decoded(as: RunSummary.self).text(.eighty)
        == summary.text(.eighty))
  }
}
