import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Encore

@Suite struct RolloutTests {
  private let waits: [String: [Reply]] = [
    Sample.trigger: [.ok(Sample.rollout("pending"))], Sample.health: [Sample.serves(Sample.old, "old")],
  ]

  private func encore(_ reads: [JSON], _ more: [String: [Reply]] = [:]) -> FakeEncore {
    FakeEncore(
      waits.merging([Sample.read(): reads.map { .ok($0) }]) { _, new in new }.merging(more) { _, new in new })
  }

  @Test("a rollout is triggered by its full commit, recorded at once, and its phases are told")
  func phases() async throws {
    let encore = encore([
      Sample.rollout("queued"), Sample.rollout("running", build: "queued"),
      Sample.rollout("running", build: "running"),
      Sample.rollout("running", build: "completed/success", infra: "running"),
      Sample.rollout("running", build: "completed/success", infra: "completed/success", deploy: "running"),
      Sample.succeeded,
    ])
    let record = Record()
    let outcome = try await encore.platform().perform(
      Sample.deploy(), Sample.call(encore.clock, record: record))
    let result = try #require(outcome.result)
    #expect(result.externalID == "roll_new" && result.liveSince != nil)
    #expect(record.ids.all == ["roll_new"])
    #expect(
      Array(record.progress.dropFirst()) == [
        "queued", "build: queued", "building and testing", "providing infrastructure", "deploying",
      ])
    #expect(record.logs == ["rollout roll_new: https://app.encore.dev/shop-x1/deploys/prod/new"])
    let trigger = try #require(encore.calls(Sample.trigger).first)
    #expect(trigger.body == ["sha": .string(Sample.commit)], "exactly one of sha and branch")
    #expect(trigger.headers["Authorization"] == "Bearer access-1f2e3d")
  }

  @Test("a resumed wait triggers nothing new")
  func resumed() async throws {
    let encore = encore([Sample.succeeded])
    let outcome = try await encore.platform().perform(
      Sample.deploy(), Sample.call(encore.clock, externalID: "roll_new"))
    #expect(outcome.word == "done" && encore.calls(Sample.trigger).isEmpty)
  }

  @Test(
    "what the trigger answers decides whether it may be repeated",
    arguments: [
      (
        Reply.json(
          400, ["ok": false, "error": ["code": "validation", "detail": ["field": "commit", "type": "x"]]]),
        "failed"
      ),
      (.json(404, ["ok": false, "error": ["code": "app_not_found"]]), "failed"), (.http(403, "{}"), "failed"),
      (.http(429, "", [("Retry-After", "3")]), "retry"), (.html502, "ambiguous"), (.lost, "ambiguous"),
      (.refused, "retry"), (.http(200, "<html>"), "ambiguous"), (.ok([:]), "ambiguous"),
    ] as [(Reply, String)])
  func triggerTrouble(reply: Reply, word: String) async throws {
    let encore = encore([Sample.succeeded], [Sample.trigger: [reply]])
    let outcome = try await encore.platform().perform(Sample.deploy(), Sample.call(encore.clock))
    #expect(outcome.word == word)
    #expect(encore.calls(Sample.trigger).count == 1)
    #expect(outcome.moved != true)
  }

  @Test("a commit that Encore does not find names git push")
  func unpushed() async throws {
    let encore = encore(
      [],
      [
        Sample.trigger: [
          .json(
            400,
            [
              "ok": false,
              "error": ["code": "validation", "detail": ["field": "commit", "type": "not_found"]],
            ])
        ]
      ])
    let failure = try await encore.platform().perform(Sample.deploy(), Sample.call(encore.clock)).failure
    #expect(failure?.hint?.contains("git push") == true && failure?.kind == .configuration)
  }

  @Test("a token is renewed before its hour ends, and once when Encore refuses it")
  func renewal() async throws {
    let hours = encore([
      Sample.rollout("running", build: "running"), Sample.rollout("running", build: "running"),
      Sample.succeeded,
    ])
    hours.set(
      Sample.read(),
      [
        .after(.seconds(1700), .ok(Sample.rollout("running", build: "running"))),
        .after(.seconds(1700), .ok(Sample.rollout("running", build: "running"))), .ok(Sample.succeeded),
      ])
    let step = Sample.deploy(limit: .seconds(9000))
    let outcome = try await hours.platform().perform(step, Sample.call(hours.clock, limit: .seconds(9000)))
    #expect(outcome.word == "done")
    #expect(hours.calls("POST /api/oauth/token").count == 2)

    let refused = encore(
      [Sample.succeeded], [Sample.trigger: [.http(401, "{}"), .ok(Sample.rollout("pending"))]])
    #expect(try await refused.platform().perform(Sample.deploy(), Sample.call(refused.clock)).word == "done")
    #expect(refused.calls(Sample.trigger).count == 2 && refused.calls("POST /api/oauth/token").count == 2)

    let never = encore([], [Sample.trigger: [.http(401, "{}")]])
    let failed = try await never.platform().perform(Sample.deploy(), Sample.call(never.clock))
    #expect(failed.word == "failed" && failed.failure?.kind == .authentication)
    #expect(never.calls(Sample.trigger).count == 2, "renewed once, no more")
  }

  @Test("the credentials go as a form, and no error repeats a secret")
  func secretsStay() async throws {
    let encore = FakeEncore([
      "POST /api/oauth/token": [
        .http(400, "{\"error\":\"invalid_client\",\"error_description\":\"client-5c4b3a is wrong\"}")
      ],
      Sample.health: [Sample.serves(Sample.old, "old")],
    ])
    let outcome = try await encore.platform().perform(Sample.deploy(), Sample.call(encore.clock))
    let failure = try #require(outcome.failure)
    #expect(failure.kind == .authentication && !failure.description.contains("client-5c4b3a"))
    #expect(
      encore.calls("POST /api/oauth/token").first?.text
        == "grant_type=client_credentials&client_id=o2c_9&client_secret=client-5c4b3a")
  }

  @Test("proposed infrastructure waits for a person, and not for ever")
  func proposed() async throws {
    let proposal = Sample.rollout("running", build: "completed/success", infra: "proposed")
    let encore = encore([proposal])
    let record = Record()
    let platform = try encore.platform(approval: .seconds(300))
    let start = encore.clock.now
    let step = Sample.deploy()
    let outcome = await platform.perform(step, Sample.call(encore.clock, record: record))
    guard case .waiting(let words) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(words.contains("waits for an admin's approval"))
    #expect(record.progress.contains("waits for a person to approve infrastructure in the dashboard"))
    let waited = encore.clock.now - start
    #expect(waited >= .seconds(300) && waited < .seconds(330), "\(waited)")
    #expect(
      await platform.abandon(step, Sample.call(encore.clock, externalID: "roll_new")) == .cancelled,
      "nothing of it is live, and it was given up for want of a person")
  }

  @Test("an approval in time goes on, and its wait does not count against the rollout")
  func approved() async throws {
    let proposal = Sample.rollout("running", build: "completed/success", infra: "proposed")
    let encore = encore([proposal])
    encore.set(
      Sample.read(),
      [
        .ok(proposal), .after(.seconds(1500), .ok(proposal)),
        .after(.seconds(10), .ok(Sample.rollout("running", build: "completed/success", infra: "running"))),
        .after(.seconds(1000), .ok(Sample.rollout("running", build: "completed/success", deploy: "running"))),
        .ok(Sample.succeeded),
      ])
    let outcome = try await encore.platform().perform(Sample.deploy(), Sample.call(encore.clock))
    #expect(outcome.word == "done", "\(outcome)")
  }

  @Test(
    "a rollout that ends badly names its phase",
    arguments: [
      (Sample.rollout("completed/failure", build: "completed/failure"), "build phase"),
      (
        Sample.rollout("completed/failure", build: "completed/success", infra: "completed/rejected"),
        "a person did not approve"
      ),
      (
        Sample.rollout("completed/failure", build: "completed/success", infra: "completed/failure"),
        "infra phase"
      ),
      (
        Sample.rollout(
          "completed/failure", build: "completed/success", infra: "completed/success",
          deploy: "completed/failure"),
        "deploy phase"
      ), (Sample.rollout("completed/canceled"), "was canceled"),
    ])
  func failures(end: JSON, words: String) async throws {
    let encore = encore([end])
    let outcome = try await encore.platform().perform(Sample.deploy(), Sample.call(encore.clock))
    #expect(outcome.word == "failed" && outcome.moved == false, "the old one serves")
    #expect(outcome.failure?.message.contains(words) == true, "\(outcome)")
  }

  @Test("a failed deploy phase that serves all the same has moved")
  func failedButServing() async throws {
    let encore = encore([
      Sample.rollout("completed/failure", build: "completed/success", deploy: "completed/failure")
    ])
    encore.set(Sample.health, [Sample.serves(Sample.old, "old"), Sample.serves(Sample.commit, "new")])
    #expect(try await encore.platform().perform(Sample.deploy(), Sample.call(encore.clock)).moved == true)
  }

  @Test("trouble while waiting passes; two minutes of it make the outcome unknown")
  func readTrouble() async throws {
    let passing = encore([])
    passing.set(
      Sample.read(),
      [
        .html502, .http(429, "", [("Retry-After", "7")]), .lost, .http(404, "{}"), .refused,
        .ok(Sample.succeeded),
      ])
    #expect(try await passing.platform().perform(Sample.deploy(), Sample.call(passing.clock)).word == "done")

    let lasting = encore([], [Sample.read(): [.html502]])
    let start = lasting.clock.now
    let outcome = try await lasting.platform().perform(Sample.deploy(), Sample.call(lasting.clock))
    #expect(outcome.word == "unknowable")
    #expect(lasting.clock.now - start >= .seconds(120))
    #expect(outcome.failure?.kind == .unknown)
  }

  @Test("a rollout that never ends is left to a person when its time is over")
  func endless() async throws {
    let encore = encore([Sample.rollout("running", build: "running")])
    let start = encore.clock.now
    let outcome = try await encore.platform().perform(Sample.deploy(), Sample.call(encore.clock))
    #expect(outcome.word == "unknowable", "it may still go live")
    #expect(encore.clock.now - start >= .seconds(1300) && encore.clock.now - start < .seconds(1700))
    #expect(outcome.failure?.cause?.contains("no way to cancel") == true)
  }

  @Test("what somebody else rolled out since the plan is not overtaken")
  func foreign() async throws {
    let encore = encore([Sample.succeeded], [Sample.health: [Sample.serves(Sample.old, "theirs")]])
    let outcome = try await encore.platform().perform(Sample.deploy(), Sample.call(encore.clock))
    #expect(outcome.failure?.kind == .stale && encore.calls(Sample.trigger).isEmpty)
  }

  @Test("a foreign deployment that serves in place of ours is left alone")
  func overtaken() async throws {
    let encore = encore([Sample.succeeded])
    encore.set(
      Sample.health,
      [
        Sample.serves(Sample.old, "old"), Sample.serves(Sample.old, "old"),
        Sample.serves(Sample.old, "theirs"),
      ])
    let outcome = try await encore.platform().perform(Sample.deploy(), Sample.call(encore.clock))
    #expect(outcome.failure?.kind == .stale && outcome.moved == false)
  }

  @Test("asked to stop, what goes on is said to go on")
  func abandoning() async throws {
    let step = Sample.deploy()
    let running = encore([Sample.rollout("running", build: "running")])
    let going = try await running.platform().abandon(step, Sample.call(running.clock, externalID: "roll_new"))
    guard case .inFlight = going else {
      Issue.record("\(going)")
      return
    }
    let failed = encore([Sample.rollout("completed/failure", build: "completed/failure")])
    #expect(
      try await failed.platform().abandon(step, Sample.call(failed.clock, externalID: "roll_new"))
        == .cancelled)
    let live = encore([Sample.succeeded])
    let took = try await live.platform().abandon(step, Sample.call(live.clock, externalID: "roll_new"))
    guard case .tookEffect(let result) = took else {
      Issue.record("\(took)")
      return
    }
    #expect(result.externalID == "roll_new")
  }
}

