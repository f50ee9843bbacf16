import Concurrency
import Crypto
import Foundation
import HTTP
import Ledgers
import Model
import Probing
import Runner
import TestSupport
import Twin

/// One product over all three platforms, whose twins share one virtual clock: `api` on Railway, `jobs` on Encore
/// after it, `web` on Vercel last.
struct ThreeWorld: Sendable {
  static let services: [ServiceName] = ["api", "jobs", "web"]

  let clock: any TimeSource
  let spawn: Spawner
  let railway: RailwayWorld
  let encore: EncoreCloudWorld
  let vercel: VercelWorld
  let ledger: MemoryLedger
  let told = Locked("")
  /// What `web` answered with, each once, in order.
  let seen = Locked<[String]>([])

  init(clock: any TimeSource, spawn: Spawner) async throws {
    self.clock = clock
    self.spawn = spawn
    railway = try await RailwayWorld(clock: clock, spawn: spawn)
    encore = try await EncoreCloudWorld(clock: clock, spawn: spawn)
    vercel = try await VercelWorld(clock: clock, spawn: spawn)
    ledger = MemoryLedger(environment: "prod", time: clock)
  }

  /// Lives a story in a world of its own, on a thread that has nothing else to do.
  static func live<Value: Sendable>(
    _ story: @escaping @Sendable (ThreeWorld) async throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { done in
      Thread.detachNewThread {
        done.resume(
          with: Result {
            try VirtualTime(start: Timestamp(milliseconds: 1_787_000_000_000)).run { clock, spawn in
              try await story(try await ThreeWorld(clock: clock, spawn: spawn))
            }
          })
      }
    }
  }

  func world(_ service: ServiceName) -> any PlatformWorld {
    switch service {
    case "api": railway
    case "jobs": encore
    default: vercel
    }
  }

  /// - Parameter watched: how long `web` is watched, which is how long the run goes on after the others' watch.
  func environment(watched: Duration?) -> Model.Environment {
    var whole = railway.environment(greeting: "hello")
    let others = [encore.environment(greeting: "hello"), vercel.environment(greeting: "hello")]
    whole.platforms.encore = others[0].platforms.encore
    whole.platforms.vercel = others[1].platforms.vercel
    var services = whole.services + others.flatMap(\.services)
    for (index, name) in ThreeWorld.services.enumerated() { services[index].key = name }
    services[1].needs = ["api"]
    services[2].needs = ["jobs"]
    if let watched {
      services[1].health.soak = .seconds(5)
      services[2].health.soak = watched
    }
    whole.services = services
    whole.protect.deadline = .seconds(7200)
    return whole
  }

  /// Deploys a commit, watching `web` as its users do.
  func deploy(_ index: Int, watched: Duration? = nil) async throws -> (
    result: OperationResult, took: Duration
  ) {
    let watch = spawn { [clock, vercel, seen] in
      while (try? await clock.sleep(for: .milliseconds(500))) != nil {
        guard let served = await vercel.served() else { continue }
        seen.withLock { if $0.last != served { $0.append(served) } }
      }
    }
    let secrets = secrets()
    let platforms: [PlatformName: any Platform] = [
      .railway: railway.platform(.owner, secrets), .encore: try encore.platform(.owner, secrets),
      .vercel: vercel.platform(.owner, secrets),
    ]
    let planning = Planning(
      environment: environment(watched: watched), ledger: ledger, platforms: platforms, secrets: secrets,
      history: Alphabet(),
      digest: { SHA256.digest(of: $0).hex })
    let chance = Locked(UInt64(index + 1))
    let context = OperationContext(
      ledger: ledger,
      performers: Performers(
        platforms: platforms,
        probing: HealthProber(
          http: InProcessTransport([railway.core, vercel.twin, encore.twin]), clock: clock,
          platformState: { target, id in try await platforms[target.platform]?.deployment(id, of: target) },
          serving: { target, host in
            try await platforms[target.platform]?.deployment(serving: host, of: target)
          },
          access: { target in try await platforms[target.platform]?.accessHeaders(of: target) ?? [] }),
        commands: NoPerformer()),
      surroundings: RunSurroundings(
        clock: clock, spawn: spawn,
        random: {
          chance.withLock { state in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
          }
        }, watch: { [told] event in told.withLock { $0 += "\(event)\n" } }),
      by: "ann@laptop",
      holder: Holder(name: "ann@laptop", purpose: "test", process: 1, nonce: "\(clock.now.milliseconds)"),
      digest: { SHA256.digest(of: $0).hex }, interrupter: Interrupter())
    let began = clock.now
    let revision = Revision(commit: Worlds.commits[index], subject: "commit \(index)", author: "ann")
    let result = await DeployOperation(
      context, planning: planning, request: DeployRequest(revision: revision)
    )
    .run { _ in true }
    let took = clock.now - began
    try await clock.sleep(for: .seconds(60))
    watch.cancel()
    return (result, took)
  }

  /// Services whose new code the run's journal tells to be live.
  func moved(in result: OperationResult) async throws -> Set<String> {
    guard let run = result.run else { return [] }
    var moved: Set<String> = []
    for entry in await ledger.journal(of: run.id) {
      if case .ended(let id, _, .done) = entry.fact, let step = run.plan.step(id), step.isCutOver {
        moved.insert(step.service?.rawValue ?? "")
      }
    }
    return moved
  }

  /// Whether a step was begun, by the run's journal.
  func begun(_ step: StepID, in result: OperationResult) async throws -> Bool {
    guard let run = result.run else { return false }
    return await ledger.journal(of: run.id).contains { entry in
      if case .began(step, _, _) = entry.fact { true } else { false }
    }
  }

  private func secrets() -> SecretValues {
    SecretValues(values: [
      "RAILWAY": Sensitive(Worlds.token), "TOKEN": Sensitive(Worlds.token),
      "APP_KEY": Sensitive(Worlds.secret), "ENCORE_CLIENT_ID": Sensitive("o2c_client"),
      "ENCORE_CLIENT_SECRET": Sensitive(Worlds.token), "ENCORE_AUTH_KEY": Sensitive("ena_" + Worlds.token),
    ]) { SHA256.digest(of: "fingerprint" + $0.reveal()).hex }
  }
}

/// No story runs a command.
private struct NoPerformer: StepPerformer {
  func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    .failed(Failure(.internalError, "no commands here"), moved: false)
  }
  func probe(_ step: Step, _ call: StepCall) async -> Finding { .absent }
  func abandon(_ step: Step, _ call: StepCall) async -> Abandonment { .cancelled }
}
