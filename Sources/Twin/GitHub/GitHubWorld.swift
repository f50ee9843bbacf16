import HTTPServer
import JSON

/// Repositories, tokens, and the deployments of the emulated GitHub.
struct GitHubWorld: Sendable {
  struct Status: Sendable {
    var id: Int64
    var state: String
    var description: String
    var environment: String
    var environmentURL: String
    var logURL: String
    var at: String
  }

  struct Deployment: Sendable {
    var id: Int64
    var repository: String
    var sha: String
    var ref: String
    var task: String
    var environment: String
    var description: String
    var payload: JSON
    var isTransient: Bool
    var isProduction: Bool
    var at: String
    /// Newest first.
    var statuses: [Status] = []
  }

  enum Permission: String, Sendable { case read, write }

  private(set) var repositories: Set<String> = []
  private var tokens: [String: Permission] = [:]
  /// Newest first.
  private(set) var deployments: [Deployment] = []
  /// Values and keys of repositories and environments.
  var secrets: [GitHubScope: ScopedSecrets] = [:]
  /// Oldest first, as the issues are.
  var comments: [Comment] = []
  var issues: [GitHubIssue] = []
  private var next: Int64 = 1

  static let words = FaultGate.Words(
    rateLimited: { wait in
      var response = GitHubProblem(403, "You have exceeded a secondary rate limit.").response
      if let wait { response.headers.append(("Retry-After", String(wait))) }
      return response
    },
    error: { message, _ in GitHubProblem(422, message).response })

  /// - Throws: `Refusal` for an unknown permission.
  init(_ seed: JSON) throws(Refusal) {
    repositories = Set((seed["repositories"]?.array ?? []).compactMap(\.string))
    for (index, entry) in (seed["issues"]?.array ?? []).enumerated() {
      issues.append(
        GitHubIssue(
          number: Int64(index + 1), repository: entry["repository"]?.string ?? "",
          title: entry["title"]?.string ?? "", body: entry["body"]?.string ?? "", labels: [],
          authorType: entry["author"]?.string ?? "Bot", at: "2026-01-01T00:00:00Z",
          changedAt: "2026-01-01T00:00:00Z"))
    }
    for entry in seed["tokens"]?.array ?? [] {
      guard let token = entry["token"]?.string else { throw Refusal("seed: a token has no value") }
      let word = entry["permission"]?.string ?? "write"
      guard let permission = Permission(rawValue: word) else {
        throw Refusal("seed: unknown permission \(word)")
      }
      tokens[token] = permission
    }
  }

  /// Who asks. GitHub refuses a request without a `User-Agent`; so does this one.
  func access(_ request: ServerRequest) throws(GitHubProblem) -> Permission {
    guard request.header("User-Agent")?.isEmpty == false else {
      throw GitHubProblem(403, "Request forbidden by administrative rules.")
    }
    let text = request.header("Authorization") ?? ""
    guard text.lowercased().hasPrefix("bearer ") else {
      throw GitHubProblem(401, "Requires authentication")
    }
    guard let permission = tokens[String(text.dropFirst(7))] else {
      throw GitHubProblem(401, "Bad credentials")
    }
    return permission
  }

  mutating func answer(
    _ call: GitHubCall, _ request: ServerRequest, _ access: Permission, now: String
  ) throws(GitHubProblem) -> ServerResponse {
    if call.kind.isWrite, access != .write {
      var problem = GitHubProblem(403, "Resource not accessible by integration")
      problem.accepted =
        switch call.kind {
        case .putSecret: "secrets=write"
        case .comment: "issues=write; pull_requests=write"
        case .createIssue, .editIssue: "issues=write"
        default: "deployments=write"
        }
      throw problem
    }
    switch call.kind {
    case .comment(let comment):
      let hasBody = if case .create = comment { true } else if case .update = comment { true } else { false }
      return try answer(comment, call, request, hasBody ? try body(request) : nil, now: now)
    case .list: return try list(call, request)
    case .create: return try create(call, try body(request), now)
    case .statuses(let id):
      return page(try deployment(id, call).statuses.map { json($0, call, id) }, request)
    case .setStatus(let id): return try setStatus(id, call, try body(request), now)
    case .publicKey(let scope): return try publicKey(scope)
    case .listSecrets(let scope): return listSecrets(scope, request)
    case .putSecret(let scope, let name): return try putSecret(name, scope, try body(request), now)
    case .listIssues: return listIssues(call, request)
    case .createIssue: return try createIssue(call, try body(request), now)
    case .editIssue(let number): return try editIssue(number, call, try body(request), now)
    }
  }

  private func body(_ request: ServerRequest) throws(GitHubProblem) -> JSON {
    guard let value = try? JSON(parsing: request.body), value.object != nil else {
      throw GitHubProblem(400, "Problems parsing JSON")
    }
    return value
  }

