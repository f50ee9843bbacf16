import Concurrency
import Crypto
import JSON

/// What a new deployment is made of, once the request was read.
struct VercelDeploymentRequest: Sendable {
  var project: String
  var target: String?
  var environmentID: String?
  var source: String
  var files: [VercelTwin.SourceFile] = []
  var directory: String?
  var gitSource: JSON?
  var meta: [String: String] = [:]
  var settings: VercelTwin.Settings
  var isPrebuilt = false
  var isInstant = false
  var inlineVariables: [String: String] = [:]
  var buildVariables: [String: String] = [:]
  var assignsDomains: Bool?
  var forceNew = true
}

/// `POST /v13/deployments`, contract §2.3.
extension VercelTwin.World {
  /// Creates what a request's body describes.
  /// - Throws: `missing_files` among others.
  mutating func createDeployment(_ call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Answer {
    let body = call.body
    guard body["name"]?.string?.isEmpty == false else {
      throw .badRequest("Missing required property `name`")
    }
    let project = try projectForCreation(call)
    try checkQuota(of: project.owner)
    var request = VercelDeploymentRequest(
      project: project.id, source: "cli", settings: project.settings)
    request.settings.apply(body["projectSettings"]?.object ?? [:])
    try readTarget(body, in: project, to: &request)
    guard !forbids("rest-api", target: request.target, in: project) else {
      throw VercelTwin.Problem(
        403, "forbidden", "The project's policy does not allow deployments over the API")
    }
    request.isPrebuilt = call.query("prebuilt") == "1"
    request.forceNew = call.query("forceNew") == "1"
    request.meta = (body["meta"]?.object ?? [:]).compactMapValues(\.string)
    request.assignsDomains = body["autoAssignCustomDomains"]?.bool
    request.inlineVariables = try variables(body["env"], "env")
    request.buildVariables = try variables(body["build"]?["env"], "build.env")
    if let sha = body["gitMetadata"]?["commitSha"]?.string { request.meta["githubCommitSha"] = sha }
    if let ref = body["gitMetadata"]?["commitRef"]?.string { request.meta["githubCommitRef"] = ref }
    try readSource(body, call, to: &request)
    let id = create(request)
    guard let deployment = deployments[id] else { throw .notFound("Deployment") }
    return VercelTwin.Answer(document(deployment))
  }

  private mutating func projectForCreation(_ call: VercelTwin.Call) throws(VercelTwin.Problem)
    -> VercelTwin.Project
  {
    let body = call.body
    if let wanted = body["project"]?.string { return try project(wanted, for: call) }
    let name = body["name"]?.string ?? ""
    if let known = try? project(name, for: call) { return known }
    if let id = body["deploymentId"]?.string, let key = Self.deploymentID(id, in: self),
      let origin = deployments[key]
    {
      return try project(origin.project, for: call)
    }
    guard call.token.kind != .project else { throw .notAuthorized }
    guard body["projectSettings"] != nil || call.query("skipAutoDetectionConfirmation") == "1" else {
      throw VercelTwin.Problem(
        400, "missing_project_settings", "The `projectSettings` object is required for new projects")
    }
    return addProject(name: name, owner: call.owner)
  }

  private func checkQuota(of owner: String) throws(VercelTwin.Problem) {
    let limit = teams[owner]?.deploymentsPerDay ?? plan(of: owner).deploymentsPerDay
    let since = now - .seconds(86_400)
    let used = deployments.values.count { $0.owner == owner && $0.createdAt > since }
    guard used < limit else {
      throw VercelTwin.Problem(
        402, "api-deployments-free-per-day", "Resource is limited - try again in 24 hours",
        extras: ["retryAfter": 86_400, "limit": ["total": .int(Int64(limit)), "remaining": 0]])
    }
  }

  private func readTarget(
    _ body: JSON, in project: VercelTwin.Project, to request: inout VercelDeploymentRequest
  ) throws(VercelTwin.Problem) {
    if let wanted = body["customEnvironmentSlugOrId"]?.string {
      guard let environment = project.environments.first(where: { [$0.id, $0.slug].contains(wanted) }) else {
        throw .notFound("Custom environment")
      }
      request.environmentID = environment.id
    }
    switch body["target"]?.string {
    case nil: break
    case "production": request.target = "production"
    case "staging": request.target = "staging"
    default: throw .badRequest("`target` must be `production` or `staging`")
    }
  }

  /// Inline variables of one deployment (contract §6.2).
  private func variables(_ given: JSON?, _ name: String) throws(VercelTwin.Problem) -> [String: String] {
    let members = given?.object ?? [:]
    guard members.count <= 100 else {
      throw VercelTwin.Problem(400, "env_too_many_keys", "`\(name)` has more than 100 keys")
    }
    var result: [String: String] = [:]
    for (key, value) in members {
      guard key.utf8.count <= 256 else {
        throw VercelTwin.Problem(400, "env_key_invalid_length", "a key of `\(name)` is longer than 256")
      }
      guard Self.isName(key) else {
        throw VercelTwin.Problem(
          400, "env_key_invalid_characters", "a key of `\(name)` has characters beside letters, digits and _")
      }
      guard let text = value.string else {
        throw VercelTwin.Problem(400, "env_value_invalid_type", "a value of `\(name)` is not a text")
      }
      guard text.utf8.count <= 65_536 else {
        throw VercelTwin.Problem(400, "env_value_invalid_length", "a value of `\(name)` is longer than 65536")
      }
      result[key] = text
    }
    return result
  }

  private mutating func readSource(
    _ body: JSON, _ call: VercelTwin.Call, to request: inout VercelDeploymentRequest
  ) throws(VercelTwin.Problem) {
    let sources = ["files", "gitSource", "deploymentId"].filter { body[$0] != nil }
    guard sources.count <= 1 else {
      throw .badRequest("only one of \(sources.joined(separator: ", ")) may be given")
    }
    switch sources.first {
    case "files": try readFiles(body["files"]?.array ?? [], call, to: &request)
    case "gitSource": try readGit(body["gitSource"] ?? .null, to: &request)
    case "deploymentId":
      guard let id = Self.deploymentID(body["deploymentId"]?.string ?? "", in: self),
        let origin = deployments[id], origin.project == request.project, origin.deletedAt == nil
      else { throw .notFound("Deployment") }
      request.source = "redeploy"
      request.files = origin.files
      request.directory = origin.directory
      request.gitSource = origin.gitSource
      request.isPrebuilt = origin.isPrebuilt
      if body["projectSettings"] == nil { request.settings = origin.settings }
      request.meta = origin.meta.merging(request.meta) { _, own in own }
      if request.target == nil, body["target"] == nil, body["meta"]?["action"]?.string == "redeploy" {
        request.target = origin.target
      }
      if body["withLatestCommit"]?.bool == true, let git = origin.gitSource {
        var members = git.object ?? [:]
        members["sha"] = nil
        try readGit(.object(members), to: &request)
      }
    default: throw VercelTwin.Problem(400, "no_files", "There are no files inside your deployment")
    }
  }

  private mutating func readFiles(
    _ entries: [JSON], _ call: VercelTwin.Call, to request: inout VercelDeploymentRequest
  ) throws(VercelTwin.Problem) {
    guard !entries.isEmpty else {
      throw VercelTwin.Problem(400, "no_files", "There are no files inside your deployment")
    }
    guard entries.count <= switches.deploymentFileLimit else {
      throw VercelTwin.Problem(
        400, "too_many_files", "`files` should NOT have more than \(switches.deploymentFileLimit) items")
    }
    var missing: [String] = []
    var isInstant = entries.count <= 10 && request.settings.buildCommand == nil
    var total = 0
    for entry in entries {
      guard let path = entry["file"]?.string, Self.isSafe(path) else {
        throw .badRequest("a file has no valid path")
      }
      let mode = Int(entry["mode"]?.int ?? 0o100644)
      if let data = entry["data"]?.string {
        let isText = entry["encoding"]?.string != "base64"
        guard let bytes = isText ? Array(data.utf8) : Base64.decode(data) else {
          throw .badRequest("the data of \(path) is not base64")
        }
        let digest = SHA1.hex(of: bytes)
        effects.append(.keep(digest: digest, bytes: bytes))
        request.files.append(.init(path: path, digest: digest, size: bytes.count, mode: mode))
        total += bytes.count
        isInstant = isInstant && [".html", ".htm", ".md"].contains { path.hasSuffix($0) }
        continue
      }
      isInstant = false
      // An empty directory has no content.
      guard let digest = entry["sha"]?.string else { continue }
      guard let size = blobs[call.owner]?[digest] else {
        if !missing.contains(digest) { missing.append(digest) }
        continue
      }
      request.files.append(.init(path: path, digest: digest, size: size, mode: mode))
    }
    guard missing.isEmpty else {
      throw VercelTwin.Problem(
        400, "missing_files", "Missing files", extras: ["missing": .texts(missing)])
    }
    request.isInstant = isInstant && total <= 5 << 20
  }

  private mutating func readGit(
    _ source: JSON, to request: inout VercelDeploymentRequest
  ) throws(VercelTwin.Problem) {
    let link = projects[request.project]?.link
    let repository =
      source["org"]?.string.flatMap { org in source["repo"]?.string.map { "\(org)/\($0)" } }
      ?? link?["org"]?.string.flatMap { org in link?["repo"]?.string.map { "\(org)/\($0)" } } ?? ""
    let ref = source["ref"]?.string
    let commits = repositories[repository] ?? []
    let commit =
      source["sha"]?.string.map { sha in commits.last { $0.sha == sha } }
      ?? commits.last { $0.branch == ref || $0.sha == ref }
    guard let commit else {
      throw VercelTwin.Problem(
        400, "incorrect_git_source_info", "The repository, reference or commit was not found")
    }
    request.source = "git"
    request.directory = commit.directory
    request.files = keep(commit.files)
    var told = source.object ?? [:]
    told["sha"] = .string(commit.sha)
    told["ref"] = .string(ref ?? commit.branch)
    request.gitSource = .object(told)
    request.meta["githubCommitSha"] = commit.sha
    request.meta["githubCommitRef"] = ref ?? commit.branch
    request.meta["githubCommitMessage"] = commit.message
  }

  /// Hands contents to the builder.
  mutating func keep(_ files: [String: [UInt8]]) -> [VercelTwin.SourceFile] {
    files.sorted { $0.key < $1.key }.map { path, bytes in
      let digest = SHA1.hex(of: bytes)
      effects.append(.keep(digest: digest, bytes: bytes))
      return VercelTwin.SourceFile(path: path, digest: digest, size: bytes.count, mode: 0o100644)
    }
  }

  /// Creates a deployment and lets it begin.
  /// - Returns: its id, or that of an earlier one of the same content where such are given back.
  @discardableResult
  mutating func create(_ request: VercelDeploymentRequest) -> String {
    guard var project = projects[request.project] else { return "" }
    project.created += 1
    project.updatedAt = now
    // The first deployment of a project is always production (contract §2.3).
    let target = project.created == 1 && request.environmentID == nil ? "production" : request.target
    let branch = request.gitSource?["ref"]?.string ?? request.meta["githubCommitRef"]
    var variables = snapshot(project, target: target, environment: request.environmentID, branch: branch)
    let own = variables.keys.sorted()
    variables.merge(request.inlineVariables) { _, inline in inline }
    variables.merge(request.buildVariables) { _, inline in inline }
    if switches.deduplicates, !request.forceNew, let earlier = twin(of: request, target: target, variables) {
      return earlier
    }
    projects[request.project] = project
    let id = mint("dpl")
    let hash = String(identifiers.next().filter { $0 != "-" }.prefix(9))
    var deployment = VercelTwin.Deployment(
      id: id, name: project.name, project: project.id, owner: project.owner, createdAt: now,
      url: host("\(project.name)-\(hash)-\(slug(of: project.owner))"), target: target,
      environmentID: request.environmentID, source: request.source, files: request.files,
      directory: request.directory, gitSource: request.gitSource, meta: request.meta,
      settings: request.settings, isPrebuilt: request.isPrebuilt, isInstant: request.isInstant,
      variables: variables, variableNames: own + request.inlineVariables.keys.sorted(),
      buildVariableNames: own + request.buildVariables.keys.sorted(),
      assignsDomains: request.assignsDomains ?? project.autoAssignCustomDomains)
    deployment.behaviour = takeBehaviour(project, target)
    deployments[id] = deployment
    deploymentOrder.append(id)
    accept(id)
    return id
  }

  private func twin(
    of request: VercelDeploymentRequest, target: String?, _ variables: [String: String]
  ) -> String? {
    deploymentOrder.last { id in
      guard let other = deployments[id], other.deletedAt == nil else { return false }
      return other.project == request.project && other.target == target && other.files == request.files
        && other.settings == request.settings && other.variables == variables
        && other.environmentID == request.environmentID
        && ![.error, .canceled, .blocked].contains(other.readyState)
    }
  }

  private mutating func takeBehaviour(
    _ project: VercelTwin.Project, _ target: String?
  ) -> VercelTwin.Behaviour? {
    for index in behaviours.indices {
      let rule = behaviours[index]
      guard rule.count != 0, rule.target.map({ $0 == target ?? "preview" }) ?? true,
        rule.project.map({ [project.id, project.name].contains($0) }) ?? true
      else { continue }
      if rule.skip > 0 {
        behaviours[index].skip -= 1
        continue
      }
      if let count = rule.count { behaviours[index].count = count - 1 }
      return rule.behaviour
    }
    return nil
  }

  /// Relative, and never out of its directory.
  static func isSafe(_ path: String) -> Bool {
    !path.isEmpty && !path.hasPrefix("/") && !path.contains("\0")
      && !path.split(separator: "/", omittingEmptySubsequences: false).contains("..")
  }

  /// The id that an id or an own host stands for.
  static func deploymentID(_ text: String, in world: VercelTwin.World) -> String? {
    if world.deployments[text] != nil { return text }
    let host = bare(text)
    return world.deployments.values.first { bare($0.url) == host }?.id ?? world.aliases[host]?.deployment
  }
}
