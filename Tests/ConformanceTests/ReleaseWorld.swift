import Concurrency
import Crypto
import Encore
import Engine
import Foundation
import HTTP
import JSON
import Ledgers
import Model
import Probing
import Railway
import Redaction
import Runner
import TestSupport
import Twin
import Vercel

/// All three twins on one clock and behind one transport, with a release of services over all of them: those
/// of Railway first, then `jobs` on Encore, which needs `api`, then those of Vercel, which need `jobs`.
struct ReleaseWorld: Sendable {
  /// What the release consists of.
  struct Shape: Sendable {
    /// `api`, `api2` …
    var railway = 1
    /// `web`, `web2` …
    var vercel = 1
    /// The front ends read the address of `api` when they are built, so that they wait for it.
    var webReadsAPI = false
    /// How long the front ends are watched, when that is long after the watch of `jobs` has ended.
    var watched: Duration?

    var apis: [String] { (1...railway).map { $0 == 1 ? "api" : "api\($0)" } }
    var webs: [String] { (1...vercel).map { $0 == 1 ? "web" : "web\($0)" } }
  }

  static let jobsAddress = "127.0.0.1:31000"

  let shape: Shape
  let clock: any TimeSource
  let spawn: Spawner
  let runtime = ScriptedRuntime()
  let railway: TwinCore
  let encore: EncoreTwin
  let vercel: VercelTwin
  let ledger: MemoryLedger
  let files: ScratchDirectory
  let told = Locked("")
  let events = Locked<[RunEvent]>([])
  private let chance = Locked(UInt64(1))

  init(_ shape: Shape, _ clock: any TimeSource, _ spawn: Spawner) async throws {
    self.shape = shape
    self.clock = clock
    self.spawn = spawn
    files = try ScratchDirectory()
    ledger = MemoryLedger(environment: "prod", time: clock)
    railway = try TwinCore(
      clock: clock, runtime: runtime, seed: ReleaseWorld.railwaySeed(shape), recording: Recording.ofTests)
    encore = try await EncoreTwin(
      EmulationSetup(seed: ReleaseWorld.encoreSeed, clock: clock, recording: Recording.ofTests))
    vercel = try VercelTwin(
      EmulationSetup(seed: ReleaseWorld.vercelSeed(shape), clock: clock, recording: Recording.ofTests))
  }

  /// Lives a story in a world of its own, on a thread that has nothing else to do.
  static func live<Value: Sendable>(
    _ shape: Shape, _ story: @escaping @Sendable (ReleaseWorld) async throws -> Value
  ) async throws -> Value {
    let play = VirtualTime(start: Timestamp(milliseconds: 1_787_000_000_000)).begin { clock, spawn in
      try await story(try await ReleaseWorld(shape, clock, spawn))
    }
    return try await withCheckedThrowingContinuation { done in
      worlds.addOperation { done.resume(with: Result { try play() }) }
    }
  }

  /// Worlds are busy, never waiting: more of them at once than processors would only take turns.
  private static let worlds: OperationQueue = {
    let queue = OperationQueue()
    queue.maxConcurrentOperationCount = ProcessInfo.processInfo.activeProcessorCount
    return queue
  }()

  var transport: any HTTPTransport { InProcessTransport([railway, encore, vercel]) }

  // MARK: What there is before the first release

  private static func railwaySeed(_ shape: Shape) -> JSON {
    [
      "workspaces": [["name": "acme", "plan": "pro"]],
      "projects": [
        [
          "name": "shop", "workspace": "acme", "environments": ["production"],
          "services": .array(shape.apis.map { ["name": .string($0)] }),
        ]
      ],
      "tokens": [["token": .string(Worlds.token), "kind": "workspace", "workspace": "acme"]],
    ]
  }

  private static let encoreSeed: JSON = [
    "apps": [
      [
        "slug": "shop-x1", "lang": "typescript",
        "commits": .array(Worlds.commits.map { ["sha": .string($0)] }),
        "environments": [["name": "prod", "type": "production", "port": 31_000, "mixed": 2]],
      ]
    ],
    "clients": [["id": "o2c_client", "secret": .string(Worlds.token), "app": "shop-x1"]],
    "authKeys": [["key": .string("ena_" + Worlds.token), "app": "shop-x1"]],
  ]

  private static func vercelSeed(_ shape: Shape) -> JSON {
    [
      "teams": [["id": "team_acme", "slug": "acme"]],
      "projects": .array(
        shape.webs.map { ["id": .string("prj_" + $0), "name": .string($0), "team": "acme"] }),
      "tokens": [["token": .string(Worlds.token), "kind": "team", "team": "acme"]],
    ]
  }

  // MARK: What is declared

