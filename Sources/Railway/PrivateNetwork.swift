import Concurrency
import JSON
import Model

/// The name of a service in the private network of an environment: `NAME.railway.internal` (contract railway §11). The
/// documents are written against the schema.
struct PrivateName: Sendable, Hashable {
  var id: String
  var name: String
  /// What it becomes.
  var next: String?
  var isActive: Bool

  init?(_ node: JSON?) {
    guard let id = node?["publicId"]?.string, let name = node?["dnsName"]?.string else { return nil }
    self.id = id
    self.name = PrivateName.label(name)
    next = node?["newDnsName"]?.string.map(PrivateName.label)
    isActive = node?["syncStatus"]?.string == "ACTIVE"
  }

  /// Whether the schema's names carry the ending is not documented.
  private static func label(_ name: String) -> String {
    name.hasSuffix(".railway.internal") ? String(name.dropLast(".railway.internal".count)) : name
  }

  /// Whether it is called so, or is about to be.
  func presence(as wanted: String) -> RailwayPlatform.Presence? {
    if name == wanted, next == nil || next == wanted { return isActive ? .one(id) : .begun(id) }
    return next == wanted ? .begun(id) : nil
  }
}

extension RailwayClient {
  /// The environment's private network; nil while it has none.
  private func network(of place: Place, _ manner: Manner) async throws(APIError) -> String? {
    let data = try await read(
      Documents.privateNetworks, ["environmentId": .string(place.environment)], manner)
    return (data["privateNetworks"]?.array ?? []).first { $0["deletedAt"]?.string == nil }?["publicId"]?
      .string
  }

  func privateName(of target: ServiceTarget, _ manner: Manner = .read) async throws(APIError) -> PrivateName?
  {
    guard let network = try await network(of: target.place, manner) else { return nil }
    return try await privateName(of: target.serviceID, in: target.place, network, manner)
  }

  private func privateName(
    of service: String, in place: Place, _ network: String, _ manner: Manner
  ) async throws(APIError) -> PrivateName? {
    PrivateName(
      try await read(
        Documents.privateNetworkEndpoint,
        [
          "environmentId": .string(place.environment), "privateNetworkId": .string(network),
          "serviceId": .string(service),
        ], manner)["privateNetworkEndpoint"])
  }

  /// Makes network and endpoint where they are missing, each only once, and renames the endpoint.
  /// - Returns: the endpoint's id.
  func givePrivateName(
    _ name: String, to service: String, called serviceName: String, in place: Place
  ) async throws(APIError) -> String {
    func id(_ operation: Operation, _ input: JSON, _ field: String) async throws(APIError) -> String {
      guard let id = try await mutate(operation, ["input": input])[field]?["publicId"]?.string else {
        throw APIError(.malformed, "an answer without an id", operation: operation.name)
      }
      return id
    }
    var known = try await network(of: place, .read)
    if known == nil {
      known = try await id(
        Documents.privateNetworkCreate,
        [
          "environmentId": .string(place.environment), "projectId": .string(place.project),
          "name": "private", "tags": [],
        ], "privateNetworkCreateOrGet")
    }
    let network = known ?? ""
    var endpoint = try await privateName(of: service, in: place, network, .read)?.id
    if endpoint == nil {
      endpoint = try await id(
        Documents.privateNetworkEndpointCreate,
        [
          "environmentId": .string(place.environment), "privateNetworkId": .string(network),
          "serviceId": .string(service), "serviceName": .string(serviceName), "tags": [],
        ], "privateNetworkEndpointCreateOrGet")
    }
    _ = try await mutate(
      Documents.privateNetworkEndpointRename,
      ["id": .string(endpoint ?? ""), "privateNetworkId": .string(network), "dnsName": .string(name)])
    return endpoint ?? ""
  }
}

extension RailwayPlatform {
  /// Whether a service has this private name; one that is not there has none.
  func isCalled(
    _ name: String, _ service: Service, _ found: FoundPlace, _ state: EnvironmentState?
  ) async throws(Failure) -> Bool {
    guard let place = found.resolved?.place,
      let there = state?.services.values.first(where: { $0.isNamed(service.name) })
    else { return false }
    let target = ServiceTarget(
      service: service.key, platform: .railway, name: there.name,
      ids: ["service": there.id, "environment": place.environment, "project": place.project])
    do { return try await client.privateName(of: target)?.presence(as: name) != nil } catch {
      throw error.failure("reading the private name of \(service.name)", token: found.token.description)
    }
  }
}
