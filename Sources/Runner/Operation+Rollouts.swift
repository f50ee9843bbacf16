import Concurrency
import Engine
import Model

extension Operation {
  /// The lease, for those who change a flag under it.
  var rolloutHold: RolloutHold {
    let keeper = keeper
    return RolloutHold(lease: { keeper.lease }, mayAct: keeper.gate)
  }

  /// Once its release is proven a deploy begins the rollouts that go with it. Killed before, the next deploy or the next
  /// tick does.
  func withRollouts(_ result: OperationResult) async -> OperationResult {
    guard result.exit == .done, let plan = result.plan, plan.changesRollouts, let planned = plan.rollouts
    else { return result }
    var release = result.release
    if release == nil { release = try? await context.ledger.recentReleases().first(where: \.isGood) }
    guard let release, release.isGood else { return result }
    await context.rollouts.begin(planned, release.number, release.commit, rolloutHold)
    return result
  }
}

extension Planning {
  /// What a deploy does with the environment's rollouts; nil without any.
  func rollouts(_ plan: Plan) async throws(Failure) -> [PlannedRollout]? {
    guard let targets = environment.rollouts, !targets.isEmpty else { return nil }
    let next = (try await ledger.runs(limit: 1).first?.release ?? 0) + 1
    let live = try await ledger.recentReleases().first(where: \.isGood)
    let release = plan.steps.isEmpty ? live?.number ?? next : next
    var planned: [PlannedRollout] = []
    for target in targets {
      let record = try await ledger.rollout(target.key)
      let (change, reason) = RolloutRecord.change(record, release: release, commit: plan.commit)
      var entry = PlannedRollout(target, change, share: record?.share, reason: reason)
      if change == .begin { try await look(at: target, &entry) }
      planned.append(entry)
    }
    return planned
  }

  /// What is wrong with a flag is said before its release goes out; a store that does not answer keeps no code back.
  private func look(at target: RolloutTarget, _ planned: inout PlannedRollout) async throws(Failure) {
    guard let flags else { return }
    do throws(Failure) {
      planned.consider(try await flags(target), environment: environment.name)
    } catch {
      guard error.kind != .configuration, error.kind != .cancelled else { throw error }
      planned.warnings = ["its store was not looked at: \(error.message)"]
    }
  }

  /// The rollouts that a rollback switches off first; nil without any.
  func runningRollouts() async throws(Failure) -> [PlannedRollout]? {
    guard let targets = environment.rollouts, !targets.isEmpty else { return nil }
    var planned: [PlannedRollout] = []
    for target in targets {
      guard let record = try await ledger.rollout(target.key), !record.status.isOver else { continue }
      planned.append(PlannedRollout(target, .off, share: record.share))
    }
    return planned.isEmpty ? nil : planned
  }
}
