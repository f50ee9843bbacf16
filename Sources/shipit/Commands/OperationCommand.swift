import Interface
import Model
import Runner
import Terminal

/// How a person is asked about a plan.
struct Agreement: Sendable {
  var agree: @Sendable (Plan) async -> Bool
  /// Agreeing is also the approval of the named person; nil: nobody can be asked.
  var approve: (@Sendable (Plan, String) async -> Bool)?
}

/// Runs an operation with its display, its question and its signals: the same for deploy and rollback.
enum OperationCommand {
  static func run(
    _ session: Session, _ console: Console, purpose: String, asks: Bool, question: String,
    expecting word: String? = nil, policy: PolicySources = PolicySources(), rollouts: RunRollouts? = nil,
    show: @escaping @Sendable (Plan) async throws(Failure) -> [String],
    perform: @escaping @Sendable (OperationContext, Agreement) async -> OperationResult
  ) async throws(Failure) -> ExitCode {
    let display = RunDisplay(console, clock: session.clock)
    let interrupter = Interrupter()
    let signals = Signals(interrupter) { if console.isInteractive { console.raw(LiveBlock.showCursor) } }
    defer { withExtendedLifetime(signals) {} }
    let notifying = try await session.notifying(redact: console.redactor)
    let actions = ActionsRun(
      console, environment: session.environment.name, http: session.http, clock: session.clock)
    let context = session.context(
      purpose: purpose, interrupter: interrupter, redact: console.redactor, policy: policy,
      rollouts: rollouts?.hooks ?? RolloutHooks(),
      watch: { event in
        display.watch(event)
        notifying.watch(event)
        actions?.watch(event)
      })
    await display.start()
    console.reads(session.environment, on: session.touched)
    let present: @Sendable (Plan) async -> Bool = { plan in
      do throws(Failure) {
        if !console.wantsJSON || actions != nil {
          let lines = try await show(plan)
          actions?.show(lines)
          if !console.wantsJSON { console.note(lines + [""]) }
        }
        return true
      } catch {
        console.failure(error)
        return false
      }
    }
    let mayAsk = asks && console.canAsk
    let agree: @Sendable (Plan) async -> Bool = { plan in
      guard await present(plan) else { return false }
      guard mayAsk else { return true }
      if let word { return await console.ask(question, expecting: word) }
      return await console.ask(question)
    }
    let approve: @Sendable (Plan, String) async -> Bool = { plan, name in
      guard await present(plan) else { return false }
      return await console.ask("Approve this as \(name), and deploy it?")
    }
    let agreement = Agreement(agree: agree, approve: mayAsk ? approve : nil)
    let task = Task { await perform(context, agreement) }
    interrupter.onCancel { task.cancel() }
    let ended = await task.value
    await display.finish()
    if let failure = ended.failure {
      // Whoever has to act reads what it is about.
      let isAwaited = ended.exit == .waiting && ended.run == nil
      if isAwaited, let plan = ended.plan { _ = await present(plan) }
      console.failure(failure, exit: ended.exit, plan: isAwaited ? actions?.shown ?? [] : [])
    } else if let plan = ended.plan, plan.isEmpty {
      let live = try await session.ledger.recentReleases().first(where: \.isGood).map(ReleaseHead.init)
      if console.wantsJSON {
        console.result(PlanReport(plan, live: live, overrides: session.overrides))
      } else {
        console.result(try await show(plan))
      }
      actions?.endWithNothingToDo(live: live)
    } else {
      await actions?.end()
    }
    let exit = await rollouts?.end(after: ended.exit) ?? ended.exit
    if let line = await notifying.finish(ended, session.ledger) { console.warning(line) }
    return exit
  }
}

extension Session {
  /// A plan as people see it before they agree.
  /// - Parameter protect: what the rules of `protect` say of it.
  func shown(
    _ plan: Plan, _ console: Console, protect: [PolicyNote] = []
  ) async throws(Failure) -> [String] {
    let live = try await ledger.recentReleases().first(where: \.isGood)
    let next = (try await ledger.runs(limit: 1).first?.release ?? 0) + 1
    return PlanReport(
      plan, live: live.map(ReleaseHead.init), next: next, overrides: overrides, protect: protect
    )
    .text(console.noteCanvas)
  }
}
