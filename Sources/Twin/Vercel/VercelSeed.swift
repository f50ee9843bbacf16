import Concurrency
package import JSON

/// Makes teams, projects and tokens out of the seed's section `vercel`.
extension VercelTwin.World {
  /// What an empty section stands for: a team with one unprotected project.
  package static let defaultSeed: JSON = [
    "teams": [["slug": "acme", "plan": "pro"]],
    "projects": [["name": "demo", "team": "acme"]],
    "tokens": [["token": "twin_vercel_token", "kind": "account"]],
  ]

  /// Adds what `seed` describes.
  /// - Throws: `Refusal` naming what it refers to but does not describe.
  package mutating func plant(_ seed: JSON) throws(Refusal) {
    if let name = seed["user"]?["username"]?.string { user.username = name }
    if let email = seed["user"]?["email"]?.string { user.email = email }
    for entry in seed["teams"]?.array ?? [] { try plantTeam(entry) }
    for (host, entry) in seed["dns"]?.object ?? [:] {
      dns[Self.bare(host)] = VercelTwin.DNS(
        isVerified: entry["verified"]?.bool ?? true, isMisconfigured: entry["misconfigured"]?.bool ?? false,
        configuredBy: entry["configuredBy"]?.string)
    }
    plant(repositories: seed["repositories"])
    for entry in seed["projects"]?.array ?? [] { try plantProject(entry) }
    for entry in seed["tokens"]?.array ?? [] { try plantToken(entry) }
    if let switches = seed["switches"] { set(switches) }
  }

  /// Adds commits: `{"org/repo": [{"commit", "branch", "message", "directory" or "files": {PATH: TEXT}}]}`.
  package mutating func plant(repositories: JSON?) {
    for (name, entries) in repositories?.object ?? [:] {
      for entry in entries.array ?? [] {
        guard let sha = entry["commit"]?.string else { continue }
        self.repositories[name, default: []].append(
          VercelTwin.Commit(
            sha: sha, branch: entry["branch"]?.string ?? "main", message: entry["message"]?.string ?? "",
            directory: entry["directory"]?.string,
            files: (entry["files"]?.object ?? [:]).compactMapValues { $0.string.map { Array($0.utf8) } }))
      }
    }
  }

  /// Switches by their names; times in seconds.
  package mutating func set(_ body: JSON) {
    func time(_ name: String) -> Duration? {
      body[name]?.double.map { .milliseconds(Int64($0 * 1000)) }
    }
    if let value = time("propagation") { switches.propagation = value }
    if let value = time("missingAfterAlias") { switches.missingAfterAlias = value }
    if let value = time("hidesNewDeployments") { switches.hidesNewDeployments = value }
    if let value = body["deduplicates"]?.bool { switches.deduplicates = value }
    if let value = body["allowsRepromotion"]?.bool { switches.allowsRepromotion = value }
    if let value = body["redirectsToLogin"]?.bool { switches.redirectsToLogin = value }
    if let value = body["nestsEvents"]?.bool { switches.nestsEvents = value }
    if let value = body["variablesBusy"]?.bool { switches.variablesBusy = value }
    if let value = body["pageLimit"]?.int { switches.pageLimit = Int(value) }
    if let value = body["pageDefault"]?.int { switches.pageDefault = Int(value) }
    if let value = body["deploymentFileLimit"]?.int { switches.deploymentFileLimit = Int(value) }
    if let value = body["uploadLimit"]?.int { switches.uploadLimit = Int(value) }
  }

  private mutating func plantTeam(_ entry: JSON) throws(Refusal) {
    guard let slug = entry["slug"]?.string else { throw Refusal("seed: a Vercel team has no slug") }
    guard let plan = VercelTwin.Plan(rawValue: entry["plan"]?.string ?? "pro") else {
      throw Refusal("seed: unknown Vercel plan \(entry["plan"]?.string ?? "")")
    }
    let id = entry["id"]?.string ?? mint("team")
    teams[id] = VercelTwin.Team(
      id: id, slug: slug, name: entry["name"]?.string ?? slug, plan: plan, createdAt: now,
      isMember: entry["member"]?.bool ?? true, forcesSensitive: entry["forcesSensitive"]?.bool ?? false,
      deploymentsPerDay: entry["deploymentsPerDay"]?.int.map { Int($0) })
  }

  private func owner(_ entry: JSON, of what: String) throws(Refusal) -> String {
    guard let wanted = entry["team"]?.string else {
      return teams.count == 1 ? teams.keys.first ?? user.id : user.id
    }
    guard let team = teams.values.first(where: { $0.id == wanted || $0.slug == wanted }) else {
      throw Refusal("seed: \(what) names a Vercel team that the seed does not describe: \(wanted)")
    }
    return team.id
  }

