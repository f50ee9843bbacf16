import Concurrency
import Foundation
import JSON
import Model
import TestSupport
import Testing
import Twin

@testable import Railway

/// What is missing is found, made once, and found again, on the emulated platform.
@Suite struct CreatingTests {
  struct Bench {
    let clock = ManualClock()
    let core: TwinCore
    let platform: RailwayPlatform
    var file: Model.Environment
    let target = RailwayTarget(project: "shop", environment: "production", tokenSecret: "RAILWAY_TOKEN")

    init(
      _ services: [Model.Service], databases: [DatabaseTarget] = [], projects: JSON = [],
      token: String = "workspace", plan: String = "pro"
    ) throws {
      let runtime = ScriptedRuntime()
      core = try TwinCore(
        clock: clock, runtime: runtime,
        seed: [
          "workspaces": [["name": "acme", "plan": .string(plan)]], "projects": projects,
          "tokens": [["token": "workspace", "kind": "workspace", "workspace": "acme"]],
        ], speed: 10)
      platform = RailwayPlatform(
        baseURL: InProcessTransport.base, http: InProcessTransport(core: core, services: runtime),
        clock: clock, token: Sensitive(token), secrets: SecretValues(),
        packer: TwinConformanceTests.Bench.Packer(file: "/nowhere"), version: "test",
        appearance: .seconds(2), random: { 0.5 })
      file = Model.Environment(
        name: "prod", app: "shop", platforms: Platforms(railway: target), provision: .create,
        services: services, databases: databases)
    }

    func step(_ creation: Creation) -> Step {
      Step(
        id: StepID("\(creation.kind).\(creation.name)"), title: creation.words, action: .create(creation),
        limit: .seconds(120))
    }

    func call(began: Timestamp? = nil) -> StepCall {
      StepCall(
        run: RunFacts(
          id: RunID(1), release: 1, app: "shop", environment: "prod", commit: "c", startedAt: clock.now),
        attempt: 1, beganAt: began ?? clock.now, deadline: clock.now + .seconds(120))
    }

    @discardableResult
    func perform(_ creation: Creation) async -> Outcome { await platform.perform(step(creation), call()) }

    /// Makes all that is missing.
    func makeAll() async throws -> [Creation] {
      let missing = try await platform.missing(file)
      for creation in missing.creations {
        let outcome = await perform(creation)
        guard case .done = outcome else {
          Issue.record("\(creation.words): \(outcome)")
          continue
        }
      }
      return missing.creations
    }

    func cut(_ operation: String) async throws {
      await core.add(try FaultScript(["operation": .string(operation), "fault": "cut"]))
    }
  }

  static func service(_ name: String, path: String? = "/health", volume: String? = nil) -> Model.Service {
    Model.Service(
      key: ServiceName(rawValue: name), source: .image(Template(text: "x")), health: Health(path: path),
      volume: volume)
  }

  static let postgres = DatabaseTarget(
    key: "main", url: .unreached, create: DatabaseTarget.Template(code: "postgres", service: "Postgres"))

  @Test func whatIsMissingIsMadeInOrderAndThenNothingIsMissing() async throws {
    let bench = try Bench([Self.service("api", volume: "/data")], databases: [Self.postgres])
    let made = try await bench.makeAll()
    #expect(made.map(\.kind) == [.project, .environment, .service, .database, .volume, .address])
    #expect(try await bench.platform.missing(bench.file) == Shortfall())
    let world = await bench.core.state
    #expect(world.projects.values.map(\.name) == ["shop"])
    #expect(world.projects.values.first?.description == "shipit/shop/prod/1/project.shop")
    #expect(world.services.values.map(\.name).sorted() == ["Postgres", "api"])
    #expect(world.volumes.count == 2)
    let observed = try await bench.platform.observe(bench.file).services["api"]
    #expect(observed?.address?.hasPrefix("http://127.0.0.1:") == true)
    #expect(observed?.cutOver == .stopFirst)
  }

