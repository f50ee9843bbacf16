import Interface
import Model
import Runner
import Terminal

/// Runs an operation with its display, its question and its signals: the same for deploy and rollback.
enum OperationCommand {
  static func run(
    _ session: Session, _ console: Console, purpose: String, asks: Bool, question: String,
    show: @escaping @Sendable (Plan) async throws(Failure) -> [String],
    perform: @escaping @Sendable (OperationContext, @Sendable (Plan) async -> Bool) async -> OperationResult
  ) async throws(Failure) -> ExitCode {
    let display = RunDisplay(console, clock: session.clock)
    let interrupter = Interrupter()
    let signals = Signals(interrupter) { if console.isInteractive { console.raw(LiveBlock.showCursor) } }
    defer { withExtendedLifetime(signals) {} }
    let context = session.context(
      purpose: purpose, interrupter: interrupter, redact: console.redactor, watch: { display.watch($0) })
    await display.start()
    console.reads(session.environment, on: session.touched)
    let agree: @Sendable (Plan) async -> Bool = { plan in
      do throws(Failure) {
        if !console.wantsJSON { console.note(try await show(plan) + [""]) }
      } catch {
        console.failure(error)
        return false
      }
      guard asks && console.canAsk else { return true }
      return await console.ask(question)
    }
    let task = Task { await perform(context, agree) }
    interrupter.onCancel { task.cancel() }
    let ended = await task.value
    await display.finish()
    if let failure = ended.failure {
      console.failure(failure, exit: ended.exit)
    } else if let plan = ended.plan, plan.isEmpty {
      if console.wantsJSON {
        let live = try await session.ledger.recentReleases().first(where: \.isGood)
        console.result(PlanReport(plan, live: live.map(ReleaseHead.init), overrides: session.overrides))
      } else {
        console.result(try await show(plan))
      }
    }
    return ended.exit
  }
}
