import JSON
import Model

/// The project and environment a file names, as ids.
struct ResolvedPlace: Sendable, Hashable {
  var place: Place
  var project: String
  var environment: String
  var token: TokenKind
}

/// Names of the environment file turned into Railway's ids; nothing is guessed.
struct Resolution: Sendable {
  let client: RailwayClient

  /// Finds project and environment.
  /// - Throws: `Failure` of kind authentication (the token cannot act there) or configuration (missing, ambiguous).
  func place(of target: RailwayTarget) async throws(Failure) -> ResolvedPlace {
    let token: TokenKind
    do { token = try await client.identity(.read) } catch {
      throw error.tokenFailure(secret: target.tokenSecret)
    }
    switch token {
    case .project(let own): return try fixed(own, target, token)
    case .workspace(let workspaces):
      let project = try await project(target, workspaces)
      let environment = try await environment(target, project, token)
      return ResolvedPlace(
        place: Place(project: project.id, environment: environment.id), project: project.name,
        environment: environment.name, token: token)
    }
  }

  /// A project token can act in its own place only, which must be the one the file names.
  func fixed(_ own: ProjectToken, _ target: RailwayTarget, _ token: TokenKind) throws(Failure)
    -> ResolvedPlace
  {
    let isProject =
      own.project.id == target.project || own.project.name.lowercased() == target.project.lowercased()
    let isEnvironment = own.environment.id == target.environment || own.environment.name == target.environment
    guard isProject && isEnvironment else {
      throw Failure(
        .authentication,
        "the token in \(target.tokenSecret) is a project token of \(own.project.name) / \(own.environment.name), "
          + "but the environment file names \(target.project) / \(target.environment)",
        place: "platforms.railway",
        cause: "a project token cannot act outside the project and environment it was made in",
        hint: "create a project token in \(target.project) for \(target.environment), use a workspace token, "
          + "or correct the names")
    }
    return ResolvedPlace(
      place: Place(project: own.project.id, environment: own.environment.id), project: own.project.name,
      environment: own.environment.name, token: token)
  }

  private func project(_ target: RailwayTarget, _ workspaces: [Named]) async throws(Failure) -> Named {
    _ = try self.workspaces(of: target, among: workspaces)
    if Resolution.isID(target.project) { return Named(id: target.project, name: target.project) }
    let (found, all) = try await projects(of: target, workspaces)
    try refuseSeveral(found, "project", target.project, place: "platforms.railway.project")
    guard let project = found.first else {
      throw Resolution.missing("project", target.project, among: all, place: "platforms.railway.project")
    }
    return project
  }

  /// The workspaces that the file may mean.
  func workspaces(of target: RailwayTarget, among workspaces: [Named]) throws(Failure) -> [Named] {
    var wanted = workspaces
    if let name = target.workspace {
      wanted = workspaces.filter { $0.id == name || $0.name.lowercased() == name.lowercased() }
      if wanted.isEmpty {
        throw Failure(
          .authentication, "the token in \(target.tokenSecret) cannot act in the workspace “\(name)”",
          place: "platforms.railway.workspace",
          cause: "it can act in: \(Resolution.list(workspaces.map(\.name)))",
          hint: "create a token with that workspace chosen, or correct the name")
      }
      try refuseSeveral(wanted, "workspace", name, place: "platforms.railway.workspace")
    }
    return wanted
  }

  /// The projects of the wanted name, and the names of all.
  func projects(
    of target: RailwayTarget, _ workspaces: [Named]
  ) async throws(Failure) -> (found: [Named], all: [String]) {
    let wanted = try self.workspaces(of: target, among: workspaces)
    var found: [Named] = []
    var all: [String] = []
    for workspace in wanted.isEmpty ? [nil] : wanted.map(Optional.some) {
      for project in try await projects(in: workspace?.id) {
        all.append(project.name)
        if project.name.lowercased() == target.project.lowercased(),
          !found.contains(where: { $0.id == project.id })
        {
          found.append(project)
        }
      }
    }
    return (found, all)
  }

  private func projects(in workspace: String?) async throws(Failure) -> [Named] {
    var found: [Named] = []
    var page: Page = .first
    while page != .exhausted {
      let variables: [String: JSON] = [
        "workspaceId": workspace.map { .string($0) } ?? .null, "first": .int(page.size), "after": page.cursor,
      ]
      do throws(APIError) {
        let data = try await client.read(Documents.projects, variables)
        found += (data["projects"]?["edges"]?.array ?? []).compactMap { Named($0["node"]) }
        page = page.next(data["projects"]?["pageInfo"])
      } catch { throw error.failure("listing the Railway projects") }
    }
    return found
  }

  private func environment(_ target: RailwayTarget, _ project: Named, _ token: TokenKind)
    async throws(Failure) -> Named
  {
    let node = try await projectNode(project.id, named: target.project, token)
    let (found, all) = try environment(target, in: node, token)
    guard let found else {
      throw Resolution.missing(
        "environment", target.environment, among: all, place: "platforms.railway.environment")
    }
    return found
  }

