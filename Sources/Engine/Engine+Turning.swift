import Concurrency
import Model

extension Engine {
  /// How long platforms have to give up what is not live.
  static let abandonmentLimit = Duration.seconds(3)

  /// Turns back: stops what runs; the undo plan follows once everything is quiet.
  mutating func turn(_ reason: TurnReason, _ failure: Failure?) {
    phase = .turning(reason, failure)
    armTurning()
    stopEverything()
  }

  /// Asks every running step to stop and takes waiting ones out.
  mutating func stopEverything() {
    for state in active.all {
      switch state.status {
      case .running: stop(state)
      case .backingOff:
        end(state.step.id, .cancelled(moved: false))
      default: break
      }
    }
  }

  /// Asks for one step to be given up, and bounds how long that may take.
  mutating func stop(_ state: StepState) {
    let moment = now
    update(state.step.id) {
      $0.status = .abandoning
      $0.stoppedAt = moment
    }
    actions.append(.abandon(state.step, beganAt: state.beganAt ?? now, externalID: state.externalID))
    actions.append(.wake(.abandonment, at: now + Engine.abandonmentLimit))
  }

  mutating func abandoned(_ id: StepID, _ abandonment: Abandonment) {
    guard let state = state(id), case .abandoning = state.status else { return }
    // The other two are told by the end that follows.
    if case .inFlight = abandonment { announce(.stepAbandoned(id, abandonment)) }
    let reason = waitingReason.removeValue(forKey: id)
    switch abandonment {
    case .tookEffect(let result): end(id, .done(result))
    case .tookEffectInPart(let result):
      // Never as done: whoever continues the run has to do the rest before anything that needs it.
      journal(.abandoned(id, abandonment))
      announce(.stepAbandoned(id, abandonment))
      end(id, .cancelled(moved: true))
      update(id) {
        $0.part = result
        $0.isConceded = true
      }
    case .cancelled:
      if let failure = reason.flatMap({ self.failure(of: $0, state.step) }) {
        end(id, .failed(failure, moved: false))
      } else {
        end(id, .cancelled(moved: false))
      }
    case .inFlight(let words):
      journal(.abandoned(id, abandonment))
      if isLeaving {
        update(id) { $0.status = .unattended(words) }
      } else if var failure = reason.flatMap({ self.failure(of: $0, state.step) }) {
        if isLenient && !state.step.isRepeatable {
          // Nothing takes this back: whether it goes live yet is for the next command to find out.
          failure.kind = .unknown
          end(id, .unknowable(failure))
        } else {
          end(id, .failed(failure, moved: true))
        }
      } else {
        // It may still go live: taking it back covers both cases.
        end(id, .cancelled(moved: true))
      }
    }
  }

  /// The failure that a step which was stopped for a reason of its own ends with.
  private func failure(of reason: Outcome, _ step: Step) -> Failure? {
    switch reason {
    case .failed(let failure, _): failure
    case .waiting(let words):
      Failure(
        .waiting, "\(step.title) waits for a person", place: step.id.rawValue, cause: words,
        hint: "ask who may act there, then shipit deploy \(plan.environment)")
    default: nil
    }
  }

  mutating func turningProceeds(_ reason: TurnReason, _ failure: Failure?) {
    guard forward.all.allSatisfy(\.isQuiet) else { return }
    for state in forward.all {
      guard case .unknown(false) = state.status else { continue }
      probe(state)
      return
    }
    let steps = undoSteps(superseded: reason == .superseded)
    undo = StepGraph(steps)
    phase = .undoing(reason, failure)
    armRollback()
    isTurnDurable = false
    journal(.turned(reason: reason, failure, undo: steps), then: .turned)
    announce(.turned(reason, failure, undo: steps))
  }

  mutating func turnedDurably() {
    isTurnDurable = true
  }

