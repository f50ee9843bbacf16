import Concurrency
import HTTP
import JSON
import Testing

@testable import Twin

@Suite struct EncoreRolloutTests {
  @Test func aRolloutGoesThroughItsPhasesInOrderAndPhasesNotBegunAreNull() async throws {
    let bench = try await EncoreBench()
    let created = try await bench.trigger(["sha": .string(EncoreBench.one)])
    #expect(created.status == 200)
    #expect(created.body["id"]?.string?.hasPrefix("roll_") == true)
    #expect(created.body["ok"] == nil)
    let id = try #require(created.body["id"]?.string)
    #expect(
      try await bench.story(id) == [
        "pending pending | - | - | -",
        "queued pending | queued unknown | - | -",
        "running pending | running unknown | - | -",
        "running pending | completed success | running unknown | -",
        "running pending | completed success | completed success | running unknown",
        "completed success | completed success | completed success | completed success",
      ])
    let rollout = try await bench.read(id)
    let times = [rollout["queued_at"], rollout["started_at"], rollout["completed_at"]].compactMap {
      $0?.string
    }
    #expect(times.count == 3 && times == times.sorted())
  }

  static let failures: [(script: JSON, last: String, reason: String)] = [
    (["rollout": "build-fails"], "completed failure | completed failure | - | -", "build failed"),
    (["rollout": "tests-fail"], "completed failure | completed failure | - | -", "tests failed"),
    (
      ["rollout": "secret-missing", "secret": "JWT"],
      "completed failure | completed success | completed success | completed failure",
      "secret JWT has no value for prod"
    ),
    (
      ["rollout": "migration-fails"],
      "completed failure | completed success | completed success | completed failure",
      "migration 2 of main failed"
    ),
    (
      ["rollout": "start-fails"],
      "completed failure | completed success | completed success | completed failure",
      "the new revision did not answer in time"
    ),
    (
      ["rollout": "canceled", "step": "provisioning"],
      "completed canceled | completed success | completed canceled | -", "canceled"
    ),
  ]

  @Test(arguments: 0..<6)
  func aFailingRolloutEndsWhereItShouldAndTheOldRevisionKeepsServing(index: Int) async throws {
    let (script, last, reason) = EncoreRolloutTests.failures[index]
    let bench = try await EncoreBench()
    try await bench.settled(EncoreBench.one)
    try await bench.twin.add(script)
    let id = try await bench.deploy(EncoreBench.two)
    #expect(try await bench.story(id, seconds: 200).last == last)
    #expect(await bench.reason(id) == reason)
    for _ in 0..<4 { #expect(try await bench.revision() == EncoreBench.one) }
    try await bench.settled(EncoreBench.two)
    #expect(try await bench.revision() == EncoreBench.two)
  }

  @Test func skippingTestsGetsPastFailingOnes() async throws {
    let bench = try await EncoreBench()
    try await bench.twin.add(["rollout": "tests-fail"])
    let created = try await bench.trigger(["sha": .string(EncoreBench.one), "skip_tests": true])
    #expect(try await bench.conclusion(try #require(created.body["id"]?.string)) == "success")
  }

  @Test func aBuildIsUsedAgainUnlessARebuildIsForced() async throws {
    let bench = try await EncoreBench()
    func seconds(_ body: [String: JSON]) async throws -> Double {
      let created = try await bench.trigger(.object(body.merging(["sha": .string(EncoreBench.one)]) { $1 }))
      let id = try #require(created.body["id"]?.string)
      _ = try await bench.conclusion(id)
      let build = await bench.twin.state.rollouts[id]?.build
      let started = try #require(build?.startedAt)
      return (try #require(build?.completedAt) - started).inSeconds
    }
    let first = try await seconds([:])
    let second = try await seconds([:])
    let forced = try await seconds(["force_rebuild": true])
    #expect(second < first / 2)
    #expect(forced == first)
  }

  @Test func aProposedChangeWaitsForAnAdminWhoApproves() async throws {
    let bench = try await EncoreBench(EncoreBench.seed(environment: ["approval": "admin"]))
    let id = try await bench.deploy(EncoreBench.one)
    #expect(try await bench.conclusion(id, seconds: 86_400, every: 600) == nil)
    #expect(
      EncoreBench.line(try await bench.read(id))
        == "running pending | completed success | proposed unknown | -")
    _ = try await bench.control("approve", ["environment": "prod"])
    #expect(try await bench.conclusion(id) == "success")
  }

  @Test func aRejectedChangeFailsTheRolloutAndOnlyItsInfrastructureIsRejected() async throws {
    let bench = try await EncoreBench()
    try await bench.twin.add(["rollout": "proposed", "environment": "prod"])
    let id = try await bench.deploy(EncoreBench.one)
    _ = try await bench.story(id)
    _ = try await bench.control("reject", ["rollout": .string(id)])
    #expect(
      EncoreBench.line(try await bench.read(id))
        == "completed failure | completed success | completed rejected | -")
  }

  @Test(arguments: ["queued", "building", "proposed", "provisioning", "migrating", "starting"])
  func aRolloutThatNeverFinishesStaysUntilSomebodyCancelsIt(step: String) async throws {
    let seed = step == "proposed" ? EncoreBench.seed(environment: ["approval": "admin"]) : EncoreBench.seed()
    let bench = try await EncoreBench(seed)
    try await bench.twin.add(["rollout": "never-finishes", "step": .string(step)])
    let id = try await bench.deploy(EncoreBench.one)
    #expect(try await bench.conclusion(id, seconds: 4000, every: 10) == nil)
    #expect(await bench.twin.state.rollouts[id]?.step.rawValue == step)
    _ = try await bench.control("cancel")
    #expect(try await bench.read(id)["conclusion"] == "canceled")
  }

  @Test func rolloutsOfOneEnvironmentRunOneAfterTheOther() async throws {
    let bench = try await EncoreBench()
    let first = try await bench.deploy(EncoreBench.one)
    let second = try await bench.deploy(EncoreBench.two)
    let elsewhere = try await bench.deploy(EncoreBench.two, environment: "staging")
    bench.clock.advance(5)
    #expect(try await bench.read(second)["status"] == "queued")
    #expect(try await bench.read(elsewhere)["status"] == "running")
    #expect(try await bench.conclusion(second) == "success")
    #expect(try await bench.read(first)["conclusion"] == "success")
  }

  @Test func somebodyElsesRolloutGoesLiveAfterOurs() async throws {
    let bench = try await EncoreBench()
    try await bench.settled(EncoreBench.one)
    try await bench.twin.add(["rollout": "superseded", "seconds": 2, "sha": .string(EncoreBench.three)])
    let ours = try await bench.deploy(EncoreBench.two)
    #expect(try await bench.conclusion(ours) == "success")
    bench.clock.advance(60)
    #expect(try await bench.revision() == EncoreBench.three)
    #expect(await bench.twin.state.rollouts.values.filter { $0.trigger == .foreign }.count == 1)
  }

  static let invalid: [(path: String, body: JSON, status: Int)] = [
    ("/api/apps/nope/envs/prod/rollouts", ["sha": .string(EncoreBench.one)], 404),
    ("/api/apps/shop-x1/envs/nope/rollouts", ["sha": .string(EncoreBench.one)], 404),
    ("/api/apps/shop-x1/envs/prod/rollouts", ["sha": "9999999999999999999999999999999999999999"], 400),
    ("/api/apps/shop-x1/envs/prod/rollouts", ["sha": "1111111"], 400),
    ("/api/apps/shop-x1/envs/prod/rollouts", ["branch": "nope"], 400),
    ("/api/apps/shop-x1/envs/prod/rollouts", ["sha": .string(EncoreBench.one), "branch": "main"], 400),
    ("/api/apps/shop-x1/envs/prod/rollouts", [:], 400),
  ]

  @Test(arguments: 0..<7)
  func aRolloutOfWhatDoesNotExistIsRefused(index: Int) async throws {
    let (path, body, status) = EncoreRolloutTests.invalid[index]
    let bench = try await EncoreBench()
    let answer = try await bench.send("POST", path, body, token: try await bench.clientToken())
    #expect(answer.status == status)
    #expect(await bench.twin.state.rollouts.isEmpty)
  }

  @Test func theCommandsRouteIsEnvelopedAndNamesTheFieldThatIsWrong() async throws {
    let bench = try await EncoreBench()
    let token = try await bench.cliToken()
    func deploy(_ app: String, _ environment: String, sha: String, branch: String) async throws -> JSON {
      try await bench.send(
        "POST", "/apps/\(app)/envs/\(environment)/rollouts",
        ["sha": .string(sha), "branch": .string(branch)], token: token
      ).body
    }
    #expect(
      try await deploy("nope", "prod", sha: EncoreBench.one, branch: "")["error"]?["code"] == "app_not_found")
    let environment = try await deploy("shop-x1", "nope", sha: EncoreBench.one, branch: "")
    #expect(environment["error"]?["code"] == "validation")
    #expect(environment["error"]?["detail"]?["field"] == "env")
    let commit = try await deploy("shop-x1", "prod", sha: String(repeating: "9", count: 40), branch: "")
    #expect(commit["error"]?["detail"]?["field"] == "commit")
    let branch = try await deploy("shop-x1", "prod", sha: "", branch: "nope")
    #expect(branch["error"]?["detail"]?["field"] == "branch")
    let good = try await deploy("shop-x1", "prod", sha: "", branch: "main")
    #expect(good["ok"] == true)
    #expect(good["data"]?["env_name"] == "prod")
    let id = try #require(good["data"]?["id"]?.string)
    #expect(try await bench.conclusion(id) == "success")
    #expect(await bench.twin.state.rollouts[id]?.commit.sha == EncoreBench.two)
  }

  @Test func aRolloutIsReadWithItsPrefixOnly() async throws {
    let bench = try await EncoreBench()
    let id = try await bench.deploy(EncoreBench.one)
    let token = try await bench.clientToken()
    let short = id.dropFirst("roll_".count)
    #expect(try await bench.send("GET", "/api/apps/shop-x1/rollouts/\(short)", token: token).status == 404)
    #expect(try await bench.send("GET", "/api/apps/shop-x1/rollouts/\(id)", token: token).status == 200)
  }

  // MARK: migrations

  @Test func anOlderCommitWithoutTheNewestMigrationIsRefusedWhileSameFilesGoThrough() async throws {
    let bench = try await EncoreBench()
    try await bench.settled(EncoreBench.two)
    let old = try await bench.deploy(EncoreBench.one)
    #expect(try await bench.conclusion(old) == "failure")
    #expect(await bench.reason(old) == "no migration found for version 2: file does not exist")
    #expect(try await bench.revision() == EncoreBench.two)
    let revert = String(repeating: "4", count: 40)
    _ = try await bench.control(
      "push", ["app": "shop-x1", "commits": [["sha": .string(revert), "migrations": ["main": [1, 2]]]]])
    try await bench.settled(revert)
    #expect(try await bench.revision() == revert)
  }

  @Test(arguments: ["prisma", "drizzle/v1"])
  func nonSequentialMigrationsLookOnlyAtTheFilesTheyHave(source: String) async throws {
    let database: JSON = ["migrations": "jobs/migrations", "source": .string(source), "applied": [1]]
    let bench = try await EncoreBench(EncoreBench.seed(["databases": ["main": database]]))
    try await bench.settled(EncoreBench.three)
    try await bench.settled(EncoreBench.one)
    let applied = await bench.twin.state.environments.values.first {
      $0.key.name == "prod" && $0.key.app == "shop-x1"
    }
    #expect(applied?.applied["main"] == [1, 2, 3])
  }

  @Test func theFilesBeforeAFailingMigrationStayApplied() async throws {
    let bench = try await EncoreBench()
    try await bench.settled(EncoreBench.one)
    try await bench.twin.add(["rollout": "migration-fails", "version": 3])
    let id = try await bench.deploy(EncoreBench.three)
    #expect(try await bench.conclusion(id) == "failure")
    let key = EncoreEnvironmentKey(app: "shop-x1", name: "prod")
    #expect(await bench.twin.state.environments[key]?.applied["main"] == [1, 2])
    let back = try await bench.deploy(EncoreBench.one)
    #expect(try await bench.conclusion(back) == "failure")
  }

  @Test func namesOfMigrationFilesAreReadAsTheirLanguageAndToolWant() throws {
    var database = EncoreDatabase(directory: "m")
    let names = ["1.up.sql", "0002_users.up.sql", "2_users.down.sql", "README.md", "deep/3_x.up.sql"]
    #expect(try database.versions(in: names, language: .go) == [1, 2])
    #expect(throws: Refusal.self) { try database.versions(in: names, language: .typescript) }
    #expect(throws: Refusal.self) { try database.versions(in: ["users.up.sql"], language: .go) }
    #expect(throws: Refusal.self) { try database.versions(in: ["1.up.sql", "01_a.up.sql"], language: .go) }
    database.source = .prisma
    #expect(
      try database.versions(in: ["20240101_a/migration.sql", "lock.toml"], language: .typescript) == [
        20_240_101
      ])
    database.source = .drizzle
    #expect(try database.versions(in: ["0001_a.sql", "meta/journal.json"], language: .typescript) == [1])
  }

  // MARK: faults

  @Test func aCutConnectionLeavesTheRolloutBehindThatHealthAloneTells() async throws {
    let bench = try await EncoreBench()
    try await bench.twin.add(["fault": "cut", "operation": "trigger", "environment": "prod"])
    await #expect(throws: HTTPError.self) { try await bench.trigger(["sha": .string(EncoreBench.one)]) }
    #expect(await bench.twin.state.rollouts.count == 1)
    bench.clock.advance(60)
    let health = try await bench.health()
    let id = try #require(health["details"]?["deploy_id"]?.string)
    #expect(await bench.twin.state.rollouts[id]?.conclusion == .success)
    #expect(await bench.twin.count(of: "trigger", environment: "prod") == 1)
  }

  @Test func requestsMeetTheFaultsOfTheirOperation() async throws {
    let bench = try await EncoreBench()
    try await bench.twin.add(["fault": "rate-limited", "operation": "trigger", "retryAfter": 7])
    let limited = try await bench.trigger(["sha": .string(EncoreBench.one)])
    #expect(limited.status == 429)
    #expect(limited.response.header("Retry-After") == "7")
    try await bench.twin.add(["fault": "status", "status": 502, "operation": "trigger"])
    let broken = try await bench.trigger(["sha": .string(EncoreBench.one)])
    #expect(broken.status == 502)
    #expect(broken.response.text.contains("<html>"))
    try await bench.twin.add(["fault": "problem-before", "operation": "trigger"])
    #expect(try await bench.trigger(["sha": .string(EncoreBench.one)]).status == 500)
    #expect(await bench.twin.state.rollouts.isEmpty)
    try await bench.twin.add(["fault": "delay-answer", "operation": "trigger", "seconds": 60])
    await #expect(throws: HTTPError.self) { try await bench.trigger(["sha": .string(EncoreBench.one)]) }
    #expect(await bench.twin.state.rollouts.count == 1)
  }

  @Test func anUnknownWordInAScriptIsRefused() async throws {
    let bench = try await EncoreBench()
    await #expect(throws: Refusal.self) { try await bench.twin.add(["rollout": "nope"]) }
    await #expect(throws: Refusal.self) { try await bench.twin.add(["fault": "nope"]) }
    await #expect(throws: Refusal.self) { try await bench.twin.add(["cli": "secret set", "fault": "nope"]) }
    await #expect(throws: Refusal.self) { try await bench.twin.add(["operation": "trigger"]) }
  }
}
