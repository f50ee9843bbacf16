import Concurrency
import Foundation
import HTTP
import JSON
import Model
import Probing
import Railway
import TestSupport
import Testing
import Twin

/// The adapter against the emulated platform, in one process under one clock.
@Suite struct TwinConformanceTests {
  static let first = "1111111111111111111111111111111111111111"
  static let second = "2222222222222222222222222222222222222222"

  /// A twin, the adapter and a prober, and the steps of one service.
  struct Bench {
    let clock = ManualClock()
    let services = ScriptedRuntime()
    let core: TwinCore
    let platform: RailwayPlatform
    let prober: HealthProber
    let file: Model.Environment
    let archive: String

    init(token: String = "account", environment: String = "production") throws {
      let seed: JSON = [
        "workspaces": [["name": "acme", "plan": "pro"]],
        "projects": [
          [
            "id": "p", "name": "shop", "workspace": "acme",
            "environments": [["id": "e", "name": "production"], ["id": "staging", "name": "staging"]],
            "services": [
              [
                "id": "api", "name": "api", "variables": ["GREETING": "hello"],
                "settings": ["healthcheckPath": "/health", "healthcheckTimeout": 20],
              ], ["id": "store", "name": "store", "volume": ["mountPath": "/data"]],
              ["id": "full", "name": "full", "volume": ["mountPath": "/data", "usedMB": 3000]],
              ["id": "img", "name": "img", "source": ["image": "acme/img:1"]],
              ["id": "repo", "name": "repo", "source": ["repo": "acme/repo"], "autoDeploy": true],
            ],
          ]
        ],
        "sources": [
          "images": ["acme/img:1": "/one", "acme/img:2": "/two"],
          "repositories": [
            "acme/repo": [
              ["commit": .string(first), "directory": "/r1"],
              ["commit": .string(second), "directory": "/r2"],
            ]
          ],
        ],
        "tokens": [
          ["token": "account", "kind": "account"],
          ["token": "project", "kind": "project", "project": "shop", "environment": "production"],
        ],
      ]
      core = try TwinCore(clock: clock, runtime: services, seed: seed, speed: 10)
      let transport = InProcessTransport(core: core, services: services)
      archive = FileManager.default.temporaryDirectory.path + "/railway-conformance-\(UUID().uuidString).tgz"
      let platform = RailwayPlatform(
        baseURL: InProcessTransport.base, http: transport, clock: clock, token: Sensitive(token),
        secrets: SecretValues(), packer: Packer(file: archive), version: "test", random: { 0.5 })
      self.platform = platform
      prober = HealthProber(http: transport, clock: clock) { try await platform.deployment($1, of: $0) }
      file = Model.Environment(
        name: "prod", app: "shop",
        platforms: Platforms(
          railway: RailwayTarget(project: "shop", environment: environment, tokenSecret: "RAILWAY_TOKEN")),
        services: ["api", "store", "img", "repo"].map {
          Model.Service(key: ServiceName(rawValue: $0), source: .image(Template(text: "x")))
        })
    }

    struct Packer: SourcePacker {
      var file: String
      func pack(path: String, root: String?, include: [String], commit: String) async throws(Failure)
        -> PackedSource
      {
        _ = FileManager.default.createFile(atPath: file, contents: Data([0x1F, 0x8B, 8, 0]))
        return PackedSource(file: file, bytes: 4, files: 1, digest: "d")
      }
    }

    func target(_ service: String) -> ServiceTarget {
      ServiceTarget(
        service: ServiceName(rawValue: service), platform: .railway, name: service,
        ids: ["service": service, "environment": "e", "project": "p"])
    }

    func step(_ id: String, _ action: StepAction) -> Step {
      Step(id: StepID(id), title: id, action: action, limit: .seconds(90))
    }

    func call(run: Int = 1, externalID: String? = nil) -> StepCall {
      StepCall(
        run: RunFacts(
          id: RunID(run), release: run, app: "shop", environment: "prod", commit: "c", startedAt: clock.now),
        attempt: 1, beganAt: clock.now, externalID: externalID, deadline: clock.now + .seconds(90))
    }

    func deployStep(_ source: PlannedSource, commit: String = first, to service: String = "api") -> Step {
      step(
        "\(service).deploy",
        .deploy(
          Model.Deployment.Request(
            target: target(service), source: source, commit: commit, previous: nil, cutOver: .gated)))
    }

    func deploy(_ source: PlannedSource, commit: String = first, to service: String = "api", run: Int = 1)
      async -> Outcome
    {
      await platform.perform(deployStep(source, commit: commit, to: service), call(run: run))
    }

    func write(_ values: [String: String], run: Int = 1) async -> Outcome {
      await platform.perform(
        step(
          "api.variables",
          .variables(VariablesWrite(target: target("api"), set: values.mapValues { PlannedValue.text($0) }))),
        call(run: run))
    }

