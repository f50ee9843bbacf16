package import Concurrency
import JSON

/// The life of a deployment, contract §3: every state is a function of what happened and of the time.
extension VercelTwin.World {
  /// The moment of the next change that time alone brings.
  package var nextDue: Timestamp? {
    var earliest: Timestamp?
    func consider(_ moment: Timestamp?) {
      guard let moment, earliest.map({ moment < $0 }) ?? true else { return }
      earliest = moment
    }
    for deployment in deployments.values {
      consider(deployment.alarm)
      consider(deployment.cancelAt)
    }
    for project in projects.values {
      consider(project.aliasRequest?.alarm)
      consider(project.rollingRelease?.alarm)
    }
    return earliest
  }

  /// Lets the earliest change happen that is due by `moment`.
  /// - Returns: false when there was none; `now` is `moment` then.
  package mutating func step(until moment: Timestamp) -> Bool {
    guard let due = nextDue, due <= moment else {
      now = max(now, moment)
      return false
    }
    now = max(now, due)
    for id in deploymentOrder {
      if deployments[id]?.cancelAt.map({ $0 <= due }) == true {
        deployments[id]?.cancelAt = nil
        if deployments[id]?.readyState.isFinal == false { cancel(id) }
        return true
      }
      if deployments[id]?.alarm.map({ $0 <= due }) == true {
        deployments[id]?.alarm = nil
        ring(id)
        return true
      }
    }
    for id in projects.keys.sorted() {
      if projects[id]?.aliasRequest?.alarm.map({ $0 <= due }) == true {
        projects[id]?.aliasRequest?.alarm = nil
        advanceRequest(of: id)
        return true
      }
      if projects[id]?.rollingRelease?.alarm.map({ $0 <= due }) == true {
        projects[id]?.rollingRelease?.alarm = nil
        advanceStage(of: id)
        return true
      }
    }
    return true
  }

  /// Takes in what a build reports.
  mutating func handle(_ event: VercelTwin.BuildEvent, of id: String, at moment: Timestamp) {
    now = max(now, moment)
    guard let deployment = deployments[id] else { return }
    switch event {
    case .output(let text, let isError): log(isError ? "stderr" : "stdout", text, of: id)
    case .built(let failure):
      if let failure {
        guard deployment.readyState == .building else { return }
        return fail(id, failure)
      }
      deployments[id]?.isBuilt = true
      if deployment.readyState == .building, deployment.alarm == nil,
        deployment.behaviour != .stuck(.building)
      {
        becomeReady(id)
      }
    }
  }

  /// The first state of a new deployment.
  mutating func accept(_ id: String) {
    guard let deployment = deployments[id] else { return }
    log("deployment-state", "QUEUED", of: id)
    switch deployment.behaviour {
    case .blocked(let reason):
      enter(.blocked, id)
      deployments[id]?.stateReason = reason
      return
    case .canceled(let after): deployments[id]?.cancelAt = now + .milliseconds(Int64(after * 1000))
    case .stuck(.queued): return
    default: break
    }
    if deployment.isInstant, deployment.behaviour == nil {
      start(id)
      deployments[id]?.isBuilt = true
      deployments[id]?.alarm = nil
      becomeReady(id)
      guard deployments[id]?.isAssigning == true else { return }
      deployments[id]?.alarm = nil
      assign(id)
    } else {
      deployments[id]?.alarm = now + durations.queue
    }
  }

  private mutating func ring(_ id: String) {
    guard let deployment = deployments[id] else { return }
    switch deployment.readyState {
    case .queued:
      // The plan's number of builds at a time (contract §2.4).
      let building = deployments.values.count {
        $0.owner == deployment.owner && ($0.readyState == .building || $0.readyState == .initializing)
      }
      guard building < plan(of: deployment.owner).builds else {
        deployments[id]?.alarm = now + durations.queue
        return
      }
      enter(.initializing, id)
      deployments[id]?.bootedAt = now
      if deployment.behaviour != .stuck(.initializing) { deployments[id]?.alarm = now + durations.initialize }
    case .initializing:
      start(id)
    case .building:
      if case .buildError(let failure) = deployment.behaviour { return fail(id, failure) }
      if deployment.isBuilt { becomeReady(id) }
    case .ready:
      if deployment.isAssigning { assign(id) }
    default: break
    }
  }

  private mutating func start(_ id: String) {
    enter(.building, id)
    deployments[id]?.buildingAt = now
    guard let deployment = deployments[id], deployment.behaviour != .stuck(.building) else { return }
    var duration = durations.build
    if deployment.isPrebuilt { duration = duration / 2 }
    if case .slow(let seconds) = deployment.behaviour { duration += .milliseconds(Int64(seconds * 1000)) }
    deployments[id]?.alarm = now + duration
    if case .buildError = deployment.behaviour { return }
    effects.append(
      .build(
        VercelTwin.BuildJob(
          deployment: id, files: deployment.files, directory: deployment.directory,
          settings: deployment.settings, isPrebuilt: deployment.isPrebuilt,
          environment: buildEnvironment(of: deployment))))
  }

  private mutating func becomeReady(_ id: String) {
    enter(.ready, id)
    deployments[id]?.readyAt = now
    guard let deployment = deployments[id] else { return }
    if deployment.target == "production" { deployments[id]?.substate = .staged }
    if holdsAliases(deployment) {
      deployments[id]?.aliasCheck = ("pending", now, nil)
      return
    }
    deployments[id]?.isAssigning = true
    deployments[id]?.alarm = now + durations.alias
  }

