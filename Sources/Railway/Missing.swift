import Concurrency
import JSON
package import Model

extension RailwayPlatform {
  package func missing(_ environment: Environment) async throws(Failure) -> Shortfall {
    let services = environment.services.filter { $0.platform == .railway }
    let databases = environment.databases.filter { $0.create != nil }
    guard let target = environment.platforms.railway, !services.isEmpty || !databases.isEmpty else {
      return Shortfall()
    }
    let account = Creation.Account.railway(target)
    let found = try await Resolution(client: client).find(target)
    var shortfall = Shortfall()
    var state: EnvironmentState?
    if let fork = target.fork { try refuse(fork, target, found) }
    if let resolved = found.resolved {
      places.places.withLock { $0[target] = resolved }
      state = try await readState(resolved, withVolumes: true)
      if let fork = target.fork, try await !isReady(fork, resolved) {
        state = nil
        shortfall.creations.append(Creation(.environment, in: account, name: target.environment))
      }
    } else {
      if found.project == nil {
        try refuse(target, found)
        shortfall.creations.append(Creation(.project, in: account, name: target.project))
      }
      shortfall.creations.append(Creation(.environment, in: account, name: target.environment))
    }
    for service in services {
      let proxies = try await proxies(of: service, found, state)
      try add(
        service, account, found, state, needsAddress: environment.needsAddress(service), proxies, &shortfall)
      if let name = service.privateName, try await !isCalled(name, service, found, state) {
        shortfall.creations.append(
          Creation(
            .privateName, in: account, name: name, owner: service.name, key: service.key.rawValue))
      }
    }
    for database in databases {
      guard let template = database.create,
        !(state?.services.values.contains { $0.isNamed(template.service) } ?? false)
      else { continue }
      if let other = found.services.first(where: { $0.name.lowercased() == template.service.lowercased() }),
        found.resolved != nil || target.fork != nil
      {
        // One that the other environment has comes with a fork.
        if target.fork == nil || state != nil { shortfall.manual.append(elsewhere(other.name, target)) }
        continue
      }
      shortfall.creations.append(
        Creation(
          .database, in: account, name: template.service, key: database.key, template: template.code))
      for like in (state?.services.values ?? [:].values) where like.isMade(from: template.code) {
        shortfall.notes.append(
          "\(target.environment) has a service \(like.name) (\(like.image ?? "")) already, which is left alone: "
            + "when it is the database \(database.key), write databases.\(database.key).create.railway.service: \(like.name)"
        )
      }
    }
    shortfall.creations =
      shortfall.creations.filter { $0.kind != .volume && !$0.isNetwork }
      + shortfall.creations.filter { $0.kind == .volume } + shortfall.creations.filter(\.isNetwork)
    return shortfall
  }

  /// It bears its mark, which is written last.
  private func isReady(_ fork: RailwayFork, _ resolved: ResolvedPlace) async throws(Failure) -> Bool {
    do {
      return try await client.sharedVariables(in: resolved.place)[PreviewMark.variable] == fork.mark
    } catch {
      throw error.failure(
        "reading the environment \(resolved.environment)", token: resolved.token.description)
    }
  }

  /// A fork is made out of something, and by a token that sees more than one environment.
  private func refuse(
    _ fork: RailwayFork, _ target: RailwayTarget, _ found: FoundPlace
  ) throws(Failure) {
    guard
      found.project == nil
        || !found.environments.contains(where: { $0.name == fork.source || $0.id == fork.source })
    else { return }
    throw Failure(
      .configuration,
      "there is no Railway environment \(fork.source) of the project \(target.project) to make \(target.environment) out of",
      place: "platforms.railway",
      cause: found.project == nil
        ? "there is no such project" : "there are: \(Resolution.list(found.environments.map(\.name)))",
      hint: "deploy the environment itself first: its previews are copies of what it has")
  }

  /// Before anything is made: who makes projects, and where.
  private func refuse(_ target: RailwayTarget, _ found: FoundPlace) throws(Failure) {
    if found.workspace == nil {
      guard case .workspace(let workspaces) = found.token, workspaces.count > 1 else {
        throw Failure(
          .authentication, "the token in \(target.tokenSecret) acts in no workspace",
          place: "platforms.railway",
          hint: "create a workspace token in the account settings, and put it into \(target.tokenSecret)")
      }
      throw Failure(
        .configuration, "it is not said in which workspace the project \(target.project) is to be made",
        place: "platforms.railway.workspace",
        cause: "the \(found.token.description) acts in: \(Resolution.list(workspaces.map(\.name)))",
        hint: "write platforms.railway.workspace")
    }
  }

