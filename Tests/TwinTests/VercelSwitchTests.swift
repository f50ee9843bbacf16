import Concurrency
import HTTP
import JSON
import Testing

@testable import Twin

@Suite struct VercelSwitchTests {
  @Test func aPromotionTakesEffectWhenItsJobSucceedsAndNotBefore() async throws {
    let bench = try VercelBench()
    let old = try await bench.deploy()
    let new = try await bench.deploy(text: "two", staged: true)
    #expect(try await bench.refusal("POST", "/v10/projects/demo/promote/\(new)") == "400 bad_request")
    let (status, json) = try await bench.send("POST", "/v10/projects/demo/promote/\(new)", [:])
    #expect(status == 201)
    #expect(json.isNull)
    #expect(try await bench.ask("GET", "/v9/projects/demo")["lastAliasRequest"] == nil)
    var story: [String] = []
    try await bench.until("the job is over") {
      let project = try await bench.project()
      let job = project["lastAliasRequest"]
      #expect(job?["toDeploymentId"]?.string == new)
      #expect(job?["fromDeploymentId"]?.string == old)
      #expect(job?["type"] == "promote")
      let status = job?["jobStatus"]?.string ?? ""
      if story.last != status { story.append(status) }
      let isOver = status == "succeeded"
      #expect(project["targets"]?["production"]?["id"]?.string == (isOver ? new : old))
      let alias = try await bench.ask("GET", "/v4/aliases/www.demo.localhost")
      #expect(alias["deploymentId"]?.string == (isOver ? new : old))
      // The edge never is ahead of the API.
      #expect(try await bench.page() == "one")
      return isOver
    }
    #expect(story == ["pending", "in-progress", "succeeded"])
    bench.clock.advance(0.5)
    #expect(try await bench.page() == "two")
    #expect(try await bench.deployment(new)["readySubstate"] == "PROMOTED")
    // The request stays readable.
    #expect(try await bench.project()["lastAliasRequest"]?["jobStatus"] == "succeeded")
  }

  @Test func aRollbackPinsProductionUntilSomethingIsPromoted() async throws {
    let bench = try VercelBench()
    let first = try await bench.deploy()
    _ = try await bench.deploy(text: "two")
    try await bench.ask("POST", "/v1/projects/demo/rollback/\(first)?description=it%20burns")
    #expect(try await bench.page() == "two")
    try await bench.until("it is rolled back") {
      try await bench.project()["lastAliasRequest"]?["jobStatus"] == "succeeded"
    }
    bench.clock.advance(1)
    #expect(try await bench.page() == "one")
    let pinned = try await bench.project()
    #expect(pinned["autoAssignCustomDomains"] == false)
    #expect(pinned["rollbackDescription"]?["description"] == "it burns")
    try await bench.ask(
      "PATCH", "/v1/projects/demo/rollback/\(first)/update-description", ["description": "less"])
    #expect(try await bench.project()["rollbackDescription"]?["description"] == "less")
    let third = try await bench.deploy(text: "three")
    #expect(try await bench.deployment(third)["readySubstate"] == "STAGED")
    #expect(try await bench.page() == "one")
    try await bench.change("promote", third)
    #expect(try await bench.page() == "three")
    let free = try await bench.project()
    #expect(free["autoAssignCustomDomains"] == true)
    #expect(free["rollbackDescription"] == nil)
  }

  @Test func whatCannotBePromotedOrRolledBackToIsRefused() async throws {
    let bench = try VercelBench()
    let first = try await bench.deploy()
    let second = try await bench.deploy(text: "two")
    let failed = try await bench.create(text: "f", staged: true)
    try await bench.ask("PATCH", "/v12/deployments/\(failed)/cancel")
    let preview = try await bench.create(text: "p", target: nil)
    let staged = try await bench.deploy(text: "s", staged: true)
    let other = try await bench.deploy("other")
    try await bench.settled(preview)
    func promote(_ id: String) async throws -> String {
      try await bench.refusal("POST", "/v10/projects/demo/promote/\(id)", [:])
    }
    func rollBack(_ id: String) async throws -> String {
      try await bench.refusal("POST", "/v1/projects/demo/rollback/\(id)")
    }
    #expect(try await promote(second) == "409 conflict")
    #expect(try await promote(first) == "422 unprocessable_entity")
    #expect(try await promote(preview) == "422 unprocessable_entity")
    #expect(try await promote(failed) == "422 unprocessable_entity")
    #expect(try await promote(other) == "404 not_found")
    #expect(try await rollBack(second) == "409 conflict")
    #expect(try await rollBack(staged) == "422 unprocessable_entity")
    #expect(try await rollBack(preview) == "422 unprocessable_entity")
    try await bench.ask("POST", "/v10/projects/demo/promote/\(staged)", [:])
    #expect(try await rollBack(first) == "409 conflict")
    let candidates = try await bench.ask(
      "GET", "/v7/deployments?projectId=demo&rollbackCandidate=true&target=production")
    #expect(candidates["deployments"]?.array?.compactMap { $0["uid"]?.string } == [first])
    await bench.twin.change { $0.deployments[first]?.isSoftDeleted = true }
    bench.clock.advance(10)
    #expect(try await rollBack(first) == "422 unprocessable_entity")
  }

