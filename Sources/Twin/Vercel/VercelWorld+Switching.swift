import Concurrency
import JSON

/// Aliases, promotion and rollback: contract §4 and points 5 to 7 of §13.
extension VercelTwin.World {
  /// Leads a host to a deployment: at once for the API, a little later at the edge.
  mutating func point(_ host: String, to id: String) {
    let key = VercelTwin.World.bare(host)
    guard let project = deployments[id]?.project else { return }
    var alias =
      aliases[key]
      ?? VercelTwin.Alias(
        uid: mint("als"), host: host, deployment: id, project: project, createdAt: now, updatedAt: now)
    if let old = aliases[key]?.deployment, old != id {
      deployments[old]?.aliases.removeAll { VercelTwin.World.bare($0) == key }
    }
    alias.deployment = id
    alias.project = project
    alias.updatedAt = now
    alias.edge = alias.edge.filter { $0.from <= now }
    if switches.missingAfterAlias > .zero {
      alias.edge.append((now, nil))
      alias.edge.append((now + switches.missingAfterAlias, id))
    } else {
      alias.edge.append((now + switches.propagation, id))
    }
    if alias.edge.count > 8 { alias.edge.removeFirst(alias.edge.count - 8) }
    aliases[key] = alias
    if deployments[id]?.aliases.contains(where: { VercelTwin.World.bare($0) == key }) == false {
      deployments[id]?.aliases.append(host)
    }
  }

  /// Makes a deployment production: its domains lead to it.
  mutating func goLive(_ id: String) {
    guard let key = deployments[id]?.project, let project = projects[key] else { return }
    for domain in project.domains where domain.isProduction && domain.isVerified {
      point(domain.name, to: id)
    }
    projects[key]?.production = id
    projects[key]?.history.append(id)
    deployments[id]?.substate = .promoted
    deployments[id]?.wasLive = true
  }

  /// Accepts a promotion or a rollback.
  /// - Returns: 201, or 202 when it waits behind a rolling release.
  mutating func requestSwitch(
    _ kind: VercelTwin.AliasRequest.Kind, to id: String, of project: VercelTwin.Project, description: String?
  ) throws(VercelTwin.Problem) -> Int {
    let known = deployments[VercelTwin.World.deploymentID(id, in: self) ?? ""]
    guard let deployment = known, deployment.project == project.id, deployment.deletedAt == nil else {
      throw .notFound("Deployment")
    }
    guard deployment.target == "production" else {
      throw VercelTwin.Problem(422, "unprocessable_entity", "Only production deployments can be \(kind.past)")
    }
    guard deployment.readyState == .ready, !deployment.isSoftDeleted else {
      throw VercelTwin.Problem(422, "unprocessable_entity", "The deployment is not ready")
    }
    let active = project.rollingRelease.flatMap { $0.state == .active ? $0 : nil }
    // While a release rolls, its base is "current", and a rollback to it is how the release is aborted.
    if project.production == deployment.id, active == nil || kind == .promote {
      throw VercelTwin.Problem(
        409, "conflict", "The deployment is already the current production deployment")
    }
    if project.aliasRequest?.isRunning == true {
      throw VercelTwin.Problem(409, "conflict", "Another promotion or rollback is in progress")
    }
    switch kind {
    case .promote: return try promote(deployment, in: project, behind: active)
    case .rollback: return try rollBack(to: deployment, in: project, from: active, description: description)
    }
  }

  private mutating func promote(
    _ deployment: VercelTwin.Deployment, in project: VercelTwin.Project,
    behind active: VercelTwin.RollingRelease?
  ) throws(VercelTwin.Problem) -> Int {
    if let active {
      guard active.canary != deployment.id else {
        throw VercelTwin.Problem(409, "conflict", "The deployment is already being rolled out")
      }
      projects[project.id]?.rollingRelease?.queued = deployment.id
      return 202
    }
    // A pinned project is unpinned by promoting what was live before; otherwise that takes a rollback.
    let mayAgain = switches.allowsRepromotion || !project.autoAssignCustomDomains
    guard !deployment.wasLive || mayAgain else {
      throw VercelTwin.Problem(
        422, "unprocessable_entity", "The deployment was promoted before; use rollback to return to it")
    }
    if project.rollingConfig != nil, project.production != nil {
      beginRolling(to: deployment.id, in: project.id)
      return 201
    }
    begin(.promote, to: deployment.id, of: project, description: nil)
    return 201
  }

