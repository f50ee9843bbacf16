import Concurrency
import JSON

/// Users, teams, projects.
extension VercelTwin.World {
  func readUser(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    // Contract §1: a project's token does not see whose it is.
    guard call.token.kind != .project else { throw .notFound("User") }
    return VercelTwin.Answer([
      "user": [
        "id": .string(user.id), "email": .string(user.email), "name": .string(user.username),
        "username": .string(user.username), "avatar": .null,
        "defaultTeamId": .text(teams.keys.sorted().first),
        "limited": true,
      ]
    ])
  }

  func listTeams(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    guard call.token.kind != .project else { throw .notAuthorized }
    let visible = teams.values.filter { team in
      call.token.kind == .account ? team.isMember : call.token.team == team.id
    }.sorted { $0.slug < $1.slug }
    return VercelTwin.Answer([
      "teams": .array(visible.map(document)),
      "pagination": ["count": .int(Int64(visible.count)), "next": .null, "prev": .null],
    ])
  }

  func readTeam(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    guard call.token.kind != .project else { throw .notAuthorized }
    guard let team = teams.values.first(where: { [$0.id, $0.slug].contains(call.place(0)) }) else {
      throw .notFound("Team")
    }
    guard call.token.kind == .account ? team.isMember : call.token.team == team.id else {
      throw .notAuthorized
    }
    return VercelTwin.Answer(document(team))
  }

  private func document(_ team: VercelTwin.Team) -> JSON {
    [
      "id": .string(team.id), "slug": .string(team.slug), "name": .string(team.name), "avatar": .null,
      "createdAt": .number(team.createdAt), "updatedAt": .number(team.createdAt), "description": .null,
      "creatorId": .string(user.id), "stagingPrefix": "twin",
      "billing": ["plan": .string(team.plan.rawValue)],
      "membership": [
        "role": "OWNER", "confirmed": true, "created": .number(team.createdAt),
        "createdAt": .number(team.createdAt),
      ],
    ]
  }

  func listProjects(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let search = call.query("search")
    let found = projects.values.filter { project in
      project.owner == call.owner && (call.token.kind != .project || call.token.project == project.id)
        && (search.map { project.name.contains($0) } ?? true)
    }
    let (page, pagination) = self.page(found, call) { $0.updatedAt }
    return VercelTwin.Answer([
      "projects": .array(
        page.map { project in
          var members = document(project).object ?? [:]
          members["serverlessFunctionRegion"] = members["serverlessFunctionRegion"] ?? "iad1"
          for name in VercelTwin.World.untoldInLists { members[name] = nil }
          return .object(members)
        }),
      "pagination": pagination,
    ])
  }

  func readProject(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    return VercelTwin.Answer(document(project, rollbackInfo: call.query("rollbackInfo") == "true"))
  }

  mutating func createProject(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    guard call.token.kind != .project else { throw .notAuthorized }
    guard let name = call.body["name"]?.string, VercelTwin.World.isProjectName(name) else {
      throw .badRequest("`name` must be 1 to 100 lower-case letters, digits and `.`, `_`, `-`")
    }
    guard !projects.values.contains(where: { $0.owner == call.owner && $0.name == name }) else {
      throw VercelTwin.Problem(409, "conflict", "A project with the name \(name) already exists")
    }
    let project = addProject(name: name, owner: call.owner)
    if let repository = call.body["gitRepository"] {
      let parts = (repository["repo"]?.string ?? "").split(separator: "/").map(String.init)
      projects[project.id]?.link = VercelTwin.World.link([
        "type": repository["type"] ?? "github", "org": .text(parts.first), "repo": .text(parts.last),
      ])
    }
    try change(project.id, call.body.object ?? [:])
    for entry in call.body["environmentVariables"]?.array ?? [] {
      _ = try write(entry, to: project.id, upsert: true)
    }
    return VercelTwin.Answer(document(projects[project.id] ?? project))
  }

  mutating func updateProject(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    if let name = call.body["name"]?.string, name != project.name {
      guard !projects.values.contains(where: { $0.owner == call.owner && $0.name == name }) else {
        throw VercelTwin.Problem(409, "conflict", "A project with the name \(name) already exists")
      }
      projects[project.id]?.name = name
    }
    try change(project.id, call.body.object ?? [:])
    return VercelTwin.Answer(document(projects[project.id] ?? project))
  }

  private mutating func change(_ project: String, _ members: [String: JSON]) throws(VercelTwin.Problem) {
    projects[project]?.settings.apply(members)
    projects[project]?.updatedAt = now
    for (name, value) in members {
      switch name {
      case "autoAssignCustomDomains": projects[project]?.autoAssignCustomDomains = value.bool ?? true
      case "ssoProtection":
        if value.isNull {
          projects[project]?.protection = nil
        } else {
          guard let kind = value["deploymentType"]?.string, VercelTwin.World.protections.contains(kind) else {
            throw .badRequest("`ssoProtection.deploymentType` is unknown")
          }
          projects[project]?.protection = kind
        }
      case "name", "gitRepository", "environmentVariables": break
      case let name where VercelTwin.Settings.names.contains(name): break
      case let name where VercelTwin.World.stored.contains(name): projects[project]?.others[name] = value
      default: throw .badRequest("should NOT have additional property `\(name)`")
      }
    }
  }

