import JSON
import Model

/// As much of what a file names as Railway has.
struct FoundPlace: Sendable {
  var token: TokenKind
  /// Where a project would be made; nil: the token acts in several, and the file names none.
  var workspace: Named?
  var project: Named?
  var environment: Named?
  /// The services of the project, in whichever environments.
  var services: [Named]
  /// The environments of the project, as far as the token sees them.
  var environments: [Named] = []

  /// Nil while project or environment is missing.
  var resolved: ResolvedPlace? {
    guard let project, let environment else { return nil }
    return ResolvedPlace(
      place: Place(project: project.id, environment: environment.id), project: project.name,
      environment: environment.name, token: token)
  }
}

extension Resolution {
  /// Looks for project and environment; what is missing is nil.
  /// - Throws: `Failure` of kind authentication when the token cannot act there, or cannot make what is missing;
  ///   configuration for what is ambiguous.
  func find(_ target: RailwayTarget) async throws(Failure) -> FoundPlace {
    let token: TokenKind
    do { token = try await client.identity(.read) } catch {
      throw error.tokenFailure(secret: target.tokenSecret)
    }
    switch token {
    case .project(let own):
      do throws(Failure) { _ = try fixed(own, target, token) } catch {
        var failure = error
        failure.cause = "a project token acts in its own project alone, and cannot create projects"
        failure.hint =
          "to make what is missing put a workspace or account token into \(target.tokenSecret); "
          + "or correct the names"
        throw failure
      }
      let node = try await projectNode(own.project.id, named: target.project, token)
      return FoundPlace(
        token: token, project: own.project, environment: own.environment, services: Self.services(node))
    case .workspace(let workspaces):
      let wanted = try self.workspaces(of: target, among: workspaces)
      var found = FoundPlace(token: token, workspace: wanted.count == 1 ? wanted[0] : nil, services: [])
      if Resolution.isID(target.project) {
        found.project = Named(id: target.project, name: target.project)
      } else {
        let named = try await projects(of: target, workspaces).found
        try refuseSeveral(named, "project", target.project, place: "platforms.railway.project")
        found.project = named.first
      }
      guard let project = found.project else { return found }
      let node = try await projectNode(project.id, named: target.project, token)
      found.environment = try environment(target, in: node, token).found
      found.services = Self.services(node)
      found.environments = (node["environments"]?["edges"]?.array ?? []).compactMap { Named($0["node"]) }
      return found
    }
  }

  private static func services(_ node: JSON) -> [Named] {
    (node["services"]?["edges"]?.array ?? []).compactMap { Named($0["node"]) }
  }
}
