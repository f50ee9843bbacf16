import Concurrency
import Engine
import Model

extension OperationContext {
  /// Takes the lease, does the work, and gives the lease back however the work ended.
  /// - Parameter code: the exit code of a failure that ended the work before or beside a run.
  func underLease(
    failing code: (Failure) -> ExitCode = \.exitCode,
    _ work: (Operation) async throws(Failure) -> OperationResult
  ) async -> OperationResult {
    let keeper: LeaseKeeper
    do throws(Failure) {
      keeper = try await LeaseKeeper.acquire(
        from: ledger, holder: holder, clock: surroundings.clock, spawn: surroundings.spawn,
        onCancel: { [interrupter] in interrupter.cancel(by: $0) })
    } catch {
      return OperationResult(error)
    }
    let result: OperationResult
    do throws(Failure) {
      result = try await work(Operation(context: self, keeper: keeper))
    } catch {
      var failure = error
      // "It was given back" does not say by whom, nor what is there now.
      if failure.kind == .stale, await keeper.isFencedOut,
        let who = await Failure.whoIsThere(in: ledger, besides: nil)
      {
        failure.cause = [failure.cause, who].compactMap(\.self).joined(separator: "; ")
      }
      result = ended(by: failure, code)
    }
    await keeper.release()
    return result
  }

  private func ended(by failure: Failure, _ code: (Failure) -> ExitCode) -> OperationResult {
    guard let interruption = interrupter.interruption, failure.kind != .unknown else {
      return OperationResult(exit: code(failure), failure: failure)
    }
    return OperationResult(
      exit: interruption.exitCode,
      failure: Failure(
        .cancelled, "interrupted before anything was changed",
        cause: interrupter.cancelWords ?? (failure.kind == .cancelled ? nil : failure.message)))
  }
}

extension Operation {
  /// Shows a plan, and once it is agreed to opens a run and carries it out.
  /// - Parameter ready: runs after the agreement; what it throws ends the operation with nothing changed.
  func carryOut(
    _ plan: Plan, agree: @Sendable (Plan) async -> Bool,
    ready: (inout Plan) async throws(Failure) -> Void = { _ in }
  ) async throws(Failure) -> OperationResult {
    if plan.isEmpty { return OperationResult(exit: .done, plan: plan) }
    let agreed = await agree(plan)
    if let interruption = context.interrupter.interruption {
      return OperationResult(
        exit: interruption.exitCode, plan: plan,
        failure: Failure(
          .cancelled, "interrupted before anything was changed", cause: context.interrupter.cancelWords))
    }
    guard agreed else {
      return OperationResult(
        exit: .interrupted, plan: plan, failure: Failure(.cancelled, "not agreed to: nothing was changed"))
    }
    var plan = plan
    try await ready(&plan)
    guard !plan.steps.isEmpty else { return OperationResult(exit: .done, plan: plan) }
    let record = try await context.ledger.open(
      plan, by: context.by, at: context.surroundings.clock.now, lease: keeper.lease)
    return try await perform(record)
  }
}