    func restore(_ deployment: String, _ mode: Restore.Mode = .codeAndVariables, commit: String? = first)
      -> Step
    {
      step(
        "api.restore",
        .restore(
          Restore(
            target: target("api"), deployment: deployment, commit: commit, mode: mode, limit: .seconds(300))))
    }

    func behave(_ script: JSON) async throws { await core.add(try FaultScript(script)) }
  }

  private let directory = PlannedSource.directory(path: ".", root: nil, include: [])

  @Test("observes what is seeded", arguments: ["account", "project"])
  func observe(token: String) async throws {
    let bench = try Bench(token: token)
    _ = await bench.deploy(directory)
    let observation = try await bench.platform.observe(bench.file)
    let api = try #require(observation.services["api"])
    #expect(api.target.ids == ["service": "api", "environment": "e", "project": "p"])
    #expect(api.address?.hasPrefix("http://127.0.0.1:") == true)
    #expect(api.variables["GREETING"] == .some(.some(Sensitive("hello"))))
    #expect(api.settings.healthPath == "/health" && api.settings.replicas == 1)
    #expect(api.live?.status == .live && api.live?.commit == Self.first && api.restoreMode != nil)
    #expect(observation.services["store"]?.cutOver == .stopFirst)
    #expect(observation.services["repo"]?.autoDeploys == true)
    #expect(observation.services["img"]?.connectedSource == "acme/img:1")
    let live = try await bench.platform.live(bench.file)
    #expect(live["api"]?.live?.id == api.live?.id)
    #expect(await bench.platform.examine(bench.file).allSatisfy { $0.verdict != .bad })
  }

