import Concurrency
import JSON
import Model

extension RailwayPlatform {
  /// Project and environment as they are now: they may have been made a moment ago.
  func found(_ creation: Creation) async throws(Failure) -> FoundPlace {
    guard case .railway(let target) = creation.account else {
      throw Failure(.internalError, "\(creation.words) is none of Railway's")
    }
    if let known = places.places.withLock({ $0[target] }) {
      return FoundPlace(
        token: known.token, project: Named(id: known.place.project, name: known.project),
        environment: Named(id: known.place.environment, name: known.environment), services: [])
    }
    let found = try await Resolution(client: client).find(target)
    if let resolved = found.resolved { places.places.withLock { $0[target] = resolved } }
    return found
  }

  /// The service that something belongs to; nil while it has no instance in the environment.
  func target(of creation: Creation) async throws -> ServiceTarget? {
    guard let resolved = try await found(creation).resolved, let owner = creation.owner else { return nil }
    let state = try await client.state(of: resolved.place)
    guard let service = state.services.values.first(where: { $0.isNamed(owner) }) else { return nil }
    return ServiceTarget(
      service: ServiceName(rawValue: creation.key ?? owner), platform: .railway, name: service.name,
      ids: [
        "service": service.id, "environment": resolved.place.environment, "project": resolved.place.project,
      ])
  }

  /// Looks for something that is to be made, or was asked for: by its name, and by our marker where it bears one.
  func look(
    _ creation: Creation, _ step: Step, _ call: StepCall, _ manner: RailwayClient.Manner = .read
  ) async throws -> Presence {
    switch creation.kind {
    case .project: return try await lookForProject(creation, call.marker(of: step))
    case .environment:
      if let fork = creation.fork { return try await lookForFork(fork, creation, call) }
      let found = try await found(creation)
      return found.environment.map { .one($0.id) } ?? .none
    case .service, .database: return try await lookForService(creation, call, manner)
    case .volume:
      guard let target = try await target(of: creation) else { return .none }
      let volumes = try await client.state(of: target.place, withVolumes: true, manner).volumes
      return volumes[target.serviceID].map { .one($0) } ?? .none
    case .address, .domain:
      guard let target = try await target(of: creation) else { return .none }
      let domains = try await client.domains(of: target, manner)
      if creation.kind == .address { return domains.own.first.map { .one($0.id) } ?? .none }
      return domains.custom.first { $0.name == creation.name }.map { .one($0.id) } ?? .none
    case .proxy:
      guard let target = try await target(of: creation) else { return .none }
      let proxies = try await client.proxies(of: target.serviceID, in: target.place, manner)
      guard let proxy = proxies.first(where: { String($0.port) == creation.name }) else { return .none }
      return proxy.isActive ? .one(proxy.id) : .begun(proxy.id)
    case .privateName:
      guard let target = try await target(of: creation) else { return .none }
      return try await client.privateName(of: target, manner)?.presence(as: creation.name) ?? .none
    }
  }

  /// Names of projects need not be unique: ours bears the marker.
  private func lookForProject(_ creation: Creation, _ marker: Marker) async throws -> Presence {
    guard case .railway(let target) = creation.account,
      case .workspace(let workspaces) = try await client.identity(.read)
    else { return .none }
    let named = try await Resolution(client: client).projects(of: target, workspaces).found
    let ours = named.filter { $0.description == "\(marker)" }
    let candidates = ours.isEmpty ? named : ours
    if candidates.count > 1 { return .several(candidates.map(\.id).sorted()) }
    return candidates.first.map { .one($0.id) } ?? .none
  }

  private func lookForService(
    _ creation: Creation, _ call: StepCall, _ manner: RailwayClient.Manner
  ) async throws -> Presence {
    guard let resolved = try await found(creation).resolved else { return .none }
    let state = try await client.state(of: resolved.place, manner)
    let there = state.services.values.first { $0.isNamed(creation.name) }
    if creation.kind == .service, let there { return .one(there.id) }
    let node = try await Resolution(client: client).projectNode(
      resolved.place.project, named: resolved.project, resolved.token)
    let services = (node["services"]?["edges"]?.array ?? []).compactMap { edge in
      Named(edge["node"]).map { ($0, edge["node"]?["createdAt"]?.string.flatMap { Timestamp(iso8601: $0) }) }
    }
    if creation.kind == .database {
      // Deployed twice, a template makes a second service with a name of Railway's: `Postgres-x1y2`.
      let since = await client.serverMoment(call.beganAt, margin: .seconds(30))
      let twins = services.filter { service, at in
        service.name == creation.name
          || (service.name.hasPrefix(creation.name + "-") && at.map { $0 >= since } ?? false)
      }
      if twins.count > 1 { return .several(twins.map { "\($0.0.name) (\($0.0.id))" }.sorted()) }
    }
    if let there { return .one(there.id) }
    let other = services.first { $0.0.name.lowercased() == creation.name.lowercased() }
    return other.map { .begun($0.0.id) } ?? .none
  }
}

/// A port of a service that the internet reaches by TCP.
struct TCPProxy: Sendable {
  var id: String
  var port: Int
  var isActive: Bool
}

extension RailwayClient {
  func proxies(
    of service: String, in place: Place, _ manner: Manner = .read
  ) async throws(APIError) -> [TCPProxy] {
    let data = try await read(
      Documents.tcpProxies,
      ["environmentId": .string(place.environment), "serviceId": .string(service)], manner)
    return (data["tcpProxies"]?.array ?? []).compactMap { proxy in
      guard let id = proxy["id"]?.string, let port = proxy["applicationPort"]?.int else { return nil }
      return TCPProxy(id: id, port: Int(port), isActive: proxy["syncStatus"]?.string == "ACTIVE")
    }
  }
}
