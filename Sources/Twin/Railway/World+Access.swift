/// Who may touch what. A wrong id and a forbidden one read alike, as on the platform.
extension World {
  /// The answer to everything a token may not do.
  static let notAuthorized = Refusal("Not Authorized")

  /// The token that a request's headers present: project tokens in their own header, others as bearer.
  func token(bearer: String?, project: String?) -> Token? {
    if let project {
      guard let token = tokens[project], token.kind == .project, !token.isRevoked else { return nil }
      return token
    }
    guard let bearer, let token = tokens[bearer], token.kind != .project, !token.isRevoked else { return nil }
    return token
  }

  func mayAccess(_ token: Token, project id: String) -> Bool {
    guard let project = projects[id] else { return false }
    switch token.kind {
    case .account: return true
    case .workspace: return project.workspace == token.workspace
    case .project: return token.project == id
    }
  }

  func mayAccess(_ token: Token, environment id: String) -> Bool {
    guard let environment = environments[id] else { return false }
    if token.kind == .project { return token.environment == id }
    return mayAccess(token, project: environment.project)
  }

  func project(_ id: String, for token: Token) throws(Refusal) -> Project {
    guard let project = projects[id], project.deletedAt == nil else {
      throw token.kind == .project ? World.notAuthorized : Refusal("Project not found")
    }
    guard mayAccess(token, project: id) else { throw World.notAuthorized }
    return project
  }

  func environment(_ id: String, for token: Token) throws(Refusal) -> Environment {
    guard let environment = environments[id] else {
      throw token.kind == .project ? World.notAuthorized : Refusal("Environment not found")
    }
    guard mayAccess(token, environment: id) else { throw World.notAuthorized }
    return environment
  }

  /// - Parameter writing: a restricted environment may be seen, but not changed.
  func instance(
    _ service: String, in environment: String, for token: Token, writing: Bool = false
  ) throws(Refusal) -> ServiceInstance {
    let place = try self.environment(environment, for: token)
    guard place.canAccess || !writing else { throw World.notAuthorized }
    guard let instance = instances[InstanceKey(service: service, environment: environment)],
      instance.visibleFrom <= now, services[service]?.deletedAt == nil
    else { throw Refusal("ServiceInstance not found") }
    return instance
  }

  func deployment(_ id: String, for token: Token, writing: Bool = false) throws(Refusal) -> Deployment {
    guard let deployment = deployments[id], !deployment.vanished else {
      throw Refusal("Deployment not found")
    }
    guard mayAccess(token, environment: deployment.key.environment) else { throw World.notAuthorized }
    guard environments[deployment.key.environment]?.canAccess == true || !writing else {
      throw World.notAuthorized
    }
    return deployment
  }
}
