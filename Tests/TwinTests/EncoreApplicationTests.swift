import Concurrency
import HTTP
import JSON
import Testing

@testable import Twin

@Suite struct EncoreApplicationTests {
  @Test func nothingAnswersBeforeTheFirstRolloutAndTheNewRevisionAfterIt() async throws {
    let bench = try await EncoreBench()
    #expect(try await bench.get().status == 503)
    let id = try await bench.deploy(EncoreBench.one)
    #expect(try await bench.conclusion(id) == "success")
    #expect(
      try await bench.health() == [
        "code": "ok", "message": "Your Encore app is up and running!",
        "details": [
          "app_slug": "shop-x1", "env_name": "prod", "app_revision": .string(EncoreBench.one),
          "encore_compiler": "", "deploy_id": .string(id),
          "checks": [["name": "database", "passed": true]], "enabled_experiments": [],
        ],
      ])
    #expect(try JSON(parsing: try await bench.get("/users").body)["version"]?.string == EncoreBench.one)
  }

  @Test func oldAndNewRevisionAnswerByTurnsForAWhileAfterTheCutOver() async throws {
    let bench = try await EncoreBench()
    try await bench.settled(EncoreBench.one)
    let id = try await bench.deploy(EncoreBench.two)
    #expect(try await bench.conclusion(id) == "success")
    var seen: [String?] = []
    for _ in 0..<6 { seen.append(try await bench.revision()) }
    #expect(Set(seen) == [EncoreBench.one, EncoreBench.two])
    #expect(seen.filter { $0 == EncoreBench.one }.count == 3)
    bench.clock.advance(2.1)
    for _ in 0..<6 { #expect(try await bench.revision() == EncoreBench.two) }
  }

  @Test func aScriptSetsTheMixedTimeOfARollout() async throws {
    let bench = try await EncoreBench()
    try await bench.settled(EncoreBench.one)
    try await bench.twin.add(["rollout": "mixed", "seconds": 30])
    #expect(try await bench.conclusion(try await bench.deploy(EncoreBench.two)) == "success")
    bench.clock.advance(29)
    #expect(Set([try await bench.revision(), try await bench.revision()]).count == 2)
    bench.clock.advance(2)
    #expect(Set([try await bench.revision(), try await bench.revision()]) == [EncoreBench.two])
  }

  @Test(arguments: ["go", "typescript"])
  func aRevisionThatShutsDownAnswers503AsItsLanguageDoes(language: String) async throws {
    let bench = try await EncoreBench(EncoreBench.seed(["lang": .string(language)]))
    try await bench.settled(EncoreBench.one)
    try await bench.twin.add(["rollout": "shutting-down", "seconds": 5])
    #expect(try await bench.conclusion(try await bench.deploy(EncoreBench.two)) == "success")
    var ending: HTTPResponse?
    for _ in 0..<2 {
      let answer = try await bench.get()
      if answer.status != 200 { ending = answer }
    }
    let answer = try #require(ending)
    let body = try JSON(parsing: answer.body)
    #expect(answer.status == 503)
    if language == "go" {
      #expect(answer.header("Retry-After") == "2")
      #expect(body["code"] == "unavailable")
    } else {
      #expect(body["code"] == "shutting_down")
      #expect(body["details"]?["app_revision"]?.string == EncoreBench.one)
    }
    bench.clock.advance(6)
    for _ in 0..<2 { #expect(try await bench.revision() == EncoreBench.two) }
  }

  @Test func theTypeScriptRuntimeHidesThePrefixAndHasNoChecks() async throws {
    let bench = try await EncoreBench(EncoreBench.seed(["lang": "typescript"]))
    let id = try await bench.deploy(EncoreBench.one)
    #expect(try await bench.conclusion(id) == "success")
    let details = try await bench.health()["details"]
    #expect(details?["deploy_id"]?.string == String(id.dropFirst(5)))
    #expect(details?["checks"] == [])
  }

  @Test func aFailedCheckOfAGoApplicationAnswers500UntilItPasses() async throws {
    let bench = try await EncoreBench()
    try await bench.settled(EncoreBench.one)
    _ = try await bench.control(
      "health", ["app": "shop-x1", "environment": "prod", "failing": "database", "error": "no connection"])
    let answer = try await bench.get()
    #expect(answer.status == 500)
    let body = try JSON(parsing: answer.body)
    #expect(body["code"] == "unhealthy")
    #expect(
      body["details"]?["checks"] == [["name": "database", "passed": false, "error": "no connection"]])
    _ = try await bench.control("health", ["app": "shop-x1", "environment": "prod"])
    #expect(try await bench.get().status == 200)
    try await bench.twin.add(["rollout": "unhealthy"])
    #expect(try await bench.conclusion(try await bench.deploy(EncoreBench.two)) == "success")
    bench.clock.advance(5)
    #expect(try await bench.get().status == 500)
  }

  @Test func aSuccessfulRolloutCanServeAnotherRevision() async throws {
    let bench = try await EncoreBench()
    let stale = String(repeating: "5", count: 40)
    try await bench.twin.add(["rollout": "wrong-revision", "revision": .string(stale)])
    let id = try await bench.deploy(EncoreBench.one)
    #expect(try await bench.conclusion(id) == "success")
    #expect(try await bench.revision() == stale)
  }

  @Test func anApplicationThatCrashesIsGoneUntilItIsRestarted() async throws {
    let bench = try await EncoreBench()
    try await bench.twin.add(["rollout": "crashes", "seconds": 3])
    #expect(try await bench.conclusion(try await bench.deploy(EncoreBench.one)) == "success")
    #expect(try await bench.get().status == 200)
    bench.clock.advance(3.2)
    #expect(try await bench.get().status == 503)
    bench.clock.advance(1.5)
    #expect(try await bench.get().status == 200)
  }

  @Test func theMetadataOfAnEnvironmentNamesWhatRunsThere() async throws {
    let bench = try await EncoreBench()
    try await bench.settled(EncoreBench.one)
    let answer = try await bench.send(
      "GET", "/apps/shop-x1/envs/prod/meta", token: try await bench.cliToken())
    #expect(answer.response.body == [0x12, 40] + Array(EncoreBench.one.utf8))
  }

  @Test func theOverviewTellsAddressesReasonsAndNoSecret() async throws {
    let secret: JSON = ["key": "JWT", "types": ["production"], "value": "correct-horse"]
    let bench = try await EncoreBench(EncoreBench.seed(["secrets": [secret]]))
    try await bench.twin.add(["rollout": "build-fails"])
    _ = try await bench.conclusion(try await bench.deploy(EncoreBench.one))
    let overview = await bench.twin.overview
    let addresses = overview["environments"]?.array?.compactMap { $0["address"]?.string }
    #expect(addresses?.dropFirst() == ["127.0.0.1:31000", "127.0.0.1:31001"])
    #expect(overview["rollouts"]?[0]?["reason"] == "build failed")
    #expect(!overview.serialized().contains("correct-horse"))
    #expect(!overview.serialized().contains("s3cret"))
  }
}
