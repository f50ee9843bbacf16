import Concurrency
import Interface
import Model
import Rollouts

/// What a deploy or a rollback does to the environment's rollouts, told once the run's own display has ended.
final class RunRollouts: Sendable {
  private let session: Session
  private let console: Console
  /// Nil until the first use, where a missing token must not keep the code from going back.
  private let wiring: Locked<RolloutWiring?>
  private let results = Locked<[(RolloutTarget, RolloutResult)]>([])
  private let isBegun = Locked(false)

  /// - Throws: `configuration` for secrets that are not at hand, where they are needed.
  init?(_ session: Session, _ console: Console, needsSecrets: Bool) async throws(Failure) {
    guard session.environment.rollouts?.isEmpty == false else { return nil }
    self.session = session
    self.console = console
    var opened: RolloutWiring?
    if needsSecrets {
      opened = try await RolloutWiring.open(
        session.project, session.environment, session.ledger, console, http: session.http)
    }
    wiring = Locked(opened)
  }

  var hooks: RolloutHooks {
    RolloutHooks(
      begin: { planned, release, commit, hold in await self.begin(planned, release, commit, hold) },
      off: { planned, reason, hold in await self.off(planned, reason, hold) })
  }

  private func targets(_ planned: [PlannedRollout], _ changes: Set<PlannedRollout.Change>) -> [RolloutTarget]
  {
    let wanted = Set(planned.filter { changes.contains($0.change) }.map(\.key))
    return (session.environment.rollouts ?? []).filter { wanted.contains($0.key) }
  }

  private func opened() async throws(Failure) -> RolloutWiring {
    if let opened = wiring.withLock({ $0 }) { return opened }
    let made = try await RolloutWiring.open(
      session.project, session.environment, session.ledger, console, http: session.http)
    wiring.withLock { $0 = made }
    return made
  }

  private func begin(_ planned: [PlannedRollout], _ release: Int, _ commit: String, _ hold: RolloutHold) async
  {
    isBegun.withLock { $0 = true }
    let environment = session.environment
    for target in targets(planned, [.begin, .restart]) {
      let result: RolloutResult
      do throws(Failure) {
        result = try await RolloutStart(try await opened().parts(target, console), under: hold).run(
          .init(app: environment.app, environment: environment.name, release: release, commit: commit))
      } catch {
        let record = try? await session.ledger.rollout(target.key)
        result = RolloutResult(target.key, .troubled, record, failure: error)
      }
      results.withLock { $0.append((target, result)) }
    }
  }

  private func off(_ planned: [PlannedRollout], _ reason: String, _ hold: RolloutHold) async {
    let targets = targets(planned, [.off])
    do throws(Failure) {
      let switched = try await opened().switchOff(targets, reason: reason, under: hold, console)
      results.withLock { $0 += switched }
    } catch {
      // The code goes back all the same.
      results.withLock { $0 += targets.map { ($0, RolloutResult($0.key, .troubled, nil, failure: error)) } }
    }
  }

  /// Tells what came of it.
  /// - Returns: the code to end with: a rollout that could not be begun is no success, and a flag that could not be
  ///   switched off needs a person.
  func end(after exit: ExitCode) async -> ExitCode {
    let results = results.withLock { $0 }
    guard !results.isEmpty else { return exit }
    let isBegun = isBegun.withLock { $0 }
    let telling = RolloutTelling(
      environment: session.environment, console: console, clock: session.clock, variables: session.variables)
    // The release itself is live: what failed beside it leaves a state that a person has to look at.
    var code = isBegun ? RolloutTelling.worst(results.map(\.1.exit)) : .done
    if code == .failedClean || !isBegun && !results.allSatisfy({ $0.1.isOff }) { code = .failedMixed }
    do throws(Failure) { _ = try telling.show(results, exit: code) } catch { console.failure(error) }
    if results.contains(where: { $0.1.record?.status == .running || $0.1.record?.status == .ready }) {
      let name = session.environment.name
      console.note([
        "who ticks: `shipit rollout tick \(name)` on a schedule, or `shipit rollout watch \(name)` here"
      ])
    }
    return exit == .done ? code : exit
  }
}
