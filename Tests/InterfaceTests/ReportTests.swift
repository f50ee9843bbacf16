import Concurrency
import Interface
import JSON
import Model
import Testing

private let now = start + .seconds(3600)

private func run(_ number: Int, result: RunResult?) -> RunRecord {
  RunRecord(
    id: RunID(number), release: number - 5, plan: samplePlan(), by: "ann@laptop", startedAt: start,
    result: result, endedAt: result == nil ? nil : after(21.1))
}

private func status(
  releases: [Release], runs: [RunRecord], journal: [JournalEntry] = [], lease: Lease? = nil,
  hold: Hold? = nil,
  bad: [String: Int] = [:]
) -> StatusReport {
  StatusReport(
    app: "athlete-ally", environment: "prod", now: now, releases: releases, runs: runs, journal: journal,
    lease: lease, hold: hold, bad: bad)
}

private let six = release(6, old, "Fix the crunch", good, at: -7200)
private let seven = release(7, new, "Add the crunch mode", backed)

private func journal() -> [JournalEntry] {
  let facts: [(Double, JournalEntry.Fact)] = [
    (0.1, .began("api.deploy", attempt: 1, latestEffect: start)),
    (0.8, .identified("api.deploy", externalID: "d-new-api")),
    (12.4, .ended("api.deploy", attempt: 1, .done(StepResult(summary: "live after 12 s")))),
    (13.1, .began("web.deploy", attempt: 1, latestEffect: start)),
    (14, .ended("web.deploy", attempt: 1, .ambiguous(Failure(.unknown, "the answer was lost")))),
    (15, .probed("web.deploy", .underWay(externalID: "d-new-web"))),
    (18.2, .ended("web.deploy", attempt: 1, .failed(gateFailure, moved: false))),
    (18.2, .lines("web.deploy", ["listening on 0.0.0.0:3000", "Error: DATABASE_URL is not set"])),
    (18.2, .turned(reason: .failure, gateFailure, undo: [restore("api"), reprove("api")])),
    (18.3, .began("api.restore", attempt: 1, latestEffect: start)),
    (20.1, .ended("api.restore", attempt: 1, .done(StepResult(summary: "d-old-api serves again")))),
    (21.1, .finished(backed)),
  ]
  return facts.enumerated().map {
    JournalEntry(sequence: $0.offset + 1, at: after($0.element.0), fact: $0.element.1)
  }
}

@Suite struct `Status` {
  @Test func `before the platforms answered shows what the ledger knows`() throws {
    let report = status(releases: [six], runs: [run(11, result: good)])
    #expect(report.truth == .released)
    try expectGolden("status-asking.txt", report.text(.eighty))
  }

  @Test func `without a release says what a platform told, or why it told nothing`() throws {
    var report = status(releases: [], runs: [])
    report.fill([
      "web": LiveState(
        live: Deployment(id: "dpl_1", status: .live, word: "READY", createdAt: start, commit: new),
        newest: nil,
        address: nil)
    ])
    report.fail(.encore, Failure(.failed, "Encore cannot be reached"))
    try expectGolden("status-unreleased.txt", report.text(.eighty))
  }

  @Test func `after a rolled back run shows the previous release as live, and what is refused`() throws {
    var report = status(
      releases: [seven, six], runs: [run(12, result: backed), run(11, result: good)],
      hold: Hold(reason: "checkout is broken", by: "bo@runner", at: start), bad: [new: 7])
    let live = Deployment(
      id: "d-6-api", status: .live, word: "SUCCESS", createdAt: start, instances: ["RUNNING": 2])
    let foreign = Deployment(id: "d-x", status: .live, word: "SUCCESS", createdAt: start, commit: new)
    report.fill([
      "api": LiveState(live: live, newest: nil, address: nil),
      "web": LiveState(live: foreign, newest: nil, address: nil),
    ])
    #expect(report.truth == .previous)
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("status-rolled-back.txt", text)
    let document = try JSON(parsing: report.json().utf8)
    try expectGolden("status.json", [document.serialized(pretty: true)])
    #expect(try JSON(parsing: report.json().utf8).decoded(as: StatusReport.self).text(.eighty) == text)
  }

