import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Railway

@Suite struct CorrelationTests {
  private func deploy(_ source: PlannedSource) -> Step { Sample.step(.deploy(Sample.request(source))) }

  private func restore(_ mode: Restore.Mode) -> Step {
    Sample.step(
      .restore(
        Restore(
          target: Sample.target, deployment: "old", commit: Sample.commit, mode: mode, limit: .seconds(300))))
  }

  @Test("an upload whose answer was lost is found by its marker, also when it appears late")
  func uploadFound() async {
    let clock = ManualClock()
    let ours = Sample.node("d1", "BUILDING", at: clock, message: "\(Sample.marker) \(Sample.commit)")
    let foreign = Sample.node("d2", "BUILDING", at: clock, message: "shipit/shop/prod/6/api.deploy x")
    let railway = FakeRailway(
      clock: clock, ["ShipitDeployments": [Sample.list([]), .http(502, ""), Sample.list([foreign, ours])]])
    let finding = await railway.platform().probe(deploy(Sample.directory), Sample.call(clock))
    #expect(finding == .underWay(externalID: "d1"))
  }

  @Test("an upload of which nothing appears within a minute may be repeated")
  func uploadAbsent() async {
    let clock = ManualClock()
    let before = Sample.node(
      "d0", "SUCCESS", at: clock, message: "\(Sample.marker) x", age: .seconds(3600))
    let railway = FakeRailway(clock: clock, ["ShipitDeployments": [Sample.list([before])]])
    let began = clock.now
    #expect(await railway.platform().probe(deploy(Sample.directory), Sample.call(clock)) == .absent)
    #expect(clock.now - began >= .seconds(60) && clock.now - began < .seconds(90))
  }

