import Concurrency
import GraphQL
import JSON

/// The private network of an environment, which each has, and the names of services in it (contract §11).
extension Answers {
  func privateNetwork(_ environment: World.Environment) -> GraphQLNode {
    .object([
      "publicId": .text(World.network(of: environment.id)), "name": .text("private"),
      "dnsName": .text("railway.internal"), "environmentId": .text(environment.id),
      "projectId": .text(environment.project), "tags": .list([]), "createdAt": .time(environment.createdAt),
      "deletedAt": .json(.null),
    ])
  }

  func privateEndpoint(of instance: ServiceInstance) -> GraphQLNode {
    .object([
      "publicId": .text(World.endpoint(of: instance)), "dnsName": .text(world.privateName(of: instance)),
      "newDnsName": .json(.null), "privateIps": .list([]), "serviceInstanceId": .text(instance.id),
      "syncStatus": .text("ACTIVE"), "tags": .list([]), "createdAt": .time(instance.createdAt),
      "deletedAt": .json(.null),
    ])
  }
}

extension World {
  static func network(of environment: String) -> String { "network-\(environment)" }
  static func endpoint(of instance: ServiceInstance) -> String { "endpoint-\(instance.id)" }

  /// The service's name as hosts are written, unless it was given another one.
  func privateName(of instance: ServiceInstance) -> String {
    instance.privateName
      ?? (services[instance.key.service]?.name ?? "").lowercased().replacing(" ", with: "-")
  }

  mutating func renameEndpoint(_ arguments: [String: JSON], for token: Token) throws(Refusal) {
    let wanted = arguments["dnsName"]?.string ?? ""
    guard
      let own = instances.values.first(where: {
        World.endpoint(of: $0) == arguments["id"]?.string
          && World.network(of: $0.key.environment) == arguments["privateNetworkId"]?.string
          && mayAccess(token, environment: $0.key.environment)
      })
    else { throw Refusal("Private network endpoint not found") }
    let others = instances.values.filter { $0.key.environment == own.key.environment && $0.key != own.key }
    guard !others.contains(where: { privateName(of: $0) == wanted }) else {
      throw Refusal("A private network endpoint with this name already exists")
    }
    instances[own.key]?.privateName = wanted
  }
}