  mutating func deleteProject(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    for (id, deployment) in deployments where deployment.project == project.id { remove(id) }
    projects[project.id] = nil
    return VercelTwin.Answer(nil, status: 204)
  }

  mutating func pause(_ call: VercelTwin.Call, _ paused: Bool) throws(VercelTwin.Problem) -> VercelTwin.Answer
  {
    let project = try project(call.place(0), for: call)
    projects[project.id]?.isPaused = paused
    return VercelTwin.Answer(nil)
  }

  func readProduction(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    guard let deployment = project.production.flatMap({ deployments[$0] }) else {
      throw .notFound("Production deployment")
    }
    return VercelTwin.Answer([
      "deployment": document(deployment), "deploymentIsStale": false,
      "rollbackDescription": project.rollbackDescription ?? .null,
    ])
  }

  mutating func updateBypass(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    var secrets = project.bypass
    if let revoke = call.body["revoke"] {
      guard let secret = revoke["secret"]?.string, secrets.removeValue(forKey: secret) != nil else {
        throw .badRequest("there is no such secret to revoke")
      }
      if revoke["regenerate"]?.bool == true { secrets[secretText()] = VercelTwin.Bypass(createdAt: now) }
    }
    if let generate = call.body["generate"] {
      let secret = generate["secret"]?.string ?? secretText()
      guard secret.utf8.count == 32 || generate["secret"] == nil else {
        throw .badRequest("`generate.secret` must have 32 characters")
      }
      secrets[secret] = VercelTwin.Bypass(createdAt: now, note: generate["note"]?.string)
    }
    if let update = call.body["update"] {
      guard let secret = update["secret"]?.string, secrets[secret] != nil else {
        throw .badRequest("there is no such secret to update")
      }
      if let isVariable = update["isEnvVar"]?.bool { secrets[secret]?.isVariable = isVariable }
      if let note = update["note"]?.string { secrets[secret]?.note = note }
    }
    projects[project.id]?.bypass = secrets
    return VercelTwin.Answer(["protectionBypass": .object(secrets.mapValues(bypass))])
  }

  private mutating func secretText() -> String { String(identifiers.next().filter { $0 != "-" }) }

  func listEnvironments(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    return VercelTwin.Answer([
      "accountLimit": ["total": plan(of: call.owner) == .hobby ? 0 : 12],
      "environments": .array(project.environments.map(document)),
    ])
  }

  mutating func createEnvironment(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let project = try project(call.place(0), for: call)
    guard let slug = call.body["slug"]?.string else { throw .badRequest("`slug` is required") }
    guard plan(of: call.owner) != .hobby else {
      throw VercelTwin.Problem(402, "payment_required", "Custom environments need another plan")
    }
    let environment = VercelTwin.CustomEnvironment(
      id: mint("env"), slug: slug, description: call.body["description"]?.string, createdAt: now)
    projects[project.id]?.environments.append(environment)
    return VercelTwin.Answer(document(environment), status: 201)
  }

  /// Makes a project with its own production host.
  @discardableResult
  mutating func addProject(name: String, owner: String, id: String? = nil) -> VercelTwin.Project {
    var project = VercelTwin.Project(
      id: id ?? mint("prj"), name: name, owner: owner, createdAt: now, updatedAt: now)
    project.domains = [VercelTwin.Domain(name: host(name), createdAt: now, updatedAt: now)]
    projects[project.id] = project
    return project
  }

  /// Settings of projects that are kept and told, and no more.
  static let stored: Set<String> = [
    "autoExposeSystemEnvs", "deploymentPolicy", "directoryListing", "enableAffectedProjectsDeployments",
    "enablePreviewFeedback", "enableProductionFeedback", "gitForkProtection", "gitLFS", "optionsAllowlist",
    "passwordProtection", "publicSource", "serverlessFunctionRegion", "skewProtectionMaxAge",
    "skipGitConnectDuringLink", "sourceFilesOutsideRootDirectory", "staticIps", "trustedIps",
    "previewDeploymentsDisabled", "previewDeploymentSuffix", "gitProviderOptions",
  ]

  /// What a project tells about itself only when it is asked for alone.
  static let untoldInLists = [
    "customEnvironments", "defaultResourceConfig", "hasDeployments", "lastRollbackTarget", "protectionBypass",
  ]

  static let protections: Set<String> = [
    "all", "all_except_custom_domains", "preview", "prod_deployment_urls_and_all_previews",
  ]

  static func isProjectName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 100
      && text.utf8.allSatisfy {
        (48...57).contains($0) || (97...122).contains($0) || [45, 46, 95].contains($0)
      }
  }

  /// A link with every part that its kind has.
  static func link(_ given: JSON) -> JSON {
    var link: [String: JSON] = [
      "type": "github", "deployHooks": [], "gitCredentialId": "cred_twin", "productionBranch": "main",
      "repoId": 1, "repoOwnerId": 1, "createdAt": 0, "updatedAt": 0, "sourceless": false,
    ]
    for (name, value) in given.object ?? [:] { link[name] = value }
    return .object(link)
  }
}
