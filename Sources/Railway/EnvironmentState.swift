import Concurrency
import JSON
import Model

/// What one reading of an environment shows, for all its services.
struct EnvironmentState: Sendable, Hashable {
  var name: String
  var canAccess: Bool
  /// Staged changes that nobody has committed yet.
  var stagedChanges: Int
  var services: [String: ServiceState]
  /// By the id of the service that has a volume, the id of the volume's instance here.
  var volumes: [String: String]
}

/// One service instance as `ShipitEnvironment` shows it.
struct ServiceState: Sendable, Hashable {
  var id: String
  var name: String
  var newest: Deployment?
  /// Deployed and running, in no particular order.
  var active: [Deployment]
  var isCron: Bool
  var repository: String?
  var image: String?
  var customDomains: [String]
  var serviceDomains: [String]
  /// The live deployment's source can be built or started again.
  var canRedeploy: Bool

  /// What serves traffic: of the active ones the newest that lives, or that crashed with an instance left.
  var live: Deployment? {
    let serving = active.filter { $0.status == .live || $0.status == .sleeping || $0.servesThoughCrashed }
    if let best = serving.max(by: { $0.createdAt < $1.createdAt }) { return best }
    if let newest, newest.status == .live || newest.status == .sleeping { return newest }
    // During a drain the old one may be all there is.
    return active.filter { $0.status == .removing }.max { $0.createdAt < $1.createdAt }
  }

  func deployment(_ id: String) -> Deployment? {
    // The newest attempt is read with more fields and at the same moment.
    if newest?.id == id { return newest }
    return active.first { $0.id == id }
  }

  /// Where the service answers; a domain of the service's own declaration is preferred.
  /// - Parameter unready: domains that lead nowhere yet.
  func address(preferring wanted: [String] = [], without unready: Set<String> = []) -> String? {
    let custom = customDomains.filter { !unready.contains($0) }
    guard let domain = wanted.first(where: custom.contains) ?? custom.first ?? serviceDomains.first else {
      return nil
    }
    let address = ServiceState.address(ofDomain: domain)
    // On loopback a name alone leads nowhere: the port is that of the service's own domain.
    guard address.hasPrefix("http://"), !domain.contains(":"),
      let port = serviceDomains.first?.split(separator: ":").dropFirst().last
    else { return address }
    return "\(address):\(port)"
  }

  /// `http` on loopback hosts, `https` elsewhere.
  static func address(ofDomain domain: String) -> String {
    let host: Substring
    if domain.hasPrefix("[") {
      host = domain.dropFirst().prefix { $0 != "]" }
    } else {
      host = domain.prefix { $0 != ":" && $0 != "/" }
    }
    let octets = host.split(separator: ".", omittingEmptySubsequences: false)
    let isLoopback4 = octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    let isLoopback = host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || isLoopback4
    return (isLoopback ? "http://" : "https://") + domain
  }
}

extension Deployment {
  /// With several replicas some may still run.
  var servesThoughCrashed: Bool { status == .crashed && (instances["RUNNING"] ?? 0) > 0 }

  /// Reads a deployment node; nil when it has no id.
  init?(railway node: JSON?) {
    guard let node, let id = node["id"]?.string else { return nil }
    let word = node["status"]?.string ?? "?"
    let meta = node["meta"]
    let message = meta?["cliMessage"]?.string ?? ""
    let marker = Marker(parsing: message)
    let words = message.split(separator: " ")
    let ours = marker != nil && words.count > 1 ? String(words[1]) : nil
    var instances: [String: Int] = [:]
    for instance in node["instances"]?.array ?? [] {
      instances[instance["status"]?.string ?? "?", default: 0] += 1
    }
    self.init(
      id: id, status: Status(railway: word), word: word,
      createdAt: node["createdAt"]?.string.flatMap { Timestamp(iso8601: $0) } ?? Timestamp(milliseconds: 0),
      commit: ours ?? meta?["commitHash"]?.string, image: meta?["image"]?.string, marker: marker,
      canRollback: node["canRollback"]?.bool ?? false, isStopped: node["deploymentStopped"]?.bool ?? false,
      instances: instances, digest: meta?["imageDigest"]?.string)
  }
}

