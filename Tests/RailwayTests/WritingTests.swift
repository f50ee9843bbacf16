import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Railway

@Suite struct WritingTests {
  private func settings(_ change: (inout ServiceSettings) -> Void) -> Step {
    var settings = ServiceSettings()
    change(&settings)
    return Sample.step(.settings(SettingsWrite(target: Sample.target, settings: settings, changes: [])))
  }

  private func variables(_ set: [String: PlannedValue], remove: [String] = []) -> Step {
    Sample.step(.variables(VariablesWrite(target: Sample.target, set: set, remove: remove)))
  }

  private let secrets = SecretValues(
    values: ["JWT": Sensitive("s3cr3t-value"), "BAD": Sensitive("a${{b}}")],
    fingerprint: { "f\($0.reveal().count)" })

  @Test("settings go in one write, with the observed replicas; limits in another")
  func settings() async throws {
    let railway = FakeRailway([
      "ShipitServices": [Sample.details(["numReplicas": 3])],
      "ShipitServiceInstanceUpdate": [.data(["serviceInstanceUpdate": true])],
      "ShipitLimitsUpdate": [.data(["serviceInstanceLimitsUpdate": true])],
    ])
    let step = settings {
      $0.start = "./run"
      $0.overlap = .seconds(20)
      $0.restart = .always
      $0.healthPath = "/health"
      $0.memory = 2_000_000_000
      $0.cpu = 1.5
    }
    #expect(await railway.platform().perform(step, Sample.call(railway.clock)).word == "done")
    let update = try #require(railway.calls("ShipitServiceInstanceUpdate").first)
    #expect(
      update.variables["input"] == [
        "startCommand": "./run", "overlapSeconds": 20, "restartPolicyType": "ALWAYS",
        "healthcheckPath": "/health",
        "numReplicas": 3,
      ])
    let limits = try #require(railway.calls("ShipitLimitsUpdate").first?.variables["input"])
    #expect(limits["memoryGB"]?.double == 2 && limits["vCPUs"]?.double == 1.5)
  }

  @Test("equal settings are not written, and an unclear answer is read back before the one repetition")
  func idempotentSettings() async {
    let equal = FakeRailway(["ShipitServices": [Sample.details(["startCommand": "./run"])]])
    let step = settings { $0.start = "./run" }
    #expect(await equal.platform().perform(step, Sample.call(equal.clock)).word == "done")
    #expect(equal.calls("ShipitServiceInstanceUpdate").isEmpty)
    guard case .done = await equal.platform().probe(step, Sample.call(equal.clock)) else {
      Issue.record("equal settings count as done")
      return
    }

    let applied = FakeRailway([
      "ShipitServices": [Sample.details(), Sample.details(["startCommand": "./run"])],
      "ShipitServiceInstanceUpdate": [.lost],
    ])
    #expect(await applied.platform().perform(step, Sample.call(applied.clock)).word == "done")
    #expect(applied.calls("ShipitServiceInstanceUpdate").count == 1)

    let dead = FakeRailway(["ShipitServices": [Sample.details()], "ShipitServiceInstanceUpdate": [.lost]])
    #expect(await dead.platform().perform(step, Sample.call(dead.clock)).word == "retry")
    #expect(dead.calls("ShipitServiceInstanceUpdate").count == 2)
    #expect(await dead.platform().probe(step, Sample.call(dead.clock)) == .absent)
  }

  @Test("settings that are no longer wanted are emptied, and automatic deploys turned off")
  func clearing() async throws {
    let railway = FakeRailway([
      "ShipitServices": [
        Sample.details(["healthcheckPath": "/old", "startCommand": "./old"], autoDeploys: true)
      ],
      "ShipitServiceInstanceUpdate": [.data(["serviceInstanceUpdate": true])],
      "ShipitAutoDeployUpdate": [.data(["serviceInstanceAutoDeployUpdate": ["enabled": false]])],
    ])
    var settings = ServiceSettings()
    settings.start = "./run"
    let step = Sample.step(
      .settings(
        SettingsWrite(
          target: Sample.target, settings: settings, changes: [], clear: ["health path", "cron"],
          autoDeploys: false)))
    #expect(await railway.platform().perform(step, Sample.call(railway.clock)).word == "done")
    #expect(
      railway.calls("ShipitServiceInstanceUpdate").map { $0.variables["input"] } == [
        ["startCommand": "./run", "healthcheckPath": .null, "cronSchedule": .null, "numReplicas": 2]
      ])
    #expect(railway.calls("ShipitAutoDeployUpdate").map { $0.variables["input"]?["enabled"] } == [false])
    #expect(await railway.platform().probe(step, Sample.call(railway.clock)) == .absent)
  }

  @Test("variables go in one write with deploys suppressed; removals are single; nothing else is touched")
  func variables() async throws {
    let railway = FakeRailway([
      "ShipitVariablesUpsert": [.data(["variableCollectionUpsert": true])],
      "ShipitVariableDelete": [.data(["variableDelete": true]), .error("Variable not found")],
      "ShipitDeploymentSnapshot": [
        .data(["deploymentSnapshot": ["id": "x", "variables": ["OLD": "old-value", "OTHER": "1"]]])
      ],
    ])
    let step = variables(
      [
        "LOG_LEVEL": .text("info"), "JWT_SECRET": .secret(name: "JWT", fingerprint: "f12"),
        "OLD": .deployment(id: "d0"),
      ], remove: ["GONE", "NEVER"])
    let outcome = await railway.platform(secrets: secrets).perform(step, Sample.call(railway.clock))
    #expect(outcome.word == "done")
    let input = try #require(railway.calls("ShipitVariablesUpsert").first?.variables["input"])
    #expect(input["variables"] == ["LOG_LEVEL": "info", "JWT_SECRET": "s3cr3t-value", "OLD": "old-value"])
    #expect(input["skipDeploys"] == true && input["replace"] == false && input["serviceId"] == "s")
    #expect(
      railway.calls("ShipitVariableDelete").map { $0.variables["input"]?["name"] } == ["GONE", "NEVER"])
    #expect(railway.calls("ShipitVariablesUpsert").count == 1)
  }

  @Test("a secret that is missing, changed since the plan, or would be rendered is refused before any write")
  func refusals() async throws {
    for (planned, kind) in [
      (PlannedValue.secret(name: "NONE", fingerprint: "f"), Failure.Kind.configuration),
      (.secret(name: "JWT", fingerprint: "f99"), .stale),
      (.secret(name: "BAD", fingerprint: "f7"), .configuration),
    ] {
      let railway = FakeRailway()
      let outcome = await railway.platform(secrets: secrets)
        .perform(variables(["X": planned]), Sample.call(railway.clock))
      let failure = try #require(outcome.failure)
      #expect(outcome.moved == false && failure.kind == kind)
      #expect(!"\(failure)".contains("s3cr3t") && !"\(failure)".contains("a${{b}}"))
      #expect(railway.calls("ShipitVariablesUpsert").isEmpty)
    }
  }

  @Test("a value that Railway repeats in an error does not reach the failure")
  func echo() async throws {
    let railway = FakeRailway([
      "ShipitVariablesUpsert": [.error("Invalid project name s3cr3t-value plain-text")]
    ])
    let step = variables(["A": .secret(name: "JWT", fingerprint: "f12"), "B": .text("plain-text")])
    let outcome = await railway.platform(secrets: secrets).perform(step, Sample.call(railway.clock))
    let failure = try #require(outcome.failure)
    #expect(!"\(failure)".contains("s3cr3t-value") && !"\(failure)".contains("plain-text"))
  }

  @Test("whether variables were written is seen by their values")
  func variablesProbe() async {
    let step = variables(["A": .text("1")], remove: ["B"])
    let written = FakeRailway(["ShipitVariables": [.data(["variables": ["A": "1", "C": "x"]])]])
    guard case .done = await written.platform().probe(step, Sample.call(written.clock)) else {
      Issue.record("written variables count as done")
      return
    }
    for stored in [["A": "2"], ["A": "1", "B": "x"]] as [JSON] {
      let railway = FakeRailway(["ShipitVariables": [.data(["variables": stored])]])
      #expect(await railway.platform().probe(step, Sample.call(railway.clock)) == .absent)
    }
  }
}
