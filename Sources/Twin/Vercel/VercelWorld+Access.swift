import Concurrency
import JSON

/// Who may touch what, contract §1 and point 10 of §13.
extension VercelTwin.World {
  /// The owner whose things a request is about: a team by `teamId` or `slug`, or the token's own user.
  /// - Throws: 403 when the token has no access to it.
  func owner(of call: VercelTwin.Call) throws(VercelTwin.Problem) -> String {
    let wanted = call.query("teamId") ?? call.query("slug")
    guard let wanted, !wanted.isEmpty else {
      switch call.token.kind {
      case .account: return user.id
      case .team:
        throw VercelTwin.Problem(
          403, "forbidden", "Not authorized: Trying to access resource under the personal scope")
      case .project: return projects[call.token.project ?? ""]?.owner ?? user.id
      }
    }
    guard let team = teams.values.first(where: { $0.id == wanted || $0.slug == wanted }) else {
      throw .notAuthorized
    }
    switch call.token.kind {
    case .account: if team.isMember { return team.id }
    case .team: if call.token.team == team.id { return team.id }
    case .project: if projects[call.token.project ?? ""]?.owner == team.id { return team.id }
    }
    throw VercelTwin.Problem(
      403, "team_unauthorized", "You do not have access to the team \(team.slug)",
      extras: ["teamId": .string(team.id)])
  }

  func project(_ idOrName: String, for call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Project
  {
    let found = projects.values.first {
      $0.owner == call.owner && ($0.id == idOrName || $0.name == idOrName)
    }
    guard let found, call.token.kind != .project || call.token.project == found.id else {
      throw .notFound("Project")
    }
    return found
  }

  /// An enabled rule of the project's policy lists who may deploy to an environment (contract §2.4).
  func forbids(_ source: String, target: String?, in project: VercelTwin.Project) -> Bool {
    let rules = project.others["deploymentPolicy"]?["deploymentSources"]?.array ?? []
    return rules.contains { rule in
      rule["enabled"]?.bool == true
        && (rule["environments"]?.array ?? []).contains { $0["target"]?.string == target ?? "preview" }
        && !(rule["sources"]?.array ?? []).contains(.string(source))
    }
  }

  func deployment(
    _ idOrURL: String, for call: VercelTwin.Call
  ) throws(VercelTwin.Problem) -> VercelTwin.Deployment {
    guard let id = VercelTwin.World.deploymentID(idOrURL, in: self), let found = deployments[id],
      found.deletedAt == nil, found.owner == call.owner,
      call.token.kind != .project || call.token.project == found.project
    else { throw .notFound("Deployment") }
    return found
  }

  func alias(_ idOrHost: String, for call: VercelTwin.Call) throws(VercelTwin.Problem) -> VercelTwin.Alias {
    let found = aliases[VercelTwin.World.bare(idOrHost)] ?? aliases.values.first { $0.uid == idOrHost }
    guard let found, projects[found.project]?.owner == call.owner,
      call.token.kind != .project || call.token.project == found.project
    else { throw .notFound("Alias") }
    return found
  }
}

extension VercelTwin {
  /// A request on its way to an operation.
  struct Call: Sendable {
    var method: String
    var path: String
    var fields: [(name: String, value: String)]
    /// The operation's name in the API description.
    var operation: String
    /// What the path's places hold, in order.
    var places: [String]
    var body: JSON
    var hasBody: Bool
    var bearer: String?
    /// Whose it is; nil for a token that is unknown or revoked.
    var known: Token?
    /// The scope: a team's id or the user's.
    var owner: String = ""

    /// The token of a call that got as far as its operation.
    var token: Token { known ?? Token(kind: .project) }

    func query(_ name: String) -> String? { fields.first { $0.name == name }?.value }
    func place(_ index: Int) -> String { places.indices.contains(index) ? places[index] : "" }

    func number(_ name: String) -> Int64? { query(name).flatMap { Int64($0) } }
  }
}