  @Test func aPrivateNameIsGivenOnceAndFoundAgain() async throws {
    var service = Self.service("api")
    service.privateName = "back"
    let bench = try Bench([service, Self.service("web")])
    #expect(try await bench.makeAll().map(\.words).contains("the private name back of api"))
    #expect(try await bench.platform.missing(bench.file) == Shortfall())
    #expect(await bench.core.count(of: "ShipitPrivateNetworkEndpointRename") == 1)
    // Both are told it, and the name that a service has by itself needs nothing.
    var named = bench
    named.file.services[1].privateName = "web"
    #expect(try await named.platform.missing(named.file) == Shortfall())
    // Of two with one name the second is refused, in Railway's words.
    named.file.services[1].privateName = "back"
    let creation = try #require(try await named.platform.missing(named.file).creations.first)
    guard case .failed(let failure, _) = await named.perform(creation) else {
      Issue.record("two services have one name")
      return
    }
    #expect(failure.cause?.contains("already exists") == true, "\(failure)")
  }

  @Test func aStepThatIsDoneAgainFindsWhatIsThere() async throws {
    let bench = try Bench([Self.service("api", volume: "/data")], databases: [Self.postgres])
    let made = try await bench.makeAll()
    let before = await bench.core.state
    for creation in made {
      guard case .done(let result) = await bench.perform(creation) else {
        Issue.record("\(creation.words)")
        continue
      }
      #expect(result.summary == "was there already")
    }
    let after = await bench.core.state
    #expect(after.services.count == before.services.count && after.volumes.count == before.volumes.count)
    #expect(after.projects.count == 1 && after.environments.count == 1)
  }

  @Test func anAnswerThatIsLostIsLookedForAndFound() async throws {
    let bench = try Bench([Self.service("api", volume: "/data")], databases: [Self.postgres])
    let operations: [Creation.Kind: String] = [
      .project: "ShipitProjectCreate", .service: "ShipitServiceCreate", .database: "ShipitTemplateDeploy",
      .volume: "ShipitVolumeCreate", .address: "ShipitServiceDomainCreate",
    ]
    for creation in try await bench.platform.missing(bench.file).creations {
      guard let operation = operations[creation.kind] else {
        await bench.perform(creation)
        continue
      }
      try await bench.cut(operation)
      let began = bench.clock.now
      guard case .ambiguous = await bench.perform(creation) else {
        Issue.record("\(creation.words): the answer was not lost")
        continue
      }
      switch await bench.platform.probe(bench.step(creation), bench.call(began: began)) {
      case .done, .underWay: break
      case let finding: Issue.record("\(creation.words): \(finding)")
      }
      guard case .done = await bench.perform(creation) else {
        Issue.record("\(creation.words) is not there at the end")
        continue
      }
    }
    let world = await bench.core.state
    #expect(world.services.count == 2 && world.volumes.count == 2 && world.projects.count == 1)
  }

  @Test func twoDatabasesThatCouldBeOursStopTheRunWithTheirIds() async throws {
    let bench = try Bench([], databases: [Self.postgres])
    let creations = try await bench.platform.missing(bench.file).creations
    for creation in creations.dropLast() { await bench.perform(creation) }
    let database = try #require(creations.last)
    let began = bench.clock.now
    try await bench.cut("ShipitTemplateDeploy")
    guard case .ambiguous = await bench.perform(database) else {
      Issue.record("the answer was not lost")
      return
    }
    // Meanwhile somebody else deploys the same template, whose service gets a name of Railway's.
    await bench.core.change { world in
      guard let project = world.projects.keys.first, let place = world.environments.keys.first,
        let token = world.tokens.values.first, let config = World.templates["postgres"]
      else { return }
      _ = try? world.deployTemplate(
        [
          "projectId": .string(project), "environmentId": .string(place),
          "templateId": "template-postgres", "serializedConfig": config,
        ], for: token)
    }
    guard
      case .unknown(let failure) = await bench.platform.probe(bench.step(database), bench.call(began: began))
    else {
      Issue.record("one of two was taken")
      return
    }
    #expect(failure.message.hasPrefix("2 things could be the database Postgres"))
    #expect(failure.exitCode == .failedMixed)
  }