  @Test func `of a run that was settled half-way says whether it left something live`() {
    let settled = RunResult(state: .abandoned, exit: .done)
    var left = release(7, old, "Add the crunch mode", settled)
    left.run = RunID(12)
    let runs = [run(12, result: settled), run(11, result: good)]
    #expect(status(releases: [left, six], runs: runs).truth == .released)
    left.services["api"]?.commit = new
    #expect(status(releases: [left, six], runs: runs).truth == .mixed)
    // A newer one that went well tells the truth again.
    #expect(
      status(releases: [release(8, new, "x", good), left, six], runs: [run(13, result: good)] + runs).truth
        == .released)
  }

  @Test func `of a killed run lists what is in flight and what has moved`() throws {
    let report = status(
      releases: [six], runs: [run(12, result: nil), run(11, result: good)],
      journal: Array(journal().prefix(5)))
    #expect(report.truth == .inFlight)
    #expect(report.running?.open == ["deploy web"])
    #expect(report.running?.moved == ["deploy api"])
    try expectGolden("status-killed.txt", report.text(.eighty))
  }

  @Test func `while a run goes on says who runs it`() throws {
    let report = status(releases: [six], runs: [run(12, result: nil)], lease: lease())
    #expect(report.truth == .running)
    try expectGolden("status-running.txt", report.text(.eighty))
  }

  @Test func `shows what waits for approval and what to type`() throws {
    var wanted = Decision(
      .approvalWanted, by: "ann@laptop", at: after(-600), digest: "0123456789abcdef0123", commit: new,
      subject: "Add the crunch mode")
    var report = status(releases: [six], runs: [run(11, result: good)])
    report.approvals = [StatusReport.ApprovalLine(wanted, missing: 1, words: "1 of 2 given, by bo")]
    wanted.commit = old
    report.approvals.append(StatusReport.ApprovalLine(wanted, missing: 0, words: "2 of 2 given, by bo, cy"))
    try expectGolden("status-approval.txt", report.text(.eighty))
  }

  @Test func `says mixed, and never live, after a mixed run`() {
    let mixed = RunResult(state: .mixed, exit: .failedMixed)
    let report = status(releases: [release(7, new, "", mixed), six], runs: [run(12, result: mixed)])
    #expect(report.truth == .mixed)
    #expect(report.text(.eighty).joined().contains("a person is needed"))
  }

  @Test func `of a settled run goes back to what the run before it left`() {
    let abandoned = RunResult(state: .abandoned, exit: .failedClean)
    let report = status(releases: [six], runs: [run(12, result: abandoned), run(11, result: good)])
    #expect(report.truth == .released)
  }

  @Test func `with a platform that does not answer says so in its column`() {
    var report = status(releases: [six], runs: [run(11, result: good)])
    report.fail(.railway, Failure(.failed, "Railway does not answer"))
    #expect(
      report.text(Canvas(width: nil)).joined().contains("live state not known: Railway does not answer"))
  }

  @Test func `before any release tells how to begin`() {
    #expect(status(releases: [], runs: []).text(.eighty).last == "next  shipit plan prod")
  }
}

@Suite struct `Other reports` {
  @Test func `History marks the live release and tells why others are not`() throws {
    let ten = release(
      8, old, "Fix the crunch", RunResult(state: .restored, exit: .done), at: 1800, restores: 6,
      reason: "checkout is broken")
    let report = HistoryReport(
      app: "athlete-ally", environment: "prod", now: now, releases: [ten, seven, six])
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("history.txt", text)
    #expect(try JSON(parsing: report.json().utf8).decoded(as: HistoryReport.self).text(.eighty) == text)
  }

