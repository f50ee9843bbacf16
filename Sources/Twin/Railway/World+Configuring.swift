import Concurrency
import JSON

/// The mutations that change configuration, contract §5 and §6.
extension World {
  mutating func updateInstance(_ arguments: [String: JSON], for token: Token) throws(Refusal) {
    let input = arguments["input"]?.object ?? [:]
    let service = arguments["serviceId"]?.string ?? ""
    let environmentID = arguments["environmentId"]?.string
    var keys: [InstanceKey] = []
    if let environmentID {
      keys = [try instance(service, in: environmentID, for: token, writing: true).key]
    } else {
      // Without an environment the platform changes every one that is no fork.
      keys = instances.keys.filter {
        $0.service == service && environments[$0.environment]?.isEphemeral == false
          && mayAccess(token, environment: $0.environment)
      }
      if keys.isEmpty { throw Refusal("ServiceInstance not found") }
    }
    for key in keys {
      instances[key]?.settings.apply(input)
      if switches.updateResetsReplicas, input["numReplicas"] == nil, input["multiRegionConfig"] == nil {
        instances[key]?.settings.numReplicas = 1
      }
      if let source = input["source"]?.object { setSource(source, of: key) }
      instances[key]?.updatedAt = now
      environments[key.environment]?.revision += 1
    }
  }

  mutating func updateLimits(_ input: JSON, for token: Token) throws(Refusal) {
    let key = try instanceKey(input.object ?? [:], for: token)
    var containers: [String: JSON] = instances[key]?.limits?["containers"]?.object ?? [:]
    if let cpu = input["vCPUs"]?.double { containers["cpu"] = .double(cpu) }
    if let memory = input["memoryGB"]?.double {
      containers["memoryBytes"] = .int(Int64(memory * 1_000_000_000))
    }
    instances[key]?.limits = ["containers": .object(containers)]
    environments[key.environment]?.revision += 1
  }

  mutating func updateAutoDeploy(_ input: JSON, for token: Token) throws(Refusal) -> JSON {
    let key = try instanceKey(input.object ?? [:], for: token)
    let enabled = input["enabled"]?.bool ?? false
    instances[key]?.autoDeploy.enabled = enabled
    return ["enabled": .bool(enabled)]
  }

  /// - Parameter single: the input names one variable (`variableUpsert`) instead of an object of them.
  mutating func upsertVariables(_ input: JSON, single: Bool, for token: Token) throws(Refusal) {
    let environmentID = input["environmentId"]?.string ?? ""
    let service = input["serviceId"]?.string
    try checkProject(input, for: token)
    var values: [String: String] = [:]
    if single {
      values[input["name"]?.string ?? ""] = input["value"]?.string ?? ""
    } else {
      for (name, value) in input["variables"]?.object ?? [:] {
        guard let text = value.text else { throw Refusal("Variable \(name) is not a valid value") }
        values[name] = text
      }
    }
    var changed = Set<String>()
    if let service {
      let key = try instance(service, in: environmentID, for: token, writing: true).key
      var stored = instances[key]?.variables ?? [:]
      changed = write(values, into: &stored, replacing: input["replace"]?.bool == true)
      instances[key]?.variables = stored
    } else {
      var stored = try writableEnvironment(environmentID, for: token).shared
      changed = write(values, into: &stored, replacing: input["replace"]?.bool == true)
      environments[environmentID]?.shared = stored
    }
    environments[environmentID]?.revision += 1
    guard input["skipDeploys"]?.bool != true else { return }
    deployAffected(by: changed, of: service, in: environmentID)
  }

  /// Deletes a variable. Nothing is deployed: what runs keeps its value.
  mutating func deleteVariable(_ input: JSON, for token: Token) throws(Refusal) {
    let environmentID = input["environmentId"]?.string ?? ""
    let name = input["name"]?.string ?? ""
    try checkProject(input, for: token)
    if let service = input["serviceId"]?.string {
      let key = try instance(service, in: environmentID, for: token, writing: true).key
      guard instances[key]?.variables.removeValue(forKey: name) != nil else {
        throw Refusal("Variable \(name) does not exist")
      }
    } else {
      _ = try writableEnvironment(environmentID, for: token)
      guard environments[environmentID]?.shared.removeValue(forKey: name) != nil else {
        throw Refusal("Variable \(name) does not exist")
      }
    }
    environments[environmentID]?.revision += 1
  }

