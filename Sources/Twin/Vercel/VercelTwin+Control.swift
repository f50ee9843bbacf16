import Concurrency
package import HTTPServer
package import JSON

/// The control surface under `/_twin/vercel/`: what a person does in Vercel's dashboard, and the faults.
extension VercelTwin {
  package func control(_ request: ServerRequest) async -> ServerResponse {
    if let refusal = ControlSurface.refusal(of: request) { return refusal }
    settle()
    let name = request.path.split(separator: "/").joined(separator: "/")
    let since = request.query.first { $0.name == "since" }.flatMap { Int($0.value) } ?? 0
    do {
      switch (request.method, name) {
      case ("GET", "state"): return .json(200, overview)
      case ("GET", "requests"):
        return .json(200, .array(log.records.filter { $0.number > since }.map(\.json)))
      case ("GET", "edge"):
        return .json(200, .array(edgeLog.records.filter { $0.number > since }.map(\.json)))
      case ("GET", "counts"): return .json(200, .object(log.counts.mapValues { .int(Int64($0)) }))
      case ("GET", "faults"): return .json(200, faultsAsJSON)
      case ("DELETE", "faults"):
        clearFaults()
        return done
      case ("POST", _):
        let body = request.body.isEmpty ? JSON.object([:]) : try JSON(parsing: request.body)
        return try command(name, body)
      default: return .json(404, ["error": "unknown control path"])
      }
    } catch let refusal as Refusal {
      return .json(400, ["error": .string(refusal.message)])
    } catch {
      return .json(400, ["error": .string(String(describing: error))])
    }
  }

  private var done: ServerResponse { .json(200, ["ok": true]) }

  private func command(_ name: String, _ body: JSON) throws -> ServerResponse {
    defer { settle() }
    switch name {
    case "faults": for script in body.array ?? [body] { try add(script) }
    case "seed": try world.plant(body)
    case "repositories": world.plant(repositories: body)
    case "switches": world.set(body)
    case "clock":
      if body["freeze"]?.bool == true { time.freeze() }
      if let seconds = body["advance"]?.double {
        guard seconds >= 0 else { throw Refusal("the clock only goes forward") }
        time.advance(by: .milliseconds(Int64(seconds * 1000)))
      }
      if body["freeze"]?.bool == false { time.thaw() }
    case "rate-limit":
      limitRate(to: Int(body["limit"]?.int ?? 100_000), per: .seconds(body["window"]?.int ?? 3600))
    case "revoke-token":
      guard let text = body["token"]?.string, world.tokens[text] != nil else {
        throw Refusal("unknown token")
      }
      world.tokens[text]?.isRevoked = true
    case "dns":
      guard let host = body["host"]?.string else { throw Refusal("which host?") }
      world.dns[World.bare(host)] = DNS(
        isVerified: body["verified"]?.bool ?? true, isMisconfigured: body["misconfigured"]?.bool ?? false,
        configuredBy: body["configuredBy"]?.string)
    case "push": return .json(200, ["deployments": .texts(try push(body))])
    case "foreign":
      return .json(200, ["deployment": .string(try world.appearForeign(try project(body).id))])
    case "unblock":
      try world.unblock(try deployment(body).id)
    case "retire":
      let id = try deployment(body).id
      world.deployments[id]?.isSoftDeleted = true
    case "vanish": world.remove(try deployment(body).id)
    default: return .json(404, ["error": "unknown control path"])
    }
    return done
  }

  private func project(_ body: JSON) throws(Refusal) -> Project {
    let wanted = body["project"]?.string
    guard let found = world.projects.values.first(where: { $0.id == wanted || $0.name == wanted }) else {
      throw Refusal("unknown project \(wanted ?? "")")
    }
    return found
  }

  private func deployment(_ body: JSON) throws(Refusal) -> Deployment {
    let wanted = body["deployment"]?.string ?? ""
    guard let found = World.deploymentID(wanted, in: world).flatMap({ world.deployments[$0] }) else {
      throw Refusal("unknown deployment \(wanted)")
    }
    return found
  }

  /// A push to a repository: linked projects deploy it, as Vercel's own integration does (contract §8).
  private func push(_ body: JSON) throws(Refusal) -> [String] {
    guard let repository = body["repository"]?.string else { throw Refusal("which repository?") }
    world.plant(repositories: [repository: [body]])
    guard let commit = world.repositories[repository]?.last else { throw Refusal("a push needs a commit") }
    return world.deployPush(of: commit, repository: repository)
  }
}

extension VercelTwin.World {
  /// Deploys a pushed commit wherever its repository is linked.
  mutating func deployPush(of commit: VercelTwin.Commit, repository: String) -> [String] {
    var created: [String] = []
    for project in projects.values.sorted(by: { $0.id < $1.id }) {
      guard let link = project.link,
        "\(link["org"]?.string ?? "")/\(link["repo"]?.string ?? "")" == repository,
        !forbids(
          "git", target: commit.branch == link["productionBranch"]?.string ? "production" : nil, in: project)
      else { continue }
      var request = VercelDeploymentRequest(project: project.id, source: "git", settings: project.settings)
      request.target = commit.branch == link["productionBranch"]?.string ? "production" : nil
      request.directory = commit.directory
      request.files = keep(commit.files)
      request.gitSource = [
        "type": link["type"] ?? "github", "org": link["org"] ?? "", "repo": link["repo"] ?? "",
        "ref": .string(commit.branch), "sha": .string(commit.sha), "repoId": link["repoId"] ?? 1,
      ]
      request.meta = [
        "githubCommitSha": commit.sha, "githubCommitRef": commit.branch,
        "githubCommitMessage": commit.message,
      ]
      created.append(create(request))
    }
    return created
  }

