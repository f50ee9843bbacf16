package import Concurrency
package import JSON

/// How projects, environments, volumes and hosts come into being (contract §3, §10.1, §11).
extension World {
  /// A host of the file's owner, which leads here once its records are right.
  package struct CustomDomain: Sendable {
    package var id: String
    package var name: String
    /// What its traffic record has to say.
    package var target: String
    /// What its TXT record has to say.
    package var token: String
    package var createdAt: Timestamp
  }

  /// A port that is reached by TCP.
  package struct TCPProxy: Sendable {
    package var id: String
    package var port: Int
    package var proxyPort: Int
    package var createdAt: Timestamp
    package var activeFrom: Timestamp
  }

  /// - Returns: the project's id.
  package mutating func createProject(_ input: JSON, for token: Token) throws(Refusal) -> String {
    guard token.kind != .project else { throw World.notAuthorized }
    let seen = workspaces.values.filter { token.kind == .account || $0.id == token.workspace }
    let workspace: Workspace?
    if let wanted = input["workspaceId"]?.string {
      workspace = seen.first { $0.id == wanted }
    } else {
      workspace = seen.sorted { ($0.createdAt, $0.name) < ($1.createdAt, $1.name) }.first
    }
    guard let workspace else { throw World.notAuthorized }
    let name = input["name"]?.string ?? "project-\(projects.count + 1)"
    guard !name.isEmpty, !name.contains("/") else { throw Refusal("Invalid project name") }
    // Names need not be unique.
    let id = mint()
    projects[id] = Project(id: id, name: name, workspace: workspace.id, createdAt: now)
    projects[id]?.description = input["description"]?.string
    let place = mint()
    environments[place] = Environment(
      id: place, name: input["defaultEnvironmentName"]?.string ?? "production", project: id, createdAt: now)
    return id
  }

  /// - Returns: the environment's id.
  mutating func createEnvironment(_ input: JSON, for token: Token) throws(Refusal) -> String {
    guard token.kind != .project else { throw World.notAuthorized }
    let project = try project(input["projectId"]?.string ?? "", for: token)
    let name = input["name"]?.string ?? ""
    guard !environments.values.contains(where: { $0.project == project.id && $0.name == name }) else {
      throw Refusal("Environment with name \"\(name)\" already exists")
    }
    let source: Environment?
    if let wanted = input["sourceEnvironmentId"]?.string {
      let found = try environment(wanted, for: token)
      guard found.project == project.id else { throw Refusal("Environment not found") }
      source = found
    } else {
      source = nil
    }
    let id = mint()
    environments[id] = Environment(id: id, name: name, project: project.id, createdAt: now)
    environments[id]?.isEphemeral = input["ephemeral"]?.bool ?? false
    if let source { copy(source, to: id, input) }
    return id
  }

  /// - Returns: the volume's id, which is none of its instance.
  mutating func createVolume(_ input: JSON, for token: Token) throws(Refusal) -> String {
    let project = try project(input["projectId"]?.string ?? "", for: token)
    let key = InstanceKey(
      service: input["serviceId"]?.string ?? "", environment: input["environmentId"]?.string ?? "")
    let instance = try instance(key.service, in: key.environment, for: token, writing: true)
    guard instance.volume == nil else { throw Refusal("The service already has a volume") }
    guard (instance.settings.numReplicas ?? 1) <= 1 else {
      throw Refusal("A service with replicas cannot have a volume")
    }
    let limit = volumeLimit(of: project.id)
    guard volumes.values.count(where: { $0.project == project.id }) < limit else {
      throw Refusal("The plan allows \(limit) volumes in a project")
    }
    return addVolume(to: key, mountPath: input["mountPath"]?.string ?? "/data", in: project.id)
  }

  mutating func addVolume(to key: InstanceKey, mountPath: String, in project: String) -> String {
    let id = mint()
    let name = services[key.service]?.name ?? "service"
    volumes[id] = Volume(
      id: id, instanceID: mint(), name: "\(name.lowercased())-volume", key: key, project: project,
      mountPath: mountPath, createdAt: now)
    instances[key]?.volume = id
    environments[key.environment]?.revision += 1
    return id
  }

