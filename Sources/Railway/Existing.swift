package import Model

/// What stands in a project, for a file that is written from it (contract railway §3, §5.2, §6.1, §11).
extension RailwayPlatform: ExistingReader {
  package func existing(_ query: ExistingQuery) async throws(Failure) -> ExistingAnswer {
    let token: TokenKind
    do { token = try await client.identity(.read) } catch {
      throw error.tokenFailure(secret: query.tokenSecret)
    }
    var account: String?
    let resolved: ResolvedPlace
    switch token {
    case .project(let own):
      resolved = ResolvedPlace(
        place: Place(project: own.project.id, environment: own.environment.id), project: own.project.name,
        environment: own.environment.name, token: token)
    case .workspace(let workspaces):
      let resolution = Resolution(client: client)
      var found: [(Named, workspace: String)] = []
      var all: [String] = []
      for workspace in workspaces {
        let target = RailwayTarget(
          workspace: workspace.id, project: query.project, environment: query.environment,
          tokenSecret: query.tokenSecret)
        let (some, names) = try await resolution.projects(of: target, workspaces)
        found += some.map { ($0, workspace.name) }
        all += names
      }
      guard found.count == 1, let (project, workspace) = found.first else { return .choose(all.sorted()) }
      if workspaces.count > 1 { account = workspace }
      let node = try await resolution.projectNode(project.id, named: project.name, token)
      let target = RailwayTarget(
        project: project.id, environment: query.environment, tokenSecret: query.tokenSecret)
      let (wanted, _) = try resolution.environment(target, in: node, token)
      guard let environment = wanted else {
        return .found(
          ExistingProject(
            account: account, project: project.name,
            notes: [
              "the Railway project \(project.name) has no environment \(query.environment): nothing of it was read"
            ]))
      }
      resolved = ResolvedPlace(
        place: Place(project: project.id, environment: environment.id), project: project.name,
        environment: environment.name, token: token)
    }
    return .found(try await read(resolved, account))
  }

  private func read(_ resolved: ResolvedPlace, _ account: String?) async throws(Failure) -> ExistingProject {
    let state = try await readState(resolved, withVolumes: true)
    let services = state.services.values.sorted { $0.name < $1.name }
    let details: [String: ServiceDetails]
    let sealed: [String: Set<String>]
    do {
      details = try await client.details(
        of: services.map { ($0.id, $0.repository != nil) }, in: resolved.place)
      sealed = try await client.variableListing(in: resolved.place).mapValues(\.sealed)
    } catch { throw error.failure("reading the services' settings", token: resolved.token.description) }
    var project = ExistingProject(
      account: account, project: resolved.project, environment: resolved.environment)
    if state.stagedChanges > 0 {
      project.notes.append(
        "\(state.stagedChanges) staged changes wait in Railway's environment \(resolved.environment): they are not read"
      )
    }
    for service in services {
      guard let detail = details[service.id] else { continue }
      var references: [String: String] = [:]
      for (name, value) in detail.variables {
        if let target = value.flatMap({ Self.reference($0) }) { references[name] = target }
      }
      project.services.append(
        ExistingService(
          name: service.name, settings: detail.settings,
          variables: Set(detail.variables.keys).union(sealed[service.id] ?? []), references: references,
          domains: service.customDomains, repository: service.repository, image: service.image,
          hasVolume: state.volumes[service.id] != nil, deploysPushes: detail.autoDeploys))
    }
    return project
  }

  /// `Postgres.DATABASE_URL` of `${{Postgres.DATABASE_URL}}`: the whole value, and nothing beside it.
  private static func reference(_ value: Sensitive) -> String? {
    guard
      let match = value.reveal().wholeMatch(
        of: #/\$\{\{\s*([A-Za-z0-9][A-Za-z0-9_-]*\.[A-Za-z_][A-Za-z0-9_]*)\s*\}\}/#)
    else { return nil }
    return String(match.1)
  }
}
