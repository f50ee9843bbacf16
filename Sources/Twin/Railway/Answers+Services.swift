import Concurrency
import GraphQL
import JSON

/// Service instances and deployments.
extension Answers {
  func instance(_ instance: ServiceInstance) -> GraphQLNode {
    let settings = instance.settings
    let key = instance.key
    var members: [String: GraphQLNode] = [
      "id": .text(instance.id), "serviceId": .text(key.service), "serviceName": .text(name(of: key)),
      "environmentId": .text(key.environment), "source": .json(source(instance.source)),
      "builder": .text(settings.builder), "buildCommand": .text(settings.buildCommand),
      "startCommand": .text(settings.startCommand),
      "preDeployCommand": .json(
        settings.preDeployCommand.isEmpty ? .null : .array(settings.preDeployCommand.map(JSON.string))),
      "healthcheckPath": .text(settings.healthcheckPath),
      "healthcheckTimeout": .number(settings.healthcheckTimeout),
      "numReplicas": .number(settings.numReplicas),
      "region": .text(settings.region), "restartPolicyType": .text(settings.restartPolicy.rawValue),
      "restartPolicyMaxRetries": .number(settings.restartLimit), "cronSchedule": .text(settings.cronSchedule),
      "nextCronRunAt": .json(.null), "sleepApplication": .flag(settings.sleepApplication),
      "overlapSeconds": .number(settings.overlapSeconds),
      "drainingSeconds": .number(settings.drainingSeconds),
      "rootDirectory": .text(settings.rootDirectory),
      "watchPatterns": .json(settings.others["watchPatterns"] ?? .array([])), "upstreamUrl": .json(.null),
      "isUpdatable": .flag(true), "createdAt": .time(instance.createdAt),
      "updatedAt": .time(instance.updatedAt), "deletedAt": .json(.null),
      "latestDeployment": .computed { _ in world.latest(of: key).map(deployment) ?? .json(.null) },
      "activeDeployments": .computed { _ in .list(world.active(of: key).map(deployment)) },
      "domains": domains(of: instance),
      "service": .computed { _ in
        guard let service = world.services[key.service] else { throw Refusal("Service not found") }
        return self.service(service)
      },
    ]
    for name in ["dockerfilePath", "railwayConfigFile", "ipv6EgressEnabled"] {
      members[name] = .json(settings.others[name] ?? .null)
    }
    return .object(members)
  }

  func autoDeploy(_ instance: ServiceInstance) -> GraphQLNode {
    var isRepository = false
    if case .repository = instance.source { isRepository = true }
    return .json([
      "enabled": .bool(isRepository && instance.autoDeploy.enabled), "canEnable": .bool(isRepository),
      "reason": isRepository ? .null : "The service is not connected to a repository",
    ])
  }

  func triggers(of instance: ServiceInstance) -> [GraphQLNode] {
    guard case .repository(let repository, let branch) = instance.source, instance.autoDeploy.enabled else {
      return []
    }
    return [
      .json([
        "id": .string(instance.autoDeploy.triggerID), "provider": "github", "repository": .string(repository),
        "branch": .string(branch), "checkSuites": .bool(instance.autoDeploy.checkSuites),
        "environmentId": .string(instance.key.environment), "serviceId": .string(instance.key.service),
        "projectId": .string(world.services[instance.key.service]?.project ?? ""), "validCheckSuites": 0,
        "baseEnvironmentOverrideId": nil,
      ])
    ]
  }

  func deployments(_ arguments: [String: JSON]) throws -> GraphQLNode {
    let input = arguments["input"]
    let environment = try input?["environmentId"]?.string.map { id in
      try world.environment(id, for: token).id
    }
    if let project = input?["projectId"]?.string { _ = try world.project(project, for: token) }
    let project = input?["projectId"]?.string
    let service = input?["serviceId"]?.string
    let wanted = input?["status"]?["in"]?.array?.compactMap(\.string)
    let unwanted = input?["status"]?["notIn"]?.array?.compactMap(\.string)
    let seen = world.deploymentOrder.reversed().compactMap { world.deployments[$0] }.filter { deployment in
      let status = deployment.status.rawValue
      return !deployment.vanished && world.mayAccess(token, environment: deployment.key.environment)
        && (project == nil || deployment.project == project)
        && (environment == nil || deployment.key.environment == environment)
        && (service == nil || deployment.key.service == service)
        && wanted?.contains(status) != false && unwanted?.contains(status) != true
    }
    return try page(seen.map(deployment), arguments)
  }

