import Concurrency
import HTTP
import JSON
import Testing

@testable import Twin

@Suite struct StateMachineTests {
  @Test func anUploadGoesThroughEveryPhaseAndBecomesTheServingDeployment() async throws {
    let bench = try Bench()
    let id = try await bench.deploy("api")
    #expect(try await bench.story(id, seconds: 15) == ["INITIALIZING", "BUILDING", "DEPLOYING", "SUCCESS"])
    #expect(try await bench.get("api", "/health").status == 200)
    let events = try await bench.ask(
      "query($id: String!) { deploymentEvents(id: $id) { edges { node { step completedAt } } } }",
      ["id": .string(id)])
    let steps = events["deploymentEvents"]?["edges"]?.array?.compactMap { $0["node"]?["step"]?.string }
    #expect(steps == ["SNAPSHOT_CODE", "BUILD_IMAGE", "CREATE_CONTAINER", "HEALTHCHECK"])
  }

  @Test(arguments: [
    ("build-fails", ["INITIALIZING", "BUILDING", "FAILED"]),
    ("pre-deploy-fails", ["INITIALIZING", "BUILDING", "DEPLOYING", "FAILED"]),
    ("gate-never-passes", ["INITIALIZING", "BUILDING", "DEPLOYING", "FAILED"]),
    ("skipped", ["INITIALIZING", "SKIPPED"]),
    ("needs-approval", ["NEEDS_APPROVAL"]),
    ("fails", ["INITIALIZING", "FAILED"]),
  ])
  func aScriptedFailureEndsWhereItShouldAndLeavesTheServingDeploymentAlone(
    behaviour: String, story: [String]
  ) async throws {
    let bench = try Bench()
    let good = try await bench.deploy("api")
    try await bench.reach(good, "SUCCESS")
    await bench.core.add(try FaultScript(["deployment": .string(behaviour), "service": "api"]))
    let bad = try await bench.deploy("api")
    #expect(try await bench.story(bad, seconds: 20) == story)
    #expect(try await bench.status(good) == "SUCCESS")
    #expect(try await bench.get("api").status == 200)
    let active = try await bench.ask(
      "{ serviceInstance(environmentId: \"e\", serviceId: \"api\") { latestDeployment { id } activeDeployments { id } } }"
    )
    #expect(active["serviceInstance"]?["latestDeployment"]?["id"]?.string == bad)
    #expect(active["serviceInstance"]?["activeDeployments"] == [["id": .string(good)]])
  }

  @Test(arguments: ["QUEUED", "WAITING", "NEEDS_APPROVAL", "INITIALIZING", "BUILDING", "DEPLOYING"])
  func aDeploymentScriptedToStayInAStatusStaysUntilItIsCancelled(status: String) async throws {
    let bench = try Bench()
    await bench.core.add(try FaultScript(["deployment": "stuck", "status": .string(status)]))
    let id = try await bench.deploy("api")
    #expect(try await bench.story(id, seconds: 30).last == status)
    _ = try await bench.ask("mutation($id: String!) { deploymentCancel(id: $id) }", ["id": .string(id)])
    #expect(try await bench.status(id) == "REMOVED")
  }

