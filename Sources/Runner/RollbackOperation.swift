import Concurrency
package import Engine
package import Model

/// `shipit rollback`: settles what is in flight, shows what will be restored, restores it, and leaves a hold.
package struct RollbackOperation: Sendable {
  private let context: OperationContext
  private let planning: Planning
  private let request: RollbackRequest

  package init(_ context: OperationContext, planning: Planning, request: RollbackRequest) {
    self.context = context
    self.planning = planning
    self.request = request
  }

  /// - Parameter agree: shown the plan; false ends the operation with nothing changed.
  package func run(agree: @Sendable (Plan) async -> Bool) async -> OperationResult {
    await context.underLease(failing: RollbackOperation.code(of:)) { operation throws(Failure) in
      if let open = try await context.ledger.openRun(), open.plan.kind == .rollback,
        request.to == nil || request.to == open.plan.restores
      {
        // The same rollback, interrupted: go on where it stopped.
        if let continued = try await operation.settle(unlessSame: open.plan.digest) { return continued }
      } else {
        _ = try await operation.settle(unlessSame: nil)
      }
      return try await operation.carryOut(try await planning.plan(request), agree: agree) { plan in
        // The cheapest cure comes first.
        guard plan.changesRollouts, let planned = plan.rollouts else { return }
        await context.rollouts.off(planned, plan.reason ?? "rolled back", operation.rolloutHold)
      }
    }
  }

  private static func code(of failure: Failure) -> ExitCode {
    failure.kind == .failed || failure.kind == .timeout ? .rollbackFailed : failure.exitCode
  }
}
