import Concurrency
import Engine
import Model

extension OperationContext {
  /// Deploys and what goes with them are refused while somebody holds them back (DESIGN §2).
  /// - Throws: `policy`, with who, since when and why.
  func refuseWhileHeld(_ environment: String) async throws(Failure) {
    guard let hold = try await ledger.hold() else { return }
    throw Failure(
      .policy, "\(environment) is on hold since \(hold.at.iso8601), by \(hold.by): \(hold.reason)",
      hint: "shipit unhold \(environment), when the reason is gone")
  }
}

extension Operation {
  /// Carries out what changes an environment beside a deploy: what may not be deployed now may not be done either,
  /// and here nothing overrides it.
  /// - Parameter agree: shown the plan; false ends the operation with nothing changed.
  func carryOutUnderRules(
    _ made: Plan, _ environment: Environment, agree: @Sendable (Plan) async -> Bool
  ) async throws(Failure) -> OperationResult {
    var plan = made
    if !plan.isEmpty {
      let policy = Policy(
        environment, ledger: context.ledger, clock: context.surroundings.clock, by: context.by,
        sources: context.policy)
      let verdict = try await policy.judge(plan, PolicyOverrides())
      if let missing = verdict.missing {
        return OperationResult(exit: missing.exitCode, plan: plan, failure: missing)
      }
      plan.decisions = verdict.decisions
    }
    return try await carryOut(plan, agree: agree)
  }
}
