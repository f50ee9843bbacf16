package import Concurrency

/// The life of a rollout: pending, queued, running with its phases in order, completed (contract §4, §14.3).
///
/// Rollouts of one environment run one after the other: a later one stays `queued`. That Encore does so
/// is not documented; nor is the opposite.
extension EncoreWorld {
  /// The moment of the next change that time alone brings.
  package var nextDue: Timestamp? {
    let alarms = rollouts.values.flatMap { $0.alarms.values }
    let traffic = environments.values.flatMap {
      [$0.traffic.mixedUntil, $0.traffic.shutdownUntil].compactMap { $0 }
    }
    return (alarms + traffic).min()
  }

  /// Lets the earliest change happen that is due by `moment`.
  /// - Returns: false when there was none; `now` is `moment` then.
  package mutating func step(until moment: Timestamp) -> Bool {
    guard let due = nextDue, due <= moment else {
      now = max(now, moment)
      return false
    }
    now = max(now, due)
    for key in environments.keys.sorted(by: { ($0.app, $0.name) < ($1.app, $1.name) }) {
      if endTurns(in: key, at: due) { return true }
    }
    for id in rolloutOrder {
      for alarm in EncoreRollout.Alarm.allCases
      where rollouts[id]?.alarms[alarm].map({ $0 <= due }) == true {
        rollouts[id]?.alarms[alarm] = nil
        ring(alarm, of: id)
        return true
      }
    }
    return true
  }

  /// Takes in what the runtime saw.
  package mutating func handle(_ event: RuntimeEvent, of id: String, at moment: Timestamp) {
    now = max(now, moment)
    guard let rollout = rollouts[id] else { return }
    switch event {
    case .buildOutput(let text, _), .output(let text, _): note(text, of: id)
    case .built(let problem):
      guard rollout.step == .building else { return }
      if let problem { return finish(id, as: .failure, reason: problem) }
      rollouts[id]?.isBuilt = true
      if rollout.alarms[.step] == nil { endBuild(id) }
    case .preDeployed: break
    case .started: if !rollout.isRetired { effects.append(.awaitAnswer(deployment: id)) }
    case .healthy:
      rollouts[id]?.isReady = true
      if rollout.step == .starting, rollout.alarms[.step] == nil { cutOver(to: id) }
    case .exited(let code): exited(id, code: code)
    }
  }

  /// Makes a rollout; it begins at once.
  /// - Returns: its id.
  mutating func create(
    _ commit: EncoreCommit, in key: EncoreEnvironmentKey, branch: String? = nil, skipsTests: Bool = false,
    forcesRebuild: Bool = false, trigger: EncoreRollout.Trigger
  ) -> String {
    let id = mint("roll")
    var rollout = EncoreRollout(
      id: id, key: key, commit: commit, branch: branch, skipsTests: skipsTests, forcesRebuild: forcesRebuild,
      trigger: trigger, createdAt: now)
    rollout.behaviour = takeBehaviour(for: key)
    rollouts[id] = rollout
    rolloutOrder.append(id)
    enter(.pending, for: durations.pending, id)
    return id
  }

  /// Cancels a rollout that is not completed, as a person does in the dashboard.
  mutating func cancel(_ id: String) throws(Refusal) {
    guard let rollout = rollouts[id] else { throw Refusal("unknown rollout \(id)") }
    guard rollout.step != .completed else { throw Refusal("rollout \(id) is completed") }
    finish(id, as: .canceled, reason: "canceled")
  }

  /// Approves or rejects the infrastructure change of a rollout, as an admin does in the dashboard.
  mutating func decide(_ id: String, approve: Bool) throws(Refusal) {
    guard let rollout = rollouts[id] else { throw Refusal("unknown rollout \(id)") }
    guard rollout.step == .proposed else { throw Refusal("rollout \(id) does not wait for approval") }
    guard approve else { return finish(id, as: .rejected, reason: "the infrastructure change was rejected") }
    provision(id)
  }

  private mutating func takeBehaviour(for key: EncoreEnvironmentKey) -> EncoreBehaviour? {
    for index in behaviours.indices {
      let rule = behaviours[index]
      guard rule.count != 0, rule.environment.map({ $0 == key.name }) ?? true else { continue }
      if rule.skip > 0 {
        behaviours[index].skip -= 1
        continue
      }
      if let count = rule.count { behaviours[index].count = count - 1 }
      return rule.behaviour
    }
    return nil
  }

