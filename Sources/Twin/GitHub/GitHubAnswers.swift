import HTTPServer
import JSON

/// A request that GitHub's part of the twin knows.
struct GitHubCall: Sendable {
  enum Kind: Sendable {
    case list, create
    case statuses(Int64)
    case setStatus(Int64)
    case publicKey(GitHubScope), listSecrets(GitHubScope)
    case putSecret(GitHubScope, name: String)
    case comment(CommentCall)
    case listIssues, createIssue
    case editIssue(Int64)

    /// Those that change something.
    var isWrite: Bool {
      switch self {
      case .create, .setStatus, .putSecret, .createIssue, .editIssue: true
      case .comment(.list): false
      case .comment: true
      case .list, .statuses, .publicKey, .listSecrets, .listIssues: false
      }
    }
  }

  enum CommentCall: Sendable {
    case list(Int64), create(Int64), update(Int64), delete(Int64)

    init?(_ method: String, _ parts: [String]) {
      guard parts.count == 3, parts[0] == "issues" else { return nil }
      switch (method, parts[1], parts[2]) {
      case ("PATCH", "comments", let id): self = .update(Int64(id) ?? 0)
      case ("DELETE", "comments", let id): self = .delete(Int64(id) ?? 0)
      case ("GET", let number, "comments"): self = .list(Int64(number) ?? 0)
      case ("POST", let number, "comments"): self = .create(Int64(number) ?? 0)
      default: return nil
      }
    }

    var operation: String {
      switch self {
      case .list: "list-comments"
      case .create: "create-comment"
      case .update: "update-comment"
      case .delete: "delete-comment"
      }
    }
  }

  var kind: Kind
  /// `owner/name`.
  var repository: String

  init?(_ request: ServerRequest) {
    let parts = request.path.split(separator: "/").map(String.init)
    guard parts.count >= 4, parts[0] == "repos" else { return nil }
    repository = "\(parts[1])/\(parts[2])"
    if let comment = CommentCall(request.method, Array(parts.dropFirst(3))) {
      kind = .comment(comment)
      return
    }
    if parts[3] == "issues" {
      guard let kind = Self.issuesKind(request.method, Array(parts.dropFirst(4))) else { return nil }
      self.kind = kind
      return
    }
    guard parts[3] == "deployments" else {
      guard let kind = Self.secretsKind(request.method, Array(parts.dropFirst(3)), repository) else {
        return nil
      }
      self.kind = kind
      return
    }
    switch (request.method, parts.count) {
    case ("GET", 4): kind = .list
    case ("POST", 4): kind = .create
    case ("GET", 6), ("POST", 6):
      guard let id = Int64(parts[4]), parts[5] == "statuses" else { return nil }
      kind = request.method == "GET" ? .statuses(id) : .setStatus(id)
    default: return nil
    }
  }

  private static func issuesKind(_ method: String, _ rest: [String]) -> Kind? {
    switch (method, rest.count) {
    case ("GET", 0): return .listIssues
    case ("POST", 0): return .createIssue
    case ("PATCH", 1): return Int64(rest[0]).map { .editIssue($0) }
    default: return nil
    }
  }

  /// Its name in GitHub's description.
  var operation: String {
    switch kind {
    case .list: "list-deployments"
    case .create: "create-deployment"
    case .statuses: "list-deployment-statuses"
    case .setStatus: "create-deployment-status"
    case .publicKey(let scope): "get-\(scope.word)-public-key"
    case .listSecrets(let scope): "list-\(scope.word)-secrets"
    case .comment(let comment): comment.operation
    case .putSecret(let scope, _): "create-or-update-\(scope.word)-secret"
    case .listIssues: "list-for-repo"
    case .createIssue: "create"
    case .editIssue: "update"
    }
  }
}

/// What GitHub refuses.
struct GitHubProblem: Error, Sendable {
  var status: Int
  var message: String
  /// The rights the endpoint wants.
  var accepted: String?

  init(_ status: Int, _ message: String) {
    self.status = status
    self.message = message
  }

  static let notFound = GitHubProblem(404, "Not Found")

  var response: ServerResponse {
    var response = ServerResponse.json(
      status,
      [
        "message": .string(message), "documentation_url": "https://docs.github.com/rest",
        "status": .string(String(status)),
      ])
    if let accepted { response.headers.append(("X-Accepted-GitHub-Permissions", accepted)) }
    return response
  }
}

extension GitHubWorld {
  func json(_ deployment: Deployment) -> JSON {
    let repository = "https://api.github.com/repos/\(deployment.repository)"
    let url = "\(repository)/deployments/\(deployment.id)"
    return [
      "id": .int(deployment.id), "node_id": .string("DE_\(deployment.id)"), "url": .string(url),
      "sha": .string(deployment.sha), "ref": .string(deployment.ref), "task": .string(deployment.task),
      "payload": deployment.payload, "original_environment": .string(deployment.environment),
      "environment": .string(deployment.environment), "description": .string(deployment.description),
      "creator": GitHubWorld.bot, "created_at": .string(deployment.at), "updated_at": .string(deployment.at),
      "statuses_url": .string("\(url)/statuses"), "repository_url": .string(repository),
      "transient_environment": .bool(deployment.isTransient),
      "production_environment": .bool(deployment.isProduction),
    ]
  }

  func json(_ status: Status, _ call: GitHubCall, _ deployment: Int64) -> JSON {
    let repository = "https://api.github.com/repos/\(call.repository)"
    let url = "\(repository)/deployments/\(deployment)"
    return [
      "id": .int(status.id), "node_id": .string("DES_\(status.id)"), "state": .string(status.state),
      "url": .string("\(url)/statuses/\(status.id)"), "creator": GitHubWorld.bot,
      "description": .string(status.description), "environment": .string(status.environment),
      "target_url": .string(status.logURL), "log_url": .string(status.logURL),
      "environment_url": .string(status.environmentURL), "deployment_url": .string(url),
      "repository_url": .string(repository), "created_at": .string(status.at),
      "updated_at": .string(status.at),
    ]
  }

  static let bot = user("github-actions[bot]")

  /// As GitHub tells of its own bot, under another name.
  static func user(_ login: String) -> JSON {
    let url = "https://api.github.com/users/github-actions%5Bbot%5D"
    var user: [String: JSON] = [
      "login": .string(login), "id": 41_898_282, "node_id": "MDM6Qm90NDE4OTgyODI=",
      "avatar_url": "https://avatars.githubusercontent.com/in/15368", "gravatar_id": "",
      "url": .string(url), "html_url": "https://github.com/apps/github-actions", "type": "Bot",
      "site_admin": false,
    ]
    for part in ["followers", "subscriptions", "organizations", "repos", "received_events"] {
      user["\(part)_url"] = .string("\(url)/\(part)")
    }
    user["following_url"] = .string("\(url)/following{/other_user}")
    user["gists_url"] = .string("\(url)/gists{/gist_id}")
    user["starred_url"] = .string("\(url)/starred{/owner}{/repo}")
    user["events_url"] = .string("\(url)/events{/privacy}")
    return .object(user)
  }
}

extension GitHubWorld.Deployment {
  /// A row of the control surface.
  var overview: JSON {
    [
      "id": .int(id), "repository": .string(repository), "sha": .string(sha),
      "environment": .string(environment), "state": .string(statuses.first?.state ?? ""),
      "states": .array(statuses.reversed().map { .string($0.state) }),
      "url": .string(statuses.first?.environmentURL ?? ""), "log": .string(statuses.first?.logURL ?? ""),
      "run": payload["shipit"]?["run"] ?? .null,
    ]
  }
}
