import Concurrency
import Model

/// The limits of a run as a whole: of its way forward, and of the way back.
extension Engine {
  /// How long everything may take that comes before the first step back: stopping what runs, and looking up
  /// what is not known.
  static let turningLimit = Duration.seconds(120)

  // MARK: Forward

  /// What a deploy keeps back of its deadline: the expected time of its own rollback, at most a third.
  static func reserve(of plan: Plan) -> Duration {
    guard plan.kind != .rollback else { return .zero }
    var known: Set<StepID> = []
    let back = plan.steps.flatMap(\.undo).filter { known.insert($0.id).inserted }
    return min(back.reduce(.zero) { $0 + $1.expected }, plan.deadline / 3)
  }

  /// Sets the limits that hold from the start: a deploy's deadline, or that of an explicit rollback or of the
  /// way back of a resumed run. A resumed run has its whole time again: it would otherwise only be resumed
  /// to be cut off.
  mutating func armLimits() {
    guard mode == .run else { return }
    switch phase {
    case .undoing: armRollback()
    case .forward where plan.kind == .rollback: armRollback()
    case .forward:
      let began = isResumed ? now : run.startedAt
      actions.append(.wake(.deadline, at: began + plan.deadline - Engine.reserve(of: plan)))
    default: break
    }
  }

  mutating func deadlinePassed() {
    guard case .forward = phase, plan.kind != .rollback else { return }
    let underWay = forward.all.filter { $0.wasBegun && !$0.isSettled }.map(\.step.title)
      .joined(separator: ", ")
    let whole = plan.deadline.components.seconds
    let reserve = Engine.reserve(of: plan).components.seconds
    turn(
      .deadline,
      Failure(
        .timeout,
        reserve == 0
          ? "the run's deadline of \(whole) s passed"
          : "the run's deadline of \(whole) s is near: the last \(reserve) s are kept back for the rollback",
        cause: underWay.isEmpty ? nil : "not yet at an end: \(underWay)",
        hint:
          "raise protect.deadline, or see what was slow: shipit why; a commit that was rolled back is deployed again with --again"
      ))
  }

  // MARK: Back

  /// Bounds the time between a turn and the first step back.
  mutating func armTurning() {
    rollbackEnds = now + Engine.turningLimit
    wakeForRollback()
  }

  /// Bounds the way back, from now on, by what the steps that are left may take together.
  mutating func armRollback() {
    let shares = RollbackShares(active.all.filter { !$0.isSettled }.map(\.step))
    self.shares = shares
    rollbackEnds = now + (plan.kind == .rollback ? min(shares.total, plan.deadline) : shares.total)
    wakeForRollback()
  }

  private mutating func wakeForRollback() {
    guard let rollbackEnds else { return }
    // A performer ends by itself at its limit, within the margin, and can say more than the engine.
    actions.append(.wake(.rollback, at: rollbackEnds + Engine.limitMargin))
  }

  /// Until when a step that begins now has time: by its own limit, and on the way back until the steps after
  /// it need their share. One that hangs must not cost the others their turn.
  func limit(of step: Step) -> Timestamp {
    let own = now + step.limit
    guard let rollbackEnds, let shares, isLenient else { return own }
    let others = active.all.filter { !$0.isSettled && $0.step.id != step.id }.map(\.step)
    return min(own, max(rollbackEnds - shares.sum(of: others), now + RollbackShares.leastStep))
  }

  /// The way back lasts too long: what runs is given up, and the run ends with what is known.
  mutating func rollbackTimePassed() {
    guard let rollbackEnds, now >= rollbackEnds + Engine.limitMargin else { return }
    switch phase {
    case .turning(let reason, let failure), .undoing(let reason, let failure):
      phase = .overdue(reason, failure)
    case .forward where plan.kind == .rollback: phase = .overdue(nil, nil)
    default: return
    }
    leaveEverything()
  }

  /// Asks what runs to stop and counts as unattended what is being looked up: the run is about to end.
  mutating func leaveEverything() {
    for state in everyState {
      switch state.status {
      case .running: stop(state)
      case .backingOff: end(state.step.id, .cancelled(moved: false))
      case .unknown: update(state.step.id) { $0.status = .unattended("its outcome was being looked up") }
      default: break
      }
    }
  }

  /// The run is about to end: steps that go on are left to the next command, which settles them.
  var isLeaving: Bool {
    switch phase {
    case .interrupted, .overdue: true
    default: false
    }
  }

  mutating func overdueProceeds(_ reason: TurnReason?, _ failure: Failure?) {
    guard everythingIsQuiet else { return }
    finish(overdueResult(reason, failure))
  }
}