  @Test("without a marker the one new deployment of the wanted image counts; two are undecided")
  func imageCandidates() async {
    let clock = ManualClock()
    let wanted = Sample.node("d1", "BUILDING", at: clock, image: "acme/api:2")
    let other = Sample.node("d2", "BUILDING", at: clock, image: "acme/api:3")
    let twice = Sample.node("d3", "BUILDING", at: clock, image: "acme/api:2")
    let one = FakeRailway(clock: clock, ["ShipitDeployments": [Sample.list([wanted, other])]])
    #expect(
      await one.platform().probe(deploy(.image("acme/api:2")), Sample.call(clock))
        == .underWay(externalID: "d1"))
    let two = FakeRailway(clock: clock, ["ShipitDeployments": [Sample.list([wanted, twice])]])
    guard
      case .unknown(let failure) = await two.platform().probe(
        deploy(.image("acme/api:2")), Sample.call(clock))
    else {
      Issue.record("two candidates were decided")
      return
    }
    #expect(failure.kind == .unknown && failure.cause?.contains("d3") == true)
  }

  @Test("a platform that cannot be read leaves the question open")
  func unreadable() async {
    let railway = FakeRailway(["ShipitDeployments": [.http(503, "")]])
    guard case .unknown = await railway.platform().probe(deploy(Sample.directory), Sample.call(railway.clock))
    else {
      Issue.record("decided without an answer")
      return
    }
  }

  private func rollback(
    _ clock: ManualClock, _ lists: [Reply], answer: [Reply] = [.data(["deploymentRollback": true])],
    canRollback: Bool = true
  ) -> FakeRailway {
    let old = Sample.node(
      "old", "REMOVED", at: clock, commit: Sample.commit, canRollback: canRollback, age: .seconds(7200))
    let bad = Sample.node(
      "bad", "SUCCESS", at: clock, commit: Sample.other, instances: ["RUNNING"], age: .seconds(30))
    let new = Sample.node("new", "SUCCESS", at: clock, commit: Sample.commit, instances: ["RUNNING"])
    return FakeRailway(
      clock: clock,
      [
        "ShipitEnvironment": [
          Sample.state(newest: bad, active: [bad]), Sample.state(newest: new, active: [new]),
        ], "ShipitDeployment": [.data(["deployment": old])], "ShipitRollback": answer,
        "ShipitDeployments": lists,
      ])
  }

  @Test("a rollback is found although only true comes back")
  func rollbackFound() async throws {
    let clock = ManualClock()
    let bad = Sample.node("bad", "SUCCESS", at: clock, commit: Sample.other, age: .seconds(30))
    let foreign = Sample.node("foreign", "BUILDING", at: clock, commit: Sample.other)
    let new = Sample.node("new", "INITIALIZING", at: clock, commit: Sample.commit)
    let railway = rollback(
      clock,
      [
        Sample.list([bad]), Sample.list([bad]), Sample.list([bad, foreign]),
        Sample.list([bad, foreign, new]),
      ])
    let record = Record()
    let outcome = await railway.platform().perform(
      restore(.codeAndVariables), Sample.call(clock, record: record))
    #expect(outcome.result?.externalID == "new")
    #expect(record.ids.all == ["new"])
    #expect(railway.calls("ShipitRollback").count == 1)
    #expect(railway.calls("ShipitRollback").first?.variables["id"] == "old")
  }

  @Test("a rollback whose deployment never appears is never called done")
  func rollbackLost() async {
    let clock = ManualClock()
    let railway = rollback(clock, [Sample.list([])])
    let began = clock.now
    let outcome = await railway.platform().perform(restore(.codeAndVariables), Sample.call(clock))
    #expect(outcome.word == "unknowable")
    #expect(clock.now - began >= .seconds(30))
  }

  @Test("a rollback refused with HTTP 200 is a failure, one whose answer was lost is looked for")
  func rollbackRefused() async {
    let clock = ManualClock()
    let refused = rollback(clock, [Sample.list([])], answer: [.error("Not Authorized")])
    #expect(await refused.platform().perform(restore(.codeAndVariables), Sample.call(clock)).moved == false)

    let strange = rollback(clock, [Sample.list([])], answer: [.error("Deployment image is gone")])
    #expect(await strange.platform().perform(restore(.codeAndVariables), Sample.call(clock)).moved == false)

    let new = Sample.node("new", "BUILDING", at: clock, commit: Sample.commit)
    let lost = rollback(clock, [Sample.list([]), Sample.list([new])], answer: [.lost])
    #expect(
      await lost.platform().perform(restore(.codeAndVariables), Sample.call(clock)).result?.externalID
        == "new")
    #expect(lost.calls("ShipitRollback").count == 1)
  }

  @Test("an expired image is found before anything is asked for")
  func cannotRollBack() async {
    let clock = ManualClock()
    let railway = rollback(clock, [Sample.list([])], canRollback: false)
    let outcome = await railway.platform().perform(restore(.codeAndVariables), Sample.call(clock))
    #expect(outcome.moved == false)
    #expect(railway.calls("ShipitRollback").isEmpty)
  }

  @Test("code alone is restored by a redeploy of the previous image, an expired one by a build")
  func redeploys() async {
    let clock = ManualClock()
    for (mode, usesImage) in [(Restore.Mode.codeOnly, true), (.rebuild, false)] {
      let old = Sample.node("old", "REMOVED", at: clock, commit: Sample.commit, canRollback: false)
      let bad = Sample.node("bad", "SUCCESS", at: clock)
      let new = Sample.node("new", "SUCCESS", at: clock, commit: Sample.commit, instances: ["RUNNING"])
      let railway = FakeRailway(
        clock: clock,
        [
          "ShipitEnvironment": [
            Sample.state(newest: bad, active: [bad]), Sample.state(newest: new, active: [new]),
          ],
          "ShipitDeployment": [.data(["deployment": old])], "ShipitDeployments": [Sample.list([bad])],
          "ShipitRedeploy": [.data(["deploymentRedeploy": ["id": "new"]])],
        ])
      #expect(await railway.platform().perform(restore(mode), Sample.call(clock)).result?.externalID == "new")
      #expect(railway.calls("ShipitRedeploy").first?.variables["usePreviousImageTag"] == .bool(usesImage))
    }
  }

  @Test("what serves still is not restored again")
  func stillServing() async {
    let clock = ManualClock()
    let old = Sample.node(
      "old", "SUCCESS", at: clock, commit: Sample.commit, instances: ["RUNNING"], age: .seconds(60))
    let failed = Sample.node("bad", "FAILED", at: clock)
    let railway = FakeRailway(
      clock: clock,
      [
        "ShipitEnvironment": [Sample.state(newest: failed, active: [old])],
        "ShipitDeployment": [.data(["deployment": old])],
      ])
    #expect(
      await railway.platform().perform(restore(.codeAndVariables), Sample.call(clock)).result?.externalID
        == "old")
    #expect(railway.calls("ShipitRollback").isEmpty)
  }

  @Test("a restore that was begun is found again, and the bad deployment is not taken for it")
  func restoreProbe() async {
    let clock = ManualClock()
    let old = Sample.node("old", "REMOVED", at: clock, commit: Sample.commit, age: .seconds(7200))
    let bad = Sample.node(
      "bad", "SUCCESS", at: clock, message: "\(Sample.marker) \(Sample.commit)", age: .seconds(20))
    let new = Sample.node(
      "new", "BUILDING", at: clock, message: "shipit/shop/prod/5/api.deploy \(Sample.commit)")
    let railway = FakeRailway(
      clock: clock,
      [
        "ShipitDeployment": [.data(["deployment": old])],
        "ShipitDeployments": [Sample.list([bad, new, old])],
      ])
    #expect(
      await railway.platform().probe(restore(.codeAndVariables), Sample.call(clock))
        == .underWay(externalID: "new"))
  }

  @Test("a recorded deployment that Railway has forgotten is not waited for, unless it is young")
  func forgotten() async {
    let clock = ManualClock()
    let call = Sample.call(clock, externalID: "d1")
    let gone = FakeRailway(clock: clock, ["ShipitDeployment": [.error("Deployment not found")]])
    let step = deploy(Sample.directory)
    #expect(await gone.platform().probe(step, call) == .underWay(externalID: "d1"))
    clock.advance(by: .seconds(121))
    #expect(await gone.platform().probe(step, call) == .absent)
    #expect(await gone.platform().probe(restore(.codeOnly), call) == .absent)
    let there = FakeRailway(
      clock: clock, ["ShipitDeployment": [.data(["deployment": Sample.node("d1", "BUILDING", at: clock)])]])
    #expect(await there.platform().probe(step, call) == .underWay(externalID: "d1"))
    let silent = FakeRailway(clock: clock, ["ShipitDeployment": [.refused]])
    #expect(await silent.platform().probe(step, call) == .underWay(externalID: "d1"))
  }

  @Test("the restores of earlier runs are not taken for ours, however short ago they were")
  func earlierRestores() async {
    let clock = ManualClock()
    let old = Sample.node("old", "REMOVED", at: clock, commit: Sample.commit, age: .seconds(7200))
    let earlier = (1...3).map {
      Sample.node("earlier\($0)", "REMOVED", at: clock, commit: Sample.commit, age: .seconds(40 - $0))
    }
    let bad = Sample.node(
      "bad", "SUCCESS", at: clock, message: "\(Sample.marker) \(Sample.commit)", age: .seconds(20))
    let ours = Sample.node("ours", "BUILDING", at: clock, commit: Sample.commit)
    let results = ["api.deploy" as StepID: StepResult(externalID: "bad")]
    for (listed, finding) in [
      ([bad] + earlier, Finding.absent), ([ours, bad] + earlier, .underWay(externalID: "ours")),
    ] {
      let railway = FakeRailway(
        clock: clock,
        ["ShipitDeployment": [.data(["deployment": old])], "ShipitDeployments": [Sample.list(listed)]])
      #expect(
        await railway.platform().probe(
          restore(.codeAndVariables), Sample.call(clock, results: results)) == finding)
    }
  }

  @Test("giving up cancels what is not live and tells the truth about the rest")
  func abandon() async {
    let clock = ManualClock()
    func railway(_ before: String, _ after: String, cancel: Reply = .data(["deploymentCancel": true]))
      -> FakeRailway
    {
      FakeRailway(
        clock: clock,
        [
          "ShipitDeployment": [
            .data(["deployment": Sample.node("d1", before, at: clock)]),
            .data(["deployment": Sample.node("d1", after, at: clock)]),
          ], "ShipitCancel": [cancel],
        ])
    }
    let step = deploy(Sample.directory)
    func abandon(_ railway: FakeRailway) async -> Abandonment {
      await railway.platform().abandon(step, Sample.call(clock, externalID: "d1"))
    }
    let building = railway("BUILDING", "REMOVED")
    #expect(await abandon(building) == .cancelled)
    #expect(building.calls("ShipitCancel").count == 1)
    let live = railway("SUCCESS", "SUCCESS")
    guard case .tookEffect(let result) = await abandon(live) else {
      Issue.record("live, but not said")
      return
    }
    #expect(result.externalID == "d1" && live.calls("ShipitCancel").isEmpty)
    guard case .inFlight = await abandon(railway("BUILDING", "BUILDING", cancel: .lost)) else {
      Issue.record("unsure, but not said")
      return
    }
    let unheard = FakeRailway(clock: clock, ["ShipitDeployments": [Sample.list([])]])
    guard case .inFlight = await unheard.platform().abandon(step, Sample.call(clock)) else {
      Issue.record("an upload may still appear")
      return
    }
  }
}
