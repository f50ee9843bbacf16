import Archive
import Concurrency
import Crypto
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

/// Engine, adapters and twin in one process under one clock: a project with two services, `web` needs `api`,
/// of which the first release has been deployed.
struct FaultWorld: Sendable {
  static let token = "t0ken-planted-3f9a71"
  static let secret = "s3cret-planted-77c1d0"
  static let commits = [String(repeating: "a", count: 40), String(repeating: "b", count: 40)]

  let clock: any TimeSource
  let spawn: Spawner
  let services = ScriptedRuntime()
  let core: TwinCore
  let ledger: MemoryLedger
  let row: FaultRow
  let files: ScratchDirectory

  /// Writes what was asked and answered; for `SHIPIT_RECORD`.
  static let recording: Recording? = {
    guard let path = ProcessInfo.processInfo.environment["SHIPIT_RECORD"] else { return nil }
    return try? Recording(path: path)
  }()

  init(_ row: FaultRow, _ clock: any TimeSource, _ spawn: Spawner) throws {
    self.row = row
    self.clock = clock
    self.spawn = spawn
    core = try TwinCore(
      clock: clock, runtime: services, seed: FaultWorld.seed(row.setup), recording: FaultWorld.recording)
    ledger = MemoryLedger(environment: "prod", time: clock)
    files = try ScratchDirectory()
  }

