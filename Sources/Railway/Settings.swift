import Concurrency
import JSON
import Model

/// Settings between Railway's words and ours.
enum RailwaySettings {
  /// A gigabyte as Railway's limits count it.
  static let gigabyte = 1_000_000_000.0

  /// Reads an instance node and the limit override, whose shape is not fixed by the schema.
  static func read(_ node: JSON, limits: JSON?) -> ServiceSettings {
    var settings = ServiceSettings()
    func text(_ key: String) -> String? { node[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    func seconds(_ key: String) -> Duration? { node[key]?.int.map { .seconds($0) } }
    settings.build = text("buildCommand")
    settings.start = text("startCommand")
    switch node["preDeployCommand"] {
    case .string(let command)?: settings.preDeploy = [command]
    case .array(let commands)?: settings.preDeploy = commands.compactMap(\.string)
    default: break
    }
    settings.dockerfile = text("dockerfilePath")
    settings.builder = text("builder")?.lowercased()
    settings.root = text("rootDirectory")
    settings.replicas = node["numReplicas"]?.int.map(Int.init)
    settings.region = text("region")
    settings.overlap = seconds("overlapSeconds")
    settings.drain = seconds("drainingSeconds")
    switch node["restartPolicyType"]?.string {
    case "ON_FAILURE": settings.restart = .onFailure
    case "ALWAYS": settings.restart = .always
    case "NEVER": settings.restart = .never
    default: break
    }
    settings.restartLimit = node["restartPolicyMaxRetries"]?.int.map(Int.init)
    settings.cron = text("cronSchedule")
    settings.sleep = node["sleepApplication"]?.bool
    settings.healthPath = text("healthcheckPath")
    settings.healthTimeout = seconds("healthcheckTimeout")
    let containers = limits?["containers"] ?? limits
    settings.memory =
      containers?["memoryBytes"]?.int ?? containers?["memoryGB"]?.double.map { Int64($0 * gigabyte) }
    settings.cpu = containers?["cpu"]?.double ?? containers?["vCPUs"]?.double
    return settings
  }

  /// The input of `serviceInstanceUpdate`: the managed fields.
  static func input(_ settings: ServiceSettings) -> [String: JSON] {
    var input: [String: JSON] = [:]
    func put(_ key: String, _ value: JSON?) { if let value { input[key] = value } }
    func seconds(_ value: Duration?) -> JSON? { value.map { .int($0.components.seconds) } }
    put("buildCommand", settings.build.map { .string($0) })
    put("startCommand", settings.start.map { .string($0) })
    put("preDeployCommand", settings.preDeploy.map { .array($0.map { .string($0) }) })
    put("dockerfilePath", settings.dockerfile.map { .string($0) })
    put("builder", settings.builder.map { .string($0.uppercased()) })
    put("rootDirectory", settings.root.map { .string($0) })
    put("numReplicas", settings.replicas.map { .int(Int64($0)) })
    put("region", settings.region.map { .string($0) })
    put("overlapSeconds", seconds(settings.overlap))
    put("drainingSeconds", seconds(settings.drain))
    put("restartPolicyType", settings.restart.map { .string(word($0)) })
    put("restartPolicyMaxRetries", settings.restartLimit.map { .int(Int64($0)) })
    put("cronSchedule", settings.cron.map { .string($0) })
    put("sleepApplication", settings.sleep.map { .bool($0) })
    put("healthcheckPath", settings.healthPath.map { .string($0) })
    put("healthcheckTimeout", seconds(settings.healthTimeout))
    return input
  }

  /// Railway's fields by the names that changes of settings carry; limits are not among them. Empty
  /// is also what Railway shows for a field that was emptied: its default.
  private static let fields: [(name: String, field: String, isEmpty: @Sendable (ServiceSettings) -> Bool)] = [
    ("build", "buildCommand", { $0.build == nil }), ("start", "startCommand", { $0.start == nil }),
    ("pre-deploy", "preDeployCommand", { ($0.preDeploy ?? []).isEmpty }),
    ("dockerfile", "dockerfilePath", { $0.dockerfile == nil }),
    ("builder", "builder", { ($0.builder ?? "railpack") == "railpack" }),
    ("root", "rootDirectory", { $0.root == nil }), ("region", "region", { $0.region == nil }),
    ("overlap", "overlapSeconds", { ($0.overlap ?? .zero) == .zero }),
    ("drain", "drainingSeconds", { ($0.drain ?? .zero) == .zero }),
    ("cron", "cronSchedule", { $0.cron == nil }),
    ("restart", "restartPolicyType", { ($0.restart ?? .onFailure) == .onFailure }),
    ("restart-limit", "restartPolicyMaxRetries", { ($0.restartLimit ?? 10) == 10 }),
    ("sleep", "sleepApplication", { $0.sleep != true }),
    ("health path", "healthcheckPath", { $0.healthPath == nil }),
    ("health timeout", "healthcheckTimeout", { ($0.healthTimeout ?? .seconds(300)) == .seconds(300) }),
  ]

  /// The fields to be emptied, as nulls. The number of replicas cannot be emptied, only set.
  static func nulls(_ names: [String]) -> [String: JSON] {
    Dictionary(
      fields.filter { names.contains($0.name) }.map { ($0.field, JSON.null) }, uniquingKeysWith: { $1 })
  }

  /// Those of the names that are not empty in `settings`.
  static func left(of names: [String], in settings: ServiceSettings) -> [String] {
    fields.filter { names.contains($0.name) && !$0.isEmpty(settings) }.map(\.name)
      + (names.contains("memory") && settings.memory != nil ? ["memory"] : [])
      + (names.contains("cpu") && settings.cpu != nil ? ["cpu"] : [])
  }

  /// The input of `serviceInstanceLimitsUpdate`; empty when no limit is managed.
  static func limits(_ settings: ServiceSettings) -> [String: JSON] {
    var input: [String: JSON] = [:]
    if let memory = settings.memory { input["memoryGB"] = .double(Double(memory) / gigabyte) }
    if let cpu = settings.cpu { input["vCPUs"] = .double(cpu) }
    return input
  }

  private static func word(_ restart: ServiceSettings.Restart) -> String {
    switch restart {
    case .onFailure: "ON_FAILURE"
    case .always: "ALWAYS"
    case .never: "NEVER"
    }
  }
}

/// What `ShipitServices` shows of one service.
struct ServiceDetails: Sendable {
  var settings: ServiceSettings
  /// Unrendered; nil: exists, but cannot be read.
  var variables: [String: Sensitive?]
  var image: String?
  var autoDeploys: Bool
}

extension RailwayClient {
  /// Reads settings, limits, variables and automatic deploys of services in one request; of very many from the
  /// environment's own configuration, so that neither the requests nor one request's size grow with their number.
  func details(of services: [(id: String, hasRepository: Bool)], in place: Place, _ manner: Manner = .read)
    async throws(APIError) -> [String: ServiceDetails]
  {
    if services.count > RailwayClient.mostByName {
      return try await detailsOfMany(services, in: place, manner)
    }
    guard !services.isEmpty else { return [:] }
    var variables: [String: JSON] = [
      "projectId": .string(place.project), "environmentId": .string(place.environment),
    ]
    for (index, service) in services.enumerated() { variables["s\(index)"] = .string(service.id) }
    let operation = Documents.services(withRepository: services.map(\.hasRepository))
    let data = try await read(operation, variables, manner)
    var details: [String: ServiceDetails] = [:]
    for (index, service) in services.enumerated() {
      guard let node = data["s\(index)"], node.object != nil else {
        throw APIError(.notFound, "the service instance is gone", operation: operation.name)
      }
      details[service.id] = ServiceDetails(
        settings: RailwaySettings.read(node, limits: data["l\(index)"]),
        variables: RailwayVariables.read(data["v\(index)"]), image: node["source"]?["image"]?.string,
        autoDeploys: data["a\(index)"]?["enabled"]?.bool ?? false)
    }
    return details
  }

  /// The details of one service.
  func details(of target: ServiceTarget, withAutoDeploys: Bool = false, _ manner: Manner = .read)
    async throws(APIError) -> ServiceDetails
  {
    let all = try await details(of: [(target.serviceID, withAutoDeploys)], in: target.place, manner)
    guard let details = all[target.serviceID] else {
      throw APIError(.notFound, "the service instance is gone", operation: "ShipitServices")
    }
    return details
  }
}

extension ServiceTarget {
  var serviceID: String { ids["service"] ?? "" }
  var place: Place { Place(project: ids["project"] ?? "", environment: ids["environment"] ?? "") }
}