  /// The environment file of a commit: a variable of every service changes with it.
  func environment(_ index: Int) -> Model.Environment {
    let greeting: [String: VariableValue] = [
      "GREETING": .text(Template(text: "hello \(index)")), "APP_KEY": .secret("APP_KEY"),
    ]
    let source = ServiceSource.directory(path: ".", root: nil, include: [])
    var services = shape.apis.map { name in
      Service(
        key: ServiceName(rawValue: name), source: source, variables: greeting,
        health: Health(
          path: "/health", identity: .json("version"), within: .seconds(60), steady: 2, grace: .seconds(5),
          soak: .seconds(20)))
    }
    services.append(
      Service(
        key: "jobs", platform: .encore, source: source, needs: ["api"], variables: greeting,
        health: Health(
          url: "http://" + ReleaseWorld.jobsAddress, identity: .encore, within: .seconds(60), steady: 3,
          grace: .seconds(10), soak: shape.watched == nil ? .seconds(30) : .seconds(5))))
    services += shape.webs.map { name in
      var variables = greeting
      if shape.webReadsAPI {
        variables["NEXT_PUBLIC_API_URL"] = .text(Template([.reference(.serviceURL("api"))]))
      }
      return Service(
        key: ServiceName(rawValue: name), platform: .vercel, source: source,
        needs: shape.webReadsAPI ? ["jobs", "api"] : ["jobs"], buildNeeds: shape.webReadsAPI ? ["api"] : [],
        variables: variables,
        health: Health(
          path: "/health", identity: .vercel, within: .seconds(60), steady: 2, grace: .seconds(5),
          soak: shape.watched ?? .seconds(20)))
    }
    return Model.Environment(
      name: "prod", app: "shop",
      platforms: Platforms(
        railway: RailwayTarget(project: "shop", environment: "production", tokenSecret: "TOKEN"),
        vercel: VercelTarget(team: "acme", tokenSecret: "TOKEN"), encore: encoreTarget),
      protect: Protection(deadline: .seconds(2400)), services: services)
  }

  private var encoreTarget: EncoreTarget {
    EncoreTarget(
      app: "shop-x1", environment: "prod", clientIDSecret: "ENCORE_CLIENT_ID",
      clientSecretSecret: "ENCORE_CLIENT_SECRET", keySecret: "ENCORE_AUTH_KEY")
  }

  // MARK: The wiring, as the command line does it

  private func platforms(_ secrets: SecretValues) throws(Failure) -> [PlatformName: any Platform] {
    let http = transport
    return [
      .railway: RailwayPlatform(
        baseURL: InProcessTransport.base, http: http, clock: clock, token: Sensitive(Worlds.token),
        secrets: secrets, packer: OneFilePacker(directory: files.path), spawn: spawn,
        random: { Double(draw() % 1000) / 1000 }),
      .encore: try EncorePlatform(
        baseURL: InProcessTransport.bases["encore"] ?? "", http: http, clock: clock, target: encoreTarget,
        secrets: secrets, repository: PushedCommits(), appearance: .seconds(60),
        random: { Double(draw() % 1000) / 1000 }),
      .vercel: VercelPlatform(
        baseURL: InProcessTransport.bases["vercel"] ?? "", http: http, clock: clock,
        token: Sensitive(Worlds.token), secrets: secrets,
        packer: OneFilePacker(directory: files.path, name: "health/index.html"),
        temporaryDirectory: files.path, disk: .inline, random: { Double(draw() % 1000) / 1000 }),
    ]
  }

  /// Deploys a commit, to the end of the command.
  func deploy(_ index: Int) async throws -> OperationResult {
    let secrets = SecretValues(values: [
      "TOKEN": Sensitive(Worlds.token), "APP_KEY": Sensitive(Worlds.secret),
      "ENCORE_CLIENT_ID": Sensitive("o2c_client"), "ENCORE_CLIENT_SECRET": Sensitive(Worlds.token),
      "ENCORE_AUTH_KEY": Sensitive("ena_" + Worlds.token),
    ]) { SHA256.digest(of: "fingerprint" + $0.reveal()).hex }
    let platforms = try platforms(secrets)
    @Sendable func platform(_ target: ServiceTarget) throws(Failure) -> any Platform {
      guard let found = platforms[target.platform] else {
        throw Failure(.internalError, "no platform \(target.platform.rawValue) here")
      }
      return found
    }
    let redactor = Redactor(secrets: secrets.all.map { ($0.name, $0.value.reveal()) })
    let context = OperationContext(
      ledger: ledger,
      performers: Performers(
        platforms: platforms,
        probing: HealthProber(
          http: transport, clock: clock,
          platformState: { target, id in try await platform(target).deployment(id, of: target) },
          serving: { target, host in try await platform(target).deployment(serving: host, of: target) },
          access: { target in try await platform(target).accessHeaders(of: target) }),
        commands: NoCommands()),
      surroundings: RunSurroundings(
        clock: clock, spawn: spawn, random: { draw() }, redact: { redactor.redact($0) },
        watch: { event in
          told.withLock { $0 += "\(event)\n" }
          events.withLock { $0.append(event) }
        }),
      by: "ann@laptop",
      holder: Holder(
        name: "ann@laptop", purpose: "deploy", process: 1, nonce: "\(clock.now.milliseconds)"),
      digest: { SHA256.digest(of: $0).hex }, interrupter: Interrupter())
    let planning = Planning(
      environment: environment(index), ledger: ledger, platforms: platforms, secrets: secrets,
      history: Alphabet(), digest: { SHA256.digest(of: $0).hex })
    let revision = Revision(commit: Worlds.commits[index], subject: "commit \(index)", author: "ann")
    let result = await DeployOperation(
      context, planning: planning, request: DeployRequest(revision: revision)
    ).run { _ in true }
    told.withLock {
      $0 += "\(result.failure, default: "")\n\(result.result, default: "")\n\(result.plan, default: "")\n"
    }
    return result
  }

  /// Everything that was said and recorded.
  func everythingTold() async -> String {
    var text = told.withLock { $0 }
    for run in await ledger.runs(limit: 10) { text += "\(run)\n\(await ledger.journal(of: run.id))\n" }
    return text + "\(await ledger.releases(limit: 10))"
  }

  private func draw() -> UInt64 {
    chance.withLock { state in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
  }
}
