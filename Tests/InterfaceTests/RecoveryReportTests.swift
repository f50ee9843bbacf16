import Concurrency
import Interface
import JSON
import Model
import Testing

private let now = start + .seconds(3600)

private func open(_ result: RunResult? = nil) -> RunRecord {
  RunRecord(
    id: RunID(12), release: 7, plan: samplePlan(), by: "ann@laptop", startedAt: start, result: result,
    endedAt: result == nil ? nil : after(21.1))
}

private let six = release(6, old, "Fix the crunch", good, at: -7200)
private let unknown = Failure(
  .unknown, "run 12 was interrupted and what it left cannot be found out: deploy api",
  cause: "Railway does not answer",
  hint: "shipit why prod 12, then shipit settle prod when the platform answers")

private func status(_ releases: [Release], _ runs: [RunRecord]) -> StatusReport {
  StatusReport(app: "athlete-ally", environment: "prod", now: now, releases: releases, runs: runs)
}

private func lease() -> Lease {
  Lease(
    holder: Holder(name: "ci@actions-71", purpose: "deploy 2222222", process: 4711, nonce: "n"), fence: 41,
    since: now - .seconds(300), expires: now - .seconds(15), duration: .seconds(15), heartbeat: .seconds(5))
}

@Suite struct `Settle report` {
  @Test func `says what became of the run and what is live`() throws {
    let abandoned = open(RunResult(state: .abandoned, exit: .done))
    let half = release(7, new, "Add the crunch mode", RunResult(state: .abandoned, exit: .done))
    let reports = [
      SettleReport(.nothing, run: nil, result: nil, failure: nil, status: status([six], [])),
      SettleReport(
        .notOurs, run: nil, result: nil, failure: nil, status: status([six], [open()]),
        notOurs: "run 12 was begun by ann@laptop; shipit settle prod ends it"),
      SettleReport(
        .completed, run: open(), result: good, failure: nil,
        status: status([release(7, new, "Add the crunch mode", good), six], [open(good)])),
      SettleReport(
        .abandoned, run: open(), result: RunResult(state: .abandoned, exit: .done), failure: nil,
        status: status([six], [abandoned]), freed: "ci@actions-71 (deploy 2222222)"),
      SettleReport(
        .abandoned, run: open(), result: RunResult(state: .abandoned, exit: .done), failure: nil,
        status: status([half, six], [abandoned])),
      SettleReport(
        .unknown, run: open(),
        result: RunResult(state: .inFlight, exit: .failedMixed, unattended: ["api.deploy"]),
        failure: unknown, status: status([six], [open()])),
    ]
    try expectGolden(
      "settle.txt",
      Array(reports.map { $0.text(.eighty) + ["exit \($0.exit.rawValue)"] }.joined(separator: [""])))
    for report in reports { expectFits(report.text(.eighty), 80) }
    #expect(reports.map(\.exit) == [.done, .done, .done, .done, .failedMixed, .failedMixed])
    let document = try JSON(parsing: Array(reports[5].json().utf8))
    #expect(document["kind"]?.string == "settle" && document["outcome"]?.string == "unknown")
    #expect(document["unattended"]?.array?.count == 1)
  }
}

@Suite struct `Cancel report` {
  @Test func `says who was asked and what became of it`() throws {
    func report(
      _ outcome: CancelReport.Outcome, run: RunRecord?, result: RunResult?, takesBack: Bool = false,
      waited: Duration = .seconds(4)
    ) -> CancelReport {
      CancelReport(
        environment: "prod", outcome: outcome, lease: outcome == .nobody ? nil : lease(),
        reason: "wrong branch",
        run: run, result: result, takesBack: takesBack, waited: waited)
    }
    let left = RunResult(state: .inFlight, exit: .interrupted, unattended: ["api.deploy"])
    let reports = [
      report(.nobody, run: nil, result: nil), report(.nobody, run: open(), result: left),
      report(.stopped, run: nil, result: nil), report(.stopped, run: open(backed), result: backed),
      report(.stopped, run: open(), result: left),
      report(.vanished, run: open(), result: nil, waited: .seconds(16)),
      report(.stillHeld, run: open(), result: nil, waited: .seconds(25)),
      report(.stillHeld, run: open(), result: nil, takesBack: true, waited: .seconds(25)),
    ]
    try expectGolden(
      "cancel.txt",
      Array(reports.map { $0.text(.eighty) + ["exit \($0.exit.rawValue)"] }.joined(separator: [""])))
    for report in reports { expectFits(report.text(.eighty), 80) }
  }
}

@Suite struct `Ledger reports` {
  @Test func `unlock shows the holder before and what follows`() throws {
    func report(
      _ outcome: UnlockReport.Outcome, renews: Bool = false, isOpen: Bool = false, _ exit: ExitCode = .done
    ) -> UnlockReport {
      UnlockReport(
        environment: "prod", outcome: outcome, lease: outcome == .free ? nil : lease(), renews: renews,
        isOpen: isOpen, now: now, exit: exit)
    }
    let reports = [
      report(.free), report(.free, isOpen: true), report(.asked), report(.freed, isOpen: true),
      report(.refused, renews: true, .leaseHeld), report(.refused, .interrupted),
    ]
    try expectGolden("unlock.txt", Array(reports.map { $0.text(.eighty) }.joined(separator: [""])))
    for report in reports { expectFits(report.text(.eighty), 80) }
  }

  @Test func `state move names the line that has to change`() throws {
    var report = MoveReport(
      environment: "prod", from: .git, to: .postgres(urlSecret: "LEDGER_URL"), runs: 12, releases: 1,
      wasThere: false)
    let bare = report
    (report.file, report.line) = ("environments/base.yaml", 5)
    (report.old, report.new) = (
      "state: git  # shared", "state: {postgres: {url: {secret: LEDGER_URL}}}  # shared"
    )
    var written = report
    written.isWritten = true
    var again = report
    again.wasThere = true
    try expectGolden(
      "state-move.txt",
      Array([bare, report, written, again].map { $0.text(.eighty) }.joined(separator: [""])))
  }
}

@Suite struct `Cancelled from elsewhere` {
  @Test func `every face says who asked and whether the run stops`() throws {
    let request = CancelRequest(by: "bo@phone", reason: "wrong branch", at: after(3))
    let stopped = RunResult(
      state: .unchanged, exit: .interrupted,
      failure: Failure(.cancelled, "bo@phone asked to cancel: wrong branch"))
    let events = [
      event(0, .started(facts(), plan: samplePlan())),
      event(3, .cancelAsked(request, isHeeded: true)), event(3, .interrupted(.request)),
      event(4, .finished(stopped)),
    ]
    var plain = PlainFace(.eighty)
    try expectGolden("cancelled-plain.txt", events.flatMap { plain.handle($0) })
    var terminal = TerminalFace(.eighty)
    let drawn = terminal.handle(event(3, .cancelAsked(request, isHeeded: false)))
    #expect(drawn.joined(separator: " ").contains("what moved is being taken back"))
    var programs = JSONFace()
    let line = try JSON(parsing: Array(programs.handle(events[1])[0].utf8))
    #expect(line["type"]?.string == "cancel-asked" && line["by"]?.string == "bo@phone")
    #expect(line["heeded"]?.bool == true)
  }
}