  /// The wanted environment of a project, and the names of all.
  func environment(
    _ target: RailwayTarget, in node: JSON, _ token: TokenKind
  ) throws(Failure) -> (found: Named?, all: [String]) {
    let all = (node["environments"]?["edges"]?.array ?? []).compactMap { edge -> (Named, Bool)? in
      Named(edge["node"]).map { ($0, edge["node"]?["canAccess"]?.bool ?? true) }
    }
    // Environments are told apart by case, projects and services are not.
    let found = all.filter { $0.0.id == target.environment || $0.0.name == target.environment }
    try refuseSeveral(
      found.map(\.0), "environment", target.environment, place: "platforms.railway.environment")
    if let (environment, canAccess) = found.first, !canAccess {
      throw Resolution.restricted(environment.name, token)
    }
    return (found.first?.0, all.map(\.0.name))
  }

  /// The project with its environments and services.
  func projectNode(_ id: String, named name: String, _ token: TokenKind) async throws(Failure) -> JSON {
    do throws(APIError) {
      let data = try await client.read(Documents.project, ["id": .string(id)])
      guard let node = data["project"], node.object != nil, node["deletedAt"]?.string == nil else {
        throw APIError(.notFound, "the project was deleted", operation: Documents.project.name)
      }
      return node
    } catch { throw error.failure("reading the Railway project \(name)", token: token.description) }
  }

  /// The services of the file, found in what the environment shows.
  func services(_ wanted: [Service], in state: EnvironmentState, _ resolved: ResolvedPlace)
    async throws(Failure) -> [ServiceName: ServiceTarget]
  {
    var targets: [ServiceName: ServiceTarget] = [:]
    // Looked up, not searched: with hundreds of services each would be compared with each.
    let known = state.services.values.map { Named(id: $0.id, name: $0.name) }
    let byName = Dictionary(grouping: known) { $0.name.lowercased() }
    let byID = Dictionary(grouping: known, by: \.id)
    for service in wanted {
      let named = byName[service.name.lowercased()] ?? []
      let found = named + (byID[service.name] ?? []).filter { one in !named.contains { $0.id == one.id } }
      try refuseSeveral(found, "service", service.name, place: "services.\(service.key)")
      guard let match = found.first else { throw await missing(service, in: state, resolved) }
      targets[service.key] = ServiceTarget(
        service: service.key, platform: .railway, name: match.name,
        ids: [
          "service": match.id, "environment": resolved.place.environment, "project": resolved.place.project,
        ])
    }
    return targets
  }

  /// A service without an instance here may exist in the project.
  private func missing(_ service: Service, in state: EnvironmentState, _ resolved: ResolvedPlace) async
    -> Failure
  {
    let place = "services.\(service.key)"
    if let node = try? await projectNode(resolved.place.project, named: resolved.project, resolved.token) {
      let all = (node["services"]?["edges"]?.array ?? []).compactMap { Named($0["node"]) }
      if all.contains(where: { $0.id == service.name || $0.name.lowercased() == service.name.lowercased() }) {
        return Failure(
          .configuration,
          "the Railway service “\(service.name)” has no instance in the environment \(resolved.environment)",
          place: place, cause: "it exists in the project \(resolved.project), but only in other environments",
          hint: "add it to the environment in Railway's dashboard (an instance can take minutes to appear)")
      }
    }
    return Resolution.missing("service", service.name, among: state.services.values.map(\.name), place: place)
  }

  func refuseSeveral(_ found: [Named], _ what: String, _ name: String, place: String) throws(Failure) {
    guard found.count > 1 else { return }
    let candidates = found.sorted { $0.id < $1.id }.map { "\($0.name) (\($0.id))" }
    throw Failure(
      .configuration, "\(found.count) Railway \(what)s are called “\(name)”", place: place,
      cause: candidates.joined(separator: ", "), hint: "write the id instead of the name")
  }

  static func restricted(_ environment: String, _ token: TokenKind) -> Failure {
    Failure(
      .authentication,
      "the Railway environment \(environment) is restricted: the \(token.description) may not enter it",
      place: "platforms.railway.environment",
      hint: "ask an admin of the workspace for access, or use a token of one")
  }

  static func missing(_ what: String, _ name: String, among all: [String], place: String) -> Failure {
    let near = closest(to: name, among: all)
    return Failure(
      .configuration, "there is no Railway \(what) “\(name)”", place: place,
      cause: all.isEmpty ? "there are no \(what)s" : "there are: \(list(all))",
      hint: near.map { "did you mean “\($0)”?" }
        ?? "correct the name, or create the \(what) in Railway first; `provision: create` lets a deploy make it"
    )
  }

  static func list(_ names: [String]) -> String {
    let sorted = names.sorted()
    let shown = sorted.prefix(12).joined(separator: ", ")
    return sorted.count > 12 ? shown + " and \(sorted.count - 12) more" : sorted.isEmpty ? "none" : shown
  }

  /// Railway's ids are UUIDs.
  static func isID(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
  }

  /// The name one or two slips away, if any.
  static func closest(to name: String, among all: [String]) -> String? {
    let wanted = Array(name.lowercased())
    let ranked = all.map { (name: $0, slips: slips(wanted, Array($0.lowercased()))) }
    guard let best = ranked.min(by: { ($0.slips, $0.name) < ($1.slips, $1.name) }) else { return nil }
    return best.slips <= max(1, wanted.count / 3) ? best.name : nil
  }

  private static func slips(_ left: [Character], _ right: [Character]) -> Int {
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in right.enumerated() {
        let kept = diagonal + (a == b ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(kept, diagonal + 1, row[j] + 1)
      }
    }
    return row[right.count]
  }
}