  /// Creates a service; its instance appears a little later. With a source it deploys by itself.
  /// - Returns: the service's id.
  mutating func createService(_ input: JSON, for token: Token) throws(Refusal) -> String {
    let project = try project(input["projectId"]?.string ?? "", for: token)
    let name = input["name"]?.string ?? "service-\(services.count + 1)"
    guard
      !services.values.contains(where: { $0.project == project.id && $0.name == name && $0.deletedAt == nil })
    else { throw Refusal("A service named \"\(name)\" already exists in this project") }
    let targets: [String]
    if let wanted = input["environmentId"]?.string {
      targets = [try writableEnvironment(wanted, for: token).id]
    } else {
      targets = environments.values.filter { $0.project == project.id && !$0.isEphemeral }.map(\.id)
    }
    let service = addService(named: name, to: project.id)
    for target in targets.sorted() {
      let key = InstanceKey(service: service, environment: target)
      addInstance(key, visibleFrom: now + durations.instance)
      var stored: [String: StoredVariable] = [:]
      let values = (input["variables"]?.object ?? [:]).compactMapValues(\.text)
      _ = write(values, into: &stored, replacing: false)
      instances[key]?.variables = stored
      guard let source = input["source"]?.object else { continue }
      setSource(source, of: key, branch: input["branch"]?.string)
      if let request = try? currentRequest(for: key, trigger: .deploy) {
        promised.append(PromisedDeployment(due: now + durations.instance, request: request))
      }
    }
    return service
  }

  mutating func addService(named name: String, to project: String) -> String {
    let id = mint()
    services[id] = Service(id: id, name: name, project: project, createdAt: now)
    return id
  }

  mutating func addInstance(_ key: InstanceKey, visibleFrom: Timestamp) {
    var instance = ServiceInstance(
      id: mint(), key: key, domainID: mint(), createdAt: now, updatedAt: now, visibleFrom: visibleFrom)
    instance.autoDeploy.triggerID = mint()
    instances[key] = instance
  }

  mutating func setSource(_ source: [String: JSON], of key: InstanceKey, branch: String? = nil) {
    if let image = source["image"]?.string {
      instances[key]?.source = .image(image)
    } else if let repository = source["repo"]?.string {
      let branch = branch ?? instances[key]?.autoDeploy.branch ?? "main"
      instances[key]?.source = .repository(repository, branch: branch)
    }
  }

  private mutating func write(
    _ values: [String: String], into stored: inout [String: StoredVariable], replacing: Bool
  ) -> Set<String> {
    var changed = Set<String>()
    if replacing {
      for name in stored.keys where values[name] == nil {
        stored[name] = nil
        changed.insert(name)
      }
    }
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      if let old = stored[name] {
        guard old.value != value else { continue }
        stored[name]?.value = value
        stored[name]?.updatedAt = now
      } else {
        stored[name] = StoredVariable(id: mint(), value: value, createdAt: now, updatedAt: now)
      }
      changed.insert(name)
    }
    return changed
  }

  /// Deploys the service and everyone who refers to a changed variable, as the platform does by itself.
  private mutating func deployAffected(by names: Set<String>, of service: String?, in environment: String) {
    guard !names.isEmpty else { return }
    var keys = dependents(on: names, of: service, in: environment)
    if let service { keys.insert(InstanceKey(service: service, environment: environment), at: 0) }
    let patch = mint()
    for key in keys {
      guard latest(of: key) != nil, var request = try? currentRequest(for: key, trigger: .variables) else {
        continue
      }
      request.meta["patchId"] = .string(patch)
      create(request)
    }
  }

  private func writableEnvironment(_ id: String, for token: Token) throws(Refusal) -> Environment {
    let environment = try environment(id, for: token)
    guard environment.canAccess else { throw World.notAuthorized }
    return environment
  }

  private func checkProject(_ input: JSON, for token: Token) throws(Refusal) {
    let project = try project(input["projectId"]?.string ?? "", for: token)
    guard environments[input["environmentId"]?.string ?? ""]?.project == project.id else {
      throw token.kind == .project ? World.notAuthorized : Refusal("Environment not found")
    }
  }
}

extension JSON {
  /// A scalar as the text that a variable would hold; nil for null, lists and objects.
  var text: String? {
    switch self {
    case .string(let text): text
    case .int(let number): String(number)
    case .double(let number): String(number)
    case .bool(let flag): String(flag)
    case .null, .array, .object: nil
    }
  }
}