  @Test func theSwitchGivesTheAddressToTheNewDeploymentAndTheOldOneGoesAfterOverlapAndDrain() async throws {
    let bench = try Bench()
    var stubborn = ScriptedProgram()
    stubborn.heedsTerminate = false
    bench.services.script("api", stubborn)
    _ = try await bench.ask(
      """
      mutation { serviceInstanceUpdate(serviceId: "api", environmentId: "e",
        input: {overlapSeconds: 5, drainingSeconds: 10}) }
      """)
    let old = try await bench.deploy("api")
    try await bench.reach(old, "SUCCESS")
    let new = try await bench.deploy("api")
    try await bench.reach(new, "SUCCESS")
    let address = try #require(
      await bench.core.state.instances[InstanceKey(service: "api", environment: "e")]?.address)
    #expect(bench.services.deployment(at: address) == new)
    #expect(try await bench.status(old) == "REMOVING")
    let active = try await bench.ask(
      "{ serviceInstance(environmentId: \"e\", serviceId: \"api\") { activeDeployments { id } } }")
    #expect(active["serviceInstance"]?["activeDeployments"]?.array?.count == 2)
    bench.clock.advance(14)
    #expect(try await bench.status(old) == "REMOVING")
    #expect(bench.services.endedDeployments.isEmpty)
    bench.clock.advance(2)
    #expect(try await bench.status(old) == "REMOVED")
    #expect(bench.services.endedDeployments == [old])
  }

  @Test func withAVolumeTheOldDeploymentStopsBeforeTheNewOneStartsSoAFailureLeavesNothingServing()
    async throws
  {
    let bench = try Bench()
    let old = try await bench.deploy("store")
    try await bench.reach(old, "SUCCESS")
    bench.services.script("store", ScriptedProgram(endsAfter: .init(after: .milliseconds(10), code: 1)))
    _ = try await bench.ask(
      """
      mutation { serviceInstanceUpdate(serviceId: "store", environmentId: "e",
        input: {healthcheckPath: "/", healthcheckTimeout: 3, restartPolicyType: NEVER}) }
      """)
    let new = try await bench.deploy("store")
    try await bench.reach(new, "CRASHED")
    #expect(try await bench.status(old) == "REMOVED")
    #expect(try await bench.get("store").status == 502)
  }

  @Test func aCrashLoopStaysSuccessWithRestartingInstancesUntilTheBudgetIsUsedUp() async throws {
    let bench = try Bench()
    bench.services.script("web", ScriptedProgram(endsAfter: .init(after: .milliseconds(200), code: 1)))
    let id = try await bench.deploy("web")
    try await bench.reach(id, "SUCCESS")
    let query = "query($id: String!) { deployment(id: $id) { status instances { status } } }"
    var seen: Set<String> = []
    for _ in 0..<20 {
      bench.clock.advance(0.1)
      let data = try await bench.ask(query, ["id": .string(id)])
      #expect(data["deployment"]?["status"] == "SUCCESS")
      seen.insert(data["deployment"]?["instances"]?[0]?["status"]?.string ?? "")
    }
    #expect(seen == ["RUNNING", "RESTARTING"])
    try await bench.reach(id, "CRASHED", within: 120)
    #expect(await bench.core.state.deployments[id]?.restarts == 10)
    _ = try await bench.ask("mutation($id: String!) { deploymentRestart(id: $id) }", ["id": .string(id)])
    #expect(try await bench.status(id) == "SUCCESS")
  }

  @Test func aProcessThatEndsWellIsCompletedRatherThanCrashed() async throws {
    let bench = try Bench()
    bench.services.script("web", ScriptedProgram(endsAfter: .init(after: .seconds(1), code: 0)))
    let id = try await bench.deploy("web")
    try await bench.reach(id, "SUCCESS")
    bench.clock.advance(2)
    let data = try await bench.ask(
      "query($id: String!) { deployment(id: $id) { status deploymentStopped instances { status } } }",
      ["id": .string(id)])
    #expect(
      data["deployment"] == [
        "status": "SUCCESS", "deploymentStopped": true, "instances": [["status": "EXITED"]],
      ])
  }

  @Test func aNewerDeploymentSupersedesAnUnfinishedOlderOne() async throws {
    let bench = try Bench()
    let first = try await bench.deploy("api")
    bench.clock.advance(2)
    let second = try await bench.deploy("api")
    #expect(try await bench.status(first) == "REMOVED")
    try await bench.reach(second, "SUCCESS")
  }

  @Test func aForeignDeploymentRemovesOursAndIsSeenInTheList() async throws {
    let bench = try Bench()
    await bench.core.add(try FaultScript(["deployment": "superseded", "after": 2]))
    let ours = try await bench.deploy("api")
    try await bench.reach(ours, "REMOVED")
    let list = try await bench.ask(
      "{ deployments(input: {projectId: \"p\", environmentId: \"e\", serviceId: \"api\"}) { edges { node { id meta } } } }"
    )
    let newest = list["deployments"]?["edges"]?[0]?["node"]
    #expect(newest?["id"]?.string != ours)
    #expect(newest?["meta"]?["commitAuthor"] == "someone")
  }

  @Test func aCrashAfterSuccessAndAVanishingDeploymentAreScriptable() async throws {
    let bench = try Bench()
    await bench.core.add(try FaultScript(["deployment": "crashes", "after": 3]))
    let id = try await bench.deploy("api")
    try await bench.reach(id, "SUCCESS")
    bench.clock.advance(3.2)
    let data = try await bench.ask(
      "query($id: String!) { deployment(id: $id) { status instances { status } } }", ["id": .string(id)])
    #expect(data["deployment"] == ["status": "SUCCESS", "instances": [["status": "RESTARTING"]]])
    await bench.core.add(try FaultScript(["deployment": "vanishes", "after": 1]))
    let gone = try await bench.deploy("web")
    bench.clock.advance(2)
    #expect(
      try await bench.refusal("query($id: String!) { deployment(id: $id) { status } }", ["id": .string(gone)])
        == "Deployment not found")
  }

  @Test func anIncidentKeepsEverythingQueuedUntilItEnds() async throws {
    let bench = try Bench()
    await bench.core.setIncident("builders are down")
    let id = try await bench.deploy("api")
    #expect(try await bench.story(id, seconds: 30) == ["QUEUED"])
    let platform = try await bench.ask("{ platformStatus { isStable incident { message } } }")
    #expect(platform["platformStatus"] == ["isStable": false, "incident": ["message": "builders are down"]])
    await bench.core.setIncident(nil)
    try await bench.reach(id, "SUCCESS")
  }

  @Test func aWrongRevisionIsWhatTheProcessServesWhileThePlatformReportsSuccess() async throws {
    let bench = try Bench()
    await bench.core.add(try FaultScript(["deployment": "wrong-revision", "revision": "stale"]))
    _ = try await bench.ask(
      """
      mutation { variableCollectionUpsert(input: {projectId: "p", environmentId: "e", serviceId: "api",
        variables: {SHIPIT_COMMIT: "wanted"}, skipDeploys: true}) }
      """)
    let id = try await bench.deploy("api")
    try await bench.reach(id, "SUCCESS")
    let answer = try await bench.get("api")
    #expect(try JSON(parsing: answer.body)["version"] == "stale")
  }
}
