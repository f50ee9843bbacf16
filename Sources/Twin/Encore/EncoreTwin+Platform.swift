import Concurrency
import HTTPServer
import JSON

/// What the routes of the CLI and of the public API do (contract §2.2, §3, §4).
extension EncoreTwin {
  /// The routes that give tokens out.
  func tokens(_ route: EncoreRoute, _ call: EncoreCall) -> ServerResponse {
    func field(_ name: String) -> String { call.body[name]?.string ?? "" }
    switch route {
    case .login:
      guard let grant = world.logIn(authKey: field("auth_key")) else {
        return EncoreReply.failure(401, code: "unauthenticated", style: .enveloped)
      }
      return EncoreReply.success(
        [
          "token": token(grant), "actor": .string("app:" + grant.token.app), "email": "",
          "app_slug": .string(grant.token.app),
        ], style: .enveloped)
    case .refresh:
      guard field("grant_type") == "refresh_token", let grant = world.refresh(field("refresh_token")) else {
        return EncoreReply.failure(422, code: "invalid_refresh_token", style: .bare)
      }
      return EncoreReply.success(token(grant), style: .bare)
    default:
      guard field("grant_type") == "client_credentials" else {
        return .json(400, ["error": "unsupported_grant_type"])
      }
      guard let grant = world.grant(client: field("client_id"), secret: field("client_secret")) else {
        return .json(401, ["error": "invalid_client"])
      }
      return EncoreReply.success(
        [
          "access_token": .string(grant.access), "token_type": "Bearer",
          "expires_in": .int(Int64(world.access.lifetime)), "actor": .string(grant.token.origin),
        ], style: .bare)
    }
  }

  private func token(_ grant: EncoreWorld.Grant) -> JSON {
    [
      "access_token": .string(grant.access), "token_type": "Bearer",
      "refresh_token": grant.refresh.map(JSON.string) ?? .null,
      "expiry": .string(grant.token.expiry.iso8601),
    ]
  }

  /// Every other route but GraphQL, for a token that may see the application.
  func platform(_ route: EncoreRoute, _ call: EncoreCall, token: EncoreAccess.Token) async -> ServerResponse {
    let style = route.style
    if let slug = route.app, world.apps[slug] == nil {
      return EncoreReply.failure(
        404, code: style == .enveloped ? "app_not_found" : "not_found", message: "app not found", style: style
      )
    }
    switch route {
    case .listApps:
      let own = world.apps.values.filter { $0.slug == token.app }
      return EncoreReply.success(.array(own.map(\.json)), style: style)
    case .createApp: return EncoreReply.failure(403, code: "permission_denied", style: style)
    case .app(let slug): return EncoreReply.success(world.apps[slug]?.json ?? .null, style: style)
    case .environments(let app):
      let own = world.environments.values.filter { $0.key.app == app }.sorted { $0.key < $1.key }
      return EncoreReply.success(
        .array(
          own.map {
            [
              "id": .string($0.id), "slug": .string($0.key.name), "type": .string($0.type),
              "cloud": .string($0.cloud),
            ]
          }), style: style)
    case .deploy(let app, let name), .trigger(let app, let name):
      return await trigger(route, call, in: EncoreEnvironmentKey(app: app, name: name), token: token)
    case .rollout(let app, let id):
      guard let rollout = world.rollouts[id], rollout.key.app == app else {
        return EncoreReply.failure(404, code: "not_found", message: "rollout not found", style: style)
      }
      return EncoreReply.success(rollout.json, style: style)
    case .localSecrets(let app):
      let groups = world.groups(of: app, keys: nil).flatMap(\.groups)
      let local = groups.filter { $0.isActive && $0.selectors.contains(.type("local")) }
      return EncoreReply.success(
        .object(Dictionary(local.map { ($0.key, .string($0.value)) }) { first, _ in first }), style: style)
    case .setSecret(let app, let key): return setSecret(key, of: app, call.body)
    case .metadata(let app, let name): return metadata(EncoreEnvironmentKey(app: app, name: name))
    case .clusters(let app, let name):
      return EncoreReply.success(["app": .string(app), "env": .string(name), "clusters": []], style: style)
    case .log(let app, let name): return log(call.request, of: app, name)
    case .login, .refresh, .token, .graphQL: return EncoreReply.failure(404, code: "not_found", style: style)
    }
  }

  // MARK: triggering