  @Test func ofTwoProjectsOfTheSameNameOursIsTheOneWithTheMarker() async throws {
    let bench = try Bench([Self.service("api")])
    let project = try #require(try await bench.platform.missing(bench.file).creations.first)
    try await bench.cut("ShipitProjectCreate")
    let began = bench.clock.now
    await bench.perform(project)
    await bench.core.change { world in
      guard let token = world.tokens.values.first else { return }
      _ = try? world.createProject(["name": "shop"], for: token)
    }
    guard
      case .done(let result) = await bench.platform.probe(bench.step(project), bench.call(began: began))
    else {
      Issue.record("not found")
      return
    }
    let ours = await bench.core.state.projects.values.first { $0.description != nil }
    #expect(result.externalID == ours?.id)
  }

  @Test func aServiceThatIsInAnotherEnvironmentOnlyIsATaskForAPerson() async throws {
    let bench = try Bench(
      [Self.service("api")],
      projects: [
        [
          "name": "shop", "workspace": "acme", "environments": ["production", "staging"],
          "services": [["name": "api", "environments": ["staging"]]],
        ]
      ])
    let missing = try await bench.platform.missing(bench.file)
    #expect(missing.creations.isEmpty)
    #expect(missing.manual.map(\.blocks) == [true])
    #expect(missing.manual.first?.title.contains("api has to be added to the environment production") == true)
  }

  @Test func aTemplateThatNamesItsServiceOtherwiseIsRefusedBeforeItIsDeployed() async throws {
    var database = Self.postgres
    database.create?.service = "Main"
    let bench = try Bench([], databases: [database])
    let creations = try await bench.platform.missing(bench.file).creations
    for creation in creations.dropLast() { await bench.perform(creation) }
    guard case .failed(let failure, false) = await bench.perform(try #require(creations.last)) else {
      Issue.record("it was made")
      return
    }
    #expect(failure.cause?.contains("makes Postgres, not Main") == true)
    #expect(await bench.core.state.services.isEmpty)
  }

  @Test func thirtyServicesFitIntoHobbysQuotaAndFreesIsSaidNotToDo() async throws {
    let services = (0..<30).map { Self.service("service-\($0)") }
    let bench = try Bench(services, plan: "hobby")
    await bench.core.limitRate(to: 1000, per: .seconds(3600))
    let creations = try await bench.makeAll()
    #expect(creations.count == 62)
    let spent = await bench.core.requests.count
    let observed = try await bench.platform.observe(bench.file)
    #expect(observed.services.count == 30)
    var plan = Plan(
      kind: .provision, app: "shop", environment: "prod", commit: "c",
      steps: creations.map(bench.step), deadline: .seconds(60))
    let making = RequestBudget(plan)
    #expect(spent <= making.requests, "\(spent) requests, \(making.requests) were said")
    plan.then = services.map { service in
      let target = ServiceTarget(service: service.key, platform: .railway, name: service.name, ids: [:])
      return PlannedService(
        service: service.key, platform: .railway, cutOver: .gated, address: nil, reasons: ["new"],
        settings: [], variables: [], previous: nil, previousCommit: nil, cannotRestore: nil,
        record: ReleasedService(
          target: target, source: .image("x"), commit: "c", deployment: nil, address: nil,
          settings: ServiceSettings(), variables: [:], health: Health(), cutOver: .gated, previous: nil))
    }
    let whole = RequestBudget(plan)
    #expect(whole.requests < 1000, "\(whole.requests) were said")
    #expect(whole.warning(limit: 1000, remaining: 1000) == nil)
    #expect(
      whole.warning(limit: 100, remaining: 100)?.contains("the quota is 100, as of the Free plan") == true)
    await bench.core.limitRate(to: 100, per: .seconds(3600))
    _ = try await bench.platform.missing(bench.file)
    #expect(await bench.platform.warnings(on: plan).count == 1)
  }
}
