import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Railway

@Suite struct ObservationTests {
  private func named(_ id: String, _ name: String, canAccess: Bool = true) -> JSON {
    ["node": ["id": .string(id), "name": .string(name), "deletedAt": .null, "canAccess": .bool(canAccess)]]
  }

  private func projects(_ nodes: [JSON]) -> Reply {
    .data(["projects": ["edges": .array(nodes), "pageInfo": ["hasNextPage": false]]])
  }

  private func project(environments: [JSON], services: [JSON] = []) -> Reply {
    .data([
      "project": [
        "id": "p", "name": "shop", "environments": ["edges": .array(environments)],
        "services": ["edges": .array(services)],
      ]
    ])
  }

  private func projectToken(_ project: String, _ environment: String) -> Reply {
    .data([
      "projectToken": [
        "id": "t", "name": "ci", "projectId": "p", "environmentId": "e",
        "project": ["id": "p", "name": .string(project)],
        "environment": ["id": "e", "name": .string(environment)],
      ]
    ])
  }

  private func failure(
    _ railway: FakeRailway, _ environment: Environment = Sample.environment
  ) async throws -> Failure {
    do { _ = try await railway.platform().observe(environment) } catch { return error }
    throw Failure(.internalError, "no failure")
  }

  @Test("everything a plan needs is read, in few requests")
  func observe() async throws {
    let clock = ManualClock()
    let live = Sample.node(
      "d0", "SUCCESS", at: clock, message: "shipit/shop/prod/6/api.deploy \(Sample.other)",
      image: "acme/api:1",
      instances: ["RUNNING", "RUNNING"], age: .seconds(100))
    let newest = Sample.node("d1", "FAILED", at: clock)
    let railway = FakeRailway(
      clock: clock,
      [
        "ShipitProjects": [projects([named("p", "Shop")])],
        "ShipitProject": [project(environments: [named("e", "production"), named("e2", "Production")])],
        "ShipitEnvironment": [
          Sample.state(
            newest: newest, active: [live], domain: "127.0.0.1:4321", volume: true, repository: "acme/api")
        ],
        "ShipitServices": [
          Sample.details(
            [
              "startCommand": "./run", "preDeployCommand": "./migrate", "healthcheckPath": "/health",
              "healthcheckTimeout": 120, "restartPolicyType": "ON_FAILURE", "builder": "RAILPACK",
            ],
            variables: ["LOG_LEVEL": "info", "DATABASE_URL": "${{Postgres.DATABASE_URL}}", "HIDDEN": .null],
            limits: ["containers": ["memoryBytes": 1_000_000_000, "cpu": 2]], autoDeploys: true)
        ],
        "ShipitVariableMetadata": [
          .data([
            "environment": [
              "variables": [
                "edges": [["node": ["id": "x", "name": "SEALED", "serviceId": "s", "isSealed": true]]]
              ]
            ]
          ])
        ],
        "ShipitPlatformStatus": [
          .data([
            "platformStatus": ["isStable": false, "incident": ["message": "builds are slow", "url": "u"]]
          ])
        ],
      ])
    let observation = try await railway.platform().observe(Sample.environment)
    let service = try #require(observation.services["api"])
    #expect(service.target == Sample.target)
    #expect(service.address == "http://127.0.0.1:4321")
    #expect(service.settings.start == "./run" && service.settings.preDeploy == ["./migrate"])
    #expect(service.settings.healthTimeout == .seconds(120) && service.settings.restart == .onFailure)
    #expect(
      service.settings.memory == 1_000_000_000 && service.settings.cpu == 2 && service.settings.replicas == 2)
    #expect(service.variables["LOG_LEVEL"] == .some(.some(Sensitive("info"))))
    #expect(service.variables["DATABASE_URL"] == .some(.some(Sensitive("${{Postgres.DATABASE_URL}}"))))
    #expect(service.variables["HIDDEN"] == .some(nil) && service.variables["SEALED"] == .some(nil))
    #expect(service.live?.id == "d0" && service.live?.commit == Sample.other)
    #expect(service.live?.marker?.run == RunID(6) && service.live?.instances == ["RUNNING": 2])
    #expect(service.newest?.id == "d1" && service.newest?.status == .failed)
    #expect(service.cutOver == .stopFirst && service.autoDeploys && service.restoreMode == .codeAndVariables)
    #expect(observation.notes == ["Railway announces an incident: builds are slow (u)"])
    #expect(railway.calls.count == 8, "\(railway.operations)")
  }

  @Test("live state is one query once names are known")
  func live() async throws {
    let clock = ManualClock()
    let node = Sample.node("d0", "SLEEPING", at: clock)
    let railway = FakeRailway(
      clock: clock,
      [
        "ShipitProjectToken": [projectToken("shop", "production")],
        "ShipitEnvironment": [Sample.state(newest: node, active: [node], domain: "api.example.com")],
      ])
    let platform = railway.platform()
    let first = try await platform.live(Sample.environment)
    #expect(first["api"]?.live?.status == .sleeping && first["api"]?.address == "https://api.example.com")
    let before = railway.calls.count
    _ = try await platform.live(Sample.environment)
    #expect(railway.calls.count == before + 1 && before == 2)
  }

  @Test(
    "loopback hosts are asked over http, all others over https",
    arguments: [
      ("127.0.0.1:80", "http"), ("127.9.8.7", "http"), ("localhost:3000", "http"), ("[::1]:3000", "http"),
      ("127.0.0.1.example.com", "https"), ("128.0.0.1", "https"), ("api.example.com", "https"),
      ("localhost.example.com", "https"),
    ])
  func schemes(domain: String, scheme: String) {
    #expect(ServiceState.address(ofDomain: domain) == "\(scheme)://\(domain)")
  }

  @Test("a token of neither kind names what to create")
  func badToken() async throws {
    let railway = FakeRailway(["ShipitApiToken": [.error("Not Authorized")]])
    let failure = try await failure(railway)
    #expect(failure.kind == .authentication)
    #expect(
      failure.message.contains("RAILWAY_TOKEN") && failure.hint?.contains("create a project token") == true)
  }

  @Test("a project token of another place is told from the right one")
  func foreignProjectToken() async throws {
    let railway = FakeRailway(["ShipitProjectToken": [projectToken("shop", "staging")]])
    let failure = try await failure(railway)
    #expect(failure.kind == .authentication)
    #expect(failure.message.contains("project token of shop / staging"))
  }

  @Test("a workspace token that cannot act in the workspace says where it can")
  func foreignWorkspace() async throws {
    let railway = FakeRailway([
      "ShipitApiToken": [.data(["apiToken": ["workspaces": [["id": "w2", "name": "other"]]]])]
    ])
    let failure = try await failure(railway)
    #expect(failure.kind == .authentication && failure.cause?.contains("other") == true)
  }

  @Test("missing names list what exists and what was perhaps meant")
  func missingNames() async throws {
    let noProject = FakeRailway(["ShipitProjects": [projects([named("p", "shopp"), named("q", "blog")])]])
    let project1 = try await failure(noProject)
    #expect(project1.kind == .configuration && project1.cause == "there are: blog, shopp")
    #expect(project1.hint == "did you mean “shopp”?")

    let wrongCase = FakeRailway([
      "ShipitProjects": [projects([named("p", "SHOP")])],
      "ShipitProject": [project(environments: [named("e", "Production")])],
    ])
    let environment = try await failure(wrongCase)
    #expect(environment.message.contains("environment “production”"))
    #expect(environment.hint == "did you mean “Production”?")

    let node = Sample.node("d0", "SUCCESS", at: wrongCase.clock)
    let noInstance = FakeRailway([
      "ShipitProjectToken": [projectToken("shop", "production")],
      "ShipitEnvironment": [Sample.state(newest: node)],
      "ShipitProject": [project(environments: [], services: [named("s2", "worker")])],
    ])
    var file = Sample.environment
    file.services = [Service(key: "worker", source: .image(Template(text: "x")))]
    let service = try await failure(noInstance, file)
    #expect(service.kind == .configuration && service.message.contains("no instance"))
  }

  @Test("an ambiguous name is refused with its candidates")
  func ambiguous() async throws {
    let railway = FakeRailway(["ShipitProjects": [projects([named("p1", "shop"), named("p2", "Shop")])]])
    let failure = try await failure(railway)
    #expect(failure.kind == .configuration && failure.cause == "shop (p1), Shop (p2)")
    #expect(failure.hint == "write the id instead of the name")
  }

  @Test("a restricted environment is an authentication failure")
  func restricted() async throws {
    let node = Sample.node("d0", "SUCCESS", at: ManualClock())
    let railway = FakeRailway([
      "ShipitProjectToken": [projectToken("shop", "production")],
      "ShipitEnvironment": [Sample.state(newest: node, canAccess: false)],
    ])
    #expect(try await failure(railway).kind == .authentication)
  }

  @Test("doctor looks at each thing by itself and changes nothing")
  func doctor() async {
    let node = Sample.node("d0", "SUCCESS", at: ManualClock())
    let railway = FakeRailway([
      "ShipitProjectToken": [projectToken("shop", "production")],
      "ShipitEnvironment": [Sample.state(newest: node, active: [node])],
      "ShipitDeploymentSnapshot": [.error("Not Authorized")],
    ])
    railway.announce([("X-RateLimit-Remaining", "30"), ("X-RateLimit-Limit", "1000")])
    let found = await railway.platform().examine(Sample.environment)
    func verdict(_ subject: String) -> Examination.Verdict? {
      found.first { $0.subject.hasPrefix(subject) }?.verdict
    }
    #expect(verdict("Railway token") == .good && verdict("Railway project") == .good)
    #expect(verdict("Railway service api") == .good && verdict("Railway snapshot") == .warning)
    #expect(verdict("Railway quota") == .warning && verdict("Railway status") == .good)
  }
}
