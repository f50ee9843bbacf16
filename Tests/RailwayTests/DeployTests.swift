import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Railway

@Suite struct DeployTests {
  private func live(_ id: String, _ clock: ManualClock, image: String? = nil, commit: String? = nil) -> Reply
  {
    let node = Sample.node(
      id, "SUCCESS", at: clock, message: "\(Sample.marker) \(Sample.commit)", commit: commit, image: image,
      instances: ["RUNNING"])
    return Sample.state(newest: node, active: [node])
  }

  private func building(_ id: String, _ clock: ManualClock, _ status: String = "BUILDING") -> Reply {
    Sample.state(newest: Sample.node(id, status, at: clock))
  }

  @Test("an upload carries the marker and commit, is recorded at once and waited for")
  func upload() async throws {
    let clock = ManualClock()
    let railway = FakeRailway(
      clock: clock,
      [
        "up": [.http(200, "{\"deploymentId\":\"d1\"}")],
        "ShipitEnvironment": [building("d1", clock), building("d1", clock, "DEPLOYING"), live("d1", clock)],
        "ShipitBuildLogs": [
          .data([
            "buildLogs": [
              ["timestamp": "2026-08-21T10:00:00.1Z", "severity": "info", "message": "step 1"],
              ["timestamp": "2026-08-21T10:00:00.1Z", "severity": "info", "message": "step 1"],
            ]
          ])
        ],
      ])
    let record = Record()
    let step = Sample.step(.deploy(Sample.request(Sample.directory)))
    let outcome = await railway.platform().perform(step, Sample.call(clock, record: record))
    let result = try #require(outcome.result)
    #expect(result.externalID == "d1" && result.liveSince != nil)
    #expect(record.ids.all == ["d1"])
    #expect(record.logs == ["step 1"], "the same line is told once")
    #expect(record.progress.contains("building") && record.progress.contains("starting"))
    let call = try #require(railway.calls("up").first)
    #expect(
      call.request.url
        == "http://127.0.0.1:1/project/p/environment/e/up?serviceId=s&message=shipit%2Fshop%2Fprod%2F7%2Fapi.deploy%20"
        + Sample.commit)
    #expect(call.request.body == .file(path: "/nonexistent/source.tar.gz"))
  }

  @Test(
    "what an upload answers decides whether it may be repeated",
    arguments: [
      (Reply.http(413, "too large"), "failed"), (.http(400, "{\"message\":\"bad archive\"}"), "failed"),
      (.http(404, "{\"message\":\"Service instance not found\"}"), "failed"), (.http(401, ""), "failed"),
      (.http(500, ""), "ambiguous"), (.lost, "ambiguous"), (.refused, "retry"),
      (.fails(HTTPError(code: .timeout, message: "timed out", nothingSent: false)), "ambiguous"),
      (.http(200, "<html>"), "ambiguous"), (.http(429, "", [("Retry-After", "3")]), "retry"),
    ] as [(Reply, String)])
  func uploadTrouble(reply: Reply, word: String) async {
    let railway = FakeRailway(["up": [reply]])
    let step = Sample.step(.deploy(Sample.request(Sample.directory)))
    let outcome = await railway.platform().perform(step, Sample.call(railway.clock))
    #expect(outcome.word == word)
    #expect(railway.calls("up").count == 1)
    #expect(outcome.moved != true)
  }

  @Test("an image is set with the replicas observed, then deployed as configured")
  func image() async throws {
    let clock = ManualClock()
    let railway = FakeRailway(
      clock: clock,
      [
        "ShipitServices": [Sample.details(["source": ["image": "acme/api:1"], "numReplicas": 3])],
        "ShipitServiceInstanceUpdate": [.data(["serviceInstanceUpdate": true])],
        "ShipitDeploy": [.data(["serviceInstanceDeployV2": "d1"])],
        "ShipitEnvironment": [live("d1", clock, image: "acme/api:2")],
      ])
    let step = Sample.step(.deploy(Sample.request(.image("acme/api:2"))))
    let outcome = await railway.platform().perform(step, Sample.call(clock))
    #expect(outcome.result?.facts["image"] == "acme/api:2")
    let update = try #require(railway.calls("ShipitServiceInstanceUpdate").first)
    #expect(update.variables["input"] == ["source": ["image": "acme/api:2"], "numReplicas": 3])
    #expect(railway.calls("ShipitDeploy").count == 1)
  }

  @Test("a repository is deployed at the commit asked for")
  func repository() async throws {
    let clock = ManualClock()
    let node = Sample.node("d1", "SUCCESS", at: clock, commit: Sample.commit, instances: ["RUNNING"])
    let railway = FakeRailway(
      clock: clock,
      [
        "ShipitDeploy": [.data(["serviceInstanceDeployV2": "d1"])],
        "ShipitEnvironment": [Sample.state(newest: node, active: [node])],
      ])
    let step = Sample.step(.deploy(Sample.request(.repository(name: "acme/api", commit: Sample.commit))))
    #expect(await railway.platform().perform(step, Sample.call(clock)).word == "done")
    #expect(railway.calls("ShipitDeploy").first?.variables["commitSha"] == .string(Sample.commit))
  }

  @Test("a known deployment is only waited for")
  func known() async {
    let railway = FakeRailway()
    let again = FakeRailway(clock: railway.clock, ["ShipitEnvironment": [live("d1", railway.clock)]])
    let step = Sample.step(.deploy(Sample.request(Sample.directory)))
    let outcome = await again.platform().perform(step, Sample.call(again.clock, externalID: "d1"))
    #expect(outcome.word == "done")
    #expect(!again.operations.contains("up") && !again.operations.contains("ShipitDeploy"))
  }

  @Test(
    "a failure says which phase failed, and shows the last log lines",
    arguments: [
      ("PRE_DEPLOY_COMMAND", "pre-deploy command"), ("HEALTHCHECK", "health check"),
      ("BUILD_IMAGE", "build failed"),
    ])
  func failedPhase(phase: String, words: String) async throws {
    let clock = ManualClock()
    let railway = FakeRailway(
      clock: clock,
      [
        "up": [.http(200, "{\"deploymentId\":\"d1\"}")],
        "ShipitEnvironment": [building("d1", clock, "FAILED")],
        "ShipitDeploymentEvents": [
          .data([
            "deploymentEvents": [
              "edges": [["node": ["id": "x", "step": .string(phase), "payload": ["error": "boom"]]]]
            ]
          ])
        ],
        "ShipitDeploymentLogs": [
          .data(["deploymentLogs": [["timestamp": "2026-08-21T10:00:00Z", "message": "last words"]]])
        ],
      ])
    let record = Record()
    let step = Sample.step(.deploy(Sample.request(Sample.directory)))
    let outcome = await railway.platform().perform(step, Sample.call(clock, record: record))
    let failure = try #require(outcome.failure)
    #expect(outcome.moved == false)
    #expect(failure.message.contains(words) && failure.cause == "boom")
    #expect(record.logs == ["last words"])
  }

  @Test("with a volume the old one is stopped first, so a failure has moved something")
  func stopFirst() async {
    let clock = ManualClock()
    let railway = FakeRailway(
      clock: clock,
      [
        "up": [.http(200, "{\"deploymentId\":\"d1\"}")],
        "ShipitEnvironment": [building("d1", clock, "FAILED")],
      ])
    let step = Sample.step(.deploy(Sample.request(Sample.directory, cutOver: .stopFirst)))
    #expect(await railway.platform().perform(step, Sample.call(clock)).moved == true)
  }

  @Test("at its limit a deployment that is not live is cancelled")
  func limit() async {
    let clock = ManualClock()
    let railway = FakeRailway(
      clock: clock,
      [
        "up": [.http(200, "{\"deploymentId\":\"d1\"}")], "ShipitEnvironment": [building("d1", clock)],
        "ShipitDeployment": [
          .data(["deployment": Sample.node("d1", "BUILDING", at: clock)]),
          .data(["deployment": Sample.node("d1", "REMOVED", at: clock)]),
        ], "ShipitCancel": [.data(["deploymentCancel": true])],
      ])
    let began = clock.now
    let step = Sample.step(.deploy(Sample.request(Sample.directory)), limit: .seconds(120))
    let outcome = await railway.platform().perform(step, Sample.call(clock, limit: .seconds(120)))
    #expect(outcome.failure?.kind == .timeout && outcome.moved == false)
    #expect(railway.calls("ShipitCancel").count == 1)
    #expect(clock.now - began <= .seconds(121))
  }

  @Test("approval is waited for until the limit, and then reported as waiting")
  func approval() async {
    let clock = ManualClock()
    let railway = FakeRailway(
      clock: clock,
      [
        "up": [.http(200, "{\"deploymentId\":\"d1\"}")],
        "ShipitEnvironment": [building("d1", clock, "NEEDS_APPROVAL")],
      ])
    let record = Record()
    let step = Sample.step(.deploy(Sample.request(Sample.directory)), limit: .seconds(60))
    let outcome = await railway.platform().perform(
      step, Sample.call(clock, limit: .seconds(60), record: record))
    #expect(outcome.word == "waiting")
    #expect(record.progress.contains { $0.contains("approval") })
    #expect(railway.calls("ShipitCancel").isEmpty)
  }

  @Test("reads that fail while waiting do not fail the step; a minute of them makes it unknowable")
  func blind() async {
    let clock = ManualClock()
    let passing = FakeRailway(
      clock: clock,
      [
        "up": [.http(200, "{\"deploymentId\":\"d1\"}")],
        "ShipitEnvironment": [
          .http(502, ""), .lost, .error("Problem processing request"), live("d1", clock),
        ],
      ])
    let step = Sample.step(.deploy(Sample.request(Sample.directory)))
    #expect(await passing.platform().perform(step, Sample.call(clock)).word == "done")

    let dead = FakeRailway([
      "up": [.http(200, "{\"deploymentId\":\"d1\"}")], "ShipitEnvironment": [.http(502, "")],
    ])
    let outcome = await dead.platform().perform(step, Sample.call(dead.clock))
    #expect(outcome.word == "unknowable" && outcome.failure?.kind == .unknown)
  }

  @Test("several steps waiting in one environment share one poll")
  func sharedPoll() async {
    let clock = ManualClock()
    let railway = FakeRailway(clock: clock, ["ShipitEnvironment": [building("d1", clock)]])
    let poller = EnvironmentPoller(client: railway.client(), place: Sample.target.place)
    let limit = clock.now + .seconds(60)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { _ = try? await poller.next(soon: false, by: limit) } }
    }
    #expect(railway.calls("ShipitEnvironment").count < 20)
  }

  @Test("a waiter that is cancelled leaves at once")
  func cancelledWaiter() async {
    let railway = FakeRailway()
    let poller = EnvironmentPoller(client: railway.client(), place: Sample.target.place)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      _ = try await poller.next(soon: true, by: railway.clock.now + .seconds(60))
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
