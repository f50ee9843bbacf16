import Concurrency
import Model

/// A platform, the probing and the commands in one: everything ends well after its time unless the
/// script says otherwise. What is live outlives a process.
final class ScriptedPlatform: Platform {
  struct Script {
    var commits: [ServiceName: String] = [:]
    var deployments: [ServiceName: String] = [:]
    var variables: [ServiceName: [String: Sensitive?]] = [:]
    /// What a step answers instead of ending well, attempt by attempt; the last is repeated.
    var outcomes: [StepID: [Outcome]] = [:]
    var logs: [StepID: [String]] = [:]
    var findings: [StepID: Finding] = [:]
    var abandonments: [StepID: Abandonment] = [:]
    var durations: [StepID: Duration] = [:]
    /// How long a step goes on after its cancellation.
    var stubbornness: [StepID: Duration] = [:]
    var observing: Duration = .seconds(1)
    var observationFails: Failure?
    var liveFails: Failure?
    /// A deploy reaches users as soon as it is triggered, whatever becomes of whoever triggered it.
    var switchesAtOnce = false
    /// What once served, newest first.
    var history: [ServiceName: [Deployment]] = [:]
    var cutOver = CutOver.gated
    var restoreMode = Restore.Mode.codeAndVariables
  }

  let name: PlatformName
  let script: Locked<Script>
  private let clock: any TimeSource
  private let spawn: Spawner
  private let record = Locked<[(id: StepID, at: Timestamp)]>([])
  private let ended = Locked<[StepID]>([])
  private let switches = Locked<[(service: ServiceName, commit: String)]>([])
  /// Whether the lease allowed side effects at the end of a step's time.
  let gates = Locked<[StepID: Bool]>([:])

  init(_ script: Script, name: PlatformName = .railway, clock: any TimeSource, spawn: Spawner) {
    self.name = name
    self.script = Locked(script)
    self.clock = clock
    self.spawn = spawn
  }

  /// Steps performed since the last call, in order.
  var performed: [StepID] { record.withLock { $0.map(\.id) } }
  /// What users got, in order.
  var wentLive: [(service: ServiceName, commit: String)] { switches.withLock { $0 } }
  /// Performers that have returned.
  var returned: [StepID] { ended.withLock { $0 } }
  func forget() { record.withLock { $0 = [] } }

  func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    let attempt = record.withLock { record in
      record.append((step.id, clock.now))
      return record.count { $0.id == step.id }
    }
    defer { ended.withLock { $0.append(step.id) } }
    let script = script.withLock { $0 }
    for line in script.logs[step.id] ?? [] { call.report(.log(line)) }
    let id = "\(step.id)@\(call.run.id)"
    if script.switchesAtOnce, case .deploy(let request) = step.action {
      goLive(request.target.service, request.commit, id)
    }
    if step.isCutOver {
      do { try await call.identify(id) } catch { return .cancelled(moved: false) }
    }
    do {
      try await clock.sleep(for: script.durations[step.id] ?? .seconds(2))
      gates.withLock { $0[step.id] = LeaseGate.mayAct() }
    } catch {
      if let more = script.stubbornness[step.id] { await ignoreCancellation(for: more) }
      return .cancelled(moved: false)
    }
    if let outcomes = script.outcomes[step.id], !outcomes.isEmpty {
      return outcomes[min(attempt, outcomes.count) - 1]
    }
    switch step.action {
    case .deploy(let request):
      // What is staged is told by its step alone.
      if request.cutOver == .staged {
        return .done(StepResult(externalID: id, facts: [StepFact.address: "https://\(id).example.com"]))
      }
      if !script.switchesAtOnce { goLive(request.target.service, request.commit, id) }
    case .promote(let promotion): goLive(promotion.target.service, promotion.commit, id)
    case .restore(let restore): goLive(restore.target.service, restore.commit ?? "", id)
    case .variables(let write): store(write)
    default: break
    }
    return .done(StepResult(externalID: step.isCutOver ? id : nil, proof: .served, liveSince: clock.now))
  }

  private func goLive(_ service: ServiceName, _ commit: String, _ id: String) {
    switches.withLock { $0.append((service, commit)) }
    script.withLock { script in
      script.commits[service] = commit
      script.deployments[service] = id
    }
  }

  private func store(_ write: VariablesWrite) {
    script.withLock { script in
      for (name, value) in write.set {
        if case .text(let text) = value {
          script.variables[write.target.service, default: [:]][name] = Sensitive(text)
        }
      }
    }
  }

  /// Work that a cancelled performer cannot break off.
  private func ignoreCancellation(for duration: Duration) async {
    let clock = clock
    let until = clock.now + duration
    await spawn { try? await clock.sleep(until: until) }.value
  }

  func probe(_ step: Step, _ call: StepCall) async -> Finding {
    try? await clock.sleep(for: .milliseconds(200))
    let script = script.withLock { $0 }
    if let finding = script.findings[step.id] { return finding }
    if let service = step.service, let id = script.deployments[service], id == "\(step.id)@\(call.run.id)" {
      return .done(StepResult(externalID: id))
    }
    return .absent
  }

  func abandon(_ step: Step, _ call: StepCall) async -> Abandonment {
    try? await clock.sleep(for: .milliseconds(300))
    return script.withLock { $0.abandonments[step.id] } ?? .cancelled
  }

  func observe(_ environment: Environment) async throws(Failure) -> Observation {
    let script = script.withLock { $0 }
    do { try await clock.sleep(for: script.observing) } catch {
      throw Failure(.cancelled, "stopped while reading the platform")
    }
    if let failure = script.observationFails { throw failure }
    var services: [ServiceName: ObservedService] = [:]
    for service in environment.services where service.platform == name {
      let live = script.deployments[service.key].map { id in
        Deployment(
          id: id, status: .live, word: "SUCCESS", createdAt: clock.now, commit: script.commits[service.key],
          canRollback: true)
      }
      services[service.key] = ObservedService(
        target: ServiceTarget(service: service.key, platform: name, name: service.name, ids: [:]),
        address: "https://\(service.key).example.com", variables: script.variables[service.key] ?? [:],
        live: live, cutOver: script.cutOver, restoreMode: live == nil ? nil : script.restoreMode)
    }
    return Observation(services: services)
  }

  func live(_ environment: Environment) async throws(Failure) -> [ServiceName: LiveState] {
    let script = script.withLock { $0 }
    if let failure = script.liveFails { throw failure }
    return script.deployments.reduce(into: [:]) { states, entry in
      let live = Deployment(
        id: entry.value, status: .live, word: "SUCCESS", createdAt: clock.now,
        commit: script.commits[entry.key])
      states[entry.key] = LiveState(live: live, newest: nil, address: nil)
    }
  }

  func logs(_ query: LogQuery) async throws(Failure) -> [LogLine] { [] }

  func restorableVariables(of target: ServiceTarget, deployment: String) async throws(Failure) -> Set<String>
  {
    []
  }

  func deployment(_ id: String, of target: ServiceTarget) async throws(Failure) -> Deployment? {
    Deployment(id: id, status: .removed, word: "REMOVED", createdAt: clock.now, canRollback: true)
  }

  func history(
    _ environment: Environment, limit: Int
  ) async throws(Failure) -> [ServiceName: [Deployment]] { script.withLock { $0.history } }

  func examine(_ environment: Environment) async -> [Examination] { [] }
}