  // MARK: the steps

  private mutating func ring(_ alarm: EncoreRollout.Alarm, of id: String) {
    guard let rollout = rollouts[id] else { return }
    switch alarm {
    case .step: endStep(rollout)
    case .startLimit: finish(id, as: .failure, reason: "the new revision did not answer in time")
    case .crash: effects.append(.kill(deployment: id))
    case .restart: if !rollout.isRetired { start(id) }
    case .kill: if rollout.hasProcess { effects.append(.kill(deployment: id)) }
    }
  }

  private mutating func endStep(_ rollout: EncoreRollout) {
    let id = rollout.id
    switch rollout.step {
    case .pending: queue(id)
    case .queued: beginBuild(id)
    case .building:
      if rollout.behaviour == .buildFails {
        finish(id, as: .failure, reason: "build failed")
      } else if rollout.behaviour == .testsFail, !rollout.skipsTests {
        finish(id, as: .failure, reason: "tests failed")
      } else if let problem = rollout.commit.problem {
        finish(id, as: .failure, reason: problem)
      } else if rollout.isBuilt {
        endBuild(id)
      }
    case .proposed, .completed: break
    case .provisioning:
      complete(\.infra, of: id, as: .success)
      migrate(id)
    case .migrating: endMigration(id)
    case .starting: if rollout.isReady { cutOver(to: id) }
    }
  }

  /// Enters a step and sets its alarm, unless the rollout is scripted to stay in it or to be canceled there.
  private mutating func enter(_ step: EncoreRollout.Step, for duration: Duration?, _ id: String) {
    rollouts[id]?.step = step
    rollouts[id]?.alarms[.step] = nil
    switch rollouts[id]?.behaviour {
    case .neverFinishes(step): break
    case .canceled(step): finish(id, as: .canceled, reason: "canceled")
    default: if let duration { rollouts[id]?.alarms[.step] = now + duration }
    }
  }

  private mutating func queue(_ id: String) {
    guard let key = rollouts[id]?.key else { return }
    rollouts[id]?.queuedAt = now
    let build = phase("build", status: "queued")
    rollouts[id]?.build = build
    let isFree = !rolloutOrder.prefix { $0 != id }.contains { earlier in
      rollouts[earlier].map { $0.key == key && $0.step != .completed } ?? false
    }
    enter(.queued, for: isFree ? durations.queued : nil, id)
  }

  private mutating func beginBuild(_ id: String) {
    guard let rollout = rollouts[id] else { return }
    rollouts[id]?.startedAt = now
    begin(\.build, of: id)
    let isReused =
      !rollout.forcesRebuild
      && rollouts.values.contains {
        $0.id != id && $0.key.app == rollout.key.app && $0.commit.sha == rollout.commit.sha
          && $0.build?.conclusion == .success
      }
    var duration = isReused ? durations.reused : durations.build
    if !isReused, !rollout.skipsTests { duration += durations.tests }
    enter(.building, for: duration, id)
    guard rollouts[id]?.step == .building else { return }
    effects.append(.build(job(of: rollout)))
  }

  private mutating func endBuild(_ id: String) {
    if case .neverFinishes(.building) = rollouts[id]?.behaviour { return }
    complete(\.build, of: id, as: .success)
    let infra = phase("infra", status: "pending")
    rollouts[id]?.infra = infra
    let needsApproval = rollouts[id].flatMap { environments[$0.key]?.needsApproval } ?? false
    if needsApproval || rollouts[id]?.behaviour == .proposed {
      rollouts[id]?.infra?.status = "proposed"
      enter(.proposed, for: nil, id)
    } else {
      provision(id)
    }
  }

  private mutating func provision(_ id: String) {
    begin(\.infra, of: id)
    enter(.provisioning, for: durations.infra, id)
  }

  /// Begins the deploy phase: secrets first, then the migrations of each database.
  private mutating func migrate(_ id: String) {
    guard let rollout = rollouts[id] else { return }
    let deploy = phase("deploy", status: "queued")
    rollouts[id]?.deploy = deploy
    begin(\.deploy, of: id)
    if case .secretMissing(let name) = rollout.behaviour {
      return finish(id, as: .failure, reason: "secret \(name) has no value for \(rollout.key.name)")
    }
    for name in apps[rollout.key.app]?.requiredSecrets ?? [] where secret(name, for: rollout.key) == nil {
      return finish(id, as: .failure, reason: "secret \(name) has no value for \(rollout.key.name)")
    }
    enter(.migrating, for: durations.migration, id)
  }