  func deployment(_ deployment: Deployment) -> GraphQLNode {
    let address = world.instances[deployment.key]?.address
    return .object([
      "id": .text(deployment.id), "status": .text(deployment.status.rawValue),
      "statusUpdatedAt": .time(deployment.statusUpdatedAt), "createdAt": .time(deployment.createdAt),
      "updatedAt": .time(deployment.updatedAt), "projectId": .text(deployment.project),
      "environmentId": .text(deployment.key.environment), "serviceId": .text(deployment.key.service),
      "snapshotId": .text("snapshot-\(deployment.id)"), "staticUrl": .text(address), "url": .text(address),
      "canRedeploy": .flag(world.canRedeploy(deployment)),
      "canRollback": .flag(world.canRollBack(to: deployment)),
      "deploymentStopped": .flag(deployment.isStopped), "suggestAddServiceDomain": .flag(false),
      "meta": .json(.object(deployment.meta)), "diagnosis": .json(.null),
      "instances": .json(.array(instances(of: deployment))),
      "environment": .computed { _ in
        environment(try world.environment(deployment.key.environment, for: token))
      },
      "service": .computed { _ in
        guard let service = world.services[deployment.key.service] else { throw Refusal("Service not found") }
        return self.service(service)
      },
    ])
  }

  func event(_ event: Deployment.Event) -> GraphQLNode {
    let duration = event.completedAt.map { JSON.int(($0 - event.createdAt).wholeMilliseconds) }
    return .json([
      "id": .string(event.id), "step": .string(event.step), "createdAt": .string(event.createdAt.iso8601),
      "completedAt": event.completedAt.map { .string($0.iso8601) } ?? .null,
      "payload": [
        "error": event.error.map(JSON.string) ?? .null, "reason": nil, "detail": nil, "attempt": nil,
        "maxAttempts": nil, "durationMs": duration ?? .null, "skipped": false,
      ],
    ])
  }

  /// The last lines up to the limit, and one more, as the platform has been seen to give.
  func logs(_ lines: [Deployment.LogLine], of deployment: Deployment, _ arguments: [String: JSON]) -> [JSON] {
    let start = arguments["startDate"]?.string.flatMap { Timestamp(iso8601: $0) }
    let end = arguments["endDate"]?.string.flatMap { Timestamp(iso8601: $0) }
    let filter = arguments["filter"]?.string ?? ""
    let wanted = lines.filter { line in
      (start.map { line.time >= $0 } ?? true) && (end.map { line.time <= $0 } ?? true)
        && (filter.isEmpty || line.message.contains(filter))
    }
    let limit = min(Int(arguments["limit"]?.int ?? 100), 5000)
    return wanted.suffix(limit + 1).map { line in
      [
        "timestamp": .string(line.time.iso8601.dropLast() + "000000Z"), "severity": .string(line.severity),
        "message": .string(line.message), "attributes": [["key": "level", "value": .string(line.severity)]],
        "tags": [
          "deploymentId": .string(deployment.id), "deploymentInstanceId": .string(deployment.instanceID),
          "environmentId": .string(deployment.key.environment), "projectId": .string(deployment.project),
          "serviceId": .string(deployment.key.service), "snapshotId": nil,
        ],
      ]
    }
  }

  /// One process stands for all replicas.
  private func instances(of deployment: Deployment) -> [JSON] {
    guard let status = deployment.instanceStatus else { return [] }
    return (0..<max(1, deployment.settings.numReplicas ?? 1)).map { index in
      [
        "id": .string(index == 0 ? deployment.instanceID : "\(deployment.instanceID)-\(index)"),
        "status": .string(status.rawValue),
      ]
    }
  }

  private func source(_ source: SourceReference) -> JSON {
    switch source {
    case .none: .null
    case .image(let image): ["image": .string(image), "repo": nil]
    case .repository(let repository, _): ["image": nil, "repo": .string(repository)]
    }
  }
}
