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
      try await context.refuseWhileHeld(planning.environment.name)
      let plan = try await planning.secretsPlan()
      if let continued = try await operation.settle(unlessSame: plan.digest) { return continued }
      // What was settled may have written some of it.
      return try await operation.carryOutUnderRules(
        try await planning.secretsPlan(), planning.environment, agree: agree)
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
