import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Vercel

/// Promotions and rollbacks.
@Suite struct SwitchTests {
  private let project = "GET /v9/projects/prj_web"
  private let promote = "POST /v10/projects/prj_web/promote/dpl_new"
  private let rollback = "POST /v1/projects/prj_web/rollback/dpl_old"
  private let alias = "GET /v4/aliases/web.example.com"
  private let staged = Reply.json(Sample.deployment("dpl_new", substate: "STAGED"))
  private let served = Reply.json(Sample.deployment("dpl_old", substate: "PROMOTED"))

  private func promoting(_ clock: ManualClock, _ more: [String: [Reply]] = [:]) -> FakeVercel {
    FakeVercel(
      clock: clock,
      [
        "GET /v13/deployments/dpl_new": [staged], promote: [.empty], alias: [Sample.alias("dpl_new")],
        project: [
          .json(Sample.project()), .json(Sample.project(job: Sample.job("pending", at: clock))),
          .json(Sample.project(job: Sample.job("in-progress", at: clock))),
          .json(Sample.project(live: "dpl_new", job: Sample.job("succeeded", at: clock))),
        ],
      ].merging(more) { _, own in own })
  }

  private func call(_ vercel: FakeVercel, limit: Duration = .seconds(300), record: Record = Record())
    -> StepCall
  {
    Sample.call(vercel.clock, limit: limit, results: Sample.deployed, record: record)
  }

  @Test("a promotion ends with its own job's success and with its addresses, not before")
  func promotes() async throws {
    let clock = ManualClock()
    let vercel = promoting(
      clock, [alias: [Sample.alias("dpl_old"), .error(404, "not_found"), Sample.alias("dpl_new")]])
    let record = Record()
    let outcome = await vercel.platform().perform(Sample.promotion(), call(vercel, record: record))
    let result = try #require(outcome.result)
    #expect(result.externalID == "dpl_new" && result.liveSince != nil && record.ids.all == ["dpl_new"])
    #expect(result.facts["pinned"] == "false")
    #expect(vercel.calls(promote).count == 1 && vercel.calls(promote)[0].body == [:])
    #expect(vercel.calls(project).allSatisfy { $0.query["rollbackInfo"] == "true" })
    #expect(vercel.calls(alias).count == 3)
    #expect(record.progress.contains("the promotion is in-progress"))
  }

  @Test("an earlier job for the same deployment is not taken for this one")
  func oldJob() async {
    let clock = ManualClock()
    // A promotion of the same deployment that failed a second ago, as a second attempt finds it.
    let old = Sample.job("failed", at: clock, age: .seconds(1))
    let vercel = promoting(
      clock,
      [
        project: [
          .json(Sample.project(job: old)), .json(Sample.project(job: old)),
          .json(Sample.project(live: "dpl_new", job: Sample.job("succeeded", at: clock))),
        ]
      ])
    #expect(await vercel.platform().perform(Sample.promotion(), call(vercel)).word == "done")
    vercel.answer(project, [.json(Sample.project(job: old))])
    let outcome = await vercel.platform().perform(Sample.promotion(), call(vercel, limit: .seconds(20)))
    #expect(outcome.word == "unknowable", "it never ended, so its end is not known")
  }

  @Test(
    "a job is ours by target, kind and time",
    arguments: [
      ("dpl_new", "promote", 0, true), ("dpl_old", "promote", 0, false), ("dpl_new", "rollback", 0, false),
      ("dpl_new", "promote", 60, false),
    ])
  func ours(to: String, kind: String, age: Int, isOurs: Bool) throws {
    let clock = ManualClock()
    let job = try #require(AliasJob(Sample.job("succeeded", to: to, kind, at: clock, age: .seconds(age))))
    let wanted = Switch(kind: .promote, to: "dpl_new", since: clock.now - .seconds(3))
    #expect(wanted.isMine(job) == isOurs)
    #expect(!Switch(kind: .promote, to: "dpl_new", since: wanted.since, before: job).isMine(job))
    #expect(!wanted.isMine(nil))
  }

  @Test("somebody else's deployment is never replaced silently")
  func stale() async throws {
    let vercel = promoting(
      ManualClock(),
      [
        project: [.json(Sample.project(live: "dpl_foreign"))],
        "GET /v13/deployments/dpl_foreign": [
          .json(
            Sample.deployment(
              "dpl_foreign", substate: "PROMOTED", more: ["creator": ["uid": "u", "username": "mallory"]]))
        ],
      ])
    let outcome = await vercel.platform().perform(Sample.promotion(), call(vercel))
    let failure = try #require(outcome.failure)
    #expect(failure.kind == .stale && outcome.moved == false && vercel.calls(promote).isEmpty)
    #expect(failure.cause?.contains("mallory") == true && failure.cause?.contains("2025-12-17") == true)
  }

