import Concurrency
import GraphQL
import JSON

/// Tokens, projects, environments and the platform.
extension Answers {
  func projectToken() throws -> GraphQLNode {
    guard token.kind == .project, let project = token.project, let environment = token.environment else {
      throw World.notAuthorized
    }
    return .object([
      "id": .text(token.id), "name": .text(token.name), "displayToken": .text("****"),
      "createdAt": .time(token.createdAt), "projectId": .text(project), "environmentId": .text(environment),
      "project": .computed { _ in self.project(try world.project(project, for: token)) },
      "environment": .computed { _ in self.environment(try world.environment(environment, for: token)) },
    ])
  }

  func apiToken() throws -> GraphQLNode {
    guard token.kind != .project else { throw World.notAuthorized }
    let seen = world.workspaces.values.filter { token.kind == .account || $0.id == token.workspace }
    let list = seen.sorted { $0.name < $1.name }.map { workspace -> JSON in
      ["id": .string(workspace.id), "name": .string(workspace.name)]
    }
    return .json(["workspaces": .array(list)])
  }

  func me() throws -> GraphQLNode {
    guard token.kind == .account else { throw World.notAuthorized }
    return .json(["id": .string(token.id), "email": "someone@example.com", "name": .string(token.name)])
  }

  var platformStatus: GraphQLNode {
    let incident = world.platform.incident.map { message -> JSON in
      [
        "id": "incident", "message": .string(message), "status": "INVESTIGATING", "createdAt": nil,
        "url": "https://status.example.com/incident",
      ]
    }
    return .json([
      "isStable": .bool(world.platform.isStable), "incident": incident ?? .null, "maintenance": nil,
    ])
  }

  var regions: GraphQLNode {
    let known = [
      ("us-west2", "US", "California"), ("us-east4-eqdc4a", "US", "Virginia"),
      ("europe-west4-drams3a", "NL", "Netherlands"), ("asia-southeast1-eqsg3a", "SG", "Singapore"),
    ]
    return .json(
      .array(
        known.map { name, country, location in
          [
            "id": .string(name), "name": .string(name), "region": .string(name), "country": .string(country),
            "location": .string(location), "deploymentConstraints": nil, "workspaceId": nil,
          ]
        }))
  }

  func projects(_ arguments: [String: JSON]) throws -> GraphQLNode {
    guard token.kind != .project else { throw World.notAuthorized }
    let workspace = arguments["workspaceId"]?.string
    if let workspace, token.kind == .workspace, workspace != token.workspace { throw World.notAuthorized }
    let deleted = arguments["includeDeleted"]?.bool == true
    let seen = world.projects.values.filter { project in
      world.mayAccess(token, project: project.id) && (workspace == nil || project.workspace == workspace)
        && (deleted || project.deletedAt == nil)
    }
    return try page(seen.sorted { ($0.name, $0.id) < ($1.name, $1.id) }.map(project), arguments)
  }

  func project(_ project: World.Project) -> GraphQLNode {
    let environments = world.environments.values.filter {
      $0.project == project.id && world.mayAccess(token, environment: $0.id)
    }.sorted { ($0.createdAt, $0.name) < ($1.createdAt, $1.name) }
    return .object([
      "id": .text(project.id), "name": .text(project.name), "description": .text(project.description),
      "createdAt": .time(project.createdAt), "updatedAt": .time(project.createdAt),
      "deletedAt": .time(project.deletedAt), "workspaceId": .text(project.workspace),
      "subscriptionType": .text(world.plan(of: project.id).rawValue),
      "primaryEnvironmentId": .text(environments.first?.id), "isPublic": .flag(false),
      "isTempProject": .flag(false), "prDeploys": .flag(false),
      "environments": paged { environments.map(environment) },
      "services": paged {
        world.services.values.filter { $0.project == project.id && $0.deletedAt == nil }
          .sorted { ($0.name, $0.id) < ($1.name, $1.id) }.map(service)
      },
    ])
  }

  func environment(_ environment: World.Environment) -> GraphQLNode {
    .object([
      "id": .text(environment.id), "name": .text(environment.name), "projectId": .text(environment.project),
      "canAccess": .flag(environment.canAccess), "isEphemeral": .flag(environment.isEphemeral),
      "createdAt": .time(environment.createdAt), "updatedAt": .time(environment.createdAt),
      "deletedAt": .json(.null), "unmergedChangesCount": .number(environment.unmergedChanges),
      "configEtag": .text("etag-\(environment.revision)"),
      "config": .field { arguments in
        .json(configuration(of: environment, decrypts: arguments["decryptVariables"]?.bool == true))
      },
      "serviceInstances": paged {
        world.instances.values.filter {
          $0.key.environment == environment.id && $0.visibleFrom <= world.now
            && world.services[$0.key.service]?.deletedAt == nil
        }.sorted { name(of: $0.key) < name(of: $1.key) }.map(instance)
      },
      "volumeInstances": paged {
        world.volumes.values.filter { $0.key.environment == environment.id }.sorted { $0.name < $1.name }
          .map(volume)
      },
      "variables": paged { metadata(of: environment) },
    ])
  }

