import Concurrency
import JSON
import Model

/// Variables between Railway's answers and ours.
enum RailwayVariables {
  /// Reads a flat object of names and values; a null exists but cannot be read.
  static func read(_ node: JSON?) -> [String: Sensitive?] {
    var values: [String: Sensitive?] = [:]
    for (name, value) in node?.object ?? [:] {
      switch value {
      case .string(let text): values.updateValue(Sensitive(text), forKey: name)
      case .null: values.updateValue(nil, forKey: name)
      default: values.updateValue(Sensitive(value.serialized()), forKey: name)
      }
    }
    return values
  }

  /// Reads the variables of an environment's configuration: a sealed one exists, but cannot be read.
  static func read(configured node: JSON?) -> [String: Sensitive?] {
    var values: [String: Sensitive?] = [:]
    for (name, variable) in node?.object ?? [:] where variable.object != nil {
      let isSealed = variable["isSealed"]?.bool == true
      values.updateValue(isSealed ? nil : variable["value"]?.string.map { Sensitive($0) }, forKey: name)
    }
    return values
  }
}

/// What Railway says of a service's variables beside their values.
struct VariableListing: Sendable, Hashable {
  var sealed: Set<String> = []
  /// When each was last written.
  var times: [String: Timestamp] = [:]
}

extension RailwayClient {
  /// The stored variables of a service, references as written.
  func storedVariables(of target: ServiceTarget, _ manner: Manner = .read)
    async throws(APIError) -> [String: Sensitive?]
  {
    let data = try await read(
      Documents.variables,
      [
        "projectId": .string(target.place.project), "environmentId": .string(target.place.environment),
        "serviceId": .string(target.serviceID), "unrendered": .bool(true),
      ], manner)
    return RailwayVariables.read(data["variables"])
  }

  /// The variables a deployment ran with, from Railway's own copy.
  func snapshotVariables(of deployment: String) async throws(APIError) -> [String: Sensitive?] {
    let data = try await read(Documents.deploymentSnapshot, ["deploymentId": .string(deployment)])
    guard let node = data["deploymentSnapshot"], node.object != nil else {
      throw APIError(.notFound, "Railway keeps no copy of it", operation: Documents.deploymentSnapshot.name)
    }
    return RailwayVariables.read(node["variables"])
  }

  /// Sealed variables, which the listing of values may leave out, and the times of writes, by service id.
  func variableListing(in place: Place) async throws(APIError) -> [String: VariableListing] {
    var names: [String: VariableListing] = [:]
    var page: Page = .first
    while page != .exhausted {
      let data = try await read(
        Documents.variableMetadata,
        ["environmentId": .string(place.environment), "first": .int(page.size), "after": page.cursor])
      let listing = data["environment"]?["variables"]
      for edge in listing?["edges"]?.array ?? [] {
        guard let name = edge["node"]?["name"]?.string, let service = edge["node"]?["serviceId"]?.string
        else { continue }
        if edge["node"]?["isSealed"]?.bool == true {
          names[service, default: VariableListing()].sealed.insert(name)
        }
        if let at = edge["node"]?["updatedAt"]?.string.flatMap({ Timestamp(iso8601: $0) }) {
          names[service, default: VariableListing()].times[name] = at
        }
      }
      page = page.next(listing?["pageInfo"])
    }
    return names
  }
}
