package import Model

/// Compares the secrets of services with what their platforms have stored, and plans to write what differs. Pure.
extension DeployPlanner {
  /// In go-live order, then by the variable's name.
  /// - Throws: `Failure` of kind configuration when a service was not found.
  package func storedSecrets() throws(Failure) -> [StoredSecret] {
    var found: [StoredSecret] = []
    for service in try input.environment.goLiveOrder() {
      let planner = try variables(of: service)
      for (name, value) in service.variables.sorted(by: { $0.key < $1.key }) {
        guard case .secret(let secret) = value else { continue }
        found.append(
          StoredSecret(
            sink: .service(service.key, service.platform), variable: name, secret: secret,
            state: planner.state(of: secret, as: name)))
      }
    }
    return found + (actions?.storedSecrets() ?? [])
  }

  /// The plan of `secrets sync`: one write for each service that has something to write, and nothing else.
  package func secretsPlan() throws(Failure) -> Plan { try secretsPlan(evenIfNotLive: false) }

  /// - Parameter evenIfNotLive: services that were never deployed are written to as well.
  func secretsPlan(evenIfNotLive: Bool) throws(Failure) -> Plan {
    let environment = input.environment
    let order = try environment.goLiveOrder()
    try refuseWrittenSecrets()
    var warnings = input.notes
    var services: [PlannedService] = []
    var steps: [Step] = []
    var before = before()
    var bound: [String] = []
    for service in order {
      let planner = try variables(of: service)
      let changes = planner.secretChanges()
      let wanted = planner.wantedSecrets()
      bound += wanted.sorted { $0.key < $1.key }.map { "\(service.key) \($0.key) \($0.value.digestPart)" }
      guard let observed = input.observed[service.key], !changes.isEmpty else { continue }
      let own = ServicePlanner(service: service, input: input)
      guard let live = observed.live else {
        if evenIfNotLive {
          let set = wanted.filter { name, _ in changes.contains { $0.name == name } }
          let write = VariablesWrite(target: observed.target, set: set)
          steps.append(own.variablesStep(write, planner.undo(write).write, []))
          continue
        }
        warnings.append(
          "\(service.key) is not deployed yet: its first deploy writes \(changes.map(\.name).joined(separator: ", "))"
        )
        continue
      }
      var record: ReleasedService
      if let known = input.record(of: service.key) {
        record = known
      } else {
        record = ReleasedService(
          target: observed.target, source: try own.plannedSource(),
          commit: input.liveCommit(of: service.key) ?? "", deployment: live.id,
          address: service.health.url ?? observed.address, settings: service.settings, variables: [:],
          health: service.health, cutOver: observed.cutOver, previous: nil)
      }
      if before[service.key] == nil { before[service.key] = record }
      var set: [String: PlannedValue] = [:]
      for change in changes {
        guard let value = wanted[change.name] else { continue }
        set[change.name] = value
        if case .secret(let name, let fingerprint) = value {
          record.variables[change.name] = .secret(name: name, fingerprint: fingerprint)
        }
      }
      record.deployment = live.id
      let write = VariablesWrite(target: observed.target, set: set)
      let undo = planner.undo(write)
      steps.append(own.variablesStep(write, undo.write, []))
      services.append(
        PlannedService(
          service: service.key, platform: service.platform, cutOver: observed.cutOver,
          address: record.address, reasons: ["\(set.count) secret\(set.count == 1 ? "" : "s")"], settings: [],
          variables: changes, previous: live.id, previousCommit: record.commit,
          cannotRestore: undo.lost.isEmpty
            ? nil : "the stored value of \(undo.lost.joined(separator: ", "))", record: record))
    }
    var plannedActions: PlannedActionsSecrets?
    if let actions {
      let planned = actions.plan(after: steps.map(\.id))
      steps += planned.steps
      plannedActions = planned.secrets
      bound += actions.bound
    }
    let bindingText = "shipit-secrets-1\n\(bound.joined(separator: "\n"))"
    var plan = Plan(
      kind: .secrets, app: environment.app, environment: environment.name, commit: input.commit,
      subject: input.subject, steps: steps, services: services, warnings: warnings,
      deadline: environment.protect.deadline, digest: input.digest(bindingText), before: before,
      order: order.map(\.key), configuration: environment)
    plan.actions = plannedActions
    return plan
  }

  private var actions: ActionsSecretPlanner? {
    input.environment.secrets.actions.map { ActionsSecretPlanner(target: $0, input: input) }
  }

  private func variables(of service: Service) throws(Failure) -> VariablePlanner {
    guard let observed = input.observed[service.key] else {
      throw Failure(
        .configuration, "service \(service.key) was not found on \(service.platform.rawValue)",
        hint: "shipit doctor \(input.environment.name)")
    }
    return VariablePlanner(service: service, observed: observed, input: input)
  }
}

extension VariablePlanner {
  func state(of secret: String, as name: String) -> StoredSecretState {
    guard let stored = observed.variables[name] else { return .missing }
    guard let wanted = input.secrets[secret] else {
      return input.environment.demands.isKept(secret) ? .kept : .unknown
    }
    if let stored { return stored == wanted ? .same : .differs }
    let recorded = input.lastRecord(of: service.key)?.variables[name]
    let isRecorded = recorded == .secret(name: secret, fingerprint: input.secrets.fingerprint(of: wanted))
    return isRecorded && isOurs(name) ? .unreadable : .unknown
  }

  /// Secrets that have to be written.
  func secretChanges() -> [VariableChange] {
    service.variables.sorted { $0.key < $1.key }.compactMap { name, value in
      guard case .secret(let secret) = value, input.secrets[secret] != nil else { return nil }
      switch state(of: secret, as: name) {
      case .same, .unreadable, .kept: return nil
      case .missing: return VariableChange(name: name, kind: .add, isSecret: true)
      case .differs, .unknown: return VariableChange(name: name, kind: .change, isSecret: true)
      }
    }
  }

  func wantedSecrets() -> [String: PlannedValue] {
    var wanted: [String: PlannedValue] = [:]
    for (name, value) in service.variables {
      guard case .secret(let secret) = value, let value = input.secrets[secret] else { continue }
      wanted[name] = .secret(name: secret, fingerprint: input.secrets.fingerprint(of: value))
    }
    return wanted
  }
}

extension PlannedValue {
  fileprivate var digestPart: String {
    if case .secret(let name, let fingerprint) = self { "\(name) \(fingerprint)" } else { "" }
  }
}