  private mutating func rollBack(
    to deployment: VercelTwin.Deployment, in project: VercelTwin.Project,
    from active: VercelTwin.RollingRelease?, description: String?
  ) throws(VercelTwin.Problem) -> Int {
    guard deployment.wasLive else {
      throw VercelTwin.Problem(
        422, "unprocessable_entity", "The deployment never was production and cannot be rolled back to")
    }
    if let active {
      guard active.canary != deployment.id else {
        throw VercelTwin.Problem(409, "conflict", "The deployment is being rolled out")
      }
      abortRolling(of: project.id)
      if active.base == deployment.id {
        pin(project.id, description)
        begin(.rollback, to: deployment.id, of: project, description: description, release: active.id)
        return 201
      }
    }
    if plan(of: project.owner) == .hobby, previous(of: project) != deployment.id {
      throw VercelTwin.Problem(
        402, "payment_required", "The Hobby plan rolls back to the previous production deployment only")
    }
    begin(.rollback, to: deployment.id, of: project, description: description)
    return 201
  }

  /// The production deployment before the current one.
  func previous(of project: VercelTwin.Project) -> String? {
    project.history.last { $0 != project.production }
  }

  private mutating func begin(
    _ kind: VercelTwin.AliasRequest.Kind, to id: String, of project: VercelTwin.Project, description: String?,
    release: String? = nil
  ) {
    var request = VercelTwin.AliasRequest(
      kind: kind, from: project.production, to: id, requestedAt: now, rollingRelease: release,
      description: description)
    request.behaviour = takeJobBehaviour(kind, project)
    request.alarm = now + durations.pending
    projects[project.id]?.aliasRequest = request
  }

  /// Takes a promotion or rollback one step further.
  mutating func advanceRequest(of project: String) {
    guard let request = projects[project]?.aliasRequest else { return }
    if request.status == .pending {
      if request.behaviour == .skipped {
        projects[project]?.aliasRequest?.status = .skipped
        return
      }
      projects[project]?.aliasRequest?.status = .inProgress
      guard request.behaviour != .stuck else { return }
      var duration = durations.switching
      if case .slow(let seconds) = request.behaviour { duration += .milliseconds(Int64(seconds * 1000)) }
      projects[project]?.aliasRequest?.alarm = now + duration
      return
    }
    guard request.status == .inProgress else { return }
    switch request.behaviour {
    case .fails, .partial: failRequest(request, of: project)
    default: succeed(request, of: project)
    }
  }

  private mutating func succeed(_ request: VercelTwin.AliasRequest, of project: String) {
    goLive(request.to)
    if deployments[request.to]?.aliasAssigned == false { finishAssigning(request.to) }
    let hosts = projects[project]?.domains.filter(\.isProduction).map(\.name) ?? []
    let results = hosts.map { (host: $0, status: "succeeded", uid: uid(of: $0)) }
    projects[project]?.aliasRequest?.results = results
    projects[project]?.aliasRequest?.status = .succeeded
    switch request.kind {
    case .promote: unpin(project)
    case .rollback: pin(project, request.description)
    }
  }

  private mutating func failRequest(_ request: VercelTwin.AliasRequest, of project: String) {
    let hosts = projects[project]?.domains.filter(\.isProduction).map(\.name) ?? []
    var results: [(host: String, status: String, uid: String)] = []
    for (index, host) in hosts.enumerated() {
      let moves = request.behaviour == .partial && index == 0
      if moves { point(host, to: request.to) }
      results.append((host, moves ? "succeeded" : "failed", uid(of: host)))
    }
    projects[project]?.aliasRequest?.results = results
    projects[project]?.aliasRequest?.status = .failed
  }

  func uid(of host: String) -> String { aliases[VercelTwin.World.bare(host)]?.uid ?? "als_none" }

  /// What a rollback leaves: later production deployments stay staged (contract §4.3).
  mutating func pin(_ project: String, _ description: String?) {
    projects[project]?.autoAssignCustomDomains = false
    projects[project]?.rollbackDescription = [
      "userId": .string(user.id), "username": .string(user.username),
      "description": .string(description ?? ""), "createdAt": .number(now),
    ]
  }

  mutating func unpin(_ project: String) {
    projects[project]?.autoAssignCustomDomains = true
    projects[project]?.rollbackDescription = nil
  }

  private mutating func takeJobBehaviour(
    _ kind: VercelTwin.AliasRequest.Kind, _ project: VercelTwin.Project
  ) -> VercelTwin.JobBehaviour? {
    for index in jobBehaviours.indices {
      let rule = jobBehaviours[index]
      guard rule.count != 0, rule.kind.map({ $0 == kind }) ?? true,
        rule.project.map({ [project.id, project.name].contains($0) }) ?? true
      else { continue }
      if rule.skip > 0 {
        jobBehaviours[index].skip -= 1
        continue
      }
      if let count = rule.count { jobBehaviours[index].count = count - 1 }
      return rule.behaviour
    }
    return nil
  }
}

extension VercelTwin.AliasRequest.Kind {
  fileprivate var past: String { self == .promote ? "promoted" : "rolled back to" }
}