  private func list(_ call: GitHubCall, _ request: ServerRequest) throws(GitHubProblem) -> ServerResponse {
    func field(_ name: String) -> String? { request.query.first { $0.name == name }?.value }
    let found = deployments.filter { deployment in
      deployment.repository == call.repository
        && field("sha").map { $0 == deployment.sha } ?? true
        && field("ref").map { $0 == deployment.ref } ?? true
        && field("task").map { $0 == deployment.task } ?? true
        && field("environment").map { $0 == deployment.environment } ?? true
    }
    return page(found.map { json($0) }, request)
  }

  /// A page of a list; the next one is named by `Link`.
  func page(
    _ items: [JSON], _ request: ServerRequest, envelope: ([JSON]) -> JSON = { .array($0) }
  ) -> ServerResponse {
    func number(_ name: String, _ standard: Int) -> Int {
      request.query.first { $0.name == name }.flatMap { Int($0.value) } ?? standard
    }
    let size = min(100, max(1, number("per_page", 30)))
    let page = max(1, number("page", 1))
    let start = min(items.count, (page - 1) * size)
    let end = min(items.count, start + size)
    var response = ServerResponse.json(200, envelope(Array(items[start..<end])))
    if end < items.count {
      let host = request.header("Host") ?? "127.0.0.1"
      response.headers.append(
        ("Link", "<http://\(host)\(request.path)?per_page=\(size)&page=\(page + 1)>; rel=\"next\""))
    }
    return response
  }

  private mutating func create(
    _ call: GitHubCall, _ body: JSON, _ now: String
  ) throws(GitHubProblem) -> ServerResponse {
    guard let ref = body["ref"]?.string else { throw GitHubProblem(422, "ref is missing") }
    // The default branch is ahead here, and no check has reported: both defaults of GitHub stop a deployment.
    if body["auto_merge"]?.bool ?? true {
      return .json(202, ["message": .string("Auto-merged main into \(ref) on deployment.")])
    }
    guard body["required_contexts"]?.array?.isEmpty == true else {
      throw GitHubProblem(409, "Conflict: Commit status checks failed for \(ref).")
    }
    let environment = body["environment"]?.string ?? "production"
    let deployment = Deployment(
      id: mint(), repository: call.repository, sha: ref, ref: ref, task: body["task"]?.string ?? "deploy",
      environment: environment, description: body["description"]?.string ?? "",
      payload: body["payload"] ?? .object([:]),
      isTransient: body["transient_environment"]?.bool ?? false,
      isProduction: body["production_environment"]?.bool ?? (environment == "production"), at: now)
    deployments.insert(deployment, at: 0)
    return .json(201, json(deployment))
  }

  private mutating func setStatus(
    _ id: Int64, _ call: GitHubCall, _ body: JSON, _ now: String
  ) throws(GitHubProblem) -> ServerResponse {
    let deployment = try deployment(id, call)
    let states = ["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]
    guard let state = body["state"]?.string, states.contains(state) else {
      throw GitHubProblem(422, "Validation Failed")
    }
    guard (body["description"]?.string ?? "").count <= 140 else {
      throw GitHubProblem(422, "description is too long (maximum is 140 characters)")
    }
    let status = Status(
      id: mint(), state: state, description: body["description"]?.string ?? "",
      environment: body["environment"]?.string ?? deployment.environment,
      environmentURL: body["environment_url"]?.string ?? "", logURL: body["log_url"]?.string ?? "", at: now)
    for index in deployments.indices where deployments[index].id == id {
      deployments[index].statuses.insert(status, at: 0)
    }
    if state == "success", body["auto_inactive"]?.bool ?? true { retire(before: deployment, now) }
    return .json(201, json(status, call, id))
  }

  /// Contract §3: only earlier ones that are neither production nor transient, and had `success`.
  private mutating func retire(before new: Deployment, _ now: String) {
    for index in deployments.indices {
      let old = deployments[index]
      guard old.id < new.id, old.repository == new.repository, old.environment == new.environment,
        !old.isProduction, !old.isTransient, old.statuses.first?.state == "success"
      else { continue }
      deployments[index].statuses.insert(
        Status(
          id: mint(), state: "inactive", description: "", environment: old.environment, environmentURL: "",
          logURL: "", at: now), at: 0)
    }
  }

  private func deployment(_ id: Int64, _ call: GitHubCall) throws(GitHubProblem) -> Deployment {
    guard let found = deployments.first(where: { $0.id == id && $0.repository == call.repository }) else {
      throw .notFound
    }
    return found
  }

  mutating func mint() -> Int64 {
    defer { next += 1 }
    return next
  }
}