  private func trigger(
    _ route: EncoreRoute, _ call: EncoreCall, in key: EncoreEnvironmentKey, token: EncoreAccess.Token
  ) async -> ServerResponse {
    let style = route.style
    let isPublic = style == .bare
    func refuse(_ field: String, _ type: String, _ message: String, status: Int = 400) -> ServerResponse {
      EncoreReply.failure(
        status, code: status == 404 ? "not_found" : "validation", message: message,
        detail: ["field": .string(field), "type": .string(type)], style: style)
    }
    guard token.mayDeploy else {
      return EncoreReply.failure(403, code: "permission_denied", style: style)
    }
    guard world.environments[key] != nil else {
      return refuse("env", "not_found", "environment not found", status: isPublic ? 404 : 400)
    }
    let sha = call.body["sha"]?.string ?? ""
    let branch = call.body["branch"]?.string ?? ""
    guard sha.isEmpty != branch.isEmpty else {
      return refuse("commit", "invalid", "exactly one of sha and branch must be given")
    }
    let found = sha.isEmpty ? await commit(atBranch: branch, in: key.app) : await commit(sha, in: key.app)
    guard let found else {
      return refuse(
        sha.isEmpty ? "branch" : "commit", "not_found", sha.isEmpty ? "branch not found" : "commit not found")
    }
    settle()
    let id = world.create(
      found, in: key, branch: branch.isEmpty ? nil : branch,
      skipsTests: isPublic && call.body["skip_tests"]?.bool == true,
      forcesRebuild: isPublic && call.body["force_rebuild"]?.bool == true, trigger: isPublic ? .api : .cli)
    settle()
    guard isPublic else {
      return EncoreReply.success(["id": .string(id), "env_name": .string(key.name)], style: style)
    }
    return EncoreReply.success(world.rollouts[id]?.json ?? .null, style: style)
  }

  /// A pushed commit of an application, by its forty digits.
  func commit(_ sha: String, in app: String) async -> EncoreCommit? {
    guard let app = world.apps[app], sha.count == 40 else { return nil }
    if let known = app.commits[sha] { return known }
    guard let repository = app.repository else { return nil }
    guard let full = await CommitReader(repository: repository).commit(sha) else { return nil }
    return await read(full, of: app, in: repository)
  }

  /// The commit that a pushed branch points at.
  func commit(atBranch name: String, in app: String) async -> EncoreCommit? {
    guard let app = world.apps[app] else { return nil }
    if let sha = app.branches[name], let known = app.commits[sha] { return known }
    guard let repository = app.repository else { return nil }
    guard let full = await CommitReader(repository: repository).branch(name) else { return nil }
    return await read(full, of: app, in: repository)
  }

  /// A pushed commit, or that of a pushed branch.
  /// - Throws: `Refusal` when there is none.
  func pushed(_ revision: String, in app: String) async throws(Refusal) -> EncoreCommit {
    if let commit = await commit(revision, in: app) { return commit }
    if let commit = await commit(atBranch: revision, in: app) { return commit }
    throw Refusal("\(app) has no pushed commit or branch \(revision)")
  }

  private func read(_ sha: String, of app: EncoreWorld.App, in repository: String) async -> EncoreCommit {
    var commit = EncoreCommit(sha: sha)
    for (name, database) in app.databases.sorted(by: { $0.key < $1.key }) {
      let paths = await CommitReader(repository: repository).files(of: sha, below: database.directory)
      do throws(Refusal) {
        commit.migrations[name] = try database.versions(in: paths, language: app.language)
      } catch {
        commit.problem = error.message
      }
    }
    return commit
  }

  // MARK: secrets and metadata of old

  private func setSecret(_ key: String, of app: String, _ body: JSON) -> ServerResponse {
    let types = body["Kind"]?.string == "production" ? ["production"] : ["development", "preview", "local"]
    let selectors = Set(types.map { EncoreWorld.SecretSelector.type($0) })
    let value = body["Value"]?.string ?? ""
    do throws(EncoreWorld.SecretRefused) {
      let groups = world.groups(of: app, keys: [key]).flatMap(\.groups)
      if let group = groups.first(where: { $0.selectors == selectors }) {
        _ = try world.createSecretVersion(group: group.id, value: value, etag: group.etag)
        let count = world.secretGroups[group.id]?.versions.count ?? 1
        return EncoreReply.success(
          ["number": .int(Int64(count)), "created": .string(world.now.iso8601)], style: .enveloped)
      }
      _ = try world.createSecretGroup(
        app: app, key: key, value: value, types: types, environments: [], description: "")
      return EncoreReply.success(["number": 1, "created": .string(world.now.iso8601)], style: .enveloped)
    } catch {
      return EncoreReply.failure(400, code: "validation", detail: .string(error.message), style: .enveloped)
    }
  }

  /// The application's metadata as protobuf: field 2 is the revision, all else is left out.
  private func metadata(_ key: EncoreEnvironmentKey) -> ServerResponse {
    guard let environment = world.environments[key] else {
      return EncoreReply.failure(404, code: "env_not_found", style: .enveloped)
    }
    let revision = environment.traffic.live.flatMap { world.rollouts[$0]?.commit.sha } ?? ""
    let text = Array(revision.utf8)
    let bytes = text.isEmpty ? [] : [0x12, UInt8(text.count)] + text
    return ServerResponse(
      status: 200, headers: [("Content-Type", "application/octet-stream")], body: .bytes(bytes))
  }
}

extension EncoreWorld.App {
  var json: JSON {
    [
      "eid": .string(id), "id": .string(legacyID), "slug": .string(slug), "name": .string(name),
      "description": "", "main_branch": .string(mainBranch),
    ]
  }
}
