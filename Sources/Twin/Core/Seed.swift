package import JSON

/// Makes workspaces, projects, services and tokens out of a seed file.
extension World {
  /// What the twin starts with when no seed is given: one project with an empty service.
  package static let defaultSeed: JSON = [
    "workspaces": [["name": "acme", "plan": "pro"]],
    "projects": [
      [
        "name": "demo", "workspace": "acme", "environments": ["production"],
        "services": [["name": "api", "settings": ["startCommand": "./run", "healthcheckPath": "/health"]]],
      ]
    ],
    "tokens": [["token": "twin-account-token", "kind": "account"]],
  ]

  /// Adds what `seed` describes.
  /// - Throws: `Refusal` naming what it refers to but does not describe.
  package mutating func plant(
    _ seed: JSON, address: (InstanceKey) throws -> String
  ) throws {
    for entry in seed["workspaces"]?.array ?? [] {
      let id = entry["id"]?.string ?? mint()
      let plan = try entry["plan"]?.string.map { name in
        guard let plan = Plan(rawValue: name) else { throw Refusal("seed: unknown plan \(name)") }
        return plan
      }
      workspaces[id] = Workspace(
        id: id, name: entry["name"]?.string ?? "workspace", plan: plan ?? .pro, createdAt: now)
    }
    for entry in seed["projects"]?.array ?? [] { try plantProject(entry, address: address) }
    for entry in seed["tokens"]?.array ?? [] { try plantToken(entry) }
    if let map = seed["sources"] { read(sources: map) }
  }

  /// Adds to the source map: `{"images": {REF: DIR}, "repositories": {REPO: [{"commit", "directory"}]}}`.
  package mutating func read(sources map: JSON) {
    for (reference, directory) in map["images"]?.object ?? [:] {
      sources.images[reference] = directory.string
    }
    for (repository, commits) in map["repositories"]?.object ?? [:] {
      for commit in commits.array ?? [] {
        guard let sha = commit["commit"]?.string, let directory = commit["directory"]?.string else {
          continue
        }
        sources.repositories[repository, default: []].removeAll { $0.sha == sha }
        sources.repositories[repository, default: []].append(
          SourceMap.Commit(sha: sha, directory: directory, message: commit["message"]?.string))
      }
    }
  }

  private mutating func plantProject(_ entry: JSON, address: (InstanceKey) throws -> String) throws {
    guard let name = entry["name"]?.string else { throw Refusal("seed: a project has no name") }
    let id = entry["id"]?.string ?? mint()
    guard let workspace = find(workspace: entry["workspace"]?.string) else {
      throw Refusal("seed: project \(name) names no workspace of the seed")
    }
    projects[id] = Project(id: id, name: name, workspace: workspace, createdAt: now)
    var places: [(name: String, id: String)] = []
    for item in entry["environments"]?.array ?? ["production"] {
      let place = item["id"]?.string ?? mint()
      let placeName = item.string ?? item["name"]?.string ?? "production"
      environments[place] = Environment(id: place, name: placeName, project: id, createdAt: now)
      environments[place]?.canAccess = item["canAccess"]?.bool ?? true
      environments[place]?.isEphemeral = item["ephemeral"]?.bool ?? false
      environments[place]?.unmergedChanges = Int(item["unmergedChanges"]?.int ?? 0)
      let shared = variables(item["shared"])
      environments[place]?.shared = shared
      places.append((placeName, place))
    }
    for service in entry["services"]?.array ?? [] {
      try plantService(service, project: id, places: places, address: address)
    }
  }

  private mutating func plantService(
    _ entry: JSON, project: String, places: [(name: String, id: String)],
    address: (InstanceKey) throws -> String
  ) throws {
    guard let name = entry["name"]?.string else { throw Refusal("seed: a service has no name") }
    let id = entry["id"]?.string ?? mint()
    services[id] = Service(id: id, name: name, project: project, createdAt: now)
    let wanted = entry["environments"]?.array?.compactMap(\.string)
    for place in places where wanted?.contains(place.name) ?? true {
      let key = InstanceKey(service: id, environment: place.id)
      addInstance(key, visibleFrom: now)
      instances[key]?.settings.apply(entry["settings"]?.object ?? [:])
      if let source = entry["source"]?.object { setSource(source, of: key, branch: source["branch"]?.string) }
      let stored = variables(entry["variables"])
      instances[key]?.variables = stored
      instances[key]?.autoDeploy.enabled = entry["autoDeploy"]?.bool ?? false
      if entry["domain"]?.bool ?? true { instances[key]?.address = try address(key) }
      if let volume = entry["volume"] {
        let volumeID = mint()
        volumes[volumeID] = Volume(
          id: volumeID, instanceID: mint(), name: volume["name"]?.string ?? "\(name)-volume", key: key,
          project: project, mountPath: volume["mountPath"]?.string ?? "/data",
          usedMB: volume["usedMB"]?.int.map(Int.init) ?? 1, createdAt: now)
        instances[key]?.volume = volumeID
      }
      if entry["deploy"]?.bool == true {
        create(try currentRequest(for: key, trigger: .deploy))
      }
    }
  }

  private mutating func plantToken(_ entry: JSON) throws {
    guard let text = entry["token"]?.string else { throw Refusal("seed: a token has no value") }
    let name = entry["kind"]?.string ?? "account"
    guard let kind = Token.Kind(rawValue: name) else { throw Refusal("seed: unknown kind of token \(name)") }
    var token = Token(id: mint(), name: entry["name"]?.string ?? "\(name) token", kind: kind, createdAt: now)
    switch kind {
    case .account: break
    case .workspace:
      guard let workspace = find(workspace: entry["workspace"]?.string) else {
        throw Refusal("seed: a workspace token names no workspace of the seed")
      }
      token.workspace = workspace
    case .project:
      let project = projects.values.first { [$0.name, $0.id].contains(entry["project"]?.string) }
      let wanted = entry["environment"]?.string
      guard let project,
        let place = environments.values.first(where: {
          $0.project == project.id && [$0.name, $0.id].contains(wanted)
        })
      else { throw Refusal("seed: a project token names no project and environment of the seed") }
      token.project = project.id
      token.environment = place.id
    }
    tokens[text] = token
  }

  private mutating func variables(_ entry: JSON?) -> [String: StoredVariable] {
    var stored: [String: StoredVariable] = [:]
    for (name, value) in (entry?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      let text = value.text ?? value["value"]?.text ?? ""
      stored[name] = StoredVariable(
        id: mint(), value: text, isSealed: value["sealed"]?.bool ?? false, createdAt: now, updatedAt: now)
    }
    return stored
  }

  private func find(workspace name: String?) -> String? {
    guard let name else { return workspaces.count == 1 ? workspaces.keys.first : nil }
    return workspaces.values.first { $0.name == name || $0.id == name }?.id
  }
}