  /// The steps that take back what moved, last moved first, one after the other; and for what was
  /// begun and did not move, those that prove that the previous state still holds.
  func undoSteps(superseded: Bool) -> [Step] {
    var steps: [Step] = []
    var known: Set<StepID> = []
    let foreign = superseded ? foreignServices : []
    let stranded = strandedServices
    for state in forward.all.reversed() where state.wasBegun {
      // The old code would not survive the new schema: a person decides.
      if let service = state.step.service, stranded.contains(service) { continue }
      // What serves there now is somebody else's: it is neither replaced nor proven.
      if state.step.isCutOver, let service = state.step.service, foreign.contains(service) { continue }
      for var step in state.moved ? state.step.undo : state.step.affirm where known.insert(step.id).inserted {
        step.needs = steps.last.map { [$0.id] } ?? []
        steps.append(step)
      }
    }
    return steps
  }

  /// Services that somebody else deployed while this run was at them.
  var foreignServices: Set<ServiceName> {
    Set(forward.all.filter { $0.failure?.kind == .stale }.compactMap(\.step.service))
  }

  mutating func interrupt(_ interruption: Interruption) {
    if case .finished = phase { return }
    guard interrupted == nil else { return }
    interrupted = interruption
    actions.append(.wake(.interruption, at: now + Engine.interruptionLimit))
    switch phase {
    // It ends by itself, as soon as that is written down.
    case .overdue, .finishing: return
    default: break
    }
    phase = .interrupted(interruption)
    journal(.interrupted(interruption))
    announce(.interrupted(interruption))
    leaveEverything()
  }

  /// What is asked from elsewhere is heeded like a first signal, except on the way back of a deploy: nobody kills
  /// the process a moment later, and the way back is what makes one release live again in whole.
  mutating func cancelAsked(_ request: CancelRequest) {
    let isHeeded: Bool
    switch phase {
    case .interrupted, .overdue, .finishing, .finished: return
    case .turning, .undoing: isHeeded = mode == .settle
    case .forward, .halting: isHeeded = true
    }
    journal(.cancelAsked(request))
    announce(.cancelAsked(request, isHeeded: isHeeded))
    guard isHeeded else { return }
    cancelRequest = request
    interrupt(.request)
  }

  /// How long an interrupted run may take to write down what it leaves (promise 7). What it stops is answered for
  /// within `abandonmentLimit`; the rest is for a ledger that answers slowly or not at all.
  static let interruptionLimit = abandonmentLimit + .milliseconds(800)

  /// The ledger does not answer: what is not written down is found out by the next command, as after a kill.
  mutating func interruptionTimePassed() {
    guard let interrupted else { return }
    if case .finished = phase { return }
    let open = everyState.filter { !$0.isQuiet }
    var result = interruptedResult(interrupted)
    result.state = .inFlight
    result.unattended += open.map(\.step.id).filter { !result.unattended.contains($0) }
    // Without a confirmed lease somebody else may have gone on, as after a laptop's sleep.
    if now >= actUntil || open.contains(where: \.step.isCutOver) { result.exit = .failedMixed }
    result.failure = Failure(
      .unknown, "the ledger did not take in time what this run leaves",
      hint: "shipit status \(plan.environment); the next command settles what is open")
    phase = .finished
    announce(.finished(result))
    actions.append(.finish(result))
  }

  mutating func interruptionProceeds(_ interruption: Interruption) {
    guard everythingIsQuiet else { return }
    finish(interruptedResult(interruption))
  }

  /// Stops acting at once: another holder may be at work, so nothing is cancelled, undone or written.
  mutating func leaseLost(_ failure: Failure) {
    if case .finished = phase { return }
    let unattended = everyState.filter { !$0.isQuiet || isUnknown($0) }.map(\.step.id)
    let begun = everyState.contains(where: \.wasBegun)
    let exit: ExitCode = failure.kind == .stale ? .stale : begun ? .failedMixed : failure.exitCode
    let result = RunResult(state: .inFlight, exit: exit, failure: failure, unattended: unattended)
    phase = .finished
    announce(.finished(result))
    actions.append(.finish(result))
  }

  private func isUnknown(_ state: StepState) -> Bool {
    if case .unknown = state.status { true } else { false }
  }
}