  /// Volumes in a project by plan (contract §10.1).
  private func volumeLimit(of project: String) -> Int {
    switch plan(of: project) {
    case .free: 1
    case .trial: 3
    case .hobby: 10
    case .pro: 20
    }
  }

  /// - Parameter address: what the service's own host is here, on loopback.
  mutating func createServiceDomain(
    _ input: JSON, for token: Token, address: (InstanceKey) throws(Refusal) -> String
  ) throws(Refusal) -> InstanceKey {
    let instance = try instance(
      input["serviceId"]?.string ?? "", in: input["environmentId"]?.string ?? "", for: token, writing: true)
    guard instance.address == nil else { throw Refusal("A service domain already exists for this service") }
    let given = try address(instance.key)
    instances[instance.key]?.address = given
    environments[instance.key.environment]?.revision += 1
    return instance.key
  }

  /// - Returns: the domain's id.
  mutating func createCustomDomain(
    _ input: JSON, for token: Token
  ) throws(Refusal) -> (key: InstanceKey, id: String) {
    let instance = try instance(
      input["serviceId"]?.string ?? "", in: input["environmentId"]?.string ?? "", for: token, writing: true)
    let name = (input["domain"]?.string ?? "").lowercased()
    guard name.contains("."), !name.contains("/"), !name.contains(":") else {
      throw Refusal("\(name) is not a valid domain")
    }
    guard !instances.values.contains(where: { $0.customDomains.contains { $0.name == name } }) else {
      throw Refusal("The domain \(name) is already in use")
    }
    let limit = plan(of: services[instance.key.service]?.project ?? "") == .pro ? 20 : 2
    guard instance.customDomains.count < limit else {
      throw Refusal("The plan allows \(limit) custom domains for a service")
    }
    let id = mint()
    let words = (mint() + mint()).filter { $0 != "-" }
    instances[instance.key]?.customDomains.append(
      CustomDomain(
        id: id, name: name, target: "\(words.prefix(8)).up.railway.app",
        token: "railway-verify=\(words.dropFirst(8).prefix(32))", createdAt: now))
    environments[instance.key.environment]?.revision += 1
    return (instance.key, id)
  }

  /// In a fork that is named, in it alone; else in every environment of the project that is no fork (contract §5.1).
  mutating func deleteService(_ arguments: [String: JSON], for token: Token) throws(Refusal) {
    let id = arguments["id"]?.string ?? ""
    guard let service = services[id], service.deletedAt == nil, mayAccess(token, project: service.project)
    else {
      throw Refusal("Service not found")
    }
    let named = arguments["environmentId"]?.string
    if let named, environments[named]?.isEphemeral == true, mayAccess(token, environment: named) {
      forget(InstanceKey(service: id, environment: named))
      environments[named]?.revision += 1
      // Without an instance anywhere it is gone.
      if !instances.keys.contains(where: { $0.service == id }) { services[id]?.deletedAt = now }
      return
    }
    services[id]?.deletedAt = now
    for key in instances.keys where key.service == id {
      for deployment in active(of: key) { effects.append(.kill(deployment: deployment.id)) }
      environments[key.environment]?.revision += 1
    }
  }

  mutating func deleteDomain(_ id: String, for token: Token) throws(Refusal) {
    for (key, instance) in instances
    where instance.customDomains.contains(where: { $0.id == id })
      && mayAccess(token, environment: key.environment)
    {
      instances[key]?.customDomains.removeAll { $0.id == id }
      return
    }
    throw Refusal("Domain does not exist")
  }

  mutating func deleteProxy(_ id: String, for token: Token) throws(Refusal) {
    for (key, instance) in instances
    where instance.proxies.contains(where: { $0.id == id }) && mayAccess(token, environment: key.environment)
    {
      instances[key]?.proxies.removeAll { $0.id == id }
      return
    }
    throw Refusal("TCP proxy does not exist")
  }

  mutating func addProxy(to port: Int, of key: InstanceKey) {
    guard instances[key]?.proxies.contains(where: { $0.port == port }) == false else { return }
    let taken = instances.values.map(\.proxies.count).reduce(0, +)
    // One for a service and environment.
    let proxy = TCPProxy(
      id: mint(), port: port, proxyPort: 30_001 + taken, createdAt: now, activeFrom: now + durations.instance)
    instances[key]?.proxies = [proxy]
  }
}