  /// Lives through a row from an empty account to the end of its command.
  static func outcome(of row: FaultRow) async throws -> FaultOutcome {
    let play = VirtualTime(start: Timestamp(milliseconds: 1_787_000_000_000)).begin { clock, spawn in
      try await FaultWorld(row, clock, spawn).live()
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

  private func live() async throws -> FaultOutcome {
    await core.change { $0.switches.acceptsAnyImage = true }
    if row.setup.hasFirstRelease { try await release(0) }
    if case .rollback = row.command { try await release(1) }
    // A person's pause, so that nothing of the first command is still on its way.
    try await clock.sleep(for: .seconds(60))
    await core.change(row.setup.prepare)
    for script in row.scripts { await core.add(try FaultScript(script)) }

    let first = await core.requests.count
    let known = Set(await core.state.deploymentOrder)
    let before = await variables()
    let began = clock.now
    let told = Locked("")
    let happening = row.setup.later.map { later in
      spawn {
        guard (try? await clock.sleep(for: later.after)) != nil else { return }
        await later.what(core)
      }
    }
    let outage = Locked(Duration.zero)
    let watching = spawn { await watch(outage) }
    let result = await command(told)
    let ended = clock.now
    happening?.cancel()
    watching.cancel()
    var outcome = await outcome(result, told, first, known, before, ended - began)
    outcome.outage = outage.withLock { $0 }
    if result.result?.state == .inFlight { outcome.next = await next() }
    return outcome
  }

  /// The same command once more, some minutes after the fault is over.
  private func next() async -> FaultRow.Next {
    await core.clearFaults()
    await core.limitRate(to: 100_000, per: .seconds(3600))
    await core.change { world in for token in world.tokens.keys { world.tokens[token]?.isRevoked = false } }
    try? await clock.sleep(for: .seconds(300))
    let result = await command(Locked(""))
    return FaultRow.Next(
      exit: result.exit, live: FaultRow.Live(api: await served("api"), web: await served("web")))
  }

  /// Adds up the time during which `api` answers nobody.
  private func watch(_ outage: Locked<Duration>) async {
    guard row.setup.hasVolume else { return }
    let look = Duration.milliseconds(250)
    while (try? await clock.sleep(for: look)) != nil {
      if await served("api") == "nothing" { outage.withLock { $0 += look } }
    }
  }

  /// Deploys a commit that has to succeed.
  private func release(_ index: Int) async throws {
    let told = Locked("")
    let planning = planning(environment(index), token: FaultWorld.token, secret: nil)
    let operation = DeployOperation(
      context(planning.platform, planning.secrets, told), planning: planning.planning,
      request: DeployRequest(revision: revision(index)))
    let result = await operation.run { _ in true }
    guard result.exit == .done else {
      throw Failure(
        .internalError, "release \(index + 1) was not made: \(result.exit)",
        cause: "\(result.failure ?? result.result?.failure, default: "nothing said")")
    }
    try await clock.sleep(for: .seconds(60))
  }

  private func command(_ told: Locked<String>) async -> OperationResult {
    var environment = environment(row.setup.changesNothing ? 0 : 1)
    row.setup.environment(&environment)
    let parts = planning(environment, token: row.setup.token, secret: row.setup.secret)
    let context = context(parts.platform, parts.secrets, told)
    switch row.command {
    case .deploy:
      return await DeployOperation(
        context, planning: parts.planning,
        request: DeployRequest(revision: revision(row.setup.changesNothing ? 0 : 1))
      ).run { _ in true }
    case .rollback(let codeOnly):
      return await RollbackOperation(
        context, planning: parts.planning, request: RollbackRequest(codeOnly: codeOnly, reason: "too slow")
      ).run { _ in true }
    }
  }

  // MARK: What is declared

  static func seed(_ setup: FaultRow.Setup) -> JSON {
    var api: [String: JSON] = [
      "name": "api", "variables": ["KEPT": "by hand", "SIGNING_KEY": "an-older-key"],
    ]
    if setup.isFromRepository { api["source"] = ["repo": "acme/api", "branch": "main"] }
    if setup.hasVolume { api["volume"] = ["mountPath": "/data"] }
    let pushed = setup.isUnpushed ? [commits[0]] : commits
    return [
      "workspaces": [["name": "acme", "plan": "pro"]],
      "projects": [
        [
          "name": "shop", "workspace": "acme", "environments": ["production", "staging"],
          "services": [.object(api), ["name": "web", "source": ["image": "ghcr.io/acme/web:none"]]],
        ]
      ],
      "tokens": tokens,
      "sources": [
        "repositories": ["acme/api": .array(pushed.map { ["commit": .string($0), "directory": "/src"] })]
      ],
    ]
  }

  private static let tokens: JSON = [
    ["token": .string(token), "kind": "workspace", "workspace": "acme"],
    ["token": "pr0ject-token", "kind": "project", "project": "shop", "environment": "production"],
    ["token": "staging-token", "kind": "project", "project": "shop", "environment": "staging"],
  ]

  /// The environment file of the first (0) or second (1) commit: of `api` one variable changes, one is added,
  /// one goes.
  private func environment(_ index: Int) -> Model.Environment {
    let health = Health(
      path: "/health", identity: .json("version"), within: .seconds(60), steady: 2, grace: .seconds(5),
      soak: .seconds(20))
    var api = Service(
      key: "api", source: .directory(path: ".", root: nil, include: []),
      variables: [
        "GREETING": .text(Template(text: "hello \(index)")), "SIGNING_KEY": .secret("SIGNING_KEY"),
        "LEVEL": .text(Template(text: "info")),
      ], health: health)
    if row.setup.isFromRepository { api.source = .repository("acme/api") }
    let name = index == 0 ? "OLD" : "NEW"
    api.variables[name] = .text(Template(text: name.lowercased()))
    let web = Service(
      key: "web",
      source: .image(Template([.text("ghcr.io/acme/web:"), .reference(.commit)])), needs: ["api"],
      variables: ["TITLE": .text(Template(text: "shop \(index)"))], health: health)
    return Model.Environment(
      name: "prod", app: "shop",
      platforms: Platforms(
        railway: RailwayTarget(project: "shop", environment: "production", tokenSecret: "RAILWAY_API_TOKEN")),
      protect: Protection(deadline: .seconds(1800)), services: [api, web])
  }

  private func revision(_ index: Int) -> Revision {
    Revision(commit: FaultWorld.commits[index], subject: "commit \(index)", author: "ann")
  }

  // MARK: The wiring, as the command line does it

  private func planning(_ environment: Model.Environment, token: String, secret: String?) -> (
    planning: Planning, platform: RailwayPlatform, secrets: SecretValues
  ) {
    let secrets = SecretValues(values: [
      "RAILWAY_API_TOKEN": Sensitive(token),
      "SIGNING_KEY": Sensitive(secret ?? FaultWorld.secret),
    ]) { SHA256.digest(of: "fingerprint" + $0.reveal()).hex }
    let chance = Locked(UInt64(1))
    let platform = RailwayPlatform(
      baseURL: InProcessTransport.base, http: InProcessTransport(core: core, services: services),
      clock: clock,
      token: Sensitive(token), secrets: secrets, packer: TinyPacker(directory: files.path),
      spawn: spawn, random: { Double(FaultWorld.draw(chance) % 1000) / 1000 })
    let planning = Planning(
      environment: environment, ledger: ledger, platforms: [.railway: platform], secrets: secrets,
      history: StraightHistory(), digest: { SHA256.digest(of: $0).hex })
    return (planning, platform, secrets)
  }

  private func context(_ platform: RailwayPlatform, _ secrets: SecretValues, _ told: Locked<String>)
    -> OperationContext
  {
    let redactor = Redactor(secrets: secrets.all.map { ($0.name, $0.value.reveal()) })
    let chance = Locked(UInt64(7))
    let performers = Performers(
      platforms: [.railway: platform],
      probing: HealthProber(
        http: InProcessTransport(core: core, services: services), clock: clock,
        platformState: { target, id in try await platform.deployment(id, of: target) }),
      commands: NoCommands())
    return OperationContext(
      ledger: ledger, performers: performers,
      surroundings: RunSurroundings(
        clock: clock, spawn: spawn, random: { FaultWorld.draw(chance) },
        redact: { redactor.redact($0) }, watch: { event in told.withLock { $0 += "\(event)\n" } }),
      by: "ann@laptop",
      holder: Holder(name: "ann@laptop", purpose: "test", process: 1, nonce: "\(clock.now.milliseconds)"),
      digest: { SHA256.digest(of: $0).hex }, interrupter: Interrupter())
  }

  private static func draw(_ state: Locked<UInt64>) -> UInt64 {
    state.withLock { state in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
  }

  // MARK: What is found afterwards

  private func outcome(
    _ result: OperationResult, _ told: Locked<String>, _ first: Int, _ known: Set<String>,
    _ before: [String: String], _ duration: Duration
  ) async -> FaultOutcome {
    let state = await core.state
    let fresh = state.deploymentOrder.filter { !known.contains($0) }.compactMap { state.deployments[$0] }
    func name(_ deployment: Twin.Deployment) -> String { state.services[deployment.key.service]?.name ?? "?" }
    var text = told.withLock { $0 }
    text += "\(result.failure, default: "")\n\(result.result, default: "")\n\(result.plan, default: "")\n"
    for run in await ledger.runs(limit: 10) {
      text += "\(run)\n\(await ledger.journal(of: run.id))\n"
    }
    text += "\(await ledger.releases(limit: 10))\n"
    return FaultOutcome(
      exit: result.exit, state: result.result?.state, failure: result.failure ?? result.result?.failure,
      rollbackFailure: result.result?.rollbackFailure, warnings: result.plan?.warnings ?? [],
      exposure: result.result?.exposure ?? [:],
      cutOver: Dictionary(
        uniqueKeysWithValues: (result.plan?.services ?? []).map { ($0.service, $0.cutOver) }),
      outage: .zero,
      builtCommits: fresh.filter { name($0) == "api" }.compactMap { $0.meta["commitHash"]?.string },
      autoDeploys: state.instances.values.contains {
        $0.autoDeploy.enabled && state.environments[$0.key.environment]?.name == "production"
      },
      deadline: result.plan?.deadline ?? .seconds(1800),
      live: FaultRow.Live(api: await served("api"), web: await served("web")), before: before,
      after: await variables(), duration: duration,
      deployments: fresh.filter { $0.trigger != .foreign }.map { "\(name($0)) \($0.trigger.rawValue)" },
      foreign: fresh.filter { $0.trigger == .foreign && ($0.isServing || $0.isInFlight) }.map(name),
      requests: await core.requests.dropFirst(first).map { ($0.operation ?? "?", $0.service) }, told: text)
  }

  /// The revision that a service answers with, as the name of its commit.
  private func served(_ service: String) async -> String {
    let state = await core.state
    guard let id = state.services.values.first(where: { $0.name == service })?.id,
      let address = state.instances.first(where: {
        $0.key.service == id && state.environments[$0.key.environment]?.name == "production"
      })?.value.address,
      let answer = services.answer(address: address, path: "/health"), answer.status == 200,
      let version = try? JSON(parsing: answer.body)["version"]?.string
    else { return "nothing" }
    guard let index = FaultWorld.commits.firstIndex(of: version) else { return "other" }
    return ["A", "B"][index]
  }

  private func variables() async -> [String: String] {
    let state = await core.state
    var all: [String: String] = [:]
    for (key, instance) in state.instances where state.environments[key.environment]?.name == "production" {
      for (name, variable) in instance.variables {
        all["\(state.services[key.service]?.name ?? "?").\(name)"] = variable.value
      }
    }
    return all
  }
}

/// A history in which each commit follows the one before.
private struct StraightHistory: RevisionHistory {
  func resolve(_ revision: String) async throws(Failure) -> Revision {
    Revision(commit: revision, subject: "", author: "ann")
  }

  func relation(of commit: String, to other: String) async throws(Failure) -> CommitRelation {
    let places = [commit, other].map { FaultWorld.commits.firstIndex(of: $0) ?? -1 }
    return places[0] == places[1] ? .same : places[0] < places[1] ? .ancestor : .descendant
  }

  func isCommit(_ commit: String, onBranch branch: String) async throws(Failure) -> Bool { true }
  func changedFiles(under paths: [String]) async throws(Failure) -> [String] { [] }
  func missingDirectories(of paths: [String], in commit: String) async throws(Failure) -> [String] { [] }
}

/// Packs one small file.
private struct TinyPacker: SourcePacker {
  let directory: String

  func pack(path: String, root: String?, include: [String], commit: String) async throws(Failure)
    -> PackedSource
  {
    let file = "\(directory)/\(UUID().uuidString).tar.gz"
    do {
      let writer = try ArchiveWriter(to: file)
      try writer.addFile("./main", bytes: Array(commit.utf8))
      try writer.finish()
    } catch { throw Failure(.internalError, "cannot pack: \(error)") }
    return PackedSource(file: file, bytes: 200, files: 1, digest: SHA256.digest(of: commit).hex)
  }
}

/// No row runs a command.
private struct NoCommands: StepPerformer {
  func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    .failed(Failure(.internalError, "no commands here"), moved: false)
  }
  func probe(_ step: Step, _ call: StepCall) async -> Finding { .absent }
  func abandon(_ step: Step, _ call: StepCall) async -> Abandonment { .cancelled }
}
