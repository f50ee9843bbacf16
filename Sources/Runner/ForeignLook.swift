import Concurrency
import Model

/// After a run that failed: what serves now that is neither what was live before nor anything of this run's. Its
/// own step may not have come to see it, because another one failed first.
struct ForeignLook {
  let plan: Plan
  let run: RunFacts
  let performers: Performers
  let surroundings: RunSurroundings

  /// For all platforms together; they are asked at the same time.
  private static let patience = Duration.seconds(10)

  /// An interrupted run has no time for it, and a run that is open is looked into by the command that settles it.
  func isWanted(_ result: RunResult) -> Bool {
    guard plan.kind == .deploy, result.exit.rawValue < ExitCode.hangup.rawValue else { return false }
    switch result.state {
    case .unchanged, .rolledBack, .mixed: return true
    case .released, .restored, .inFlight, .abandoned: return false
    }
  }

  /// - Parameter made: what the run made or restored for a service.
  /// - Returns: by service; nil when there is nothing. A platform that does not answer tells nothing.
  func found(
    _ result: RunResult, made: @escaping @Sendable (ServiceName) -> Set<String>
  ) async -> [ServiceName: ForeignDeployment]? {
    var ours: [ServiceName: Set<String>] = [:]
    var platforms: Set<PlatformName> = []
    for planned in plan.services {
      ours[planned.service] = made(planned.service).union([planned.previous].compactMap(\.self))
      platforms.insert(planned.platform)
    }
    for (name, record) in plan.before where ours[name] == nil {
      guard let deployment = record.deployment else { continue }
      ours[name] = [deployment]
      platforms.insert(record.target.platform)
    }
    guard let environment = plan.configuration else { return nil }
    var foreign: [ServiceName: ForeignDeployment] = [:]
    for (name, state) in await live(on: platforms, environment) {
      guard let live = state.live, let ours = ours[name], !ours.contains(live.id),
        live.marker?.run != run.id
      else { continue }
      foreign[name] = ForeignDeployment(id: live.id, commit: live.commit)
    }
    return foreign.isEmpty ? nil : foreign
  }

  private func live(
    on names: Set<PlatformName>, _ environment: Environment
  ) async -> [ServiceName: LiveState] {
    let found = Locked<[ServiceName: LiveState]>([:])
    let (signal, done) = AsyncStream.makeStream(of: Void.self)
    let asking = names.compactMap { performers.platforms[$0] }.map { platform in
      surroundings.spawn {
        guard let states = try? await platform.live(environment) else { return }
        found.withLock { $0.merge(states) { first, _ in first } }
      }
    }
    surroundings.spawn {
      for task in asking { await task.value }
      done.finish()
    }
    let clock = surroundings.clock
    let limit = surroundings.spawn {
      guard (try? await clock.sleep(for: ForeignLook.patience)) != nil else { return }
      done.finish()
    }
    for await _ in signal {}
    limit.cancel()
    for task in asking { task.cancel() }
    return found.withLock { $0 }
  }
}