  private mutating func plantProject(_ entry: JSON) throws(Refusal) {
    guard let name = entry["name"]?.string else { throw Refusal("seed: a Vercel project has no name") }
    let project = addProject(
      name: name, owner: try owner(entry, of: "project \(name)"), id: entry["id"]?.string
    ).id
    projects[project]?.settings.apply(entry["settings"]?.object ?? [:])
    if let value = entry["autoAssignCustomDomains"]?.bool {
      projects[project]?.autoAssignCustomDomains = value
    }
    if let link = entry["link"] { projects[project]?.link = Self.link(link) }
    switch entry["protection"]?.string {
    case nil: if entry["protection"] != nil { projects[project]?.protection = nil }
    case "none": projects[project]?.protection = nil
    case "standard": projects[project]?.protection = "prod_deployment_urls_and_all_previews"
    case let kind?:
      guard Self.protections.contains(kind) else { throw Refusal("seed: unknown Vercel protection \(kind)") }
      projects[project]?.protection = kind
    }
    for secret in entry["bypass"]?.array ?? [] {
      projects[project]?.bypass[secret.string ?? ""] = VercelTwin.Bypass(createdAt: now)
    }
    projects[project]?.isPaused = entry["paused"]?.bool ?? false
    for environment in entry["customEnvironments"]?.array ?? [] {
      let made = VercelTwin.CustomEnvironment(
        id: environment["id"]?.string ?? mint("env"),
        slug: environment["slug"]?.string ?? environment.string ?? "",
        description: nil, createdAt: now)
      projects[project]?.environments.append(made)
    }
    for domain in entry["domains"]?.array ?? [] {
      let text = domain.string ?? domain["name"]?.string ?? ""
      let host = text.hasSuffix(":PORT") ? text.dropLast(4) + String(edgePort) : text
      let isVerified = domain["verified"]?.bool ?? dns[Self.bare(host)]?.isVerified ?? true
      projects[project]?.domains.append(
        VercelTwin.Domain(
          name: host, createdAt: now, updatedAt: now, isVerified: isVerified,
          redirect: domain["redirect"]?.string))
    }
    if let config = entry["rollingRelease"] {
      do throws(VercelTwin.Problem) {
        projects[project]?.rollingConfig = try Self.rollingConfig(config)
      } catch { throw Refusal("seed: the rolling release of \(name): \(error.message)") }
    }
    try plantVariables(entry["env"], in: project)
    if let first = entry["deploy"] { deploySeed(first, in: project) }
  }

  private mutating func plantVariables(_ entry: JSON?, in project: String) throws(Refusal) {
    var entries = entry?.array ?? []
    for (key, value) in (entry?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      entries.append(["key": .string(key), "value": value])
    }
    for variable in entries {
      var members = variable.object ?? [:]
      members["type"] = members["type"] ?? "encrypted"
      members["target"] = members["target"] ?? ["production", "preview"]
      do throws(VercelTwin.Problem) {
        _ = try write(.object(members), to: project, upsert: true)
      } catch { throw Refusal("seed: a variable of a Vercel project: \(error.message)") }
    }
  }

  /// A production deployment that is there from the start: `{"files": {PATH: TEXT}, "meta": {…}}`.
  private mutating func deploySeed(_ entry: JSON, in project: String) {
    guard let settings = projects[project]?.settings else { return }
    var request = VercelDeploymentRequest(
      project: project, target: "production", source: "cli", settings: settings)
    request.settings.buildCommand = nil
    request.settings.installCommand = nil
    request.files = keep(
      (entry["files"]?.object ?? [:]).compactMapValues { $0.string.map { Array($0.utf8) } })
    request.meta = (entry["meta"]?.object ?? [:]).compactMapValues(\.string)
    request.inlineVariables = (entry["env"]?.object ?? [:]).compactMapValues(\.string)
    request.isInstant = true
    create(request)
  }

  private mutating func plantToken(_ entry: JSON) throws(Refusal) {
    guard let text = entry["token"]?.string else { throw Refusal("seed: a Vercel token has no value") }
    let name = entry["kind"]?.string ?? "account"
    guard let kind = VercelTwin.Token.Kind(rawValue: name) else {
      throw Refusal("seed: unknown kind of Vercel token \(name)")
    }
    var token = VercelTwin.Token(kind: kind)
    switch kind {
    case .account: break
    case .team: token.team = try owner(entry, of: "a token")
    case .project:
      let wanted = entry["project"]?.string
      guard let project = projects.values.first(where: { $0.id == wanted || $0.name == wanted }) else {
        throw Refusal("seed: a Vercel token names no project of the seed")
      }
      token.project = project.id
    }
    tokens[text] = token
  }
}
