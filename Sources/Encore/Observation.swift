import Concurrency
import JSON
package import Model

extension EncorePlatform {
  /// The one service that stands for the application, with its place.
  func declared(_ environment: Environment) throws(Failure) -> (service: Service, place: EncorePlace)? {
    let services = environment.services.filter { $0.platform == .encore }
    guard let service = services.first else { return nil }
    guard services.count == 1 else {
      throw Failure(
        .configuration,
        "\(services.map(\.key.rawValue).joined(separator: " and ")) are on Encore, where one service stands for the "
          + "whole application",
        place: "services.\(services[1].key)",
        hint: "keep one of them; Encore rolls out all of its services together")
    }
    let target = environment.platforms.encore ?? self.target
    return (
      service,
      EncorePlace(
        app: target.app, environment: target.environment,
        address: service.health.url
          ?? EncorePlace.standardAddress(app: target.app, environment: target.environment),
        directory: service.source.tree?.path ?? ".")
    )
  }

  package func observe(_ environment: Environment) async throws(Failure) -> Observation {
    guard let (service, place) = try declared(environment) else { return Observation() }
    if !service.variables.isEmpty, !client.hasKey {
      throw Failure(
        .configuration,
        "the variables of \(service.key) become secrets of Encore, which need an auth key to write",
        place: "platforms.encore.key",
        hint: "make an auth key in the application's settings and add `key: {secret: ENCORE_AUTH_KEY}` under "
          + "`platforms.encore`; or remove `variables`")
    }
    // Whose rights do not reach learns it before anything is changed.
    do { try await client.authenticate(.client) } catch {
      throw error.failure("getting a token for \(place.name)")
    }
    var observation = Observation()
    var variables: [String: Sensitive?] = [:]
    if client.hasKey {
      for name in try await storedNames(place) { variables.updateValue(nil, forKey: name) }
    }
    let live: Deployment?
    switch await health(at: place.address, attempts: 3) {
    case .success(let health):
      try await checkRole(health, place)
      live = await deployment(of: health)
    case .failure(let trouble):
      live = nil
      observation.notes.append(
        "\(place.address)/__encore/healthz does not say what \(place.name) runs (\(trouble.words)): a first deploy is "
          + "assumed; when something does run there, set services.\(service.key).health.url to its address")
    }
    observation.services[service.key] = ObservedService(
      target: place.target(service.key), address: place.address, variables: variables, live: live,
      newest: live,
      cutOver: .gated, restoreMode: .redeploy)
    return observation
  }

  /// The client must be allowed to read rollouts of the application, or it could not wait for one.
  private func checkRole(_ health: EncoreHealth, _ place: EncorePlace) async throws(Failure) {
    guard let id = health.deployment else { return }
    do { _ = try await rollout(id) } catch {
      switch error.kind {
      case .forbidden, .unauthorized: throw error.failure("reading the rollout \(id) of \(place.name)")
      // One that Encore has forgotten, or trouble that may have passed by the time it matters.
      default: return
      }
    }
  }

  package func live(_ environment: Environment) async throws(Failure) -> [ServiceName: LiveState] {
    guard let (service, place) = try declared(environment) else { return [:] }
    switch await health(at: place.address) {
    case .success(let health):
      let live = await deployment(of: health)
      return [service.key: LiveState(live: live, newest: live, address: place.address)]
    case .failure(let trouble):
      return [
        service.key: LiveState(
          live: nil, newest: nil, address: place.address,
          notes: ["its health answer does not say what runs: \(trouble.words)"])
      ]
    }
  }

  /// Encore lists no rollouts: all that is known to have served is what serves.
  package func history(
    _ environment: Environment, limit: Int
  ) async throws(Failure) -> [ServiceName: [Deployment]] {
    try await live(environment).compactMapValues { state in state.live.map { [$0] } }
  }

  /// Values of secrets cannot be read, nor were they ever part of a deployment.
  package func restorableVariables(of target: ServiceTarget, deployment: String) async throws(Failure) -> Set<
    String
  > {
    []
  }

  package func deployment(_ id: String, of target: ServiceTarget) async throws(Failure) -> Deployment? {
    let place = EncorePlace(target)
    let health = await settledHealth(at: place.address, looking: id)
    if let health, health.id == id { return await deployment(of: health) }
    guard id.hasPrefix(RolloutID.prefix) else { return nil }
    let rollout: Rollout
    do { rollout = try await self.rollout(id) } catch {
      if error.kind == .notFound { return nil }
      throw error.failure("reading the rollout \(id) of \(place.name)")
    }
    var found = deployment(of: rollout)
    // It ended well once, and something else answers now.
    if found.status == .live, health != nil { found.status = .removed }
    return found
  }

  /// What serves, looked at again while it is another deployment: for a while old and new answer by turns.
  private func settledHealth(at address: String, looking id: String) async -> EncoreHealth? {
    var last: EncoreHealth?
    for attempt in 0..<3 {
      if attempt > 0, (try? await clock.sleep(for: .milliseconds(400))) == nil { return last }
      guard let health = try? await health(at: address, timeout: .seconds(5)).get() else { return last }
      last = health
      if health.id == id { return health }
    }
    return last
  }

  private func deployment(of rollout: Rollout) -> Deployment {
    Deployment(
      id: rollout.id, status: rollout.common,
      word: rollout.isCompleted ? rollout.conclusion : rollout.isProposed ? "proposed" : rollout.status,
      createdAt: rollout.queuedAt ?? clock.now, canRollback: true)
  }

  /// What serves, with the time of its rollout where Encore tells.
  private func deployment(of health: EncoreHealth) async -> Deployment {
    let rollout: Rollout? =
      if let id = health.deployment { try? await self.rollout(id, .quick(.seconds(5))) } else { nil }
    return Deployment(
      id: health.id, status: .live, word: health.code, createdAt: rollout?.queuedAt ?? clock.now,
      commit: health.revision, canRollback: true, instances: health.status == 200 ? ["RUNNING": 1] : [:])
  }
}
