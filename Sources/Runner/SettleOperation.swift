import Concurrency
import Engine
package import Model

/// How settling ended.
package struct Settlement: Sendable {
  package enum Outcome: Sendable, Hashable {
    /// No run was open.
    case nothing
    /// Everything it was to do had been done and was found good: it counts as if it had ended by itself.
    case completed
    /// What it left is known and recorded; it is not continued.
    case abandoned
    /// What it left is not known yet: the run stays open.
    case unknown
  }

  package var outcome: Outcome
  /// The run that was open.
  package var run: RunRecord?
  package var result: RunResult?
  /// Why it could not be settled, or not be begun.
  package var failure: Failure?

  package init(
    outcome: Outcome, run: RunRecord? = nil, result: RunResult? = nil, failure: Failure? = nil
  ) {
    self.outcome = outcome
    self.run = run
    self.result = result
    self.failure = failure
  }
}

/// `shipit settle`: finds out what an interrupted run left, waits for it or has it cancelled, records the truth
/// and closes the run. Nothing new is put live and nothing is taken back.
package struct SettleOperation: Sendable {
  private let context: OperationContext
  private let limit: Duration

  /// - Parameter limit: how long it may take in all; what is not known then stays open.
  package init(_ context: OperationContext, limit: Duration) {
    self.context = context
    self.limit = limit
  }

  /// How often a platform that goes on with something is asked what became of it.
  static let pause = Duration.seconds(5)

  /// - Returns: how it ended; `unknown` with the failure where the lease was not to be had or time ran out.
  package func run() async -> Settlement {
    let clock = context.surroundings.clock
    let ends = clock.now + limit
    let box = Locked(Settlement(outcome: .nothing))
    let isLate = Locked(false)
    let ended = await context.underLease { operation throws(Failure) in
      let interrupter = context.interrupter
      // It ends what goes on as a signal would, so that all is journalled and given back in order.
      let alarm = context.surroundings.spawn {
        guard (try? await clock.sleep(until: ends)) != nil else { return }
        isLate.withLock { $0 = true }
        interrupter.interrupt(.request)
      }
      defer { alarm.cancel() }
      let (settlement, result) = try await operation.settleOpenRun(until: ends, pause: Self.pause)
      box.withLock { $0 = settlement }
      return result
    }
    var settlement = box.withLock { $0 }
    guard let failure = ended.failure else { return settlement }
    settlement.outcome = .unknown
    settlement.failure = isLate.withLock { $0 } ? late(settlement.run) : failure
    return settlement
  }

  private func late(_ run: RunRecord?) -> Failure {
    let environment = run.map { " of \($0.plan.environment)" } ?? ""
    return Failure(
      .unknown,
      "what run \(run.map { "\($0.id)" } ?? "")\(environment) left is not known after \(limit.components.seconds) s",
      cause: "the platform still works on it, or does not answer",
      hint: run.map { "shipit settle \($0.plan.environment), which waits longer" })
  }
}

extension Operation {
  /// Settles the open run, asking again while a platform goes on with something that cannot be stopped.
  func settleOpenRun(
    until ends: Timestamp, pause: Duration
  ) async throws(Failure) -> (Settlement, OperationResult) {
    let clock = context.surroundings.clock
    guard let open = try await context.ledger.openRun() else {
      return (Settlement(outcome: .nothing), OperationResult(exit: .done))
    }
    if let ended = try await closeEnded() {
      let outcome: Settlement.Outcome = ended.result?.state == .abandoned ? .abandoned : .completed
      return (Settlement(outcome: outcome, run: open, result: ended.result), ended)
    }
    while true {
      let history = try await context.ledger.journal(of: open.id)
      let settled = try await perform(open, history: history, mode: .settle)
      guard let result = settled.result, result.state == .inFlight else {
        let isDone = settled.result?.state == .released || settled.result?.state == .restored
        return (
          Settlement(outcome: isDone ? .completed : .abandoned, run: open, result: settled.result), settled
        )
      }
      let failure = unsettled(open, result)
      guard failure.kind == .unknown, try await goesOn(open, result), clock.now + pause < ends else {
        var ended = settled
        ended.failure = failure
        return (Settlement(outcome: .unknown, run: open, result: result, failure: failure), ended)
      }
      do { try await clock.sleep(for: pause) } catch { throw unsettled(open, result) }
    }
  }

  /// Whether what is not known is so only because a platform still works on it.
  private func goesOn(_ open: RunRecord, _ result: RunResult) async throws(Failure) -> Bool {
    var isUnderWay: [StepID: Bool] = [:]
    for entry in try await context.ledger.journal(of: open.id) {
      switch entry.fact {
      case .abandoned(let id, .inFlight): isUnderWay[id] = true
      case .ended(let id, _, .unknowable): isUnderWay[id] = false
      default: break
      }
    }
    return !result.unattended.isEmpty && result.unattended.allSatisfy { isUnderWay[$0] ?? false }
  }
}
