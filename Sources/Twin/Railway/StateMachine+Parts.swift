import Concurrency
import JSON

/// The small moves that the phases are made of.
extension World {
  mutating func enter(_ phase: Deployment.Phase, _ status: DeploymentStatus, _ id: String) {
    deployments[id]?.phase = phase
    deployments[id]?.updatedAt = now
    guard deployments[id]?.status != status else { return }
    deployments[id]?.status = status
    deployments[id]?.statusUpdatedAt = now
  }

  /// Sets the end of the phase, unless the deployment is scripted to stay in `status`.
  mutating func ring(in duration: Duration, unless status: DeploymentStatus, _ id: String) {
    guard deployments[id]?.behaviour != .stuck(status) else { return }
    deployments[id]?.alarms[.phase] = now + duration
  }

  /// Starts an event, which ends the one before.
  mutating func begin(_ step: String, of id: String) {
    completeEvent(of: id, error: nil)
    let event = Deployment.Event(id: mint(), step: step, createdAt: now)
    deployments[id]?.events.append(event)
  }

  mutating func completeEvent(of id: String, error: String?) {
    guard let events = deployments[id]?.events, let last = events.indices.last,
      events[last].completedAt == nil
    else { return }
    deployments[id]?.events[last].completedAt = now
    deployments[id]?.events[last].error = error
  }

  mutating func log(
    _ text: String, isError: Bool, of id: String, to lines: WritableKeyPath<Deployment, [Deployment.LogLine]>
  ) {
    guard deployments[id] != nil else { return }
    deployments[id]?[keyPath: lines].append(
      Deployment.LogLine(time: now, severity: isError ? "error" : "info", message: text))
    if let count = deployments[id]?[keyPath: lines].count, count > 5000 {
      deployments[id]?[keyPath: lines].removeFirst(count - 5000)
    }
  }

  /// What must give way when `id` goes live: all else of the instance that was live.
  func predecessors(of id: String) -> [String] {
    guard let key = deployments[id]?.key else { return [] }
    return deploymentOrder.filter { other in
      guard other != id, let deployment = deployments[other], deployment.key == key, deployment.wasLive else {
        return false
      }
      return deployment.phase != .ended || deployment.status == .crashed
    }
  }

  mutating func setCrashAlarm(_ id: String) {
    guard case .crashes(let seconds) = deployments[id]?.behaviour else { return }
    deployments[id]?.alarms[.crash] = now + .milliseconds(Int64(seconds * 1000))
  }

  func healthBudget(of deployment: Deployment) -> Duration {
    deployment.variables["RAILWAY_HEALTHCHECK_TIMEOUT_SEC"].flatMap { Int($0) }.map { .seconds($0) }
      ?? deployment.settings.healthBudget
  }

  func job(of deployment: Deployment) -> Job {
    var variables = deployment.variables
    if case .wrongRevision(let revision) = deployment.behaviour { variables["SHIPIT_COMMIT"] = revision }
    let instance = instances[deployment.key]
    return Job(
      deployment: deployment.id, key: deployment.key, source: deployment.source,
      image: deployment.image ?? "image-\(deployment.id)", settings: deployment.settings,
      variables: variables,
      volume: instance?.volume)
  }

  /// A digest that looks like one and is the same for the same id.
  func digest(of id: String) -> String {
    let digits = id.filter { $0 != "-" }
    return "sha256:" + digits + digits
  }

  /// Forgets a deployment, as the platform has been seen to do.
  mutating func vanish(_ id: String) {
    guard let deployment = deployments[id] else { return }
    if deployment.isInFlight { finish(id, as: .removed, error: nil) }
    if deployment.isServing {
      effects.append(.route(deployment.key, deployment: nil))
      effects.append(.kill(deployment: id))
    }
    enter(.ended, .removed, id)
    deployments[id]?.alarms = [:]
    deployments[id]?.vanished = true
  }

  /// Someone else's deployment: what serves now, or else the same source, pushed anew.
  mutating func appearForeign(replacing deployment: Deployment) {
    let origin = active(of: deployment.key).first ?? deployment
    create(
      DeploymentRequest(
        key: deployment.key, trigger: .foreign, source: origin.source, settings: origin.settings,
        variables: nil,
        image: origin.image, meta: ["commitMessage": "pushed by someone else", "commitAuthor": "someone"]))
  }
}
