package import Concurrency
import JSON

/// The life of a deployment, contract §18.3: every status is a function of what happened and of the time.
extension World {
  /// The moment of the next change that time alone brings.
  package var nextDue: Timestamp? {
    var earliest = promised.map(\.due).min()
    for deployment in deployments.values {
      for moment in deployment.alarms.values where earliest.map({ moment < $0 }) ?? true { earliest = moment }
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
    if let index = promised.firstIndex(where: { $0.due <= due }) {
      create(promised.remove(at: index).request)
      return true
    }
    for id in deploymentOrder {
      for alarm in Deployment.Alarm.allCases where deployments[id]?.alarms[alarm].map({ $0 <= due }) == true {
        deployments[id]?.alarms[alarm] = nil
        ring(alarm, of: id)
        return true
      }
    }
    return true
  }

  /// Takes in what the runtime saw.
  package mutating func handle(_ event: RuntimeEvent, of id: String, at moment: Timestamp) {
    now = max(now, moment)
    guard let deployment = deployments[id] else { return }
    switch event {
    case .buildOutput(let text, let isError): log(text, isError: isError, of: id, to: \.buildLogs)
    case .output(let text, let isError): log(text, isError: isError, of: id, to: \.logs)
    case .built(let problem):
      guard deployment.phase == .build else { return }
      if let problem { return finish(id, as: .failed, error: problem) }
      deployments[id]?.isBuilt = true
      if deployment.alarms[.phase] == nil { endBuild(id) }
    case .preDeployed(let problem):
      guard deployment.phase == .preDeploy else { return }
      if let problem { return finish(id, as: .failed, error: problem) }
      makeRoom(id)
    case .started: started(id)
    case .healthy: if deployment.phase == .health { goLive(id) }
    case .exited(let code): exited(id, code: code)
    }
  }

  private mutating func ring(_ alarm: Deployment.Alarm, of id: String) {
    guard let deployment = deployments[id] else { return }
    switch alarm {
    case .phase: endPhase(deployment)
    case .restart: effects.append(.start(job(of: deployment)))
    case .crash: effects.append(.kill(deployment: id))
    case .vanish: vanish(id)
    case .foreign: appearForeign(replacing: deployment)
    }
  }

  private mutating func endPhase(_ deployment: Deployment) {
    let id = deployment.id
    switch deployment.phase {
    case .snapshot: endSnapshot(deployment)
    case .build:
      if deployment.behaviour == .buildFails {
        log("scripted: the build command failed", isError: true, of: id, to: \.buildLogs)
        finish(id, as: .failed, error: "Build failed")
      } else if deployment.isBuilt {
        endBuild(id)
      }
    case .preDeploy:
      log("scripted: the pre-deploy command failed", isError: true, of: id, to: \.logs)
      finish(id, as: .failed, error: "Pre-deploy command failed")
    case .create: effects.append(.start(job(of: deployment)))
    case .health:
      finish(
        id, as: .failed,
        error: "Healthcheck timed out after \(deployment.settings.healthBudget.wholeMilliseconds / 1000) s")
    case .overlap: drain(id)
    case .drain: effects.append(.kill(deployment: id))
    default: break
    }
  }

  // MARK: the way up

  /// The first phase of a new deployment.
  mutating func accept(_ id: String) {
    guard let behaviour = deployments[id]?.behaviour else {
      return platform.isStable ? snapshot(id) : enter(.accepted, .queued, id)
    }
    switch behaviour {
    case .stuck(.queued): enter(.accepted, .queued, id)
    case .stuck(.waiting): enter(.waiting, .waiting, id)
    case .needsApproval, .stuck(.needsApproval): enter(.approval, .needsApproval, id)
    default: platform.isStable ? snapshot(id) : enter(.accepted, .queued, id)
    }
  }

  /// Snapshots the source of an accepted or approved deployment.
  mutating func snapshot(_ id: String) {
    enter(.snapshot, .initializing, id)
    begin("SNAPSHOT_CODE", of: id)
    ring(in: durations.snapshot, unless: .initializing, id)
  }

  private mutating func endSnapshot(_ deployment: Deployment) {
    let id = deployment.id
    switch deployment.behaviour {
    case .skipped: return finish(id, as: .skipped, error: nil)
    case .fails(let message): return finish(id, as: .failed, error: message)
    default: break
    }
    if deployment.image != nil { return preDeploy(id) }
    enter(.build, .building, id)
    begin("BUILD_IMAGE", of: id)
    if case .image(let reference, nil) = deployment.source, !switches.acceptsAnyImage,
      !World.isTemplateImage(reference)
    {
      log("cannot pull \(reference): no such image", isError: true, of: id, to: \.buildLogs)
      return finish(id, as: .failed, error: "Image \(reference) not found")
    }
    var duration = durations.build
    if case .image = deployment.source { duration = duration / 4 }
    ring(in: duration, unless: .building, id)
    guard deployments[id]?.alarms[.phase] != nil, deployment.behaviour != .buildFails else { return }
    effects.append(.build(job(of: deployment)))
  }

  private mutating func endBuild(_ id: String) {
    deployments[id]?.image = "image-\(id)"
    let digest = digest(of: id)
    if case .image = deployments[id]?.source { deployments[id]?.meta["imageDigest"] = .string(digest) }
    preDeploy(id)
  }

  private mutating func preDeploy(_ id: String) {
    guard let deployment = deployments[id] else { return }
    guard !deployment.settings.preDeployCommand.isEmpty || deployment.behaviour == .preDeployFails else {
      return makeRoom(id)
    }
    enter(.preDeploy, .deploying, id)
    begin("PRE_DEPLOY_COMMAND", of: id)
    if deployment.behaviour == .preDeployFails {
      return ring(in: durations.create, unless: .deploying, id)
    }
    effects.append(.preDeploy(job(of: deployment)))
  }

  /// With a volume the old deployment must be gone before the new one starts.
  private mutating func makeRoom(_ id: String) {
    guard let key = deployments[id]?.key else { return }
    let old = predecessors(of: id)
    guard instances[key]?.volume != nil, !old.isEmpty else { return createContainer(id) }
    enter(.stopOld, .deploying, id)
    begin("MIGRATE_VOLUMES", of: id)
    effects.append(.route(key, deployment: nil))
    for other in old { drain(other) }
    continueAfterDrain(of: key)
  }

  private mutating func createContainer(_ id: String) {
    enter(.create, .deploying, id)
    begin("CREATE_CONTAINER", of: id)
    deployments[id]?.instanceStatus = .created
    ring(in: durations.create, unless: .deploying, id)
  }

  private mutating func started(_ id: String) {
    guard let deployment = deployments[id] else { return }
    deployments[id]?.hasProcess = true
    switch deployment.phase {
    case .create:
      deployments[id]?.instanceStatus = .running
      guard let path = deployment.settings.healthcheckPath else { return goLive(id) }
      enter(.health, .deploying, id)
      begin("HEALTHCHECK", of: id)
      let deadline = now + healthBudget(of: deployment)
      deployments[id]?.alarms[.phase] = deadline
      if deployment.behaviour != .gateNeverPasses { effects.append(.probe(deployment: id, path: path)) }
    case .health: deployments[id]?.instanceStatus = .running
    case .live, .backOff:
      deployments[id]?.phase = .live
      deployments[id]?.instanceStatus = .running
      setCrashAlarm(id)
    default: effects.append(.kill(deployment: id))
    }
  }

  private mutating func goLive(_ id: String) {
    guard let key = deployments[id]?.key else { return }
    let old = predecessors(of: id)
    effects.append(.stopProbing(deployment: id))
    deployments[id]?.alarms[.phase] = nil
    enter(.live, .success, id)
    completeEvent(of: id, error: nil)
    deployments[id]?.wasLive = true
    effects.append(.route(key, deployment: id))
    setCrashAlarm(id)
    for other in old { overlap(other) }
  }

  // MARK: the way down

  private mutating func overlap(_ id: String) {
    guard let deployment = deployments[id] else { return }
    guard deployment.hasProcess else { return remove(id) }
    enter(.overlap, .removing, id)
    deployments[id]?.alarms = [.phase: now + deployment.settings.overlap]
  }

  /// SIGTERM now, SIGKILL after the draining time, then history.
  mutating func drain(_ id: String) {
    guard let deployment = deployments[id] else { return }
    guard deployment.hasProcess else { return remove(id) }
    enter(.drain, .removing, id)
    begin("DRAIN_INSTANCES", of: id)
    deployments[id]?.instanceStatus = .removing
    deployments[id]?.alarms = [.phase: now + deployment.settings.drain]
    effects.append(.terminate(deployment: id))
  }

  private mutating func remove(_ id: String) {
    enter(.ended, .removed, id)
    completeEvent(of: id, error: nil)
    deployments[id]?.alarms = [:]
    deployments[id]?.instanceStatus = .removed
    deployments[id]?.removedAt = now
    if let key = deployments[id]?.key { continueAfterDrain(of: key) }
  }

  private mutating func continueAfterDrain(of key: InstanceKey) {
    for id in deploymentOrder
    where deployments[id]?.key == key && deployments[id]?.phase == .stopOld && predecessors(of: id).isEmpty {
      createContainer(id)
    }
  }

  private mutating func exited(_ id: String, code: Int32) {
    guard let deployment = deployments[id] else { return }
    deployments[id]?.hasProcess = false
    deployments[id]?.alarms[.crash] = nil
    if code != 0, deployment.phase != .ended {
      log("process ended with code \(code)", isError: true, of: id, to: \.logs)
    }
    switch deployment.phase {
    case .drain: remove(id)
    case .overlap: deployments[id]?.instanceStatus = .stopped
    case .create, .health, .live: ended(deployment, code: code)
    default: break
    }
  }

  private mutating func ended(_ deployment: Deployment, code: Int32) {
    let id = deployment.id
    if deployment.restartRequested {
      deployments[id]?.restartRequested = false
      deployments[id]?.instanceStatus = .restarting
      effects.append(.start(job(of: deployment)))
      return
    }
    let policy = deployment.settings.restartPolicy
    if code == 0, policy != .always {
      if deployment.phase != .live { goLive(id) }
      deployments[id]?.phase = .finished
      deployments[id]?.instanceStatus = .exited
      return
    }
    guard policy != .never, deployment.restarts < deployment.settings.restartLimit else {
      return crash(deployment)
    }
    let wait = durations.restart * Double(1 << min(deployment.restarts, 4))
    deployments[id]?.restarts += 1
    deployments[id]?.instanceStatus = .restarting
    deployments[id]?.alarms[.restart] = now + wait
    if deployment.phase == .live { deployments[id]?.phase = .backOff }
  }

  private mutating func crash(_ deployment: Deployment) {
    let id = deployment.id
    completeEvent(of: id, error: "The process keeps ending")
    effects.append(.stopProbing(deployment: id))
    enter(.ended, .crashed, id)
    deployments[id]?.alarms = [:]
    deployments[id]?.instanceStatus = .crashed
  }

  /// Ends a deployment that is not live; the serving one is not touched.
  mutating func finish(_ id: String, as status: DeploymentStatus, error: String?) {
    completeEvent(of: id, error: error)
    effects.append(.stopProbing(deployment: id))
    effects.append(.kill(deployment: id))
    enter(.ended, status, id)
    deployments[id]?.alarms = [:]
    if deployments[id]?.instanceStatus != nil {
      deployments[id]?.instanceStatus = status == .removed ? .removed : .stopped
    }
    if status == .removed { deployments[id]?.removedAt = now }
  }
}