@Suite struct LostTriggerTests {
  private func finding(
    _ health: [Reply], previous: String? = "roll_old", appearance: Duration = .seconds(60)
  ) async throws -> (Finding, FakeEncore) {
    let encore = FakeEncore([Sample.health: health])
    let platform = try encore.platform(appearance: appearance)
    return (await platform.probe(Sample.deploy(previous: previous), Sample.call(encore.clock)), encore)
  }

  @Test("the one new deployment of the wanted commit is taken for ours, once it serves")
  func found() async throws {
    let (finding, _) = try await finding([
      Sample.serves(Sample.old, "old"), .html502, Sample.serves(Sample.commit, "new"),
    ])
    #expect(finding == .underWay(externalID: "roll_new"))
  }

  @Test("while nothing shows, the absence of a rollout is never concluded")
  func unknown() async throws {
    let (finding, encore) = try await finding([Sample.serves(Sample.old, "old")])
    guard case .unknown(let failure) = finding else {
      Issue.record("\(finding)")
      return
    }
    #expect(failure.hint?.contains("https://app.encore.dev/shop-x1/deploys/prod") == true)
    #expect(encore.calls(Sample.health).count > 3)
  }

  @Test(
    "a probe long after the trigger concludes that nothing came of it: the environment is not blocked for ever"
  )
  func longAgo() async throws {
    for (answer, previous, isAbsent) in [
      (Sample.serves(Sample.old, "old"), "roll_old", true), (.html502, nil, true),
      (.html502, "roll_old", false),
    ] as [(Reply, String?, Bool)] {
      let encore = FakeEncore([Sample.health: [answer]])
      let platform = try encore.platform(appearance: .seconds(60))
      var call = Sample.call(encore.clock)
      call.beganAt = encore.clock.now - .seconds(61)
      let finding = await platform.probe(Sample.deploy(previous: previous), call)
      #expect((finding == .absent) == isAbsent, "\(finding)")
      #expect(encore.calls(Sample.health).count > 1, "one answer alone was believed")
    }
  }

  @Test("a late probe still finds the rollout while old and new answers are mixed")
  func longAgoMixed() async throws {
    let encore = FakeEncore([
      Sample.health: [Sample.serves(Sample.old, "old"), Sample.serves(Sample.commit, "new")]
    ])
    var call = Sample.call(encore.clock)
    call.beganAt = encore.clock.now - .seconds(61)
    let finding = try await encore.platform(appearance: .seconds(60)).probe(
      Sample.deploy(previous: "roll_old"), call)
    #expect(finding == .underWay(externalID: "roll_new"))
  }

  @Test("a deployment of the same commit that was there before is not ours")
  func sameCommitBefore() async throws {
    let (finding, _) = try await finding([Sample.serves(Sample.commit, "old")])
    guard case .unknown = finding else {
      Issue.record("\(finding)")
      return
    }
  }

  @Test("with its id known, the rollout itself is waited for")
  func known() async throws {
    let encore = FakeEncore()
    let finding = try await encore.platform().probe(
      Sample.deploy(), Sample.call(encore.clock, externalID: "roll_new"))
    #expect(finding == .underWay(externalID: "roll_new") && encore.calls.isEmpty)
  }
}
