import Concurrency
import Model

extension Engine {
  /// Starts whatever may start now, and moves the run on when a phase has nothing left to do.
  mutating func proceed() {
    switch phase {
    case .finishing, .finished: return
    case .forward: forwardProceeds()
    case .turning(let reason, let failure): turningProceeds(reason, failure)
    case .undoing: undoingProceeds()
    case .interrupted(let interruption): interruptionProceeds(interruption)
    case .overdue(let reason, let failure): overdueProceeds(reason, failure)
    case .halting: if everythingIsQuiet { finish(haltedResult()) }
    }
  }

  var everythingIsQuiet: Bool {
    forward.all.allSatisfy(\.isQuiet) && (undo?.all.allSatisfy(\.isQuiet) ?? true)
  }

  private mutating func forwardProceeds() {
    if probeUnknown() { return }
    if mode == .settle {
      if onlyLooksAreLeft { dispatch() }
      if forward.all.allSatisfy({ $0.isQuiet && !$0.isBackingOff }) { finish(settledResult()) }
      return
    }
    // A failure that was durable before the run was killed: turn now.
    if plan.kind != .rollback, let failure = forward.firstFailure {
      turn(TurnReason(failure), failure)
      proceed()
      return
    }
    dispatch()
    if forward.isSettled { finish(forwardResult()) }
  }

  /// Whether nothing is left to do of a run that is being settled but to look: then it is found out whether what it
  /// put live is good, and the run is completed. Looks change nothing.
  private var onlyLooksAreLeft: Bool {
    forward.all.allSatisfy { state in
      state.isDone || (state.step.onlyLooks && (state.isPending || !state.isQuiet || state.isBackingOff))
    }
  }

  private mutating func undoingProceeds() {
    guard isTurnDurable else { return }
    if probeUnknown() { return }
    if mode == .settle {
      if everythingIsQuiet { finish(settledResult()) }
      return
    }
    dispatch()
    if let undo, undo.isSettled, forward.all.allSatisfy(\.isQuiet) {
      finish(undoneResult())
    }
  }

  /// Sends probes for steps whose outcome is unknown. True while any is unknown: nothing else starts
  /// before all are known (promise 2).
  private mutating func probeUnknown() -> Bool {
    guard forward.hasUnknown || undo?.hasUnknown ?? false else { return false }
    var anyUnknown = false
    for state in everyState {
      guard case .unknown(let probing) = state.status else { continue }
      anyUnknown = true
      if !probing { probe(state) }
    }
    return anyUnknown
  }

  mutating func probe(_ state: StepState) {
    update(state.step.id) { $0.status = .unknown(probing: true) }
    announce(.stepProbing(state.step.id))
    actions.append(.probe(state.step, beganAt: state.beganAt ?? now, externalID: state.externalID))
  }

  /// Begins steps whose needs are met, most urgent first, within their lanes' width.
  private mutating func dispatch() {
    skipHopeless()
    for state in ready() {
      guard begin(state) else { return }
    }
  }

  /// The steps that may begin now, most urgent first.
  private func ready() -> [StepState] {
    let graph = active
    var busy: [Lane: Int] = [:]
    for place in graph.busyPlaces {
      if let lane = graph.all[place].step.lane { busy[lane, default: 0] += 1 }
    }
    let places = graph.readyPlaces(isLenient: isLenient).sorted { graph.urgencies[$0] > graph.urgencies[$1] }
    return places.compactMap { place in
      let state = graph.all[place]
      if let lane = state.step.lane {
        guard busy[lane, default: 0] < lane.width else { return nil }
        busy[lane, default: 0] += 1
      }
      return state
    }
  }

  /// In a run that takes things back, a failure of one service does not stop the others: their steps
  /// come after it in order only.
  var isLenient: Bool {
    if case .undoing = phase { true } else { plan.kind == .rollback }
  }

  /// A proof of something that was not restored cannot succeed: it is left out.
  private mutating func skipHopeless() {
    guard isLenient else { return }
    for state in active.all {
      guard case .pending = state.status else { continue }
      let request: ProofRequest
      switch state.step.action {
      case .prove(let proof), .soak(let proof): request = proof
      default: continue
      }
      guard let id = request.deploymentStep, let restored = active[id] else { continue }
      if restored.isSettled && !restored.isDone { update(state.step.id) { $0.status = .skipped } }
    }
  }

  /// Makes the begin durable. False when the lease does not allow side effects now.
  private mutating func begin(_ state: StepState) -> Bool {
    guard now < actUntil else {
      if !waitsForLease {
        waitsForLease = true
        announce(.leaseWaits("the lease was not renewed in time; nothing new starts until it is"))
      }
      return false
    }
    let deadline = limit(of: state.step)
    let moment = now
    update(state.step.id) {
      $0.status = .beginning
      $0.attempt += 1
      $0.beganAt = $0.beganAt ?? moment
      $0.deadline = $0.deadline ?? deadline
    }
    guard let begun = self.state(state.step.id) else { return true }
    journal(
      .began(begun.step.id, attempt: begun.attempt, latestEffect: begun.deadline ?? deadline),
      then: .began(begun.step.id))
    announce(.stepBegan(begun.step, attempt: begun.attempt))
    return true
  }

  mutating func beganDurably(_ id: StepID) {
    guard let state = state(id), case .beginning = state.status else { return }
    switch phase {
    case .forward, .undoing:
      guard now < actUntil else {
        // The lease ran out while the begin was written: nothing was done, it begins again once renewed.
        end(id, .retry(Failure(.leaseHeld, "the lease ran out before \(state.step.title) began"), after: nil))
        return
      }
      perform(state)
    case .turning, .interrupted, .overdue, .halting, .finishing, .finished:
      // Nothing was done yet: say so, so that no one has to probe for it.
      end(id, .cancelled(moved: false))
    }
  }

  /// Hands the step to its performer and sets the limit behind the performer's own.
  mutating func perform(_ state: StepState) {
    let deadline = state.deadline ?? limit(of: state.step)
    update(state.step.id) { $0.status = .running }
    actions.append(
      .perform(
        state.step, attempt: state.attempt, beganAt: state.beganAt ?? now, externalID: state.externalID,
        deadline: deadline))
    actions.append(
      .wake(.limit(state.step.id, attempt: state.attempt), at: deadline + Engine.limitMargin))
  }

  /// How long after a step's limit its performer may still end by itself.
  static let limitMargin = Duration.seconds(15)
}