  private func add(
    _ service: Service, _ account: Creation.Account, _ found: FoundPlace, _ state: EnvironmentState?,
    needsAddress: Bool, _ proxies: [Int], _ shortfall: inout Shortfall
  ) throws(Failure) {
    guard case .railway(let target) = account else { return }
    let there = state?.services.values.first { $0.isNamed(service.name) }
    func make(_ kind: Creation.Kind, _ name: String, region: String? = nil) {
      shortfall.creations.append(
        Creation(
          kind, in: account, name: name, owner: service.name, key: service.key.rawValue, region: region))
    }
    if there == nil {
      if let other = found.services.first(where: { $0.name.lowercased() == service.name.lowercased() }),
        found.project != nil
      {
        if target.fork != nil, state == nil {
          // It comes with the environment.
          shortfall.absent.insert(service.key)
          if needsAddress { make(.address, "") }
          return
        }
        shortfall.manual.append(elsewhere(other.name, target))
        shortfall.absent.insert(service.key)
        return
      }
      shortfall.absent.insert(service.key)
      shortfall.creations.append(
        Creation(.service, in: account, name: service.name, key: service.key.rawValue))
    }
    if let path = service.volume, there.flatMap({ state?.volumes[$0.id] }) == nil {
      make(.volume, path, region: service.settings.region)
    }
    if needsAddress, there.map({ $0.serviceDomains.isEmpty && $0.customDomains.isEmpty }) ?? true {
      make(.address, "")
    }
    for domain in service.domains where !(there?.customDomains.contains(domain) ?? false) {
      make(.domain, domain)
    }
    if let port = service.proxy, !proxies.contains(port) { make(.proxy, String(port)) }
  }

  /// The ports that TCP proxies lead to; asked for only where one is declared.
  private func proxies(
    of service: Service, _ found: FoundPlace, _ state: EnvironmentState?
  ) async throws(Failure) -> [Int] {
    guard service.proxy != nil, let place = found.resolved?.place,
      let there = state?.services.values.first(where: { $0.isNamed(service.name) })
    else { return [] }
    do { return try await client.proxies(of: there.id, in: place).map(\.port) } catch {
      throw error.failure("reading the TCP proxies of \(service.name)", token: found.token.description)
    }
  }

  /// No document of the API puts a service that is there into one more environment.
  private func elsewhere(_ name: String, _ target: RailwayTarget) -> ManualTask {
    ManualTask(
      "the service \(name) has to be added to the environment \(target.environment)",
      ["it is in the project \(target.project), in other environments only"], at: "Railway's dashboard",
      blocks: true)
  }

  /// What a person has to enter at the registrar of each declared domain, as Railway says it now.
  func domainTasks(
    _ services: [Service], _ targets: [ServiceName: ServiceTarget], token: TokenKind
  ) async throws(Failure) -> (tasks: [ManualTask], unready: Set<String>) {
    var tasks: [ManualTask] = []
    var unready: Set<String> = []
    for service in services where !service.domains.isEmpty {
      guard let target = targets[service.key] else { continue }
      let domains: RailwayDomains
      do { domains = try await client.domains(of: target) } catch {
        throw error.failure("reading the domains of \(target.name)", token: token.description)
      }
      for domain in domains.custom where service.domains.contains(domain.name) && !domain.isReady {
        unready.insert(domain.name)
        tasks.append(domain.task)
      }
    }
    return (tasks, unready)
  }
}

extension Creation {
  fileprivate var isNetwork: Bool {
    kind == .address || kind == .domain || kind == .proxy || kind == .privateName
  }
}

extension ServiceState {
  func isNamed(_ wanted: String) -> Bool { id == wanted || name.lowercased() == wanted.lowercased() }

  /// Its image is one of those that the template's database runs.
  fileprivate func isMade(from template: String) -> Bool {
    image?.lowercased().contains(template.lowercased()) ?? false
  }
}

extension Environment {
  /// Somebody asks it from outside: its health, or a service that is given its address.
  fileprivate func needsAddress(_ service: Service) -> Bool {
    if service.health.url != nil { return false }
    if service.health.path != nil || !service.health.probes.isEmpty { return true }
    let templates = services.flatMap(\.variables.values).compactMap { value in
      if case .text(let template) = value { template } else { nil }
    }
    let references = templates.flatMap(\.references) + checks.flatMap(\.kind.references)
    return references.contains { reference in
      switch reference {
      case .serviceURL(let name), .serviceHost(let name): name == service.key
      default: false
      }
    }
  }
}