  /// Someone else's production deployment of what is live, or of nothing.
  mutating func appearForeign(_ id: String) throws(Refusal) -> String {
    guard let project = projects[id] else { throw Refusal("unknown project \(id)") }
    let origin = project.production.flatMap { deployments[$0] }
    var request = VercelDeploymentRequest(
      project: id, source: "git", settings: origin?.settings ?? project.settings)
    request.target = "production"
    request.files = origin?.files ?? keep(["index.html": Array("someone else's".utf8)])
    request.directory = origin?.directory
    request.isPrebuilt = origin?.isPrebuilt ?? false
    request.meta = [
      "githubCommitSha": "feedfacefeedfacefeedfacefeedfacefeedface", "githubCommitRef": "main",
      "githubCommitMessage": "pushed by someone else",
    ]
    return create(request)
  }

  /// A person lets a blocked deployment go on.
  mutating func unblock(_ id: String) throws(Refusal) {
    guard deployments[id]?.readyState == .blocked else { throw Refusal("\(id) is not blocked") }
    deployments[id]?.behaviour = nil
    deployments[id]?.stateReason = nil
    deployments[id]?.readyState = .queued
    accept(id)
  }
}

extension VercelTwin.BehaviourRule {
  package static let names = [
    "build-error", "blocked", "alias-error", "slow", "stuck", "wrong-content", "answers", "canceled",
  ]

  /// Reads `{"deployment": NAME, "project": …, "target": …, "nth": 1, "count": 1}` with what the behaviour
  /// takes; nil when the script has no `deployment`.
  package init?(_ script: JSON) throws(Refusal) {
    guard let name = script["deployment"]?.string else { return nil }
    let behaviour: VercelTwin.Behaviour
    switch name {
    case "build-error":
      behaviour = .buildError(
        VercelTwin.BuildFailure(
          code: script["code"]?.string ?? "BUILD_UTILS_SPAWN_1",
          message: script["message"]?.string ?? "Command \"npm run build\" exited with 1",
          step: script["step"]?.string ?? "buildStep", link: script["link"]?.string))
    case "blocked":
      behaviour = .blocked(script["reason"]?.string ?? "The commit author is no member of the team")
    case "alias-error":
      behaviour = .aliasError(
        code: script["code"]?.string ?? "cert_missing",
        message: script["message"]?.string ?? "The certificate is missing")
    case "slow": behaviour = .slow(script["seconds"]?.double ?? 60)
    case "stuck":
      guard
        let state = VercelTwin.ReadyState(
          rawValue: script["state"]?.string ?? script["status"]?.string ?? "BUILDING"), !state.isFinal
      else {
        throw Refusal("a deployment is stuck in QUEUED, INITIALIZING or BUILDING")
      }
      behaviour = .stuck(state)
    case "wrong-content":
      behaviour = .wrongContent(
        path: script["path"]?.string ?? "/version.json",
        text: script["text"]?.string ?? #"{"version":"0000000000000000000000000000000000000000"}"#)
    case "answers":
      behaviour = .answers(status: Int(script["status"]?.int ?? 500), after: script["after"]?.double ?? 0)
    case "canceled": behaviour = .canceled(after: script["after"]?.double ?? 0)
    default:
      throw Refusal("unknown behaviour \(name); known: \(Self.names.joined(separator: ", "))")
    }
    self.init(
      behaviour, project: script["project"]?.string, target: script["target"]?.string,
      nth: Int(script["nth"]?.int ?? 1),
      count: script["count"]?.string == "always" ? nil : Int(script["count"]?.int ?? 1))
  }
}

extension VercelTwin.JobRule {
  package static let names = ["fails", "stuck", "skipped", "partial", "slow"]

  /// Reads `{"job": NAME, "type": "promote" or "rollback", "project": …, "nth": 1, "count": 1}`; nil when the
  /// script has no `job`.
  package init?(_ script: JSON) throws(Refusal) {
    guard let name = script["job"]?.string else { return nil }
    let behaviour: VercelTwin.JobBehaviour
    switch name {
    case "fails": behaviour = .fails
    case "stuck": behaviour = .stuck
    case "skipped": behaviour = .skipped
    case "partial": behaviour = .partial
    case "slow": behaviour = .slow(script["seconds"]?.double ?? 60)
    default: throw Refusal("unknown behaviour \(name); known: \(Self.names.joined(separator: ", "))")
    }
    var kind: VercelTwin.AliasRequest.Kind?
    if let type = script["type"]?.string {
      kind = VercelTwin.AliasRequest.Kind(rawValue: type)
      guard kind != nil else { throw Refusal("a job is of the type promote or rollback, not \(type)") }
    }
    self.init(
      behaviour, kind: kind, project: script["project"]?.string, nth: Int(script["nth"]?.int ?? 1),
      count: script["count"]?.string == "always" ? nil : Int(script["count"]?.int ?? 1))
  }
}