  @Test func `History tells what people decided, with the release that relied upon it`() throws {
    var next = release(8, new, "Add the crunch mode", good, at: 1800)
    next.decisions = [
      Decision(.holdLifted, by: "bo@desk", at: start + .seconds(900), reason: "checkout is broken"),
      Decision(
        .freezeOverridden, by: "ann@laptop", at: start + .seconds(1800), reason: "the fix cannot wait",
        changes: ["freeze fri 16:00 to mon 06:00 Europe/Oslo"]),
      Decision(
        .afterOverridden, by: "ann@laptop", at: start + .seconds(1800), reason: "hotfix",
        changes: ["1a2b3c4 is not live in staging: 9f8e7d6 is live there"]),
      Decision(
        .approved, by: "cy@actions-7", at: start + .seconds(1700), person: "cy", reason: "read it",
        digest: "d1"),
    ]
    let report = HistoryReport(
      app: "athlete-ally", environment: "prod", now: now, releases: [next, six],
      decisions: [
        Decision(.held, by: "bo@desk", at: start + .seconds(2500), reason: "looking again"),
        Decision(.approved, by: "cy@actions-7", at: start + .seconds(1700), person: "cy", digest: "d1"),
        Decision(.holdLifted, by: "bo@desk", at: start + .seconds(900), reason: "checkout is broken"),
        Decision(.held, by: "bo@desk", at: start + .seconds(600), reason: "checkout is broken"),
      ])
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("history-decisions.txt", text)
    #expect(try JSON(parsing: report.json().utf8).decoded(as: HistoryReport.self).text(.eighty) == text)
  }

  @Test func `Why tells what people decided`() throws {
    var record = run(12, result: good)
    record.plan.decisions = [
      Decision(.approved, by: "cy@actions-7", at: start - .seconds(60), person: "cy", reason: "read it")
    ]
    let report = WhyReport(record, journal: [], live: nil)
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("why-decisions.txt", text)
  }

  @Test func `An approval shows what it is of, and says what is still missing`() throws {
    let rule = ApprovalRule(by: ["ann", "bo"], count: 2)
    var decision = Decision(
      .approvalWanted, by: "ci@actions-9", at: start, digest: "1a2b3c4d5e6f7a8b9c", commit: new,
      subject: "Add the crunch mode",
      changes: ["api: commit 9f8e7d6 → 1a2b3c4 (JWT_SECRET)", "web: commit 9f8e7d6 → 1a2b3c4"])
    let wanted = ApprovalReport(decision, rule: rule, environment: "prod")
    (decision.kind, decision.person, decision.expires) = (.approved, "ann", start + .seconds(86_400))
    let one = ApprovalReport(decision, rule: rule, environment: "prod", missing: 1)
    let all = ApprovalReport(decision, rule: rule, environment: "prod", missing: 0)
    let text = wanted.text(.eighty) + one.text(.eighty) + [""] + all.text(.eighty)
    expectFits(text, 80)
    try expectGolden("approval.txt", text)
    #expect(try JSON(parsing: one.json().utf8)["missing"] == 1)
  }

  @Test func `Why tells the failed step, its last lines and what happened when`() throws {
    let report = WhyReport(run(12, result: backed), journal: journal(), live: six)
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("why.txt", text)
    #expect(try JSON(parsing: report.json().utf8).decoded(as: WhyReport.self).text(.eighty) == text)
  }

  @Test func `Why of a run that was killed finds the failure in the journal`() {
    let report = WhyReport(run(12, result: nil), journal: Array(journal().prefix(8)), live: six)
    #expect(report.failedStep == "web.deploy")
    #expect(report.log.last == "Error: DATABASE_URL is not set")
    #expect(report.next == "shipit status prod")
  }

  @Test func `The rollback table says what comes back, what does not and what that means`() throws {
    var plan = samplePlan()
    plan.kind = .rollback
    plan.restores = 6
    plan.reason = "checkout is broken"
    plan.steps = [restore("api"), reprove("api"), restore("web", mode: .rebuild)]
    let report = RollbackReport(plan, from: seven, to: six)
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("rollback.txt", text)
  }

  @Test func `Doctor lists everything it looked at by platform and counts`() throws {
    func grouped(_ title: String, _ examinations: [Examination]) -> [Examination] {
      examinations.map { examination in
        var examination = examination
        examination.group = title
        return examination
      }
    }
    let report = DoctorReport(
      environment: "prod",
      grouped(
        "this machine",
        [
          Examination("ledger", .good, ".shipit/prod.db can be read and written"),
          Examination(
            "secrets", Failure(.configuration, "JWT_SECRET is not set", hint: "export JWT_SECRET=…")),
          Examination("git", .good, "git version 2.47.3 (/usr/bin/git)"),
          Examination("vercel", .skipped, "not needed"),
        ])
        + grouped(
          "Railway",
          [
            Examination("Railway token", .good, "a project token of athlete-ally, environment production"),
            Examination(
              "Railway service web", .warning, "deploys pushes by itself",
              hint: "shipit deploy prod turns it off"),
            Examination("Railway quota", .good, "940 of 1000 requests left"),
            Examination("clock", .good, "within 1 s of Railway's"),
          ])
        + grouped(
          "Encore",
          [
            Examination(
              "Encore client", Failure(.authentication, "the client is refused", cause: "invalid_client"))
          ]))
    #expect(!report.isHealthy)
    try expectGolden("doctor.txt", report.text(.eighty))
    try expectGolden("doctor-ascii.txt", report.text(.ascii))
    let document = try JSON(parsing: report.json().utf8)
    #expect(document["examinations"]?[1]?["group"] == "this machine")
    #expect(document["examinations"]?[1]?["because"] == "configuration")
  }

