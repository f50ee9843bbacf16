import Concurrency
import Interface
import Model
import Testing

/// What people are told of a run, for every way it can end.
@Suite struct NoticeTests {
  private static let words = RunNotice(by: "ann@laptop", link: "https://github.com/acme/shop/actions/runs/7")

  private static let results: [(name: String, result: RunResult)] = [
    ("released", RunResult(state: .released, exit: .done)),
    ("restored", RunResult(state: .restored, exit: .done)),
    (
      "rolled back",
      RunResult(
        state: .rolledBack, exit: .failedClean,
        failure: Failure(
          .failed, "it exited with 1", cause: "two orders were lost", hint: "shipit logs demo api"),
        failedStep: "api.prove")
    ),
    (
      "unchanged, out of time",
      RunResult(
        state: .unchanged, exit: .deadline, failure: Failure(.timeout, "the build took too long"),
        failedStep: "api.deploy")
    ),
    ("unchanged, interrupted", RunResult(state: .unchanged, exit: .terminated)),
    (
      "mixed",
      RunResult(
        state: .mixed, exit: .failedMixed, failure: Failure(.failed, "the gate never passed"),
        failedStep: "web.deploy", rollbackFailure: Failure(.failed, "Railway refused", cause: "it is gone"))
    ),
    (
      "in flight",
      RunResult(
        state: .inFlight, exit: .interrupted,
        failure: Failure(.cancelled, "interrupted", hint: "never shown"),
        unattended: ["api.deploy", "web.deploy"])
    ),
    ("in flight, nothing left", RunResult(state: .inFlight, exit: .stale)),
    ("abandoned", RunResult(state: .abandoned, exit: .failedClean)),
  ]

  @Test func everyEndIsToldSo() throws {
    var plan = samplePlan()
    plan.services[0].previousCommit = old
    let facts = RunFacts(
      id: RunID(12), release: 9, app: plan.app, environment: plan.environment, commit: plan.commit,
      startedAt: start)
    var lines = told("started", Self.words.started(facts, plan))
    var back = plan
    back.kind = .rollback
    back.restores = 7
    back.reason = "orders were lost"
    lines += told("a rollback started", Self.words.started(facts, back))
    for (name, result) in Self.results {
      let record = RunRecord(
        id: RunID(12), release: 9, plan: result.state == .restored ? back : plan, by: "bo@ci",
        startedAt: start)
      lines += told(name, Self.words.ended(record, result, at: start + .seconds(90)))
    }
    let hold = Hold(reason: "we count the stock", by: "bo@laptop", at: start)
    lines += told("held", Self.words.held(hold, app: "shop", environment: "prod"))
    let missing = Failure(
      .waiting, "2222222 needs an approval before it goes to prod", cause: "1 wanted, none given",
      hint: "bo may type: shipit approve prod --digest 0123456789ab; then deploy again")
    lines += told("approval", Self.words.approval(plan, missing, at: start))
    try expectGolden("notices.txt", lines)
  }

  private func told(_ name: String, _ notice: Notice) -> [String] {
    let services = notice.services.map { "  \($0.name): \($0.from ?? "–") → \($0.to ?? "–")" }
    return [
      "== \(name)", "\(notice.event.rawValue), last: \(notice.isLast)",
      "\(notice.app) \(notice.environment): \(notice.headline)", "by \(notice.by)",
    ] + services
      + [
        notice.problem.map { "problem: \($0)" }, notice.reason.map { "reason: \($0)" },
        notice.next.map { "next: \($0)" }, notice.link.map { "link: \($0)" },
      ].compactMap(\.self)
  }
}
