import Concurrency
import JSON
import Model

/// What kind of token Railway takes ours for.
enum TokenKind: Sendable, Hashable {
  case project(ProjectToken)
  /// An account or workspace token, with the workspaces it can act on.
  case workspace([Named])

  /// For sentences.
  var description: String {
    switch self {
    case .project(let token):
      "project token “\(token.name)” of \(token.project.name) / \(token.environment.name)"
    case .workspace(let workspaces) where workspaces.count == 1: "workspace token of \(workspaces[0].name)"
    case .workspace: "account token"
    }
  }

  func authorization(_ token: Sensitive) -> Authorization {
    switch self {
    case .project: .project(token)
    case .workspace: .bearer(token)
    }
  }
}

/// Something with an id and a name.
struct Named: Sendable, Hashable {
  var id: String
  var name: String
  /// What people or we wrote beside the name, where it was asked for.
  var description: String?

  init(id: String, name: String, description: String? = nil) {
    self.description = description
    self.id = id
    self.name = name
  }

  /// Reads `{id name}`; nil when there is no id or it was deleted.
  init?(_ node: JSON?) {
    guard let node, let id = node["id"]?.string, node["deletedAt"]?.string == nil else { return nil }
    self.init(id: id, name: node["name"]?.string ?? id, description: node["description"]?.string)
  }
}

/// A project token's place: it can act nowhere else.
struct ProjectToken: Sendable, Hashable {
  var name: String
  var project: Named
  var environment: Named
}

extension RailwayClient {
  /// The kind of the token, found out once: a project token answers `projectToken`, the others `apiToken`.
  func identity(_ manner: Manner) async throws(APIError) -> TokenKind {
    let asked: Identification
    if let identification {
      asked = identification
    } else {
      let found = Locked<Result<TokenKind, APIError>?>(nil)
      let task = spawn {
        let result: Result<TokenKind, APIError>
        do throws(APIError) { result = .success(try await self.identify(manner)) } catch {
          result = .failure(error)
        }
        found.withLock { $0 = result }
      }
      asked = Identification(task: task, found: found)
      identification = asked
    }
    await asked.task.value
    guard let result = asked.found.withLock({ $0 }) else {
      throw APIError(.cancelled, "stopped", operation: Documents.projectToken.name)
    }
    if case .failure = result, identification?.task == asked.task { identification = nil }
    return try result.get()
  }

  /// The one question after the token's kind, and its answer once there is one.
  struct Identification: Sendable {
    var task: Task<Void, Never>
    var found: Locked<Result<TokenKind, APIError>?>
  }

  private func identify(_ manner: Manner) async throws(APIError) -> TokenKind {
    do {
      let data = try await read(Documents.projectToken, [:], as: .project(token), manner)
      if let kind = RailwayClient.projectToken(data["projectToken"]) { return .project(kind) }
    } catch {
      // Anything but a clear refusal says nothing about the kind.
      switch error.kind {
      case .forbidden, .invalidToken, .notFound, .unclassified, .input: break
      default: throw error
      }
    }
    let data = try await read(Documents.apiToken, [:], as: .bearer(token), manner)
    return .workspace((data["apiToken"]?["workspaces"]?.array ?? []).compactMap { Named($0) })
  }

  private static func projectToken(_ node: JSON?) -> ProjectToken? {
    guard let node, let project = node["projectId"]?.string ?? node["project"]?["id"]?.string,
      let environment = node["environmentId"]?.string ?? node["environment"]?["id"]?.string
    else { return nil }
    return ProjectToken(
      name: node["name"]?.string ?? "",
      project: Named(id: project, name: node["project"]?["name"]?.string ?? project),
      environment: Named(id: environment, name: node["environment"]?["name"]?.string ?? environment))
  }
}

extension APIError {
  /// The failure of finding out the token's kind.
  func tokenFailure(secret: String) -> Failure {
    guard kind == .forbidden || kind == .invalidToken else { return failure("reading the Railway token") }
    return Failure(
      .authentication,
      "Railway accepts the token in \(secret) neither as a project token nor as a workspace or account token",
      place: "Railway \(operation)", cause: message,
      hint: "create a project token (project → Settings → Tokens, for the right environment) or a workspace "
        + "token (account settings → Tokens), and put it into \(secret)")
  }
}
