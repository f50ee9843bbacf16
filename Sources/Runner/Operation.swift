import Concurrency
import Engine
package import Model

/// What every operation on an environment works with.
package struct OperationContext: Sendable {
  package var ledger: any Ledger
  package var performers: Performers
  package var surroundings: RunSurroundings
  /// `ann@laptop`.
  package var by: String
  package var holder: Holder
  /// SHA-256 in hex.
  package var digest: @Sendable (String) -> String
  package var interrupter: Interrupter
  /// Where the rules of `protect` get their facts from.
  package var policy: PolicySources
  /// What goes with a release and is no step of its run.
  package var rollouts: RolloutHooks

  package init(
    ledger: any Ledger, performers: Performers, surroundings: RunSurroundings, by: String, holder: Holder,
    digest: @escaping @Sendable (String) -> String, interrupter: Interrupter,
    policy: PolicySources = PolicySources(), rollouts: RolloutHooks = RolloutHooks()
  ) {
    self.rollouts = rollouts
    self.ledger = ledger
    self.performers = performers
    self.surroundings = surroundings
    self.by = by
    self.holder = holder
    self.digest = digest
    self.interrupter = interrupter
    self.policy = policy
  }
}

/// How an operation ended.
package struct OperationResult: Sendable {
  package var exit: ExitCode
  package var plan: Plan?
  package var run: RunRecord?
  package var result: RunResult?
  package var release: Release?
  /// Why it ended before a run could begin.
  package var failure: Failure?

  package init(
    exit: ExitCode, plan: Plan? = nil, run: RunRecord? = nil, result: RunResult? = nil,
    release: Release? = nil,
    failure: Failure? = nil
  ) {
    self.exit = exit
    self.plan = plan
    self.run = run
    self.result = result
    self.release = release
    self.failure = failure
  }

  init(_ failure: Failure) {
    self.init(exit: failure.exitCode, failure: failure)
  }
}

/// Carries a signal to whatever is at work: the run when one goes on, else the operation's task.
package final class Interrupter: Sendable {
  private struct State {
    var interruption: Interruption?
    var request: CancelRequest?
    var deliver: (@Sendable (Interruption) -> Void)?
    var cancel: (@Sendable () -> Void)?
  }

  private let state = Locked(State())

  package init() {}

  /// The interruption that came, if any.
  package var interruption: Interruption? { state.withLock { $0.interruption } }

  /// Who asked from elsewhere to stop, in words; nil when nobody did.
  package var cancelWords: String? {
    state.withLock { $0.request }.map { "\($0.by) asked to cancel: \($0.reason)" }
  }

  /// Called before a run goes on: cancels the task that prepares it.
  package func onCancel(_ cancel: @escaping @Sendable () -> Void) {
    state.withLock { $0.cancel = cancel }
  }

  /// Interrupts what is at work.
  package func interrupt(_ interruption: Interruption) {
    let (deliver, cancel) = state.withLock { state in
      state.interruption = state.interruption ?? interruption
      return (state.deliver, state.cancel)
    }
    if let deliver { deliver(interruption) } else { cancel?() }
  }

  /// Somebody elsewhere wants to stop what is at work: a run hears of it by itself, from its lease.
  func cancel(by request: CancelRequest) {
    let cancel = state.withLock { state -> (@Sendable () -> Void)? in
      guard state.deliver == nil else { return nil }
      state.request = state.request ?? request
      state.interruption = state.interruption ?? .request
      return state.cancel
    }
    cancel?()
  }

  func attach(_ shell: RunShell) {
    let earlier = state.withLock { state in
      state.deliver = { shell.interrupt($0) }
      return state.interruption
    }
    if let earlier { shell.interrupt(earlier) }
  }

  func detach() { state.withLock { $0.deliver = nil } }
}

/// The parts that operations share: performing a run, closing it, and settling an earlier one.
struct Operation {
  let context: OperationContext
  let keeper: LeaseKeeper

  /// Carries a run out or continues it, closes it and records its release.
  func perform(
    _ record: RunRecord, history: [JournalEntry] = [], mode: EngineMode = .run
  ) async throws(Failure) -> OperationResult {
    let engine = Engine(
      plan: record.plan, run: record.facts, history: history, mode: mode, actUntil: await keeper.actUntil)
    let shell = RunShell(
      engine: engine, plan: record.plan, run: record.facts, ledger: context.ledger, keeper: keeper,
      performers: context.performers, surroundings: context.surroundings,
      takenOverBy: history.isEmpty ? nil : context.holder.name,
      guardian: CutOverGuard(
        run: record, ledger: context.ledger, platforms: context.performers.platforms))
    context.interrupter.attach(shell)
    var (result, results) = await shell.perform()
    context.interrupter.detach()
    if result.state == .inFlight, result.exit == .stale, var failure = result.failure,
      let who = await Failure.whoIsThere(in: context.ledger, besides: record.id)
    {
      failure.cause = [failure.cause, who].compactMap(\.self).joined(separator: "; ")
      result.failure = failure
    }
    return try await close(record, result, results)
  }

