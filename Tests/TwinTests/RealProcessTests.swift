import Archive
import Concurrency
import Foundation
import HTTP
import JSON
import Processes
import Testing

@testable import Twin

/// Each test has a twin of its own, with python programs as services.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RealProcessTests {
  @Test func anUploadIsBuiltStartedGatedAndServedAtItsAddress() async throws {
    try await RealTwin.with { twin in
      try await twin.set(["SHIPIT_COMMIT": "c1", "GREETING": "hello"])
      let id = try await twin.upload(program: .good)
      try await twin.reach(id, "SUCCESS")
      let answer = try await twin.get("/")
      #expect(answer["commit"] == "c1")
      #expect(answer["built"] == "by c1")
      #expect(answer["deployment"]?.string == id)
      #expect(answer["service"] == "api")
      let logs = try await twin.ask(
        "query($id: String!) { buildLogs(deploymentId: $id) { message } deploymentLogs(deploymentId: $id) { message } }",
        ["id": .string(id)])
      let built = logs["buildLogs"]?.array?.compactMap { $0["message"]?.string } ?? []
      #expect(built.contains("building"))
      let ran = logs["deploymentLogs"]?.array?.compactMap { $0["message"]?.string } ?? []
      #expect(ran.contains("listening"))
      #expect(ran.contains("probe for healthcheck.railway.app"))
    }
  }

  @Test func aFailingGateBuildOrPreDeployCommandLeavesTheOldDeploymentServing() async throws {
    try await RealTwin.with { twin in
      try await twin.set(["SHIPIT_COMMIT": "c1"])
      let good = try await twin.upload(program: .good)
      try await twin.reach(good, "SUCCESS")
      try await twin.configure("healthcheckTimeout: 1")
      let sick = try await twin.upload(program: .sick)
      try await twin.reach(sick, "FAILED")
      let unbuildable = try await twin.upload(program: .unbuildable)
      try await twin.reach(unbuildable, "FAILED")
      try await twin.configure(#"preDeployCommand: ["echo migrating", "exit 3"]"#)
      let unmigrated = try await twin.upload(program: .good)
      try await twin.reach(unmigrated, "FAILED")
      let logs = try await twin.ask(
        "query($id: String!) { deploymentLogs(deploymentId: $id) { message } }", ["id": .string(unmigrated)])
      #expect(logs["deploymentLogs"]?.array?.contains(["message": "migrating"]) == true)
      #expect(try await twin.get("/")["deployment"]?.string == good)
    }
  }

  @Test func aRollbackBringsOldCodeAndOldVariablesBackAndLeavesTheStoredOnesAlone() async throws {
    try await RealTwin.with { twin in
      try await twin.set(["SHIPIT_COMMIT": "c1", "GREETING": "old"])
      let first = try await twin.upload(program: .good)
      try await twin.reach(first, "SUCCESS")
      try await twin.set(["SHIPIT_COMMIT": "c2", "GREETING": "new"])
      let second = try await twin.upload(program: .good)
      try await twin.reach(second, "SUCCESS")
      #expect(try await twin.get("/")["greeting"] == "new")
      try await twin.reach(first, "REMOVED")
      let answer = try await twin.ask(
        "mutation($id: String!) { deploymentRollback(id: $id) }", ["id": .string(first)])
      #expect(answer["deploymentRollback"] == true)
      // Without a time to drain, the process that goes may cut off a request of its last moment.
      try await twin.until("the old variables are served") {
        (try? await twin.get("/"))?["greeting"] == "old"
      }
      let page = try await twin.get("/")
      #expect(page["commit"] == "c1")
      #expect(page["built"] == "by c1")
      #expect(page["deployment"]?.string != first)
      let stored = try await twin.ask(
        "{ variables(projectId: \"p\", environmentId: \"e\", serviceId: \"api\", unrendered: true) }")
      #expect(stored["variables"]?["GREETING"] == "new")
    }
  }

  @Test func theOldProcessDrainsUntilItsTimeIsUpWhileNewConnectionsReachTheNewOne() async throws {
    try await RealTwin.with { twin in
      try await twin.configure("drainingSeconds: 30")
      let old = try await twin.upload(program: .good)
      try await twin.reach(old, "SUCCESS")
      // A request that the old process answers only when it is told to end.
      async let held = twin.get("/hold")
      try await twin.until("the request is held") { try await twin.logs(old).contains("holding") }
      let new = try await twin.upload(program: .good)
      try await twin.reach(new, "SUCCESS")
      #expect(try await twin.get("/")["deployment"]?.string == new)
      #expect(try await held["deployment"]?.string == old)
      try await twin.reach(old, "REMOVED")
    }
  }

  @Test func aCrashingProcessIsRestartedUntilItsBudgetIsUsedUp() async throws {
    try await RealTwin.with { twin in
      try await twin.configure("restartPolicyMaxRetries: 2")
      let id = try await twin.upload(program: .crashing)
      try await twin.reach(id, "CRASHED")
      #expect(try await twin.logs(id).filter { $0 == "listening" }.count == 3)
    }
  }

  @Test func imagesAndCommitsStandForDirectoriesAndOthersDoNotExist() async throws {
    try await RealTwin.with { twin in
      let directory = try twin.write(.good)
      let map: JSON = ["images": ["acme/api:1": .string(directory)]]
      await twin.server.core.change { $0.read(sources: map) }
      try await twin.configure(#"source: {image: "acme/api:1"}"#)
      let deploy = #"mutation { serviceInstanceDeployV2(serviceId: "api", environmentId: "e") }"#
      let good = try #require(try await twin.ask(deploy)["serviceInstanceDeployV2"]?.string)
      try await twin.reach(good, "SUCCESS")
      try await twin.configure(#"source: {image: "acme/api:2"}"#)
      let missing = try #require(try await twin.ask(deploy)["serviceInstanceDeployV2"]?.string)
      try await twin.reach(missing, "FAILED")
      #expect(try await twin.get("/")["deployment"]?.string == good)
    }
  }

  @Test func afterTheEndNoProcessAndNoFileIsLeft() async throws {
    var processes: [Int32] = []
    var directory = ""
    try await RealTwin.with { twin in
      let id = try await twin.upload(program: .good)
      try await twin.reach(id, "SUCCESS")
      processes = [Int32(try #require(try await twin.get("/")["pid"]?.int))]
      directory = twin.directory
      #expect(FileManager.default.fileExists(atPath: directory))
    }
    #expect(processes.allSatisfy { kill($0, 0) != 0 })
    #expect(!FileManager.default.fileExists(atPath: directory))
  }

  @Test func theKeeperEndsWhatIsLeftWhenTheTwinIsGone() async throws {
    let directory = try WorkDirectory()
    let keeper = try Keeper(directory: directory.path)
    let child = try Launcher().start(
      ProcessSpecification("/bin/sh", ["-c", "sleep 600"], environment: ["PATH": "/usr/bin:/bin"])
    ) { _ in }
    keeper.watch(child.id)
    await keeper.end()
    #expect(await child.wait() == .signal(SIGKILL))
    #expect(!FileManager.default.fileExists(atPath: directory.path))
  }

  @Test func aServerAnswersFaultsOnTheWireAndItsControlSurface() async throws {
    try await RealTwin.with { twin in
      try await twin.control("faults", ["operation": "Probe", "fault": "cut"])
      await #expect(throws: HTTPError.self) {
        _ = try await twin.ask("query Probe { platformStatus { isStable } }")
      }
      let again = try await twin.ask("query Probe { platformStatus { isStable } }")
      #expect(again["platformStatus"]?["isStable"] == true)
      let page = try await twin.client.send(HTTPRequest(url: twin.server.url + "/_twin/"))
      #expect(page.status == 200)
      #expect(!page.text.contains("https://"))
      let counts = try await twin.client.send(HTTPRequest(url: twin.server.url + "/_twin/counts"))
      #expect(try JSON(parsing: counts.body)["operations"]?["Probe"] == 2)
      try await twin.control("shutdown", [:])
      await twin.server.run()
    }
  }
}
