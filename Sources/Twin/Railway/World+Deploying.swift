import Concurrency
import JSON

/// The mutations that make and end deployments, contract §7.1 and §8.
extension World {
  mutating func deploy(_ arguments: [String: JSON], newest: Bool, for token: Token) throws(Refusal) -> JSON {
    let key = try instanceKey(arguments, for: token)
    let request = try currentRequest(
      for: key, trigger: .deploy, commit: arguments["commitSha"]?.string, newest: newest)
    guard let id = create(request) else { return newest ? true : .string(mint()) }
    return newest ? true : .string(id)
  }

  /// The latest deployment once more, whatever the configuration says by now.
  mutating func redeployLatest(_ arguments: [String: JSON], for token: Token) throws(Refusal) -> JSON {
    let key = try instanceKey(arguments, for: token)
    guard let last = latest(of: key) else { throw Refusal("Deployment not found") }
    _ = try redeploy(["id": .string(last.id)], for: token)
    return true
  }

  /// - Returns: the new deployment's id.
  mutating func redeploy(_ arguments: [String: JSON], for token: Token) throws(Refusal) -> String {
    let old = try deployment(arguments["id"]?.string ?? "", for: token, writing: true)
    guard canRedeploy(old) else { throw Refusal("Deployment cannot be redeployed") }
    let reuses = arguments["usePreviousImageTag"]?.bool == true
    if reuses, old.image == nil || old.imageExpired {
      throw Refusal("Deployment image is no longer available")
    }
    let request = DeploymentRequest(
      key: old.key, trigger: .redeploy, source: old.source, settings: old.settings, variables: nil,
      image: reuses ? old.image : nil, meta: old.meta)
    return create(request) ?? mint()
  }

  mutating func rollBack(to id: String, for token: Token) throws(Refusal) {
    let old = try deployment(id, for: token, writing: true)
    guard canRollBack(to: old) else { throw Refusal("Deployment cannot be rolled back to") }
    promised.append(
      PromisedDeployment(
        due: now + durations.rollback,
        request: DeploymentRequest(
          key: old.key, trigger: .rollback, source: old.source, settings: old.settings,
          variables: old.variables,
          image: old.image, meta: old.meta)))
  }

  mutating func cancel(_ id: String, for token: Token) throws(Refusal) {
    let deployment = try deployment(id, for: token, writing: true)
    guard deployment.isInFlight else { throw Refusal("Deployment is not in progress") }
    finish(id, as: .removed, error: nil)
  }

  mutating func approve(_ id: String, for token: Token) throws(Refusal) {
    let deployment = try deployment(id, for: token, writing: true)
    guard deployment.phase == .approval else { throw Refusal("Deployment does not need approval") }
    snapshot(id)
  }

  /// Stops a deployment and moves it to history; its image begins to age.
  mutating func takeDown(_ id: String, for token: Token) throws(Refusal) {
    let deployment = try deployment(id, for: token, writing: true)
    if deployment.isInFlight { return finish(id, as: .removed, error: nil) }
    guard deployment.isServing || deployment.status == .crashed else { return }
    effects.append(.route(deployment.key, deployment: nil))
    drain(id)
  }

  mutating func restart(_ id: String, for token: Token) throws(Refusal) {
    let deployment = try deployment(id, for: token, writing: true)
    guard deployment.isServing || deployment.status == .crashed else {
      throw Refusal("Deployment is not running")
    }
    deployments[id]?.restarts = 0
    deployments[id]?.alarms[.restart] = nil
    enter(.live, .success, id)
    deployments[id]?.instanceStatus = .restarting
    if deployment.hasProcess {
      deployments[id]?.restartRequested = true
      effects.append(.terminate(deployment: id))
      effects.append(.kill(deployment: id))
    } else {
      effects.append(.start(job(of: deployment)))
    }
  }

  /// Accepts an archive that the runtime keeps under `archive`.
  /// - Returns: the new deployment's id.
  mutating func upload(archive: String, message: String?, to key: InstanceKey) -> String {
    var meta: [String: JSON] = [:]
    if let message { meta["cliMessage"] = .string(message) }
    let request = DeploymentRequest(
      key: key, trigger: .upload, source: .archive(archive),
      settings: instances[key]?.settings ?? InstanceSettings(),
      variables: nil, image: nil, meta: meta)
    return create(request) ?? mint()
  }

  func instanceKey(_ arguments: [String: JSON], for token: Token) throws(Refusal) -> InstanceKey {
    try instance(
      arguments["serviceId"]?.string ?? "", in: arguments["environmentId"]?.string ?? "", for: token,
      writing: true
    ).key
  }
}
