import Concurrency
import Crypto

/// The applications: their processes, and who answers at an environment's address (contract §9).
extension EncoreWorld {
  /// Who answers one request.
  package enum Answerer: Sendable, Equatable {
    /// Nothing was ever deployed, or its process is gone.
    case nobody
    case rollout(String)
    /// A revision that is shutting down.
    case ending(String)
  }

  /// Decides who answers the next request at an address, and counts it.
  package mutating func answerer(in key: EncoreEnvironmentKey) -> Answerer {
    guard let traffic = environments[key]?.traffic else { return .nobody }
    environments[key]?.traffic.requests += 1
    let isOldsTurn = traffic.requests % 2 == 1
    if isOldsTurn, let old = traffic.old {
      if traffic.mixedUntil != nil { return rollouts[old]?.isReady == true ? .rollout(old) : .nobody }
      if traffic.shutdownUntil != nil { return .ending(old) }
    }
    guard let live = traffic.live, rollouts[live]?.isReady == true else { return .nobody }
    return .rollout(live)
  }

  /// Gives the address to a new revision; the old one leaves by and by.
  mutating func switchTraffic(to rollout: EncoreRollout) {
    guard var environment = environments[rollout.key] else { return }
    if let leaving = environment.traffic.old { retire(leaving) }
    var mixed = environment.mixed
    var shutdown = environment.shutdown
    switch rollout.behaviour {
    case .mixed(let seconds): mixed = seconds
    case .shuttingDown(let seconds):
      mixed = 0
      shutdown = seconds
    default: break
    }
    environment.traffic.old = environment.traffic.live
    environment.traffic.live = rollout.id
    environment.traffic.failingCheck = nil
    if case .unhealthy(let check) = rollout.behaviour {
      environment.traffic.failingCheck = (check, "scripted failure")
    }
    let end = now + .milliseconds(Int64(mixed * 1000))
    environment.traffic.mixedUntil = environment.traffic.old == nil ? nil : end
    environment.traffic.shutdownUntil =
      environment.traffic.old == nil ? nil : end + .milliseconds(Int64(shutdown * 1000))
    environments[rollout.key] = environment
  }

  /// Ends the time of turns that is over.
  /// - Returns: false when none was.
  mutating func endTurns(in key: EncoreEnvironmentKey, at due: Timestamp) -> Bool {
    guard let traffic = environments[key]?.traffic else { return false }
    if let end = traffic.mixedUntil, end <= due {
      environments[key]?.traffic.mixedUntil = nil
      return true
    }
    if let end = traffic.shutdownUntil, end <= due {
      environments[key]?.traffic.shutdownUntil = nil
      environments[key]?.traffic.old = nil
      if let old = traffic.old { retire(old) }
      return true
    }
    return false
  }

  /// Tells a process to end that is no longer wanted.
  mutating func retire(_ id: String) {
    rollouts[id]?.isRetired = true
    rollouts[id]?.alarms[.restart] = nil
    rollouts[id]?.alarms[.crash] = nil
    guard rollouts[id]?.hasProcess == true else {
      // A build under way is of no use either.
      return effects.append(.kill(deployment: id))
    }
    effects.append(.terminate(deployment: id))
    rollouts[id]?.alarms[.kill] = now + .seconds(5)
  }

  /// Starts a rollout's process.
  mutating func start(_ id: String) {
    guard let rollout = rollouts[id] else { return }
    rollouts[id]?.hasProcess = true
    effects.append(.start(job(of: rollout)))
  }

  mutating func exited(_ id: String, code: Int32) {
    guard let rollout = rollouts[id] else { return }
    rollouts[id]?.hasProcess = false
    rollouts[id]?.isReady = false
    rollouts[id]?.alarms[.kill] = nil
    if rollout.isRetired { return }
    if rollout.step == .starting {
      return finish(id, as: .failure, reason: "the new revision ended with \(code)")
    }
    rollouts[id]?.alarms[.restart] = now + durations.restart
  }

  /// All that the runtime needs to build or run a rollout.
  func job(of rollout: EncoreRollout) -> Job {
    let app = apps[rollout.key.app]
    var settings = InstanceSettings()
    settings.buildCommand = app?.buildCommand
    settings.startCommand = app?.startCommand
    settings.rootDirectory = app?.root
    return Job(
      deployment: rollout.id, key: rollout.key.instance,
      source: app?.repository.map { .revision(rollout.commit.sha, repository: $0) }
        ?? .image(rollout.commit.sha, directory: nil),
      image: rollout.id, settings: settings, variables: variables(of: rollout), volume: nil)
  }

  private func variables(of rollout: EncoreRollout) -> [String: String] {
    var variables = environments[rollout.key]?.variables ?? [:]
    variables["ENCORE_APP_SLUG"] = rollout.key.app
    variables["ENCORE_ENV_NAME"] = rollout.key.name
    variables["ENCORE_DEPLOY_ID"] = rollout.id
    variables["ENCORE_APP_REVISION"] = rollout.revision
    let names = Set(secretGroups.values.filter { $0.app == rollout.key.app }.map(\.key)).sorted()
    // As the Go runtime reads them: NAME=BASE64URL, joined by commas.
    variables["ENCORE_APP_SECRETS"] = names.compactMap { name in
      secret(name, for: rollout.key).map {
        name + "=" + Base64.encode(Array($0.utf8), alphabet: .url)
      }
    }.joined(separator: ",")
    return variables
  }
}
