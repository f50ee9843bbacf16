import Concurrency
import JSON
package import Model

extension VercelPlatform {
  package func observe(_ environment: Environment) async throws(Failure) -> Observation {
    let services = environment.services.filter { $0.platform == .vercel }
    guard !services.isEmpty else { return Observation() }
    let team = try await team(environment)
    if environment.previewOf != nil { return try await observePreview(environment, services, team) }
    let seen = try await each(services) { service throws(Failure) in try await self.observe(service, team) }
    var observation = Observation()
    for (service, (observed, notes, advice)) in seen {
      observation.services[service.key] = observed
      observation.notes += notes
      if environment.provision == .create {
        observation.manual += advice.map {
          ManualTask("DNS of \($0.domain)", [$0.words], at: "the domain's registrar")
        }
      } else {
        observation.notes += advice.map { "\($0.domain): \($0.words)" }
      }
    }
    return observation
  }

  private func observe(
    _ service: Service, _ team: Team?
  ) async throws(Failure) -> (ObservedService, notes: [String], advice: [(domain: String, words: String)]) {
    // What Vercel refuses is said before anything is done, not in the middle of a run.
    for name in service.variables.keys.sorted() {
      guard let cause = VariableRules.refusal(name, Sensitive("")) else { continue }
      throw Failure(
        .configuration, "the variables of \(service.key) cannot be written",
        place: "services.\(service.key).variables.\(name)", cause: cause,
        hint: "give the variable another name")
    }
    let (place, project) = try await project(of: service, team)
    async let stored = read("reading the variables", place) { () async throws(APIError) in
      try await self.client.variables(place, decrypt: true)
    }
    async let listed = read("reading the domains", place) { () async throws(APIError) in
      try await self.client.domains(of: place)
    }
    async let recent = read("reading the deployments", place) { () async throws(APIError) in
      try await self.client.deployments(place, wanted: 1)
    }
    async let release = rollingRelease(project, place)
    let (variables, domains, newest) = try (await stored.get(), await listed.get(), await recent.get())

    let live = project.production
    let plan = team?.plan ?? live?.plan
    let host = Addresses.host(declared: service.domains, domains: domains, aliases: live?.aliases ?? [])
    let known = domains.map(\.name) + (live?.aliases ?? []) + [live?.url].compactMap(\.self)
    let production = variables.filter(\.isForProduction)
    var observed = ObservedService(
      target: target(service, place), address: host.map { addresses.address(of: $0, beside: known) },
      settings: project.settings,
      variables: Dictionary(production.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first }),
      live: live.map { $0.deployment(liveID: $0.id) },
      newest: (newest.first ?? project.newest ?? live).map { $0.deployment(liveID: live?.id) },
      cutOver: .staged, autoDeploys: project.deploysPushes,
      restoreMode: live.map { $0.state == "READY" && !$0.isRemoved ? .codeAndVariables : .rebuild },
      connectedSource: project.linkWords,
      missingDomains: service.domains.filter { wanted in
        !domains.contains { Addresses.isSame($0.name, wanted) }
      }, domains: domains.map(\.name).filter { !$0.hasSuffix(".vercel.app") }.sorted())
    for variable in production {
      if let at = variable.updatedAt { observed.variableTimes[variable.key] = at }
    }
    if plan == "hobby" {
      observed.restoreNote =
        "Vercel's Hobby plan goes back one step only, to the production deployment right before this one"
    }
    var notes = notes(on: project, place)
    if let release = await release { notes.append("\(place.name): \(release.words)") }
    if let note = configurationNote(service) { notes.append(note) }
    var told: [(domain: String, words: String)] = []
    for domain in domains where service.domains.contains(where: { Addresses.isSame($0, domain.name) }) {
      if let advice = await client.advice(on: domain, of: place) { told.append((domain.name, advice)) }
    }
    return (observed, notes, told)
  }

  /// What `vercel.json` says here and an upload cannot carry: said before anything is done. The commit's own file
  /// is what counts, and is looked at again before anything is uploaded.
  private func configurationNote(_ service: Service) -> String? {
    guard case .directory(let path, let below, _) = service.source else { return nil }
    do throws(Failure) {
      _ = try ProjectConfiguration.read(path.hasPrefix("/") ? path : "\(root)/\(path)", root: below)
      return nil
    } catch { return "\(service.key): \(error.message)" }
  }

  private func read<Value: Sendable>(
    _ doing: String, _ place: Place, _ body: @Sendable () async throws(APIError) -> Value
  ) async -> Result<Value, Failure> {
    do throws(APIError) { return .success(try await body()) } catch {
      return .failure(error.failure("\(doing) of \(place.name)", scope: scope(place)))
    }
  }

  /// The rolling release that is under way; nil also when none is configured.
  private func rollingRelease(_ project: ProjectAnswer, _ place: Place) async -> RollingRelease? {
    guard project.rollingRelease != nil,
      let answer = try? await client.send(Endpoint.rollingRelease(place), .quick(.seconds(10))).body
    else { return nil }
    return RollingRelease(answer).flatMap { $0.isActive ? $0 : nil }
  }

  /// What a person should know about a project before deploying.
  func notes(on project: ProjectAnswer, _ place: Place) -> [String] {
    var notes: [String] = []
    if !project.assignsDomains {
      notes.append(
        "\(place.name): production is pinned"
          + (project.rollback.map { " by a rollback \($0)" } ?? "")
          + "; new production deployments stay staged until one is promoted, which a deploy by shipit does")
    }
    if project.isPaused {
      notes.append("\(place.name): the project is paused; unpause it on vercel.com, or nothing is served")
    }
    if let rolling = project.rollingRelease {
      notes.append(
        "\(place.name): promotions are rolling releases (\(rolling.words)); "
          + (rolling.needsApproval
            ? "shipit waits for the approvals" : "shipit completes them at once"))
    }
    return notes
  }

  package func rivals(_ environment: Environment) async throws(Failure) -> [String] {
    let services = environment.services.filter { $0.platform == .vercel }
    guard !services.isEmpty else { return [] }
    let team = try await team(environment)
    let seen = try await each(services) { service throws(Failure) -> String? in
      let (place, project) = try await self.project(of: service, team)
      guard project.deploysPushes else { return nil }
      return
        "\(place.name) is also deployed by Vercel on each push to \(project.linkWords ?? "its repository"); "
        + "a deploy turns that off"
    }
    return seen.compactMap(\.1)
  }

  package func live(_ environment: Environment) async throws(Failure) -> [ServiceName: LiveState] {
    let services = environment.services.filter { $0.platform == .vercel }
    guard !services.isEmpty else { return [:] }
    let team = try await team(environment)
    if environment.previewOf != nil { return try await livePreviews(environment, services, team) }
    let seen = try await each(services) { service throws(Failure) -> LiveState in
      let (place, project) = try await self.project(of: service, team)
      var notes = self.notes(on: project, place)
      if let release = await self.rollingRelease(project, place) { notes.append(release.words) }
      let live = project.production
      let host = Addresses.host(declared: service.domains, domains: [], aliases: live?.aliases ?? [])
      return LiveState(
        live: live.map { $0.deployment(liveID: $0.id) },
        newest: (project.newest ?? live).map { $0.deployment(liveID: live?.id) },
        address: host.map {
          self.addresses.address(of: $0, beside: (live?.aliases ?? []) + [live?.url].compactMap(\.self))
        }, notes: notes)
    }
    return Dictionary(uniqueKeysWithValues: seen.map { ($0.0.key, $0.1) })
  }

  /// None: Vercel never tells the values a deployment was built with (contract §4.5, §6.2). Its rollback brings
  /// the old build back with the values it had, and leaves the stored ones as they are.
  package func restorableVariables(of target: ServiceTarget, deployment: String)
    async throws(Failure) -> Set<String>
  { [] }

  package func deployment(_ id: String, of target: ServiceTarget) async throws(Failure) -> Deployment? {
    let place = target.place
    do throws(APIError) {
      let live = try await client.project(place).production
      guard let found = try await client.deployment(id, place) else { return nil }
      var canRollback: Bool?
      if found.plan == "hobby", found.id != live?.id, found.wasLive {
        // Only the one right before: Vercel marks it among the candidates.
        let candidates = try await client.deployments(place, candidates: true, wanted: 100)
        canRollback = candidates.first { $0.id == id }?.isRollbackCandidate ?? false
      }
      return found.deployment(liveID: live?.id, canRollback: canRollback)
    } catch {
      throw error.failure("reading the deployment \(id) of \(place.name)", scope: scope(place))
    }
  }

  package func history(
    _ environment: Environment, limit: Int
  ) async throws(Failure) -> [ServiceName: [Deployment]] {
    let services = environment.services.filter { $0.platform == .vercel }
    guard !services.isEmpty else { return [:] }
    let team = try await team(environment)
    let seen = try await each(services) { service throws(Failure) -> [Deployment] in
      let (place, project) = try await self.project(of: service, team)
      let found = await self.read("reading the deployments", place) { () async throws(APIError) in
        try await self.client.deployments(place, state: "READY", wanted: max(100, limit))
      }
      let live = project.production?.id
      // What was only staged never served.
      return try found.get().filter { $0.wasLive || $0.id == live }.prefix(limit)
        .map { $0.deployment(liveID: live) }
    }
    return Dictionary(uniqueKeysWithValues: seen.map { ($0.0.key, $0.1) })
  }
}
