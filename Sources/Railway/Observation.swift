import JSON
package import Model

extension RailwayPlatform {
  package func observe(_ environment: Environment) async throws(Failure) -> Observation {
    let services = environment.services.filter { $0.platform == .railway }
    guard !services.isEmpty else { return Observation() }
    let resolved = try await resolve(environment)
    async let incident = incidentNotes()
    async let listed = try? client.variableListing(in: resolved.place)
    let state = try await readState(resolved, withVolumes: true)
    let targets = try await Resolution(client: client).services(services, in: state, resolved)
    let details: [String: ServiceDetails]
    do {
      let wanted = targets.values.map { ($0.serviceID, state.services[$0.serviceID]?.repository != nil) }
      details = try await client.details(of: wanted.sorted { $0.0 < $1.0 }, in: resolved.place)
    } catch { throw error.failure("reading the services' settings", token: resolved.token.description) }

    var observation = Observation(notes: await incident)
    var unready: Set<String> = []
    if environment.provision == .create {
      (observation.manual, unready) = try await domainTasks(services, targets, token: resolved.token)
    }
    if state.stagedChanges > 0 { observation.notes.append(await stagedNote(state, resolved)) }
    let listing = await listed ?? [:]
    for service in services {
      guard let target = targets[service.key], let found = state.services[target.serviceID],
        let detail = details[target.serviceID]
      else { continue }
      var variables = detail.variables
      let known = listing[found.id] ?? VariableListing()
      for name in known.sealed where variables[name] == nil { variables.updateValue(nil, forKey: name) }
      var settings = detail.settings
      if service.settings.backups != nil, let volume = state.volumes[found.id] {
        do { settings.backups = try await client.schedules(ofVolume: volume) } catch {
          throw error.failure(
            "reading the backups of the volume of \(found.name)", token: resolved.token.description)
        }
      }
      let live = found.live
      observation.services[service.key] = ObservedService(
        target: target, address: found.address(preferring: service.domains, without: unready),
        settings: settings,
        variables: variables, live: live, newest: found.newest,
        cutOver: state.volumes[found.id] == nil ? .gated : .stopFirst, autoDeploys: detail.autoDeploys,
        restoreMode: live.flatMap { $0.canRollback ? .codeAndVariables : found.canRedeploy ? .rebuild : nil },
        connectedSource: found.repository ?? found.image, variableTimes: known.times,
        domains: found.customDomains.sorted())
    }
    return observation
  }

  package func live(_ environment: Environment) async throws(Failure) -> [ServiceName: LiveState] {
    let services = environment.services.filter { $0.platform == .railway }
    guard !services.isEmpty else { return [:] }
    let resolved = try await resolve(environment)
    let state = try await readState(resolved, withVolumes: false)
    let targets = try await Resolution(client: client).services(services, in: state, resolved)
    var live: [ServiceName: LiveState] = [:]
    for service in services {
      guard let found = targets[service.key].flatMap({ state.services[$0.serviceID] }) else { continue }
      live[service.key] = LiveState(
        live: found.live, newest: found.newest, address: found.address(preferring: service.domains))
    }
    return live
  }

  package func restorableVariables(of target: ServiceTarget, deployment: String)
    async throws(Failure) -> Set<String>
  {
    do {
      let variables = try await client.snapshotVariables(of: deployment)
      return Set(variables.compactMap { $0.value == nil ? nil : $0.key })
    } catch {
      throw error.failure("reading Railway's copy of \(target.name)'s variables", token: await tokenWords())
    }
  }

  /// One deployment as Railway has it now, with its instances; nil when Railway does not know it.
  ///
  /// What proofs by the platform and the soak ask.
  package func deployment(_ id: String, of target: ServiceTarget) async throws(Failure) -> Deployment? {
    do { return try await client.deployment(id) } catch {
      throw error.failure("reading the deployment \(id) of \(target.name)", token: await tokenWords())
    }
  }

  func readState(_ resolved: ResolvedPlace, withVolumes: Bool) async throws(Failure)
    -> EnvironmentState
  {
    let state: EnvironmentState
    do { state = try await client.state(of: resolved.place, withVolumes: withVolumes) } catch {
      throw error.failure(
        "reading the Railway environment \(resolved.environment) of \(resolved.project)",
        token: resolved.token.description)
    }
    if !state.canAccess { throw Resolution.restricted(resolved.environment, resolved.token) }
    return state
  }

  /// What Railway says about its own health, in words; nothing when it does not say.
  func incidentNotes() async -> [String] {
    guard
      let status = try? await client.read(Documents.platformStatus, [:], .quick(.seconds(5)))[
        "platformStatus"]
    else { return [] }
    var notes: [String] = []
    for key in ["incident", "maintenance"] {
      guard let entry = status[key], let message = entry["message"]?.string else { continue }
      let link = entry["url"]?.string.map { " (\($0))" } ?? ""
      notes.append(
        "Railway announces \(key == "incident" ? "an incident" : "maintenance"): \(message)\(link)")
    }
    if notes.isEmpty, status["isStable"]?.bool == false {
      notes.append("Railway says that it is not stable now")
    }
    return notes
  }
}