  func service(_ service: World.Service) -> GraphQLNode {
    .object([
      "id": .text(service.id), "name": .text(service.name), "projectId": .text(service.project),
      "createdAt": .time(service.createdAt), "updatedAt": .time(service.createdAt),
      "deletedAt": .time(service.deletedAt), "isRestricted": .flag(false), "icon": .json(.null),
      "project": .computed { _ in project(try world.project(service.project, for: token)) },
    ])
  }

  func name(of key: InstanceKey) -> String { world.services[key.service]?.name ?? "" }

  func volumeNode(_ volume: World.Volume) -> GraphQLNode {
    .object([
      "id": .text(volume.id), "name": .text(volume.name), "createdAt": .time(volume.createdAt),
      "projectId": .text(volume.project),
      "project": .computed { _ in project(try world.project(volume.project, for: token)) },
    ])
  }

  private func volume(_ volume: World.Volume) -> GraphQLNode {
    .object([
      "id": .text(volume.instanceID), "volumeId": .text(volume.id), "serviceId": .text(volume.key.service),
      "environmentId": .text(volume.key.environment), "mountPath": .text(volume.mountPath),
      "sizeMB": .number(volume.sizeMB), "currentSizeMB": .json(.double(Double(volume.usedMB))),
      "state": .text("READY"),
      "region": .json(.null), "externalId": .json(.null), "isPendingDeletion": .flag(false),
      "deletedAt": .json(.null), "createdAt": .time(volume.createdAt),
      "volume": .computed { _ in volumeNode(volume) },
      "environment": .computed { _ in
        self.environment(try world.environment(volume.key.environment, for: token))
      },
      "service": .computed { _ in
        guard let owner = world.services[volume.key.service] else { throw Refusal("Service not found") }
        return service(owner)
      },
    ])
  }

  private func metadata(of environment: World.Environment) -> [GraphQLNode] {
    var nodes = environment.shared.sorted { $0.key < $1.key }.map { name, variable in
      metadata(name, variable, service: nil, environment: environment.id)
    }
    let instances = world.instances.values.filter { $0.key.environment == environment.id }
    for instance in instances.sorted(by: { name(of: $0.key) < name(of: $1.key) }) {
      nodes += instance.variables.sorted { $0.key < $1.key }.map { name, variable in
        metadata(name, variable, service: instance.key.service, environment: environment.id)
      }
    }
    return nodes
  }

  private func metadata(
    _ name: String, _ variable: StoredVariable, service: String?, environment: String
  ) -> GraphQLNode {
    .object([
      "id": .text(variable.id), "name": .text(name), "environmentId": .text(environment),
      "serviceId": .text(service), "isSealed": .flag(variable.isSealed),
      "references": .json(.array(World.references(in: variable.value).map(JSON.string))),
      "createdAt": .time(variable.createdAt), "updatedAt": .time(variable.updatedAt),
    ])
  }

  /// Own variables only, raw or rendered; sealed ones are left out or null, whichever is switched on.
  func variables(_ arguments: [String: JSON]) throws -> JSON {
    let project = try world.project(arguments["projectId"]?.string ?? "", for: token)
    let environment = try world.environment(arguments["environmentId"]?.string ?? "", for: token)
    guard environment.project == project.id else { throw Refusal("Environment not found") }
    let stored: [String: StoredVariable]
    let rendered: [String: String]
    if let service = arguments["serviceId"]?.string {
      let instance = try world.instance(service, in: environment.id, for: token)
      stored = instance.variables
      rendered = world.renderedVariables(of: instance.key)
    } else {
      stored = environment.shared
      rendered = world.renderedShared(of: environment.id)
    }
    var result: [String: JSON] = [:]
    for (name, variable) in stored {
      if variable.isSealed {
        if world.switches.sealedReadAsNull { result[name] = .null }
      } else {
        let raw = arguments["unrendered"]?.bool == true
        result[name] = .string(raw ? variable.value : rendered[name] ?? "")
      }
    }
    return .object(result)
  }
}
