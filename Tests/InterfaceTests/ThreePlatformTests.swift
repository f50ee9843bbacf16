import Concurrency
import Interface
import JSON
import Model
import Testing

private let now = start + .seconds(3600)

@Suite struct `One release over three platforms` {
  private let live = ReleaseHead(release: 6, commit: old, subject: "Fix the crunch")

  @Test func `as a plan shows each service's cut-over and how long old and new work together`() throws {
    let report = PlanReport(ThreePlatforms.plan(), live: live, next: 7)
    #expect(
      report.mixedWindow
        == "old and new services work together from api live to web promoted, about 2 m 15 s")
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("three-plan.txt", text)
    #expect(try JSON(parsing: report.json().utf8).decoded(as: PlanReport.self).text(.eighty) == text)
  }

  @Test func `of one service alone has no mixed window over services`() {
    var plan = ThreePlatforms.plan()
    plan.steps = Array(plan.steps[2...3])
    #expect(PlanReport(plan, live: live).mixedWindow == nil)
  }

  @Test func `that is released`() throws {
    var terminal = TerminalFace(.eighty)
    let text = ThreePlatforms.released().flatMap { terminal.handle($0) }
    expectFits(text, 80)
    try expectGolden("three-released.txt", text)
    var plain = PlainFace(Canvas(width: nil))
    try expectGolden("three-released-plain.txt", ThreePlatforms.released().flatMap { plain.handle($0) })
  }

  @Test func `whose dark proof fails was seen by nobody`() throws {
    var terminal = TerminalFace(.eighty)
    let text = ThreePlatforms.darkFailed().flatMap { terminal.handle($0) }
    expectFits(text, 80)
    #expect(text.contains { $0.contains("what was staged was seen by nobody") })
    try expectGolden("three-dark-failure.txt", text)

    let facts: [(Double, JournalEntry.Fact)] = [
      (0.1, .began("web.deploy", attempt: 1, latestEffect: start)),
      (58, .ended("web.deploy", attempt: 1, .done(StepResult(summary: "ready and staged")))),
      (58, .began("web.verify", attempt: 1, latestEffect: start)),
      (62, .ended("web.verify", attempt: 1, .failed(ThreePlatforms.darkFailure, moved: false))),
      (62, .turned(reason: .failure, ThreePlatforms.darkFailure, undo: [])),
      (62, .finished(ThreePlatforms.darkResult)),
    ]
    let record = RunRecord(
      id: RunID(12), release: 7, plan: ThreePlatforms.plan(), by: "ann@laptop", startedAt: start,
      result: ThreePlatforms.darkResult, endedAt: after(62))
    let why = WhyReport(
      record,
      journal: facts.enumerated().map {
        JournalEntry(sequence: $0.offset + 1, at: after($0.element.0), fact: $0.element.1)
      }, live: ThreePlatforms.release(6, old))
    #expect(why.unseen == ["web"])
    let told = why.text(.eighty)
    expectFits(told, 80)
    try expectGolden("three-why.txt", told)

    let history = HistoryReport(
      app: "athlete-ally", environment: "prod", now: now,
      releases: [ThreePlatforms.release(7, new, ThreePlatforms.darkResult), ThreePlatforms.release(6, old)])
    #expect(history.text(.eighty).contains { $0.contains("failed, seen by nobody") })
  }

  @Test func `rolled back shows what each platform cannot restore, on one screen`() throws {
    let report = RollbackReport(
      ThreePlatforms.rollback(), from: ThreePlatforms.release(7, new), to: ThreePlatforms.release(6, old))
    let text = report.text(.eighty)
    expectFits(text, 80)
    #expect(text.count <= 24)
    #expect(report.services[0].leaves?.contains("pinned") == true)
    try expectGolden("three-rollback.txt", text)
    #expect(try JSON(parsing: report.json().utf8).decoded(as: RollbackReport.self).text(.eighty) == text)
  }

  @Test func `rolled back without a ledger says what was guessed and that it is a guess`() throws {
    var plan = ThreePlatforms.rollback()
    plan.restores = nil
    for index in plan.services.indices {
      let service = plan.services[index].service
      plan.services[index].reasons.insert(
        "guessed: deployment d-old-\(service) of commit 9f8e7d6, live until about 2026-08-21 09:58 UTC: "
          + "the newest that served before", at: 0)
    }
    plan.warnings = ["no ledger tells what belongs together: this set may never have been one release"]
    let text = RollbackReport(plan, from: nil, to: nil).text(.eighty)
    expectFits(text, 80)
    try expectGolden("three-guess.txt", text)
  }

  @Test func `in status is one table, each platform's trouble in its own rows`() throws {
    var report = StatusReport(
      app: "athlete-ally", environment: "prod", now: now, releases: [ThreePlatforms.release(6, old)],
      runs: [
        RunRecord(
          id: RunID(11), release: 6, plan: ThreePlatforms.plan(), by: "ann@laptop", startedAt: start,
          result: good,
          endedAt: after(30))
      ])
    report.fill([
      "api": LiveState(
        live: Deployment(
          id: "d-6-api", status: .live, word: "SUCCESS", createdAt: start, instances: ["RUNNING": 2]),
        newest: nil, address: nil)
    ])
    report.fail(.encore, Failure(.failed, "Encore did not answer within 20 s"))
    let web = Deployment(id: "d-6-web", status: .live, word: "READY", createdAt: start)
    let staged = Deployment(id: "d-9-web", status: .live, word: "READY, staged", createdAt: start)
    report.fill([
      "web": LiveState(
        live: web, newest: staged, address: nil,
        notes: ["production is pinned since a rollback: pushes stay staged until the next deploy promotes"])
    ])
    #expect(report.truth == .released)
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("three-status.txt", text)
    let document = try JSON(parsing: report.json().utf8)
    #expect(document["services"]?[2]?["live"]?["notes"]?[0]?.string?.contains("pinned") == true)
    #expect(document["services"]?[1]?["trouble"] == "Encore did not answer within 20 s")
    #expect(document["services"]?[0]?["release"] == 6)
    #expect(try document.decoded(as: StatusReport.self).text(.eighty) == text)
  }

  @Test func `of which one service alone went back says that commits differ`() {
    var release = ThreePlatforms.release(8, new)
    release.services["web"]?.commit = old
    let report = StatusReport(app: "a", environment: "prod", now: now, releases: [release])
    #expect(
      report.mix
        == "services of different commits run together: api at 1a2b3c4, jobs at 1a2b3c4 and web at 9f8e7d6")
  }

  @Test func `promoted says which artefacts go on and what is configured otherwise`() throws {
    func environment(_ name: String, _ level: String, branch: String?) -> Environment {
      Environment(
        name: name, app: "athlete-ally", protect: Protection(branch: branch),
        services: [
          Service(
            key: "api", source: .repository("acme/api"),
            variables: ["LOG_LEVEL": .text(Template(text: level)), "JWT_SECRET": .secret("JWT")])
        ])
    }
    var release = ThreePlatforms.release(6, new)
    release.environment = "staging"
    let report = PromoteReport(
      release, to: "prod", now: now,
      artefacts: [
        .init(
          service: "api", kind: "digest",
          words: "the same image, ghcr.io/acme/api@sha256:5d41402abc4b2a76b9719d91"),
        .init(
          service: "jobs", kind: "commit",
          words: "commit 1a2b3c4, built again: Encore builds for each environment"),
      ],
      difference: ConfigurationDifference(
        from: environment("staging", "debug", branch: nil), to: environment("prod", "info", branch: "main")))
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("three-promote.txt", text)
    #expect(try JSON(parsing: report.json().utf8).decoded(as: PromoteReport.self).text(.eighty) == text)
  }
}