  @Test(
    arguments: [
      ([Failure.Kind.authentication, .configuration], ExitCode.authentication),
      ([.failed, .configuration], .usage), ([.failed], .failedClean), ([], .done),
    ])
  func `Doctor ends with what is the matter`(_ kinds: [Failure.Kind], _ exit: ExitCode) {
    let examinations = kinds.map { Examination("x", Failure($0, "no")) } + [Examination("y", .warning, "hm")]
    #expect(DoctorReport(examinations).exit == exit)
  }

  @Test func `Logs keep every line, in order, and colour by severity`() throws {
    let report = LogsReport(
      environment: "prod", service: "api", deployment: "d-1",
      [
        LogLine(at: start, severity: "info", text: "listening"),
        LogLine(
          at: after(1), severity: "error",
          text: "\u{1B}[31mboom\u{1B}[0m " + String(repeating: "x", count: 90)),
        LogLine(at: nil, severity: "", text: "no time"),
      ])
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("logs.txt", text)
    #expect(report.text(.coloured)[1].contains("\u{1B}[31mboom"))
  }

  @Test func `An error says what, where, why and what next, and as JSON the same`() throws {
    let failure = Failure.leaseHeld(lease(), environment: "prod", now: after(60))
    let report = FailureReport(failure, others: [gateFailure])
    #expect(report.exit == .leaseHeld)
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("error.txt", text)
    let document = try JSON(parsing: report.json().utf8)
    #expect(document["kind"] == "error" && document["exit"] == 5)
    #expect(document["failure"]?["hint"]?.string?.contains("shipit status prod") == true)
  }
}

@Suite struct `Backups` {
  private static let manifest = BackupManifest(
    id: "prod-main-20260821T080000Z-r12", app: "athlete-ally", environment: "prod", database: "main",
    server: "17.4", tool: "pg_dump 17.4", run: RunID(12), release: 7, commit: new, madeAt: after(-7200),
    seconds: 4, bytes: 12_345_678, checksum: "ab", rows: ["public.orders": 2000, "public.users": 31],
    check: .restore)

  @Test func `are listed with how they were proven, and what to type when there is none`() throws {
    var read = Self.manifest
    read.rows = [:]
    read.check = .read
    var sealed = read
    sealed.check = .stored
    sealed.recipients = ["age1ql3z"]
    func words(_ moment: Timestamp) -> String { "Fri 2026-08-21 03:00 Europe/Oslo" }
    let report = BackupListReport(
      environment: "prod", now: now,
      databases: [
        .init(
          database: "main", directory: "./backups", keep: 7,
          backups: [.init(Self.manifest, size: "12.3 MB"), .init(read, size: "12.3 MB")]),
        .init(database: "events", directory: "./backups", keep: 7, backups: []),
        .init(
          database: "cache", directory: "s3://acme-backups/shop", keep: 30,
          turn: .init(schedule: "0 3 * * *", overdueSince: after(-3600), next: after(82_800), words: words),
          backups: [.init(sealed, size: "12.3 MB")]),
        .init(
          database: "users", directory: "s3://acme-backups/shop", keep: 30,
          turn: .init(schedule: "0 3 * * *", overdueSince: nil, next: after(82_800), words: words),
          backups: []),
      ])
    try expectGolden("backups.txt", report.text(.eighty))
  }

  @Test func `that were tried out tell how long it took`() throws {
    let report = BackupDrillReport(
      environment: "prod", Self.manifest, size: "12.3 MB", took: .milliseconds(4200),
      rows: Self.manifest.rows,
      now: now)
    try expectGolden("backup-drill.txt", report.text(.eighty))
  }
}