  @Test(
    "a refusal counts only when production does not serve it",
    arguments: [
      (409, true, "done"), (422, true, "done"), (409, false, "failed"), (422, false, "failed"),
      (400, true, "failed"),
    ])
  func refused(status: Int, served: Bool, word: String) async {
    let vercel = promoting(
      ManualClock(),
      [
        promote: [.error(status, "conflict", "already the current production deployment")],
        project: [.json(Sample.project()), .json(Sample.project(live: served ? "dpl_new" : "dpl_old"))],
      ])
    #expect(await vercel.platform().perform(Sample.promotion(), call(vercel)).word == word)
  }

  @Test("what serves already is not asked for again")
  func already() async {
    let vercel = promoting(ManualClock(), [project: [.json(Sample.project(live: "dpl_new"))]])
    #expect(await vercel.platform().perform(Sample.promotion(), call(vercel)).word == "done")
    #expect(vercel.calls(promote).isEmpty)
  }

  @Test("a lost answer is settled by the project's last job", arguments: [true, false])
  func lost(tookEffect: Bool) async {
    let clock = ManualClock()
    let vercel = promoting(clock, [promote: [.lost]])
    let step = Sample.promotion()
    let first = call(vercel)
    #expect(await vercel.platform().perform(step, first).word == "ambiguous")
    let job = Sample.job("pending", at: clock)
    vercel.answer(project, [.json(tookEffect ? Sample.project(job: job) : Sample.project())])
    let finding = await vercel.platform().probe(step, first)
    #expect(finding == (tookEffect ? .underWay(externalID: "dpl_new") : .absent))
  }

  @Test("a known promotion is only waited for")
  func known() async {
    let clock = ManualClock()
    let vercel = promoting(clock)
    var known = call(vercel)
    known.externalID = "dpl_new"
    vercel.answer(
      project,
      [
        .json(Sample.project(job: Sample.job("in-progress", at: clock))),
        .json(Sample.project(live: "dpl_new", job: Sample.job("succeeded", at: clock))),
      ])
    #expect(await vercel.platform().perform(Sample.promotion(), known).word == "done")
    #expect(vercel.calls(promote).isEmpty)
  }

  @Test("a failed job names the addresses that were left behind")
  func partial() async throws {
    let clock = ManualClock()
    let vercel = promoting(
      clock,
      [
        project: [.json(Sample.project()), .json(Sample.project(job: Sample.job("failed", at: clock)))],
        "GET /v1/projects/prj_web/promote/aliases": [
          .json([
            "aliases": [["alias": "web.example.com", "status": "failed", "id": "a1"]],
            "pagination": ["count": 1, "next": .null, "prev": .null],
          ])
        ],
      ])
    let outcome = await vercel.platform().perform(Sample.promotion(), call(vercel))
    #expect(outcome.moved == true, "some addresses may have moved, so it is taken back")
    #expect(outcome.failure?.cause?.contains("web.example.com (failed)") == true)
  }

  @Test("an address that stays behind fails the promotion though its job succeeded")
  func straggler() async {
    let vercel = promoting(ManualClock(), [alias: [Sample.alias("dpl_old")]])
    let outcome = await vercel.platform().perform(Sample.promotion(), call(vercel))
    #expect(outcome.moved == true && outcome.failure?.message.contains("web.example.com") == true)
  }

