import Concurrency
import JSON

/// How deployments come into being.
extension World {
  /// The id that the next deployment, archive or event gets.
  mutating func mint() -> String { identifiers.next() }

  /// Creates a deployment. An unfinished older one of the same instance ends as `REMOVED`.
  /// - Returns: its id; nil when a behaviour lets it never appear.
  @discardableResult
  mutating func create(_ request: DeploymentRequest) -> String? {
    let behaviour = takeBehaviour(for: request)
    if behaviour == .neverAppears { return nil }
    for id in deploymentOrder where deployments[id]?.key == request.key && deployments[id]?.isInFlight == true
    {
      finish(id, as: .removed, error: nil)
    }
    let id = mint()
    var variables = request.variables ?? renderedVariables(of: request.key)
    variables.merge(provided(for: request.key)) { _, new in new }
    variables["RAILWAY_DEPLOYMENT_ID"] = id
    if case .commit(let sha, _, _) = request.source { variables["RAILWAY_GIT_COMMIT_SHA"] = sha }
    var deployment = Deployment(
      id: id, key: request.key, project: services[request.key.service]?.project ?? "",
      trigger: request.trigger,
      createdAt: now, updatedAt: now, statusUpdatedAt: now, settings: request.settings,
      source: request.source,
      variables: variables, meta: request.meta, instanceID: mint())
    deployment.image = request.image
    deployment.behaviour = behaviour
    deployment.meta["serviceManifest"] = manifest(of: request.settings)
    switch behaviour {
    case .otherCommit(let sha):
      deployment.meta["commitHash"] = .string(sha)
      deployment.variables["RAILWAY_GIT_COMMIT_SHA"] = sha
    case .superseded(let seconds): deployment.alarms[.foreign] = now + .milliseconds(Int64(seconds * 1000))
    case .vanishes(let seconds): deployment.alarms[.vanish] = now + .milliseconds(Int64(seconds * 1000))
    default: break
    }
    deployments[id] = deployment
    deploymentOrder.append(id)
    instances[request.key]?.deploymentsSoFar += 1
    accept(id)
    return id
  }

  /// The request that deploys the present configuration of an instance.
  /// - Throws: a message when there is nothing to deploy.
  func currentRequest(
    for key: InstanceKey, trigger: Deployment.Trigger, commit: String? = nil, newest: Bool = false
  ) throws(Refusal) -> DeploymentRequest {
    guard let instance = instances[key] else { throw Refusal("ServiceInstance not found") }
    var meta: [String: JSON] = [:]
    let source: Deployment.Source
    switch instance.source {
    case .image(let reference):
      source = .image(reference, directory: sources.images[reference])
      meta["image"] = .string(reference)
    case .repository(let repository, let branch):
      let found: SourceMap.Commit?
      if let commit {
        found = sources.commit(commit, of: repository)
      } else if !newest, let last = latest(of: key), case .commit(let sha, repository, _) = last.source {
        found = sources.commit(sha, of: repository)
      } else {
        found = sources.repositories[repository]?.last
      }
      guard let found else { throw Refusal("Commit not found") }
      source = .commit(found.sha, repository: repository, directory: found.directory)
      meta["repo"] = .string(repository)
      meta["branch"] = .string(branch)
      meta["commitHash"] = .string(found.sha)
      meta["commitMessage"] = .string(found.message ?? "")
    case .none:
      guard commit == nil else { throw Refusal("Commit not found") }
      guard let last = latest(of: key) else { throw Refusal("Service has no source to deploy") }
      source = last.source
      meta["cliMessage"] = last.meta["cliMessage"]
    }
    return DeploymentRequest(
      key: key, trigger: trigger, source: source, settings: instance.settings, variables: nil, image: nil,
      meta: meta)
  }

  /// The newest deployment of an instance that is still known.
  func latest(of key: InstanceKey) -> Deployment? {
    deploymentOrder.last { deployments[$0]?.key == key && deployments[$0]?.vanished == false }
      .flatMap { deployments[$0] }
  }

  /// The deployments of an instance, newest first.
  func history(of key: InstanceKey) -> [Deployment] {
    deploymentOrder.reversed().compactMap { deployments[$0] }.filter { $0.key == key && !$0.vanished }
  }

  /// The deployments that answer users; during a rollout with overlap there are two.
  func active(of key: InstanceKey) -> [Deployment] {
    history(of: key).filter { $0.isServing || $0.phase == .overlap }
  }

  /// Whether a rollback to it is possible: it was live, and its image is still there.
  func canRollBack(to deployment: Deployment) -> Bool {
    guard deployment.wasLive, deployment.image != nil, !deployment.imageExpired, !deployment.vanished else {
      return false
    }
    guard let removedAt = deployment.removedAt else { return true }
    return now < removedAt + plan(of: deployment.project).retention
  }

  func canRedeploy(_ deployment: Deployment) -> Bool {
    !deployment.isInFlight && deployment.status != .skipped && !deployment.vanished
  }

  func plan(of project: String) -> Plan {
    projects[project].flatMap { workspaces[$0.workspace] }?.plan ?? .hobby
  }

  private mutating func takeBehaviour(for request: DeploymentRequest) -> DeploymentBehaviour? {
    let name = services[request.key.service]?.name
    for index in behaviours.indices {
      let rule = behaviours[index]
      guard rule.service == nil || rule.service == name || rule.service == request.key.service,
        rule.trigger == nil || rule.trigger == request.trigger, rule.count != 0
      else { continue }
      if rule.skip > 0 {
        behaviours[index].skip -= 1
        continue
      }
      if let count = rule.count { behaviours[index].count = count - 1 }
      return rule.behaviour
    }
    return nil
  }

  private func manifest(of settings: InstanceSettings) -> JSON {
    [
      "build": [
        "builder": .string(settings.builder), "buildCommand": settings.buildCommand.map(JSON.string) ?? .null,
      ],
      "deploy": [
        "startCommand": settings.startCommand.map(JSON.string) ?? .null,
        "healthcheckPath": settings.healthcheckPath.map(JSON.string) ?? .null,
        "healthcheckTimeout": settings.healthcheckTimeout.map { .int(Int64($0)) } ?? .null,
        "preDeployCommand": .array(settings.preDeployCommand.map(JSON.string)),
        "numReplicas": settings.numReplicas.map { .int(Int64($0)) } ?? .null,
        "restartPolicyType": .string(settings.restartPolicy.rawValue),
        "restartPolicyMaxRetries": .int(Int64(settings.restartLimit)),
        "overlapSeconds": settings.overlapSeconds.map { .int(Int64($0)) } ?? .null,
        "drainingSeconds": settings.drainingSeconds.map { .int(Int64($0)) } ?? .null,
      ],
    ]
  }
}

/// A request that the platform declines in words, with HTTP 200.
package struct Refusal: Error, Sendable, Equatable {
  package var message: String

  package init(_ message: String) { self.message = message }
}
