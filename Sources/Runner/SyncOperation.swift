import Concurrency
import Engine
package import Model

/// `shipit secrets sync`: lease, settle, look, plan, agree, write, record.
package struct SyncOperation: Sendable {
  private let context: OperationContext
  private let planning: Planning

  package init(_ context: OperationContext, planning: Planning) {
    self.context = context
    self.planning = planning
  }

  /// - Parameter agree: shown the plan; false ends the operation with nothing changed.
  package func run(agree: @Sendable (Plan) async -> Bool) async -> OperationResult {
    await context.underLease { operation throws(Failure) in
      if let hold = try await context.ledger.hold() {
        let name = planning.environment.name
        throw Failure(
          .policy, "\(name) is on hold since \(hold.at.iso8601), by \(hold.by): \(hold.reason)",
          hint: "shipit unhold \(name), when the reason is gone")
      }
      var plan = try await planning.secretsPlan()
      if let continued = try await operation.settle(unlessSame: plan.digest) { return continued }
      // What was settled may have written some of it.
      plan = try await planning.secretsPlan()
      if !plan.isEmpty {
        let policy = Policy(
          planning.environment, ledger: context.ledger, clock: context.surroundings.clock, by: context.by,
          sources: context.policy)
        let verdict = try await policy.judge(plan, PolicyOverrides())
        if let missing = verdict.missing {
          return OperationResult(exit: missing.exitCode, plan: plan, failure: missing)
        }
        plan.decisions = verdict.decisions
      }
      return try await operation.carryOut(plan, agree: agree)
    }
  }
}

extension Planning {
  /// The plan of `secrets sync`.
  package func secretsPlan() async throws(Failure) -> Plan {
    try DeployPlanner(try await secretsInput()).secretsPlan()
  }

  /// How each secret of a service stands to its source, and what else was seen.
  package func storedSecrets() async throws(Failure) -> (secrets: [StoredSecret], notes: [String]) {
    let input = try await secretsInput()
    return (try DeployPlanner(input).storedSecrets(), input.notes)
  }
}
