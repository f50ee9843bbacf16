import JSON
package import Model

/// What stands in the environment beside what the file names.
extension RailwayPlatform {
  package func surplus(_ environment: Environment) async throws(Failure) -> [Surplus] {
    guard environment.platforms.railway != nil else { return [] }
    let resolved = try await resolve(environment)
    let state = try await readState(resolved, withVolumes: true)
    let declared = environment.services.filter { $0.platform == .railway }
    let templates = environment.databases.compactMap(\.create?.service)
    var found: [Surplus] = []
    for service in state.services.values.sorted(by: { $0.name < $1.name })
    where !templates.contains(where: service.isNamed) {
      guard let own = declared.first(where: { service.isNamed($0.name) }) else {
        let kept: String? =
          state.volumes[service.id] != nil
          ? "it has a volume" : service.looksLikeADatabase ? "it runs the image of a database" : nil
        found.append(
          Surplus(.services, on: .railway, name: service.name, id: service.id, kept: kept))
        continue
      }
      found += try await surplus(of: own, service, resolved)
    }
    return found
  }

  private func surplus(
    of declared: Service, _ service: ServiceState, _ resolved: ResolvedPlace
  ) async throws(Failure) -> [Surplus] {
    let target = ServiceTarget(
      service: declared.key, platform: .railway, name: service.name,
      ids: [
        "service": service.id, "environment": resolved.place.environment, "project": resolved.place.project,
      ])
    do {
      var found: [Surplus] = []
      if service.customDomains.contains(where: { !declared.domains.contains($0) }) {
        found += try await client.domains(of: target).custom.filter { !declared.domains.contains($0.name) }
          .map { Surplus(.domains, on: .railway, name: $0.name, owner: service.name, id: $0.id) }
      }
      found += try await client.proxies(of: service.id, in: resolved.place).filter {
        $0.port != declared.proxy
      }
      .map { Surplus(.proxies, on: .railway, name: String($0.port), owner: service.name, id: $0.id) }
      return found
    } catch {
      throw error.failure(
        "reading the domains and proxies of \(service.name)", token: resolved.token.description)
    }
  }

  package func remove(_ surplus: Surplus, _ environment: Environment) async throws(Failure) {
    guard surplus.kept == nil else {
      throw Failure(.policy, "\(surplus.words) is not removed: \(surplus.kept ?? "")")
    }
    let resolved = try await resolve(environment)
    do {
      switch surplus.kind {
      case .services:
        _ = try await client.mutate(
          Documents.serviceDelete,
          ["id": .string(surplus.id), "environmentId": .string(resolved.place.environment)])
      case .domains: _ = try await client.mutate(Documents.customDomainDelete, ["id": .string(surplus.id)])
      case .proxies: _ = try await client.mutate(Documents.tcpProxyDelete, ["id": .string(surplus.id)])
      }
    } catch {
      // Gone is what was wanted, and an answer that was lost is looked up by whoever lists again.
      if error.kind == .notFound { return }
      throw error.failure("removing \(surplus.words)", token: resolved.token.description)
    }
  }
}

extension ServiceState {
  /// Its image is one that databases run: what it holds would be gone with it.
  fileprivate var looksLikeADatabase: Bool {
    let image = image?.lowercased() ?? ""
    return ["postgres", "redis", "valkey", "mysql", "mariadb", "mongo", "clickhouse"].contains {
      image.contains($0)
    }
  }
}
