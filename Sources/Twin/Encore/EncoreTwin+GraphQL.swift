import Concurrency
import GraphQL
import HTTPServer
import JSON

/// `POST /graphql`: the four documents of the CLI, and whatever else fits the declaration (contract §10).
extension EncoreTwin {
  /// Reads and validates the document; what is wrong is kept for the answer.
  func read(_ call: inout EncoreCall) {
    guard let query = call.body["query"]?.string else {
      call.rejection = RequestRejection([GraphQLError("The body must be a JSON object with a query")])
      return
    }
    do {
      let prepared = try schema.prepare(
        query, operationName: call.body["operationName"]?.string,
        variables: call.body["variables"]?.object ?? [:])
      call.prepared = prepared
      call.operations += [prepared.operation.name].compactMap { $0 }
      call.operations += prepared.operation.selections.compactMap { selection in
        if case .field(let field) = selection { field.name } else { nil }
      }
    } catch {
      call.rejection = error
    }
  }

  func graphQL(_ call: EncoreCall, token: EncoreAccess.Token) async -> ServerResponse {
    guard let prepared = call.prepared else {
      return .json(400, call.rejection?.json ?? ["errors": []])
    }
    let executor = Executor(schema: schema) { [self] field, arguments in
      do {
        return try await resolve(field, arguments, app: token.app)
      } catch let refusal as EncoreWorld.SecretRefused {
        throw refusal.asAnswer(app: await world.apps[token.app]?.id ?? "", arguments)
      }
    }
    return .json(200, await executor.execute(prepared))
  }

  private func resolve(_ field: String, _ arguments: [String: JSON], app slug: String) throws -> GraphQLNode {
    settle()
    let input = arguments["input"]?.object ?? [:]
    switch field {
    case "app":
      guard let app = world.apps[arguments["slug"]?.string ?? ""], app.slug == slug else {
        throw ResolverError("app not found", code: "not_found")
      }
      return node(of: app)
    case "createSecretGroups":
      guard let app = world.apps[slug], app.id == input["appID"]?.string else {
        throw ResolverError("app not found", code: "not_found")
      }
      let groups = try (input["entries"]?.array ?? []).map { entry in
        try world.createSecretGroup(
          app: slug, key: input["key"]?.string ?? "", value: entry["plaintextValue"]?.string ?? "",
          types: entry["envTypes"]?.array?.compactMap(\.string) ?? [],
          environments: entry["envIDs"]?.array?.compactMap(\.string) ?? [],
          description: entry["description"]?.string ?? "")
      }
      return .list(groups.map(node))
    case "createSecretVersion":
      let group = input["groupID"]?.string ?? ""
      guard world.secretGroups[group]?.app == slug else {
        throw EncoreWorld.SecretRefused(message: "secret group not found")
      }
      let version = try world.createSecretVersion(
        group: group, value: input["plaintextValue"]?.string ?? "", etag: input["etag"]?.string ?? "")
      return .json(["id": .string(version)])
    case "updateSecretGroup":
      guard world.secretGroups[input["id"]?.string ?? ""]?.app == slug else {
        throw EncoreWorld.SecretRefused(message: "secret group not found")
      }
      return node(of: try world.updateSecretGroup(input))
    default: throw ResolverError("The twin does not answer \(field)")
    }
  }

  private func node(of app: EncoreWorld.App) -> GraphQLNode {
    let world = world
    return .object([
      "id": .json(.string(app.id)), "slug": .json(.string(app.slug)),
      "secrets": .field { arguments in
        let keys = arguments["keys"]?.array?.compactMap(\.string)
        return .list(
          world.groups(of: app.slug, keys: keys).map { key, groups in
            .object([
              "key": .json(.string(key)), "groups": .list(groups.map { EncoreTwin.node(of: $0, in: world) }),
            ])
          })
      },
    ])
  }

  private func node(of group: EncoreWorld.SecretGroup) -> GraphQLNode {
    EncoreTwin.node(of: group, in: world)
  }

  private static func node(of group: EncoreWorld.SecretGroup, in world: EncoreWorld) -> GraphQLNode {
    let selectors = group.selectors.sorted { $0.text < $1.text }.map { selector -> JSON in
      switch selector {
      case .type(let type): ["__typename": "SecretSelectorEnvType", "kind": .string(type)]
      case .environment(let id):
        [
          "__typename": "SecretSelectorSpecificEnv",
          "env": [
            "id": .string(id),
            "name": .string(world.environments.values.first { $0.id == id }?.key.name ?? ""),
          ],
        ]
      }
    }
    return .json([
      "id": .string(group.id), "key": .string(group.key), "etag": .string(group.etag),
      "description": .string(group.description), "selector": .array(selectors),
      "versions": .array(group.versions.map { ["id": .string($0)] }),
      "archivedAt": group.archivedAt.asJSON, "destroyedAt": nil,
    ])
  }
}

extension EncoreWorld.SecretRefused {
  /// As an error of an answer; the names in `conflict` are those of the CLI's Go structures.
  fileprivate func asAnswer(app: String, _ arguments: [String: JSON]) -> ResolverError {
    guard !conflicts.isEmpty else { return ResolverError(message) }
    let groups = conflicts.map { group, selectors -> JSON in
      ["GroupID": .string(group), "Conflicts": .array(selectors.map(JSON.string))]
    }
    let key = arguments["input"]?["key"] ?? .null
    return ResolverError(
      message,
      extensions: ["conflict": ["AppID": .string(app), "Key": key, "Conflicts": .array(groups)]])
  }
}