  /// A blocking check keeps the domains back until it has passed (contract §8).
  private func holdsAliases(_ deployment: VercelTwin.Deployment) -> Bool {
    projects[deployment.project]?.checks.contains { check in
      check.blocks == "deployment-alias"
        && (check.targets.isEmpty || check.targets.contains(deployment.target ?? "preview"))
    } ?? false
  }

  /// Goes on once every blocking check has a conclusion.
  mutating func considerChecks(_ id: String) {
    guard let deployment = deployments[id], deployment.aliasCheck?.state == "pending" else { return }
    let blocking = projects[deployment.project]?.checks.filter { $0.blocks == "deployment-alias" } ?? []
    let conclusions = blocking.map { check in
      deployment.checkRuns.last { $0.check == check.id && $0.status == "completed" }?.conclusion
    }
    guard conclusions.allSatisfy({ $0 != nil }) else { return }
    let passed = conclusions.allSatisfy { ["succeeded", "neutral", "skipped"].contains($0) }
    deployments[id]?.aliasCheck?.state = passed ? "succeeded" : "failed"
    deployments[id]?.aliasCheck?.completedAt = now
    guard passed else { return }
    deployments[id]?.isAssigning = true
    deployments[id]?.alarm = now + durations.alias
  }

  /// Gives a deployment the hosts that are its own by rule, and production when nothing holds it back.
  private mutating func assign(_ id: String) {
    guard let deployment = deployments[id], let project = projects[deployment.project] else { return }
    deployments[id]?.isAssigning = false
    if case .aliasError(let code, let message) = deployment.behaviour {
      deployments[id]?.aliasError = ["code": .string(code), "message": .string(message)]
      log("alias-assigned", message, of: id)
      return
    }
    for host in automaticHosts(of: deployment, in: project) {
      point(host, to: id)
      deployments[id]?.automaticAliases.append(host)
    }
    for domain in project.domains where domain.isVerified && serves(domain, deployment) {
      point(domain.name, to: id)
    }
    guard deployment.target == "production", deployment.assignsDomains, project.autoAssignCustomDomains else {
      return finishAssigning(id)
    }
    if project.rollingConfig != nil, let current = project.production, current != id {
      beginRolling(to: id, in: project.id)
      return
    }
    goLive(id)
    finishAssigning(id)
  }

  mutating func finishAssigning(_ id: String) {
    deployments[id]?.aliasAssigned = true
    deployments[id]?.aliasAssignedAt = now
    log("alias-assigned", "", of: id)
  }

  private func automaticHosts(
    of deployment: VercelTwin.Deployment, in project: VercelTwin.Project
  ) -> [String] {
    let branch = deployment.meta["githubCommitRef"] ?? deployment.gitSource?["ref"]?.string
    guard let branch, deployment.target == nil || deployment.target == "production" else { return [] }
    let label = branch.lowercased().map { $0.isLetter || $0.isNumber ? String($0) : "-" }.joined()
    return [host("\(project.name)-git-\(label)-\(slug(of: project.owner))")]
  }

  private func serves(_ domain: VercelTwin.Domain, _ deployment: VercelTwin.Deployment) -> Bool {
    if let environment = domain.environment { return environment == deployment.environmentID }
    if let branch = domain.gitBranch {
      return deployment.target == nil && deployment.gitSource?["ref"]?.string == branch
    }
    return false
  }

  mutating func cancel(_ id: String) {
    enter(.canceled, id)
    deployments[id]?.canceledAt = now
    deployments[id]?.alarm = nil
    effects.append(.cancel(id))
  }

  private mutating func fail(_ id: String, _ failure: VercelTwin.BuildFailure) {
    log("stderr", "Error: \(failure.message)", of: id)
    deployments[id]?.failure = failure
    deployments[id]?.alarm = nil
    enter(.error, id)
    effects.append(.cancel(id))
  }

  private mutating func enter(_ state: VercelTwin.ReadyState, _ id: String) {
    deployments[id]?.readyState = state
    log("deployment-state", state.rawValue, of: id)
  }

  mutating func log(_ kind: String, _ text: String, of id: String) {
    guard let count = deployments[id]?.events.count else { return }
    deployments[id]?.events.append(
      VercelTwin.Event(id: "\(id)-\(count)", kind: kind, text: text, date: now, serial: count))
  }

  /// What a build sees: the platform's variables, then those of the deployment.
  private func buildEnvironment(of deployment: VercelTwin.Deployment) -> [String: String] {
    var variables = [
      "VERCEL": "1", "CI": "1", "VERCEL_ENV": deployment.target ?? "preview",
      "VERCEL_URL": deployment.url, "VERCEL_DEPLOYMENT_ID": deployment.id,
      "VERCEL_PROJECT_ID": deployment.project,
      "VERCEL_PROJECT_PRODUCTION_URL": host(projects[deployment.project]?.name ?? deployment.name),
    ]
    for (name, key) in [
      ("VERCEL_GIT_COMMIT_SHA", "githubCommitSha"), ("VERCEL_GIT_COMMIT_REF", "githubCommitRef"),
    ] {
      if let value = deployment.meta[key] { variables[name] = value }
    }
    if let secret = projects[deployment.project]?.bypass.filter({ $0.value.isVariable }).keys.sorted().first {
      variables["VERCEL_AUTOMATION_BYPASS_SECRET"] = secret
    }
    return variables.merging(deployment.variables) { _, own in own }
  }
}
