package import Model

/// Makes the plan that comes before a deploy: what the file names and the platforms lack, each thing after what it stands
/// in. Pure.
package struct ProvisionPlanner {
  let input: PlanInput
  let shortfall: Shortfall

  package init(_ input: PlanInput, _ shortfall: Shortfall) {
    self.input = input
    self.shortfall = shortfall
  }

  /// - Throws: `Failure` of kind configuration for what would stop the deploy after it: nothing is made then.
  package func plan() throws(Failure) -> Plan {
    let environment = input.environment
    // The deploy that follows, as far as it can be known: nothing is made for one that cannot be planned.
    var ahead = input
    for service in environment.services where shortfall.absent.contains(service.key) {
      ahead.observed[service.key] = ProvisionPlanner.unmade(service)
    }
    ahead = ahead.addressed(shortfall.creations)
    var then = try DeployPlanner(ahead).plan()
    then.services.removeAll { $0.reasons.isEmpty }
    then.services = then.services.map(spoken)
    var plan = Plan(
      kind: .provision, app: environment.app, environment: environment.name, commit: input.commit,
      subject: input.subject, isDirty: input.isDirty, steps: steps(),
      warnings: shortfall.notes + then.warnings,
      deadline: environment.protect.deadline, digest: then.digest, before: then.before, order: then.order,
      configuration: environment, binding: then.binding)
    plan.then = then.services
    plan.manual = shortfall.manual.isEmpty ? nil : shortfall.manual
    return plan
  }

  private func steps() -> [Step] {
    let ids = Dictionary(
      shortfall.creations.map { ($0, ProvisionPlanner.id(of: $0)) }, uniquingKeysWith: { first, _ in first })
    var steps: [Step] = []
    // Platforms throttle such calls, and some race with each other: one after the other.
    var last: [String: StepID] = [:]
    for creation in shortfall.creations {
      guard let id = ids[creation], !steps.contains(where: { $0.id == id }) else { continue }
      var needs = shortfall.creations.filter { creation.standsIn($0) }.compactMap { ids[$0] }
      if let row = creation.row {
        if let before = last[row], !needs.contains(before) { needs.append(before) }
        last[row] = id
      }
      steps.append(
        Step(
          id: id, title: "make \(creation.words)", service: nil, needs: needs, action: .create(creation),
          limit: creation.kind == .database ? .seconds(600) : .seconds(300),
          lane: creation.account.platform.lane, expected: .seconds(creation.kind == .database ? 20 : 4)))
    }
    return steps
  }

  /// Such as `railway.project`, `api.create`, `api.volume`, `api.domain.api.example.com`.
  private static func id(of creation: Creation) -> StepID {
    let about = creation.key ?? creation.account.platform.rawValue
    return switch creation.kind {
    case .project where creation.key == nil: StepID("\(about).project")
    case .environment: StepID("\(about).environment")
    case .project, .service, .database: StepID("\(about).create")
    case .volume: StepID("\(about).volume")
    case .address: StepID("\(about).address")
    case .domain: StepID("\(about).domain.\(creation.name)")
    case .proxy: StepID("\(about).proxy")
    case .privateName: StepID("\(about).private-name")
    }
  }

  /// For people: what stands for an address says that it does.
  private func spoken(_ service: PlannedService) -> PlannedService {
    var service = service
    if let address = service.address, address == ProvisionPlanner.unnamed(service.service) {
      service.address = "named by \(service.platform.title) when it is made"
    }
    for name in input.environment.services.map(\.key) {
      let unnamed = ProvisionPlanner.unnamed(name)
      for index in service.variables.indices {
        let text = service.variables[index].to
        service.variables[index].to = text?.replacing(unnamed, with: "<address of \(name)>")
          .replacing(unnamed.dropFirst("https://".count), with: "<host of \(name)>")
      }
    }
    return service
  }

  /// A service of which nothing is there.
  private static func unmade(_ service: Service) -> ObservedService {
    ObservedService(
      target: ServiceTarget(
        service: service.key, platform: service.platform, name: service.name, ids: [:]),
      cutOver: service.platform == .vercel ? .staged : service.volume == nil ? .gated : .stopFirst)
  }

  /// Stands for a host that the platform has still to name; RFC 2606 keeps the ending free.
  static func unnamed(_ service: ServiceName) -> String { "https://\(service).not-made-yet.invalid" }
}

extension PlanInput {
  /// With something in the place of the addresses that services get.
  fileprivate func addressed(_ creations: [Creation]) -> PlanInput {
    var input = self
    for service in environment.services where input.observed[service.key]?.address == nil {
      let gets = creations.contains { creation in
        creation.key == service.key.rawValue
          && (creation.kind == .address || creation.kind == .domain || creation.account.platform == .vercel)
      }
      if gets { input.observed[service.key]?.address = ProvisionPlanner.unnamed(service.key) }
    }
    return input
  }
}

extension Creation {
  /// The other one has to be there first.
  fileprivate func standsIn(_ other: Creation) -> Bool {
    guard other.account.platform == account.platform, other != self else { return false }
    switch (kind, other.kind) {
    case (.project, _): return false
    case (.environment, .project): return true
    case (.service, .environment), (.database, .environment), (.service, .project), (.database, .project):
      return account.platform == .railway
    case (.volume, .environment), (.address, .environment), (.domain, .environment), (.proxy, .environment):
      // Its services come with it.
      return other.fork != nil
    case (.volume, .service), (.address, .service), (.domain, .service), (.proxy, .service),
      (.proxy, .database), (.privateName, .service):
      return owner == other.name
    case (.domain, .address): return owner == other.owner
    case (.domain, .project): return account.platform == .vercel && owner == other.name
    default: return false
    }
  }

  /// Those that are made one after the other; nil: beside all others.
  fileprivate var row: String? {
    guard account.platform == .railway else { return nil }
    switch kind {
    case .project, .environment, .service: return nil
    // Each is known by what is there after it and was not before.
    case .database: return "databases"
    case .volume: return "volumes"
    case .address, .domain, .proxy, .privateName: return "network"
    }
  }
}
