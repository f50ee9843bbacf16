import Concurrency
package import GraphQL
package import JSON

/// The read side: one state, seen with one token, as trees for the GraphQL executor.
package struct Answers: Sendable {
  let world: World
  let token: World.Token

  package init(world: World, token: World.Token) {
    self.world = world
    self.token = token
  }

  /// The answer to a field of `Query`.
  package func query(_ field: String, _ arguments: [String: JSON]) throws -> GraphQLNode {
    func text(_ name: String) -> String { arguments[name]?.string ?? "" }
    switch field {
    case "projectToken": return try projectToken()
    case "apiToken": return try apiToken()
    case "me": return try me()
    case "platformStatus": return platformStatus
    case "regions": return regions
    case "projects": return try projects(arguments)
    case "project": return project(try world.project(text("id"), for: token))
    case "environment":
      let environment = try world.environment(text("id"), for: token)
      if let project = arguments["projectId"]?.string, project != environment.project {
        throw Refusal("Environment not found")
      }
      return self.environment(environment)
    case "serviceInstance":
      return instance(try world.instance(text("serviceId"), in: text("environmentId"), for: token))
    case "serviceInstanceLimits":
      let limits = try world.instance(text("serviceId"), in: text("environmentId"), for: token).limits
      return .json(limits ?? ["containers": ["cpu": 8, "memoryBytes": 8_000_000_000]])
    case "serviceInstanceLimitOverride":
      return .json(
        try world.instance(text("serviceId"), in: text("environmentId"), for: token).limits ?? .null)
    case "serviceInstanceAutoDeployStatus":
      return autoDeploy(try world.instance(text("serviceId"), in: text("environmentId"), for: token))
    case "deploymentTriggers":
      return try page(
        triggers(of: try world.instance(text("serviceId"), in: text("environmentId"), for: token)), arguments)
    case "variables": return .json(try variables(arguments))
    case "domains": return try domains(arguments)
    case "tcpProxies": return try tcpProxies(arguments)
    case "privateNetworks":
      return .list([privateNetwork(try world.environment(text("environmentId"), for: token))])
    case "privateNetworkEndpoint":
      let instance = try world.instance(text("serviceId"), in: text("environmentId"), for: token)
      return privateEndpoint(of: instance)
    case "template": return try world.template(text("code"))
    case "environmentStagedChanges": return try stagedChanges(arguments)
    case "variablesForServiceDeployment":
      let instance = try world.instance(text("serviceId"), in: text("environmentId"), for: token)
      return .json(.object(world.renderedVariables(of: instance.key).mapValues(JSON.string)))
    case "volumeInstanceBackupList":
      return .list(try world.backups(of: text("volumeInstanceId"), for: token))
    case "volumeInstanceBackupScheduleList":
      return .list(try world.schedules(of: text("volumeInstanceId"), for: token))
    case "workflowStatus": return world.workflowStatus(text("workflowId"), for: token)
    default: return try deploymentQuery(field, arguments)
    }
  }

  private func deploymentQuery(_ field: String, _ arguments: [String: JSON]) throws -> GraphQLNode {
    let id = (arguments["id"] ?? arguments["deploymentId"])?.string ?? ""
    switch field {
    case "deployment":
      let deployment = try world.deployment(id, for: token)
      guard world.now >= deployment.createdAt + world.switches.hidesNewDeployments else {
        throw Refusal("Deployment not found")
      }
      return self.deployment(deployment)
    case "deployments": return try deployments(arguments)
    case "deploymentEvents":
      return try page(try world.deployment(id, for: token).events.map(event), arguments)
    case "deploymentSnapshot":
      let deployment = try world.deployment(id, for: token)
      let time = JSON.string(deployment.createdAt.iso8601)
      return .json([
        "id": .string("snapshot-\(deployment.id)"), "createdAt": time, "updatedAt": time,
        "variables": .object(deployment.variables.mapValues(JSON.string)),
      ])
    case "buildLogs":
      let deployment = try world.deployment(id, for: token)
      guard deployment.events.contains(where: { $0.step == "BUILD_IMAGE" }) else {
        throw Refusal("Failed to retrieve build log")
      }
      return .json(.array(logs(deployment.buildLogs, of: deployment, arguments)))
    case "deploymentLogs":
      let deployment = try world.deployment(id, for: token)
      return .json(.array(logs(deployment.logs, of: deployment, arguments)))
    default: throw Refusal("The twin does not answer \(field)")
    }
  }

  /// A Relay page. Cursors are opaque: a mark and the position.
  func page(_ nodes: [GraphQLNode], _ arguments: [String: JSON]) throws -> GraphQLNode {
    var start = 0
    var end = nodes.count
    if let after = arguments["after"]?.string {
      guard let position = Int(after.dropFirst(2)), after.hasPrefix("c:") else {
        throw Refusal("Invalid cursor")
      }
      start = min(position + 1, end)
    }
    if let before = arguments["before"]?.string {
      guard let position = Int(before.dropFirst(2)), before.hasPrefix("c:") else {
        throw Refusal("Invalid cursor")
      }
      end = max(start, min(position, end))
    }
    if let first = arguments["first"]?.int { end = min(end, start + max(0, Int(first))) }
    if let last = arguments["last"]?.int { start = max(start, end - max(0, Int(last))) }
    let edges = (start..<end).map { index in
      GraphQLNode.object(["cursor": .json(.string("c:\(index)")), "node": nodes[index]])
    }
    return .object([
      "edges": .list(edges),
      "pageInfo": .json([
        "hasNextPage": .bool(end < nodes.count), "hasPreviousPage": .bool(start > 0),
        "startCursor": start < end ? .string("c:\(start)") : .null,
        "endCursor": start < end ? .string("c:\(end - 1)") : .null,
      ]),
    ])
  }

  /// A field that is a page of `nodes`.
  func paged(_ nodes: @escaping @Sendable () -> [GraphQLNode]) -> GraphQLNode {
    .computed { arguments in try page(nodes(), arguments) }
  }
}

extension GraphQLNode {
  static func text(_ value: String?) -> GraphQLNode { .json(value.map(JSON.string) ?? .null) }
  static func time(_ value: Timestamp?) -> GraphQLNode { .text(value?.iso8601) }
  static func number(_ value: Int?) -> GraphQLNode { .json(value.map { .int(Int64($0)) } ?? .null) }
  static func flag(_ value: Bool?) -> GraphQLNode { .json(value.map(JSON.bool) ?? .null) }
}

extension GraphQLNode {
  /// A field computed when asked for; a refusal becomes an error as the platform words it.
  static func computed(_ compute: @escaping @Sendable ([String: JSON]) throws -> GraphQLNode) -> GraphQLNode {
    .field { arguments in
      do {
        return try compute(arguments)
      } catch let refusal as Refusal {
        throw refusal.asAnswer
      }
    }
  }
}

extension Refusal {
  /// As an error of an answer, with the one code that the platform nearly always gives.
  var asAnswer: ResolverError { ResolverError(message, code: "INTERNAL_SERVER_ERROR") }
}
