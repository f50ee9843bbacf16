import Concurrency
import Crypto
import Engine
import Foundation
import HTTP
import Ledgers
import Model
import Probing
import Redaction
import Runner
import TestSupport

/// Runs whole operations against one world, wired as the command line wires them.
struct WorldBench: Sendable {
  let world: any PlatformWorld
  let clock: any TimeSource
  let spawn: Spawner
  let ledger: MemoryLedger
  let told = Locked("")
  /// The first letter of a commit decides its place: A before B before C.
  private let chance = Locked(UInt64(1))

  /// Lives a story in a world of its own, on a thread that has nothing else to do.
  static func live<Value: Sendable>(
    _ name: PlatformName, _ story: @escaping @Sendable (WorldBench) async throws -> Value
  ) async throws -> Value {
    let play = VirtualTime(start: Timestamp(milliseconds: 1_787_000_000_000)).begin { clock, spawn in
      guard let type = Worlds.all[name] else { throw Failure(.internalError, "no world for \(name)") }
      let world = try await type.init(clock: clock, spawn: spawn)
      return try await story(
        WorldBench(
          world: world, clock: clock, spawn: spawn, ledger: MemoryLedger(environment: "prod", time: clock)))
    }
    return try await withCheckedThrowingContinuation { done in
      Thread.detachNewThread { done.resume(with: Result { try play() }) }
    }
  }

  private func secrets() -> SecretValues {
    SecretValues(values: [
      "TOKEN": Sensitive(Worlds.token), "APP_KEY": Sensitive(Worlds.secret),
      "ENCORE_CLIENT_ID": Sensitive("o2c_client"), "ENCORE_CLIENT_SECRET": Sensitive(Worlds.token),
      "ENCORE_AUTH_KEY": Sensitive("ena_" + Worlds.token),
    ]) { SHA256.digest(of: "fingerprint" + $0.reveal()).hex }
  }

  private func parts(
    _ access: WorldAccess, greeting: String
  ) throws -> (planning: Planning, context: OperationContext, interrupter: Interrupter) {
    let secrets = secrets()
    let platform = try world.platform(access, secrets)
    let environment = world.environment(greeting: greeting)
    let planning = Planning(
      environment: environment, ledger: ledger, platforms: [platform.name: platform], secrets: secrets,
      history: Alphabet(), digest: { SHA256.digest(of: $0).hex })
    let redactor = Redactor(secrets: secrets.all.map { ($0.name, $0.value.reveal()) })
    let interrupter = Interrupter()
    let context = OperationContext(
      ledger: ledger,
      performers: Performers(
        platforms: [platform.name: platform],
        probing: HealthProber(
          http: world.transport, clock: clock,
          platformState: { target, id in try await platform.deployment(id, of: target) },
          serving: { target, host in try await platform.deployment(serving: host, of: target) },
          access: { target in try await platform.accessHeaders(of: target) }),
        commands: NoCommands()),
      surroundings: RunSurroundings(
        clock: clock, spawn: spawn, random: { draw() }, redact: { redactor.redact($0) },
        watch: { event in told.withLock { $0 += "\(event)\n" } }),
      by: "ann@laptop",
      holder: Holder(name: "ann@laptop", purpose: "test", process: 1, nonce: "\(clock.now.milliseconds)"),
      digest: { SHA256.digest(of: $0).hex }, interrupter: interrupter)
    return (planning, context, interrupter)
  }

  /// Deploys a commit, and pauses as a person does, so that nothing of it is still on its way.
  func deploy(
    _ index: Int, greeting: String = "hello", as access: WorldAccess = .owner, interruptAfter: Duration? = nil
  ) async throws -> OperationResult {
    let (planning, context, interrupter) = try parts(access, greeting: greeting)
    let cut = interruptAfter.map { after in
      spawn {
        guard (try? await clock.sleep(for: after)) != nil else { return }
        interrupter.interrupt(.interrupt)
      }
    }
    let revision = Revision(commit: Worlds.commits[index], subject: "commit \(index)", author: "ann")
    let result = await DeployOperation(
      context, planning: planning, request: DeployRequest(revision: revision)
    )
    .run { _ in true }
    cut?.cancel()
    tell(result)
    try await clock.sleep(for: .seconds(60))
    return result
  }

  /// Goes back to the release before.
  func rollback() async throws -> OperationResult {
    let (planning, context, _) = try parts(.owner, greeting: "hello")
    let result = await RollbackOperation(
      context, planning: planning, request: RollbackRequest(reason: "too slow")
    ).run { _ in true }
    tell(result)
    try await clock.sleep(for: .seconds(60))
    return result
  }

  /// What one plan would do.
  func plan(_ index: Int) async throws -> Plan {
    let revision = Revision(commit: Worlds.commits[index], subject: "commit \(index)", author: "ann")
    return try await parts(.owner, greeting: "hello").planning.plan(DeployRequest(revision: revision))
  }

  /// One attempt at one step, by the adapter alone.
  func perform(_ step: Step) async -> Outcome {
    guard let platform = try? world.platform(.owner, secrets()) else { return .cancelled(moved: false) }
    let facts = RunFacts(
      id: RunID(99), release: 99, app: "shop", environment: "prod", commit: Worlds.commits[1],
      startedAt: clock.now)
    return await platform.perform(
      step,
      StepCall(
        run: facts, attempt: 1, beganAt: clock.now, deadline: clock.now + .seconds(600)))
  }

  /// What the platform itself says of the service now.
  func live() async throws -> LiveState? {
    let platform = try world.platform(.owner, secrets())
    return try await platform.live(world.environment(greeting: "hello"))["app"]
  }

  /// Lifts the hold that an explicit rollback leaves.
  func lift() async throws {
    let lease = try await ledger.acquire(
      holder: Holder(name: "ann@laptop", purpose: "unhold", process: 1, nonce: "lift"))
    try await ledger.setHold(nil, lease: lease)
    await ledger.release(lease)
  }

  private func tell(_ result: OperationResult) {
    told.withLock {
      $0 += "\(result.failure, default: "")\n\(result.result, default: "")\n\(result.plan, default: "")\n"
    }
  }

  private func draw() -> UInt64 {
    chance.withLock { state in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
  }
}

extension OperationResult {
  /// The failure that its end shows, in full.
  var words: String { "\(exit) \(result?.state, default: "") \(shownFailure, default: "says nothing")" }

  var shownFailure: Failure? { result?.rollbackFailure ?? failure ?? result?.failure }
}

/// Commits in the order of the alphabet.
struct Alphabet: RevisionHistory {
  func resolve(_ revision: String) async throws(Failure) -> Revision {
    Revision(commit: revision, subject: "", author: "ann")
  }
  func relation(of commit: String, to other: String) async throws(Failure) -> CommitRelation {
    commit == other ? .same : commit < other ? .ancestor : .descendant
  }
  func isCommit(_ commit: String, onBranch branch: String) async throws(Failure) -> Bool { true }
  func changedFiles(under paths: [String]) async throws(Failure) -> [String] { [] }
  func missingDirectories(of paths: [String], in commit: String) async throws(Failure) -> [String] { [] }
}

/// No story runs a command.
struct NoCommands: StepPerformer {
  func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    .failed(Failure(.internalError, "no commands here"), moved: false)
  }
  func probe(_ step: Step, _ call: StepCall) async -> Finding { .absent }
  func abandon(_ step: Step, _ call: StepCall) async -> Abandonment { .cancelled }
}