  @Test func hobbyGoesBackOneStepOnly() async throws {
    var bench = try VercelBench()
    bench.team = "small"
    var made: [String] = []
    for text in ["one", "two", "three"] { made.append(try await bench.deploy("tiny", text: text)) }
    #expect(
      try await bench.refusal("POST", "/v1/projects/tiny/rollback/\(made[0])") == "402 payment_required")
    try await bench.change("rollback", made[1], project: "tiny")
    #expect(try await bench.page("tiny.vercel.localhost:4") == "two")
  }

  @Test(arguments: ["fails", "partial", "skipped", "stuck"])
  func aScriptedJobLeavesProductionAsItWas(kind: String) async throws {
    let bench = try VercelBench()
    let old = try await bench.deploy()
    let new = try await bench.deploy(text: "two", staged: true)
    try await bench.twin.add(["job": .string(kind), "type": "promote"])
    try await bench.ask("POST", "/v10/projects/demo/promote/\(new)", [:])
    bench.clock.advance(30)
    let project = try await bench.project()
    let wanted = ["fails": "failed", "partial": "failed", "skipped": "skipped", "stuck": "in-progress"]
    #expect(project["lastAliasRequest"]?["jobStatus"]?.string == wanted[kind])
    #expect(project["targets"]?["production"]?["id"]?.string == old)
    #expect(try await bench.page() == "one")
    let failed = try await bench.ask("GET", "/v1/projects/demo/promote/aliases?failedOnly=true")
    let hosts = failed["aliases"]?.array?.compactMap { $0["alias"]?.string } ?? []
    switch kind {
    case "fails": #expect(hosts == ["demo.vercel.localhost:4", "www.demo.localhost"])
    case "partial":
      #expect(hosts == ["www.demo.localhost"])
      #expect(try await bench.page("demo.vercel.localhost:4") == "two")
    default: #expect(hosts == [])
    }
  }

  @Test func theEdgeMayBeSlowOrForgetAHostForAWhile() async throws {
    let bench = try VercelBench()
    _ = try await bench.deploy()
    let new = try await bench.deploy(text: "two", staged: true)
    await bench.twin.change { $0.switches.propagation = .seconds(5) }
    try await bench.change("promote", new)
    #expect(try await bench.page() == "one")
    bench.clock.advance(5)
    #expect(try await bench.page() == "two")
    await bench.twin.change { $0.switches.missingAfterAlias = .seconds(3) }
    _ = try await bench.deploy(text: "three")
    #expect(try await bench.page() == "404")
    bench.clock.advance(2)
    #expect(try await bench.page() == "three")
  }

  // MARK: rolling releases

  static let stages: JSON = [
    "enabled": true, "advancementType": "manual-approval",
    "stages": [["targetPercentage": 10], ["targetPercentage": 40], ["targetPercentage": 100]],
  ]

  @Test(arguments: [
    #"{"advancementType":"manual-approval","stages":[{"targetPercentage":100}]}"#,
    #"{"advancementType":"manual-approval","stages":[{"targetPercentage":50},{"targetPercentage":50},{"targetPercentage":100}]}"#,
    #"{"advancementType":"manual-approval","stages":[{"targetPercentage":10},{"targetPercentage":90}]}"#,
    #"{"advancementType":"manual-approval","stages":[{"targetPercentage":10,"duration":5},{"targetPercentage":100}]}"#,
    #"{"advancementType":"automatic","stages":[{"targetPercentage":10},{"targetPercentage":100}]}"#,
    #"{"advancementType":"sudden","stages":[{"targetPercentage":10},{"targetPercentage":100}]}"#,
  ])
  func unsoundStagesAreRefused(body: String) async throws {
    let bench = try VercelBench()
    #expect(
      try await bench.refusal(
        "PATCH", "/v1/projects/demo/rolling-release/config", try JSON(parsing: Array(body.utf8)))
        == "400 bad_request")
  }

  /// The share of a hundred visitors that get a text.
  private func share(_ bench: VercelBench, _ text: String) async throws -> Int {
    var count = 0
    for _ in 0..<100 { count += try await bench.page() == text ? 1 : 0 }
    return count
  }

  @Test func aRollingReleaseSplitsVisitorsStageByStage() async throws {
    let bench = try VercelBench()
    let old = try await bench.deploy()
    try await bench.ask("PATCH", "/v1/projects/demo/rolling-release/config", Self.stages)
    let new = try await bench.deploy(text: "two", staged: true)
    let queued = try await bench.deploy(text: "three", staged: true)
    try await bench.ask("POST", "/v10/projects/demo/promote/\(new)", [:])
    let (status, _) = try await bench.send("POST", "/v10/projects/demo/promote/\(queued)", [:])
    #expect(status == 202)
    let document = try await bench.ask("GET", "/v1/projects/demo/rolling-release")["rollingRelease"]
    #expect(document?["state"] == "ACTIVE")
    #expect(document?["currentDeployment"]?["id"]?.string == old)
    #expect(document?["canaryDeployment"]?["id"]?.string == new)
    #expect(document?["queuedDeploymentId"]?.string == queued)
    #expect(document?["activeStage"]?["targetPercentage"] == 10)
    #expect(try await bench.deployment(new)["readySubstate"] == "ROLLING")
    #expect(try await share(bench, "two") == 10)
    #expect(try await bench.visit("www.demo.localhost", "/?vcrrForceCanary=true").text == "two")
    #expect(try await bench.visit("www.demo.localhost", "/?vcrrForceStable=true").text == "one")
    for body in [
      ["nextStageIndex": 2, "canaryDeploymentId": .string(new)],
      ["nextStageIndex": 1, "canaryDeploymentId": .string(old)],
    ] as [JSON] {
      #expect(
        try await bench.refusal("POST", "/v1/projects/demo/rolling-release/approve-stage", body)
          == "400 bad_request")
    }
    let next: JSON = ["nextStageIndex": 1, "canaryDeploymentId": .string(new)]
    try await bench.ask("POST", "/v1/projects/demo/rolling-release/approve-stage", next)
    #expect(try await share(bench, "two") == 40)
    try await bench.ask(
      "POST", "/v1/projects/demo/rolling-release/complete", ["canaryDeploymentId": .string(new)])
    bench.clock.advance(1)
    #expect(try await bench.project()["targets"]?["production"]?["id"]?.string == new)
    let then = try await bench.ask("GET", "/v1/projects/demo/rolling-release")["rollingRelease"]
    #expect(then?["canaryDeployment"]?["id"]?.string == queued)
    #expect(try await share(bench, "three") == 10)
  }

  @Test func automaticStagesFollowTheClockAndARollbackToTheBaseAborts() async throws {
    let bench = try VercelBench(
      VercelBench.seed(
        "demo",
        [
          "rollingRelease": [
            "advancementType": "automatic",
            "stages": [["targetPercentage": 10, "duration": 10], ["targetPercentage": 100]],
          ]
        ]))
    let old = try await bench.deploy()
    let new = try await bench.create(text: "two")
    try await bench.until("it rolls") { try await bench.deployment(new)["readySubstate"] == "ROLLING" }
    #expect(try await bench.deployment(new)["aliasAssigned"] == false)
    bench.clock.advance(601)
    #expect(try await bench.project()["targets"]?["production"]?["id"]?.string == new)
    bench.clock.advance(1)
    #expect(try await bench.page() == "two")
    let third = try await bench.deploy(text: "three", staged: true)
    try await bench.ask("POST", "/v10/projects/demo/promote/\(third)", [:])
    #expect(
      try await bench.refusal("POST", "/v1/projects/demo/rollback/\(third)") == "422 unprocessable_entity")
    try await bench.change("rollback", new)
    let document = try await bench.ask("GET", "/v1/projects/demo/rolling-release")["rollingRelease"]
    #expect(document?["state"] == "ABORTED")
    #expect(try await share(bench, "two") == 100)
    #expect(try await bench.project()["autoAssignCustomDomains"] == false)
    #expect(old != new)
  }
}
