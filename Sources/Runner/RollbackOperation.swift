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
    let keeper: LeaseKeeper
    do throws(Failure) {
      keeper = try await LeaseKeeper.acquire(
        from: context.ledger, holder: context.holder, clock: context.surroundings.clock,
        spawn: context.surroundings.spawn)
    } catch {
      return OperationResult(error)
    }
    var result: OperationResult
    do throws(Failure) {
      result = try await rollback(Operation(context: context, keeper: keeper), agree)
    } catch {
      result = OperationResult(error)
      if let interruption = context.interrupter.interruption, error.kind != .unknown {
        let failure = Failure(
          .cancelled, "interrupted before anything was changed",
          cause: error.kind == .cancelled ? nil : error.message)
        result = OperationResult(exit: interruption.exitCode, failure: failure)
      } else if error.kind == .failed || error.kind == .timeout {
        result.exit = .rollbackFailed
      }
    }
    await keeper.release()
    return result
  }

  private func rollback(
    _ operation: Operation, _ agree: @Sendable (Plan) async -> Bool
  ) async throws(Failure) -> OperationResult {
    if let open = try await context.ledger.openRun(), open.plan.kind == .rollback,
      request.to == nil || request.to == open.plan.restores
    {
      // The same rollback, interrupted: go on where it stopped.
      if let continued = try await operation.settle(unlessSame: open.plan.digest) { return continued }
    } else {
      _ = try await operation.settle(unlessSame: nil)
    }
    let plan = try await planning.plan(request)
    if plan.isEmpty { return OperationResult(exit: .done, plan: plan) }
    let agreed = await agree(plan)
    if let interruption = context.interrupter.interruption {
      return OperationResult(
        exit: interruption.exitCode, plan: plan,
        failure: Failure(.cancelled, "interrupted before anything was changed"))
    }
    guard agreed else {
      return OperationResult(
        exit: .interrupted, plan: plan, failure: Failure(.cancelled, "not agreed to: nothing was changed"))
    }
    let record = try await context.ledger.open(
      plan, by: context.by, at: context.surroundings.clock.now, lease: await operation.keeper.lease)
    return try await operation.perform(record)
  }
}
