package import JSON

/// Makes applications, environments, secrets and credentials out of the seed's section `encore`.
///
/// ```json
/// {"apps": [{"slug": "shop-x1", "lang": "go", "repository": "DIR", "root": "jobs", "start": "python3 server.py",
///   "requires": ["JWT_SECRET"], "databases": {"main": {"migrations": "jobs/migrations", "applied": [1]}},
///   "environments": [{"name": "prod", "type": "production", "port": 18431, "mixed": 1, "deploy": "main"}],
///   "secrets": [{"key": "JWT_SECRET", "types": ["production"], "value": "dummy"}]}],
///  "clients": [{"id": "o2c_demo", "secret": "dummy", "app": "shop-x1"}],
///  "authKeys": [{"key": "ena_demo", "app": "shop-x1"}]}
/// ```
extension EncoreWorld {
  /// Adds what `seed` describes.
  /// - Throws: `Refusal` naming what it refers to but does not describe.
  package mutating func plant(_ seed: JSON) throws(Refusal) {
    for entry in seed["apps"]?.array ?? [] { try plantApp(entry) }
    for entry in seed["clients"]?.array ?? [] {
      guard let id = entry["id"]?.string, let secret = entry["secret"]?.string else {
        throw Refusal("seed: an Encore client needs id and secret")
      }
      access.clients[id] = EncoreAccess.Client(
        secret: secret, app: try app(entry, of: "client \(id)"), role: entry["role"]?.string ?? "deployer")
    }
    for entry in seed["authKeys"]?.array ?? [] {
      guard let key = entry["key"]?.string else { throw Refusal("seed: an Encore auth key has no key") }
      access.authKeys[key] = EncoreAccess.AuthKey(
        app: try app(entry, of: "an auth key"), isSingleUse: entry["singleUse"]?.bool ?? false,
        isEphemeral: entry["ephemeral"]?.bool ?? false)
    }
    if let seconds = seed["tokenLifetime"]?.int { access.lifetime = Int(seconds) }
  }

  /// What the seed wants deployed from the start: environments with a commit or a branch.
  static func deploys(in seed: JSON) -> [(key: EncoreEnvironmentKey, revision: String)] {
    (seed["apps"]?.array ?? []).flatMap { app in
      (app["environments"]?.array ?? []).compactMap { entry in
        guard let slug = app["slug"]?.string, let name = entry["name"]?.string,
          let revision = entry["deploy"]?.string
        else { return nil }
        return (EncoreEnvironmentKey(app: slug, name: name), revision)
      }
    }
  }

  private func app(_ entry: JSON, of what: String) throws(Refusal) -> String {
    if let slug = entry["app"]?.string {
      guard apps[slug] != nil else { throw Refusal("seed: \(what) names no Encore app of the seed") }
      return slug
    }
    guard apps.count == 1, let slug = apps.keys.first else { throw Refusal("seed: \(what) names no app") }
    return slug
  }

  private mutating func plantApp(_ entry: JSON) throws(Refusal) {
    guard let slug = entry["slug"]?.string else { throw Refusal("seed: an Encore app has no slug") }
    let language = entry["lang"]?.string ?? "go"
    guard let language = EncoreLanguage(rawValue: language) else {
      throw Refusal("seed: unknown language \(language) of \(slug)")
    }
    var app = App(
      slug: slug, id: mint("app"), legacyID: slug, name: entry["name"]?.string ?? slug,
      mainBranch: entry["mainBranch"]?.string ?? "main", language: language)
    app.repository = entry["repository"]?.string
    app.root = entry["root"]?.string ?? ""
    app.buildCommand = entry["build"]?.string
    app.startCommand = entry["start"]?.string
    app.requiredSecrets = entry["requires"]?.array?.compactMap(\.string) ?? []
    app.checks = entry["checks"]?.array?.compactMap(\.string) ?? []
    for item in entry["commits"]?.array ?? [] {
      guard let sha = item["sha"]?.string ?? item.string else { throw Refusal("seed: a commit has no sha") }
      let versions = (item["migrations"]?.object ?? [:]).mapValues { value in
        value.array?.compactMap { $0.int.map { Int($0) } } ?? []
      }
      app.commits[sha] = EncoreCommit(sha: sha, migrations: versions)
    }
    for (name, sha) in entry["branches"]?.object ?? [:] { app.branches[name] = sha.string }
    for (name, item) in entry["databases"]?.object ?? [:] {
      var database = EncoreDatabase(directory: item["migrations"]?.string ?? "\(name)/migrations")
      if let tool = item["source"]?.string {
        guard let source = EncoreDatabase.Source(rawValue: tool) else {
          throw Refusal("seed: unknown source \(tool) of database \(name)")
        }
        database.source = source
      }
      database.address = item["address"]?.string
      app.databases[name] = database
    }
    apps[slug] = app
    for item in entry["environments"]?.array ?? [["name": "prod", "type": "production"]] {
      try plantEnvironment(item, of: app, databases: entry["databases"]?.object ?? [:])
    }
    for item in entry["secrets"]?.array ?? [] { try plantSecret(item, of: slug) }
  }

  private mutating func plantEnvironment(
    _ entry: JSON, of app: App, databases: [String: JSON]
  ) throws(Refusal) {
    guard let name = entry["name"]?.string else {
      throw Refusal("seed: an environment of \(app.slug) has no name")
    }
    let type = entry["type"]?.string ?? "production"
    guard EncoreWorld.secretTypes.contains(type) else {
      throw Refusal("seed: unknown environment type \(type)")
    }
    let key = EncoreEnvironmentKey(app: app.slug, name: name)
    var environment = Environment(
      id: mint("env"), key: key, type: type, cloud: entry["cloud"]?.string ?? "encore",
      mixed: entry["mixed"]?.double ?? 1, shutdown: entry["shutdown"]?.double ?? 0)
    environment.needsApproval = entry["approval"]?.string == "admin"
    environment.port = UInt16(clamping: entry["port"]?.int ?? 0)
    environment.variables = (entry["variables"]?.object ?? [:]).compactMapValues(\.text)
    for (database, item) in databases {
      environment.applied[database] = item["applied"]?.array?.compactMap { $0.int.map { Int($0) } }
    }
    environments[key] = environment
  }

  private mutating func plantSecret(_ entry: JSON, of app: String) throws(Refusal) {
    guard let key = entry["key"]?.string else { throw Refusal("seed: a secret of \(app) has no key") }
    let names = entry["environments"]?.array?.compactMap(\.string) ?? []
    let ids = names.compactMap { environments[EncoreEnvironmentKey(app: app, name: $0)]?.id }
    do throws(SecretRefused) {
      let group = try createSecretGroup(
        app: app, key: key, value: entry["value"]?.string ?? "",
        types: entry["types"]?.array?.compactMap(\.string) ?? [], environments: ids, description: "")
      if entry["archived"]?.bool == true { secretGroups[group.id]?.archivedAt = now }
    } catch {
      throw Refusal("seed: secret \(key) of \(app): \(error.message)")
    }
  }
}