  @Test("a promotion lifts a pin, and a rollback leaves one: both are said")
  func pin() async throws {
    let clock = ManualClock()
    let lifted = promoting(
      clock,
      [
        project: [
          .json(Sample.project(pinned: true)),
          .json(Sample.project(live: "dpl_new", job: Sample.job("succeeded", at: clock))),
        ]
      ])
    let up = await lifted.platform().perform(Sample.promotion(), call(lifted))
    #expect(up.result?.summary.contains("no longer pinned") == true)

    let back = FakeVercel(
      clock: clock,
      [
        "GET /v13/deployments/dpl_old": [served], rollback: [.empty], alias: [Sample.alias("dpl_old")],
        project: [
          .json(Sample.project(live: "dpl_new")),
          .json(
            Sample.project(job: Sample.job("succeeded", to: "dpl_old", "rollback", at: clock), pinned: true)),
        ],
      ])
    let down = try #require(
      await back.platform().perform(Sample.restore(), Sample.call(clock)).result)
    #expect(down.externalID == "dpl_old" && down.facts["pinned"] == "true")
    #expect(down.summary.contains("production is pinned"))
    let asked = try #require(back.calls(rollback).first)
    #expect(asked.query["description"]?.hasPrefix("shipit/shop/prod/7/undo.web.deploy") == true)
    #expect(asked.request.body == .none)
  }

  @Test("what serves still is not rolled back to, so that no pin is left")
  func servesStill() async {
    let vercel = FakeVercel(["GET /v13/deployments/dpl_old": [served], alias: [Sample.alias("dpl_old")]])
    let outcome = await vercel.platform().perform(Sample.restore(), Sample.call(vercel.clock))
    #expect(outcome.word == "done" && vercel.calls(rollback).isEmpty)
  }

  @Test(
    "a promotion that failed half-way is taken back address by address, since Vercel refuses to switch to what serves"
  )
  func strays() async throws {
    let clock = ManualClock()
    let assign = "POST /v2/deployments/dpl_old/aliases"
    let failed = Sample.job("failed", at: clock, age: .seconds(1))
    let vercel = FakeVercel(
      clock: clock,
      [
        "GET /v13/deployments/dpl_old": [served], project: [.json(Sample.project(job: failed))],
        alias: [.after(.seconds(5), Sample.alias("dpl_new")), Sample.alias("dpl_old")],
        assign: [
          .json([
            "uid": "a1", "alias": "web.example.com", "created": "2026-01-01T00:00:00.000Z",
            "oldDeploymentId": "dpl_new",
          ])
        ],
      ])
    let outcome = await vercel.platform().perform(Sample.restore(), Sample.call(clock))
    #expect(outcome.word == "done", "\(outcome.failure?.description ?? "")")
    #expect(vercel.calls(assign).map(\.body) == [["alias": "web.example.com"]])
    #expect(vercel.calls(rollback).isEmpty)
  }

  @Test("a rollback waits for a promotion under way, which would come after it")
  func pendingPromotion() async {
    let clock = ManualClock()
    let vercel = FakeVercel(
      clock: clock,
      [
        "GET /v13/deployments/dpl_old": [served], rollback: [.empty], alias: [Sample.alias("dpl_old")],
        project: [
          .json(Sample.project(job: Sample.job("in-progress", at: clock))),
          .json(Sample.project(job: Sample.job("in-progress", at: clock))),
          .json(Sample.project(live: "dpl_new", job: Sample.job("succeeded", at: clock))),
          .json(Sample.project(live: "dpl_new", job: Sample.job("succeeded", at: clock))),
          .json(
            Sample.project(job: Sample.job("succeeded", to: "dpl_old", "rollback", at: clock), pinned: true)),
        ],
      ])
    #expect(await vercel.platform().perform(Sample.restore(), Sample.call(clock)).word == "done")
    #expect(vercel.calls(rollback).count == 1)
  }

  @Test("the plan's limit and a deployment that is gone are said as what they are")
  func refusals() async {
    let hobby = FakeVercel([
      "GET /v13/deployments/dpl_old": [served], project: [.json(Sample.project(live: "dpl_new"))],
      rollback: [.error(402, "payment_required", "upgrade")],
    ])
    let outcome = await hobby.platform().perform(Sample.restore(), Sample.call(hobby.clock))
    #expect(outcome.moved == false && outcome.failure?.hint?.contains("Hobby") == true)
    for old in [
      Reply.error(404, "not_found"),
      .json(Sample.deployment("dpl_old", more: ["softDeletedByRetention": true])),
    ] {
      let gone = FakeVercel([
        "GET /v13/deployments/dpl_old": [old], project: [.json(Sample.project(live: "dpl_new"))],
      ])
      let outcome = await gone.platform().perform(Sample.restore(), Sample.call(gone.clock))
      #expect(outcome.failure?.message.contains("no longer exists") == true && gone.calls(rollback).isEmpty)
    }
  }

  @Test("where today's variables are wanted the old source is built again, staged, then promoted")
  func redeploy() async throws {
    let clock = ManualClock()
    let vercel = promoting(
      clock,
      [
        "GET /v13/deployments/dpl_old": [served],
        "POST /v13/deployments": [.json(Sample.deployment("dpl_new", "QUEUED", assigned: false))],
      ])
    let outcome = await vercel.platform().perform(Sample.restore("dpl_old", .codeOnly), Sample.call(clock))
    #expect(outcome.result?.externalID == "dpl_new")
    let body = try #require(vercel.calls("POST /v13/deployments").first).body
    #expect(body["deploymentId"] == "dpl_old" && body["autoAssignCustomDomains"] == false)
  }

  @Test("giving up a promotion tells whether production serves it")
  func abandon() async {
    let clock = ManualClock()
    let step = Sample.promotion()
    func abandonment(_ answer: Reply) async -> Abandonment {
      let vercel = FakeVercel(clock: clock, [project: [answer]])
      return await vercel.platform().abandon(step, Sample.call(clock, results: Sample.deployed))
    }
    #expect(await abandonment(.json(Sample.project())) == .cancelled)
    guard case .tookEffect = await abandonment(.json(Sample.project(live: "dpl_new"))),
      case .inFlight = await abandonment(.json(Sample.project(job: Sample.job("pending", at: clock)))),
      case .inFlight = await abandonment(.error(503, "x"))
    else {
      Issue.record("said the wrong thing")
      return
    }
  }
}
