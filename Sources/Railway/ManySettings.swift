import JSON
import Model

extension RailwayClient {
  /// How many services are asked for by name in one request.
  static let mostByName = 20

  /// Settings from the listing of instances, variables and limits from the environment's configuration
  /// (contract railway §6.5, §9), automatic deploys only of those connected to a repository.
  func detailsOfMany(
    _ services: [(id: String, hasRepository: Bool)], in place: Place, _ manner: Manner
  ) async throws(APIError) -> [String: ServiceDetails] {
    let wanted = Set(services.map(\.id))
    var details: [String: ServiceDetails] = [:]
    var page: Page = .first
    while page != .exhausted {
      let data = try await read(
        Documents.settings,
        [
          "projectId": .string(place.project), "environmentId": .string(place.environment),
          "first": .int(page.size), "after": page.cursor,
        ], manner)
      guard let node = data["environment"], node.object != nil else {
        throw APIError(.notFound, "the environment is gone", operation: Documents.settings.name)
      }
      let configured = node["config"]?["services"]
      for edge in node["serviceInstances"]?["edges"]?.array ?? [] {
        guard let instance = edge["node"], let id = instance["serviceId"]?.string, wanted.contains(id) else {
          continue
        }
        details[id] = ServiceDetails(
          settings: RailwaySettings.read(instance, limits: configured?[id]?["deploy"]?["limitOverride"]),
          variables: RailwayVariables.read(configured: configured?[id]?["variables"]),
          image: instance["source"]?["image"]?.string, autoDeploys: false)
      }
      page = page.next(node["serviceInstances"]?["pageInfo"])
    }
    guard details.count == wanted.count else {
      throw APIError(.notFound, "the service instance is gone", operation: Documents.settings.name)
    }
    let connected = services.filter(\.hasRepository).map(\.id)
    for id in try await deployingPushes(connected, in: place, manner) { details[id]?.autoDeploys = true }
    return details
  }
}
