import Concurrency
import JSON

/// Environments made out of another one, and their end (contract §6.4, §10.1; schema: `EnvironmentCreateInput`).
extension World {
  /// Services with settings, sources and variables, and volumes without their content. Sealed variables are not copied,
  /// and no host is: those belong to one environment.
  mutating func copy(_ source: Environment, to id: String, _ input: JSON) {
    for (name, variable) in source.shared where !variable.isSealed {
      environments[id]?.shared[name] = variable
    }
    let copied = instances.values.filter {
      $0.key.environment == source.id && services[$0.key.service]?.deletedAt == nil
    }.sorted { $0.key.service < $1.key.service }
    for old in copied {
      let key = InstanceKey(service: old.key.service, environment: id)
      addInstance(key, visibleFrom: now + durations.instance)
      instances[key]?.settings = old.settings
      instances[key]?.source = old.source
      instances[key]?.limits = old.limits
      instances[key]?.autoDeploy.enabled = old.autoDeploy.enabled
      instances[key]?.autoDeploy.branch = old.autoDeploy.branch
      instances[key]?.variables = old.variables.filter { !$0.value.isSealed }
      if let volume = old.volume.flatMap({ volumes[$0] }) {
        _ = addVolume(to: key, mountPath: volume.mountPath, in: volume.project)
      }
      guard input["skipInitialDeploys"]?.bool != true,
        let request = try? currentRequest(for: key, trigger: .deploy)
      else { continue }
      promised.append(PromisedDeployment(due: now + durations.instance, request: request))
    }
  }

  mutating func deleteEnvironment(_ id: String, for token: Token) throws(Refusal) {
    guard token.kind != .project else { throw World.notAuthorized }
    let environment = try environment(id, for: token)
    guard environment.canAccess else { throw World.notAuthorized }
    // The first one is the project's base.
    let first = environments.values.filter { $0.project == environment.project }
      .min { ($0.createdAt, $0.name) < ($1.createdAt, $1.name) }
    guard first?.id != id else { throw Refusal("The base environment cannot be deleted") }
    for key in instances.keys where key.environment == id { forget(key) }
    environments[id] = nil
  }

  /// Takes an instance away with what runs and what is stored.
  mutating func forget(_ key: InstanceKey) {
    for deployment in active(of: key) { effects.append(.kill(deployment: deployment.id)) }
    for id in deploymentOrder where deployments[id]?.key == key && deployments[id]?.isInFlight == true {
      finish(id, as: .removed, error: nil)
    }
    promised.removeAll { $0.request.key == key }
    volumes = volumes.filter { $0.value.key != key }
    instances[key] = nil
  }
}