extension Deployment.Status {
  /// All thirteen words of Railway; others stay as they are.
  init(railway word: String) {
    switch word {
    case "QUEUED", "WAITING": self = .queued
    case "NEEDS_APPROVAL": self = .needsApproval
    case "INITIALIZING", "BUILDING": self = .building
    case "DEPLOYING": self = .starting
    case "SUCCESS": self = .live
    case "SLEEPING": self = .sleeping
    case "FAILED": self = .failed
    case "CRASHED": self = .crashed
    case "SKIPPED": self = .skipped
    case "REMOVING": self = .removing
    case "REMOVED": self = .removed
    default: self = .unknown(word)
    }
  }
}

extension ServiceState {
  init?(_ node: JSON) {
    guard let id = node["serviceId"]?.string else { return nil }
    let active = node["activeDeployments"]?.array ?? []
    let domains = node["domains"]
    func names(_ key: String) -> [String] { (domains?[key]?.array ?? []).compactMap { $0["domain"]?.string } }
    self.init(
      id: id, name: node["serviceName"]?.string ?? id, newest: Deployment(railway: node["latestDeployment"]),
      active: active.compactMap { Deployment(railway: $0) },
      isCron: !(node["cronSchedule"]?.string ?? "").isEmpty, repository: node["source"]?["repo"]?.string,
      image: node["source"]?["image"]?.string, customDomains: names("customDomains"),
      serviceDomains: names("serviceDomains"),
      canRedeploy: (active.last ?? node["latestDeployment"])?["canRedeploy"]?.bool ?? false)
  }
}

/// Ids of the environment everything happens in.
struct Place: Sendable, Hashable {
  var project: String
  var environment: String
}

extension RailwayClient {
  static let pageSize: Int64 = 200

  /// Reads the environment with all its services, page by page.
  func state(of place: Place, withVolumes: Bool = false, _ manner: Manner = .read)
    async throws(APIError) -> EnvironmentState
  {
    var state = EnvironmentState(name: "", canAccess: true, stagedChanges: 0, services: [:], volumes: [:])
    var services: Page = .first
    var volumes: Page = withVolumes ? .first : .exhausted
    while services != .exhausted || volumes != .exhausted {
      let data = try await read(
        Documents.environment,
        [
          "projectId": .string(place.project), "environmentId": .string(place.environment),
          "servicesFirst": .int(services.size), "servicesAfter": services.cursor,
          "volumesFirst": .int(volumes.size), "volumesAfter": volumes.cursor,
        ], manner)
      guard let node = data["environment"], node.object != nil else {
        throw APIError(.notFound, "the environment is gone", operation: Documents.environment.name)
      }
      state.name = node["name"]?.string ?? ""
      state.canAccess = node["canAccess"]?.bool ?? true
      state.stagedChanges = node["unmergedChangesCount"]?.int.map(Int.init) ?? 0
      for edge in node["serviceInstances"]?["edges"]?.array ?? [] {
        if let service = edge["node"].flatMap({ ServiceState($0) }) { state.services[service.id] = service }
      }
      for edge in node["volumeInstances"]?["edges"]?.array ?? [] {
        guard let volume = edge["node"], volume["deletedAt"]?.string == nil,
          volume["isPendingDeletion"]?.bool != true, let service = volume["serviceId"]?.string,
          let id = volume["id"]?.string
        else { continue }
        state.volumes[service] = id
      }
      services = services.next(node["serviceInstances"]?["pageInfo"])
      volumes = volumes.next(node["volumeInstances"]?["pageInfo"])
    }
    return state
  }
}

/// Where a listing stands.
enum Page: Sendable, Hashable {
  case first
  case after(String)
  case exhausted

  var size: Int64 { self == .exhausted ? 0 : RailwayClient.pageSize }
  var cursor: JSON { if case .after(let text) = self { .string(text) } else { .null } }

  func next(_ info: JSON?) -> Page {
    guard self != .exhausted, info?["hasNextPage"]?.bool == true, let cursor = info?["endCursor"]?.string,
      self != .after(cursor)
    else { return .exhausted }
    return .after(cursor)
  }
}