  private mutating func endMigration(_ id: String) {
    guard let rollout = rollouts[id] else { return }
    let databases = (apps[rollout.key.app]?.databases ?? [:]).sorted { $0.key < $1.key }
    for (name, database) in databases {
      let files = rollout.commit.migrations[name] ?? []
      let recorded = environments[rollout.key]?.applied[name] ?? []
      if let problem = database.refusal(of: files, recorded: recorded) {
        return finish(id, as: .failure, reason: problem)
      }
      for version in database.pending(files, recorded: recorded) {
        if case .migrationFails(let wanted) = rollout.behaviour, version == wanted ?? files.max() {
          return finish(id, as: .failure, reason: "migration \(version) of \(name) failed")
        }
        environments[rollout.key]?.applied[name, default: []].append(version)
      }
    }
    if case .migrationFails = rollout.behaviour {
      return finish(id, as: .failure, reason: "a migration failed")
    }
    enter(.starting, for: durations.start, id)
    guard rollouts[id]?.step == .starting else { return }
    if rollout.behaviour != .neverFinishes(.starting) {
      rollouts[id]?.alarms[.startLimit] = now + durations.startLimit
    }
    if rollout.behaviour != .startFails { start(id) }
  }

  private mutating func cutOver(to id: String) {
    guard let rollout = rollouts[id] else { return }
    if case .neverFinishes(.starting) = rollout.behaviour { return }
    rollouts[id]?.alarms[.startLimit] = nil
    switchTraffic(to: rollout)
    if case .crashes(let seconds) = rollout.behaviour {
      rollouts[id]?.alarms[.crash] = now + .milliseconds(Int64(seconds * 1000))
    }
    complete(\.deploy, of: id, as: .success)
    conclude(id, as: .success)
  }

  // MARK: conclusions

  /// Ends a rollout before its time: what is under way takes the conclusion, what serves goes on serving.
  mutating func finish(_ id: String, as conclusion: EncoreRollout.Conclusion, reason: String) {
    rollouts[id]?.reason = reason
    for phase in [\EncoreRollout.build, \.infra, \.deploy]
    where rollouts[id]?[keyPath: phase].map({ $0.conclusion == nil }) == true {
      complete(phase, of: id, as: conclusion)
    }
    conclude(id, as: conclusion)
    retire(id)
  }

  private mutating func conclude(_ id: String, as conclusion: EncoreRollout.Conclusion) {
    guard let key = rollouts[id]?.key else { return }
    rollouts[id]?.alarms[.step] = nil
    rollouts[id]?.alarms[.startLimit] = nil
    rollouts[id]?.step = .completed
    rollouts[id]?.conclusion = conclusion
    rollouts[id]?.completedAt = now
    let next = rolloutOrder.first { rollouts[$0]?.key == key && rollouts[$0]?.step == .queued }
    if let next, rollouts[next]?.alarms[.step] == nil { enter(.queued, for: durations.queued, next) }
  }

  private mutating func phase(_ prefix: String, status: String) -> EncoreRollout.Phase {
    EncoreRollout.Phase(id: mint(prefix), status: status, queuedAt: now)
  }

  private mutating func begin(_ phase: WritableKeyPath<EncoreRollout, EncoreRollout.Phase?>, of id: String) {
    rollouts[id]?[keyPath: phase]?.status = "running"
    rollouts[id]?[keyPath: phase]?.startedAt = now
  }

  private mutating func complete(
    _ phase: WritableKeyPath<EncoreRollout, EncoreRollout.Phase?>, of id: String,
    as conclusion: EncoreRollout.Conclusion
  ) {
    // Only a proposed infrastructure change can be rejected.
    let isInfra = phase == \EncoreRollout.infra
    rollouts[id]?[keyPath: phase]?.status = "completed"
    rollouts[id]?[keyPath: phase]?.conclusion = conclusion == .rejected && !isInfra ? .failure : conclusion
    rollouts[id]?[keyPath: phase]?.completedAt = now
  }

  private mutating func note(_ line: String, of id: String) {
    rollouts[id]?.lines.append(line)
    if let count = rollouts[id]?.lines.count, count > 500 { rollouts[id]?.lines.removeFirst(count - 500) }
  }
}