  /// An interrupted run stays open, for the next command to settle; any other is closed with its release.
  private func close(
    _ record: RunRecord, _ result: RunResult, _ results: [StepID: StepResult]
  ) async throws(Failure) -> OperationResult {
    var ended = OperationResult(exit: result.exit, plan: record.plan, run: record, result: result)
    guard result.state != .inFlight else { return ended }
    // Neither a copy nor what is made empty changes anything that a release is made of.
    let release =
      record.plan.kind == .backup || record.plan.kind == .provision
      ? nil
      : Release(of: record, result: result, results: results, endedAt: context.surroundings.clock.now)
    let lease = keeper.lease
    // Before the run is closed: a process killed in between finds it open and does both again.
    if record.plan.kind == .deploy, result.failure != nil, marksBad(result) {
      try await context.ledger.markBad(record.plan.commit, release: record.release, lease: lease)
    }
    if record.plan.kind == .rollback, result.state == .restored || !results.isEmpty {
      try await context.ledger.setHold(hold(after: record, result), lease: lease)
    }
    do throws(Failure) {
      try await context.ledger.close(record.id, result: result, release: release, lease: lease)
    } catch {
      // Whoever took over found the run ended and closed it: it is as good as if we had.
      guard error.kind == .stale, let closed = try? await context.ledger.run(record.id),
        closed.result?.state == result.state
      else { throw error }
    }
    ended.release = release
    return ended
  }

  /// An explicit rollback leaves a hold, also one that was stopped half-way: the next deploy would bring the
  /// cause back (promise 8).
  private func hold(after record: RunRecord, _ result: RunResult) -> Hold {
    let release = "release \(record.plan.restores.map(String.init) ?? "?")"
    let what =
      result.state == .restored ? "rolled back to \(release)" : "a rollback to \(release) stopped half-way"
    return Hold(
      reason: "\(what): \(record.plan.reason ?? "no reason was given")", by: record.by,
      at: context.surroundings.clock.now)
  }

  /// What an automatic rollback took back, or tried to, is bad (promise 8), for whatever reason it began but
  /// one: where somebody else's deployment was the cause, the commit is not to blame. A failed build or gate
  /// moved nothing and may have other causes; a first release that fails has nothing to be taken back to.
  private func marksBad(_ result: RunResult) -> Bool {
    switch result.state {
    case .rolledBack: result.exit == .failedClean || result.exit == .deadline
    case .mixed: result.exit == .failedMixed && result.rollbackFailure != nil
    // Settled on its way back.
    case .abandoned: true
    case .released, .restored, .unchanged, .inFlight: false
    }
  }

  /// Closes a run that was killed between its last entry and its closing, with its marks and holds; only the
  /// ledger is written.
  /// - Returns: its result; nil when there is no such run.
  func closeEnded() async throws(Failure) -> OperationResult? {
    guard let open = try await context.ledger.openRun() else { return nil }
    let history = try await context.ledger.journal(of: open.id)
    guard case .finished(let result)? = history.last?.fact, result.state != .inFlight else { return nil }
    let engine = Engine(plan: open.plan, run: open.facts, history: history, actUntil: await keeper.actUntil)
    return try await close(open, result, engine.results)
  }

  /// Deals with a run that an earlier process left open: continues it when it is the same plan,
  /// otherwise finds out what it left and closes it.
  /// - Returns: the result when the earlier run was continued; nil when the way is free.
  /// - Throws: `Failure` of kind unknown when what it left cannot be found out.
  func settle(unlessSame digest: String?) async throws(Failure) -> OperationResult? {
    if let ended = try await closeEnded() { return ended.plan?.digest == digest ? ended : nil }
    guard let open = try await context.ledger.openRun() else { return nil }
    let history = try await context.ledger.journal(of: open.id)
    if let digest, open.plan.digest == digest {
      return try await perform(open, history: history)
    }
    let settled = try await perform(open, history: history, mode: .settle)
    guard let result = settled.result, result.state == .inFlight else { return nil }
    // Somebody else has taken over, and settles it.
    if result.exit == .stale, let failure = result.failure { throw failure }
    throw unsettled(open, result)
  }

  /// What an interrupted run left is not known, and nothing may begin before it is.
  func unsettled(_ open: RunRecord, _ result: RunResult) -> Failure {
    if let interruption = context.interrupter.interruption {
      return Failure(
        .cancelled, "interrupted (\(interruption.rawValue)) while settling run \(open.id)",
        cause: context.interrupter.cancelWords)
    }
    let environment = open.plan.environment
    let titles = result.unattended.map { open.plan.step($0)?.title ?? $0.rawValue }
    return Failure(
      .unknown,
      "run \(open.id) was interrupted and what it left cannot be found out: \(titles.joined(separator: ", "))",
      cause: result.failure?.message,
      hint:
        "shipit why \(environment) \(open.id), then shipit settle \(environment) when the platform answers")
  }
}
