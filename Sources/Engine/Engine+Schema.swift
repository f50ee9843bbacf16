import Model

/// What a changed schema means for the way back: it stays, and code that does not survive it is not put back.
extension Engine {
  /// Migrations that this run has applied, as far as it is known: all of a step that is done, of one that
  /// stopped those before the file that was begun last.
  var appliedMigrations: [PlannedMigration] {
    forward.all.flatMap { state -> [PlannedMigration] in
      guard case .migrate(let change) = state.step.action else { return [] }
      if let services = change.appliedBy {
        // Code that went live had its migrations before, whether or not the table was looked at since.
        let isLive = forward.all.contains { other in
          other.step.isCutOver && other.moved && other.step.service.map(services.contains) ?? false
        }
        return isLive ? change.pending : []
      }
      guard state.moved else { return [] }
      if let facts = (state.result ?? state.part)?.facts[StepFact.applied] {
        let names = Set(facts.split(separator: "\n").map(String.init))
        return change.pending.filter { names.contains($0.name) }
      }
      guard let begun = state.externalID,
        let index = change.pending.firstIndex(where: { $0.name == begun })
      else { return change.pending }
      // A file of which it is not known counts too: old code is not given to chance.
      let isKnown = if case .ended(.failed) = state.status { true } else { false }
      return Array(change.pending[..<(isKnown ? index : index + 1)])
    }
  }

  /// Of those, the ones that old code does not survive.
  private var contracts: [PlannedMigration] { appliedMigrations.filter { $0.effect == .contract } }

  /// Services that got new code and keep it although the run turns back.
  var strandedServices: Set<ServiceName> {
    guard !contracts.isEmpty else { return [] }
    return Set(forward.all.filter { $0.moved && $0.step.isCutOver }.compactMap(\.step.service))
  }

  /// The failure of a run that turned back across a contract migration, with the ways on; nil when it did not.
  func strandedFailure(_ failure: Failure?) -> Failure? {
    let contracts = contracts
    guard !contracts.isEmpty else { return nil }
    let names = contracts.map(\.name).joined(separator: ", ")
    var result = failure ?? Failure(.failed, "the run turned back")
    result.cause = [
      result.cause,
      "\(names) \(contracts.count == 1 ? "is" : "are") applied, and the old code may not survive "
        + (contracts.count == 1 ? "it" : "them") + ": it was not put back",
    ].compactMap(\.self).joined(separator: "\n")
    result.hint =
      "choose: fix it forward, with a new commit and shipit deploy \(plan.environment); or restore the database "
      + "from a backup, which loses what was written since; or accept the old code on the new schema, with "
      + "shipit rollback \(plan.environment)"
    return result
  }
}