  @Test("a project token of another environment is refused before anything is read")
  func wrongPlace() async throws {
    let bench = try Bench(token: "project", environment: "staging")
    await #expect { try await bench.platform.observe(bench.file) } throws: {
      ($0 as? Failure)?.kind == .authentication
    }
    let unknown = try Bench(token: "nobody")
    await #expect { try await unknown.platform.observe(unknown.file) } throws: {
      ($0 as? Failure)?.kind == .authentication
    }
  }

  @Test("deploys, proves what is served, and goes back with the old variables")
  func deployAndRollBack() async throws {
    let bench = try Bench()
    #expect(await bench.write(["SHIPIT_COMMIT": Self.first, "MODE": "one"]).result != nil)
    let one = try #require(await bench.deploy(directory).result?.externalID)
    #expect(!FileManager.default.fileExists(atPath: bench.archive), "the packed source is deleted")
    _ = await bench.write(["SHIPIT_COMMIT": Self.second, "MODE": "two"], run: 2)
    let two = try #require(await bench.deploy(directory, commit: Self.second, run: 2).result?.externalID)
    let observation = try await bench.platform.observe(bench.file)
    let api = try #require(observation.services["api"])
    #expect(api.live?.id == two && api.live?.marker?.run == RunID(2))

    let health = Health(
      path: "/health", identity: .json("version"), within: .seconds(30), grace: .zero, soak: .seconds(2))
    func prove(_ commit: String) async -> Outcome {
      let request = ProofRequest(
        target: api.target, address: api.address, health: health, commit: commit, deployment: two)
      return await bench.prober.perform(bench.step("api.prove", .prove(request)), bench.call())
    }
    #expect(await prove(Self.second).result?.proof == .served)
    #expect(await prove(Self.first).failure?.message.contains("serves 2222222…") == true)

    let back = await bench.platform.perform(bench.restore(one), bench.call(run: 2))
    let restored = try #require(back.result?.externalID)
    #expect(restored != one && restored != two)
    #expect(await prove(Self.first).result?.proof == .served, "the old variables are back in the process")
    #expect(await bench.core.count(of: "deploymentRollback") == 1)
    #expect(try await bench.platform.restorableVariables(of: api.target, deployment: one).contains("MODE"))

    let old = await bench.platform.perform(
      bench.step(
        "api.variables.back",
        .variables(VariablesWrite(target: api.target, set: ["MODE": .deployment(id: one)]))),
      bench.call(run: 2))
    #expect(old.result != nil)
    let stored = try await bench.platform.observe(bench.file).services["api"]?.variables["MODE"]
    #expect(stored == .some(.some(Sensitive("one"))))
  }

  @Test("automatic deploys are turned off, and a setting is emptied")
  func configuring() async throws {
    let bench = try Bench()
    let off = SettingsWrite(
      target: bench.target("repo"), settings: ServiceSettings(), changes: [], autoDeploys: false)
    #expect(
      await bench.platform.perform(bench.step("repo.settings", .settings(off)), bench.call()).result != nil)
    var wanted = ServiceSettings()
    wanted.memory = 1_000_000_000
    wanted.start = "./run"
    let write = SettingsWrite(
      target: bench.target("api"), settings: wanted, changes: [], clear: ["health path"])
    let step = bench.step("api.settings", .settings(write))
    #expect(await bench.platform.perform(step, bench.call()).result != nil)
    guard case .done = await bench.platform.probe(step, bench.call()) else {
      Issue.record("the settings are not so")
      return
    }
    let observation = try await bench.platform.observe(bench.file)
    #expect(observation.services["repo"]?.autoDeploys == false)
    #expect(observation.services["api"]?.settings.healthPath == nil)
  }

  @Test("code alone goes back by a redeploy")
  func codeOnly() async throws {
    let bench = try Bench()
    let one = try #require(await bench.deploy(directory).result?.externalID)
    _ = await bench.deploy(directory, commit: Self.second, run: 2)
    let back = await bench.platform.perform(bench.restore(one, .codeOnly), bench.call(run: 2))
    #expect(back.result?.externalID != nil && back.result?.externalID != one)
  }

  @Test("images and repository commits are deployed as asked for")
  func imagesAndRepositories() async throws {
    let bench = try Bench()
    #expect(
      await bench.deploy(.image("acme/img:2"), to: "img").result?.facts["image"]?.hasPrefix("acme/img:2")
        == true)
    let repository = PlannedSource.repository(name: "acme/repo", commit: Self.second)
    #expect(await bench.deploy(repository, to: "repo").result?.facts["commit"] == Self.second)
    let unknown = PlannedSource.repository(name: "acme/repo", commit: String(repeating: "9", count: 40))
    #expect(await bench.deploy(unknown, to: "repo").moved == false)
  }

  @Test(
    "each way a deployment goes astray has its outcome",
    arguments: [
      ("build-fails", "failed", "build failed"), ("pre-deploy-fails", "failed", "pre-deploy"),
      ("gate-never-passes", "failed", "health check"), ("skipped", "failed", "skipped"),
      ("needs-approval", "waiting", nil), ("vanishes", "unknowable", "vanished"),
    ] as [(String, String, String?)])
  func astray(behaviour: String, word: String, message: String?) async throws {
    let bench = try Bench()
    try await bench.behave(["deployment": .string(behaviour), "after": 0.1])
    let outcome = await bench.deploy(directory)
    #expect(outcome.word == word, "\(outcome)")
    if let message { #expect(outcome.failure?.message.contains(message) == true, "\(outcome)") }
  }

  @Test("a deployment that gives way to a foreign one is stale, a stuck one runs out of time")
  func supersededAndStuck() async throws {
    let superseded = try Bench()
    try await superseded.behave(["deployment": "superseded", "after": 0.1])
    #expect(await superseded.deploy(directory).failure?.kind == .stale)
    let stuck = try Bench()
    try await stuck.behave(["deployment": "stuck", "status": "BUILDING"])
    #expect(await stuck.deploy(directory).failure?.kind == .timeout)
    let states = try await stuck.platform.live(stuck.file)
    #expect(states["api"]?.newest?.status == .removed)
  }

  @Test(
    "an upload whose answer is lost is ambiguous, and found by its marker",
    arguments: ["cut", "problem-after"])
  func lostAnswer(fault: String) async throws {
    let bench = try Bench()
    let isUpload = fault == "cut"
    let source = isUpload ? directory : .image("acme/img:2")
    let service = isUpload ? "api" : "img"
    try await bench.behave(["operation": isUpload ? "upload" : "ShipitDeploy", "fault": .string(fault)])
    let call = bench.call()
    let step = bench.deployStep(source, to: service)
    let outcome = await bench.platform.perform(step, call)
    #expect(outcome.word == "ambiguous", "\(outcome)")
    guard case .underWay(let id) = await bench.platform.probe(step, call) else {
      Issue.record("not found again")
      return
    }
    #expect(await bench.platform.perform(step, bench.call(externalID: id)).result?.externalID == id)
    #expect(await bench.core.count(of: isUpload ? "upload" : "serviceInstanceDeployV2") == 1)
  }

  @Test("a rollback that never appears is not called done")
  func rollbackNeverAppears() async throws {
    let bench = try Bench()
    let one = try #require(await bench.deploy(directory).result?.externalID)
    _ = await bench.deploy(directory, commit: Self.second, run: 2)
    try await bench.behave(["deployment": "never-appears", "trigger": "rollback"])
    #expect(await bench.platform.perform(bench.restore(one), bench.call(run: 2)).word == "unknowable")
  }

  @Test("giving up before it is live cancels the deployment")
  func abandon() async throws {
    let bench = try Bench()
    try await bench.behave(["deployment": "stuck", "status": "BUILDING"])
    let step = bench.deployStep(directory)
    _ = await bench.platform.perform(step, bench.call())
    try await bench.behave(["deployment": "stuck", "status": "BUILDING"])
    let call = bench.call(run: 3)
    let task = Task { await bench.platform.perform(step, call) }
    while await bench.core.count(of: "upload") < 2 { await Task.yield() }
    task.cancel()
    _ = await task.value
    #expect(await bench.platform.abandon(step, call) == .cancelled)
  }
}
