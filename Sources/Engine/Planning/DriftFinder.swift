package import Model

/// Finds what somebody changed by hand: what the platforms have against what shipit last wrote or recorded there.
/// What the file says otherwise since then is no drift, but a plan; what the file already says as it stands is none
/// either. Pure.
package struct DriftFinder {
  let input: PlanInput

  package init(_ input: PlanInput) { self.input = input }

  /// The services that differ, in the file's order.
  package func services() -> [ServiceDrift] {
    input.environment.services.compactMap { service in
      let changes = changes(of: service)
      guard !changes.isEmpty, let observed = input.observed[service.key] else { return nil }
      return ServiceDrift(
        service: service.key, platform: service.platform, name: observed.target.name, changes: changes)
    }
  }

  package func changes(of service: Service) -> [DriftChange] {
    guard let observed = input.observed[service.key], let record = input.lastRecord(of: service.key) else {
      return []
    }
    return settings(of: service, observed, record)
      + VariableDrift(service: service, observed: observed, record: record, input: input).changes()
      + domains(of: service, observed, record) + pushes(observed) + deployment(of: service, observed, record)
  }

  /// How the file differs from what was released, without what the platform has by now: no drift, but what a plan would
  /// do.
  package func pending(since released: Environment) -> ConfigurationDifference {
    var difference = ConfigurationDifference(from: released, to: input.environment)
    difference.services = difference.services.compactMap { entry in
      guard let service = input.environment.service(entry.service),
        let observed = input.observed[entry.service]
      else { return entry }
      var entry = entry
      let (wanted, now) = (service.platformSettings.textsByName, observed.settings.textsByName)
      entry.settings.removeAll { $0.name != "domains" && wanted[$0.name] == now[$0.name] }
      if Set(service.domains) == Set(observed.domains ?? []) {
        entry.settings.removeAll { $0.name == "domains" }
      }
      if let record = input.lastRecord(of: entry.service) {
        let look = VariableDrift(service: service, observed: observed, record: record, input: input)
        entry.variables.removeAll { look.isAsDeclared($0.name) }
      }
      return entry.settings.isEmpty && entry.variables.isEmpty ? nil : entry
    }
    return difference
  }

  /// What a plan says of it: what the deploy puts back, how to keep it instead, and what stays. Second deployers and
  /// foreign deployments are told apart from it.
  func notes() -> [String] {
    var back: [String] = []
    var left: [String] = []
    for drift in services() {
      for change in drift.changes where change.kind != .automaticDeploys && change.kind != .deployment {
        let name = "\(drift.service) \(change.name)"
        if change.outlook == .putBack { back.append(name) } else { left.append(name) }
      }
    }
    let environment = input.environment.name
    var notes: [String] = []
    if !back.isEmpty {
      notes.append(
        "changed by hand, and put back by this: \(back.joined(separator: ", ")). "
          + "To keep what stands there: shipit drift \(environment) --adopt")
    }
    if !left.isEmpty {
      notes.append(
        "changed by hand, and left alone, for the file does not name it: \(left.joined(separator: ", ")). "
          + "See shipit drift \(environment)")
    }
    return notes
  }

  private func settings(
    of service: Service, _ observed: ObservedService, _ record: ReleasedService
  ) -> [DriftChange] {
    let now = observed.settings.textsByName
    let wrote = record.settings.textsByName
    let stood = record.baseline?.settings.textsByName ?? [:]
    let wanted = service.platformSettings.textsByName
    var names = record.settings.texts.map(\.name)
    let others = (record.baseline?.settings.texts ?? []).map(\.name) + observed.settings.texts.map(\.name)
    if record.baseline != nil {
      for name in others where !names.contains(name) { names.append(name) }
    }
    return names.compactMap { name in
      let then = wrote[name] ?? stood[name]
      guard then != now[name] else { return nil }
      if then == nil, ServiceSettings.filledByPlatforms.contains(name) || now[name] == "false" { return nil }
      // The file says so by now; or it no longer names what is no longer there.
      if wanted[name] == now[name], wanted[name] != nil || wrote[name] != nil { return nil }
      var change = DriftChange(
        .setting, name, recorded: then, observed: now[name],
        outlook: wanted[name] == nil ? .stays : .putBack)
      if [then, now[name]].compactMap(\.self).contains(where: SecretLooks.mayBe(command:)) {
        change.isFingerprint = true
        change.recorded = then.map { input.secrets.fingerprint(of: Sensitive($0)) }
        change.observed = now[name].map { input.secrets.fingerprint(of: Sensitive($0)) }
      }
      return change
    }
  }

  private func domains(
    of service: Service, _ observed: ObservedService, _ record: ReleasedService
  ) -> [DriftChange] {
    guard let now = observed.domains, let then = record.baseline?.domains else { return [] }
    let gone = then.filter { !now.contains($0) && service.domains.contains($0) }
    let lost = then.filter { !now.contains($0) && !service.domains.contains($0) }
    let added = now.filter { !then.contains($0) && !service.domains.contains($0) }
    let returns = service.platform != .railway || input.environment.provision == .create
    return gone.map {
      DriftChange(.domain, $0, recorded: $0, observed: nil, outlook: returns ? .putBack : .stays)
    }
      + lost.map { DriftChange(.domain, $0, recorded: $0, observed: nil, outlook: .stays) }
      + added.map { DriftChange(.domain, $0, recorded: nil, observed: $0, outlook: .stays) }
  }

  /// Every deploy turns the platform's own deploys of pushes off.
  private func pushes(_ observed: ObservedService) -> [DriftChange] {
    guard observed.autoDeploys else { return [] }
    return [DriftChange(.automaticDeploys, "deploys of pushes", recorded: "off", observed: "on")]
  }

  private func deployment(
    of service: Service, _ observed: ObservedService, _ record: ReleasedService
  ) -> [DriftChange] {
    // The same code started again is nobody's release: what was changed with it is told by itself.
    guard let recorded = record.deployment, observed.live?.id != recorded,
      input.record(of: service.key) == nil,
      observed.live?.commit == nil || observed.live?.commit != record.commit
    else { return [] }
    func words(_ id: String, _ commit: String?) -> String { id + (commit.map { " of \(short($0))" } ?? "") }
    return [
      DriftChange(
        .deployment, "live", recorded: words(recorded, record.commit),
        observed: observed.live.map { words($0.id, $0.commit) }, at: observed.live?.createdAt)
    ]
  }
}

extension Service {
  /// The settings that are written for it, with what `health` gives to the platform's own gate.
  var platformSettings: ServiceSettings {
    var settings = settings
    if platform.hasHealthGate {
      settings.healthPath = health.path ?? settings.healthPath
      if health.path != nil { settings.healthTimeout = health.within }
    } else {
      settings.healthPath = nil
      settings.healthTimeout = nil
    }
    return settings
  }
}

extension ServiceBaseline {
  /// What stands beside what the service declares, as a plan sees it before anything is written.
  init(of service: Service, _ observed: ObservedService, _ secrets: SecretValues) {
    var variables: [String: String] = [:]
    for (name, value) in observed.variables
    where service.variables[name] == nil && !OwnVariable.isSetByItself(name) {
      variables[name] = value.map { secrets.fingerprint(of: $0) } ?? ""
    }
    let domains = observed.domains.map { Set($0).union(service.domains).sorted() }
    self.init(settings: observed.settings, variables: variables, domains: domains)
  }
}
