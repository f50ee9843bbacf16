import Concurrency
import Model

extension Engine {
  /// Attempts at one step before passing trouble counts as a failure.
  static let attemptLimit = 6
  /// Attempts at a step that is not repeatable whose answers were unclear and of which a probe found nothing.
  static let unclearLimit = 3

  mutating func identified(_ id: StepID, _ externalID: String) {
    guard let state = state(id) else { return }
    guard state.externalID != externalID else {
      actions.append(.acknowledge(id))
      return
    }
    update(id) { $0.externalID = externalID }
    journal(.identified(id, externalID: externalID), then: .identified(id))
  }

  mutating func ended(_ id: StepID, _ attempt: Int, _ outcome: Outcome) {
    guard let state = state(id), state.attempt == attempt else { return }
    switch state.status {
    case .running: break
    case .abandoning:
      // The performer was asked to stop and its abandonment says what became of it, unless it ended first.
      guard case .done(let result) = outcome else { return }
      abandoned(id, .tookEffect(result))
      return
    default: return
    }
    switch outcome {
    case .done, .failed, .cancelled: end(id, outcome)
    case .retry(let failure, let after): retry(state, failure, after: after)
    case .ambiguous(let failure):
      update(id) { $0.trouble = failure }
      if isLeaving { end(id, .ambiguous(failure)) } else { probe(state) }
    case .unknowable(let failure):
      if state.step.isRepeatable && state.attempt < Engine.attemptLimit {
        update(id) { $0.mayHaveMoved = true }
        retry(state, failure, after: nil)
      } else {
        giveUp(state, failure)
      }
    case .waiting:
      waitingReason[id] = outcome
      stop(state)
    }
  }

  /// Makes an end durable.
  mutating func end(_ id: StepID, _ outcome: Outcome) {
    guard let state = state(id) else { return }
    update(id) { $0.status = .ending(outcome) }
    journal(.ended(id, attempt: state.attempt, outcome), then: .ended(id))
  }

  mutating func endedDurably(_ id: StepID) {
    guard let state = state(id), case .ending(let outcome) = state.status else { return }
    update(id) { $0.status = .ended(outcome) }
    announce(.stepEnded(id, outcome))
    switch outcome {
    case .done: break
    case .retry:
      update(id) { $0.status = .pending }
    case .cancelled:
      // Stopped because something else failed or somebody interrupted; alone it would be a failure.
      if case .forward = phase { failed(Failure(.cancelled, "\(state.step.title) was stopped"), state) }
    case .failed(let failure, _): failed(failure, state)
    case .unknowable, .ambiguous:
      // An explicit rollback goes on with the other services.
      if case .forward = phase, mode == .settle || plan.kind != .rollback {
        phase = .halting
        stopEverything()
      }
    case .waiting: break
    }
  }

  private mutating func failed(_ failure: Failure, _ state: StepState) {
    // Settling only finds out; what is taken back is for the next plan to say.
    guard mode == .run, case .forward = phase, plan.kind != .rollback else { return }
    turn(TurnReason(failure), failure)
  }

  private mutating func retry(_ state: StepState, _ failure: Failure, after: Duration?) {
    let id = state.step.id
    let delay = max(backoff(attempt: state.attempt), after ?? .zero)
    let outOfTime = state.deadline.map { now + delay >= $0 } ?? false
    guard state.attempt < Engine.attemptLimit, !outOfTime else {
      var last = failure
      last.message += " (\(state.attempt) attempts)"
      end(id, .failed(last, moved: false))
      return
    }
    switch phase {
    case .forward, .undoing: break
    default:
      end(id, .cancelled(moved: false))
      return
    }
    update(id) { $0.status = .backingOff }
    announce(.stepRetries(id, failure, after: delay))
    actions.append(.wake(.retry(id, attempt: state.attempt), at: now + delay))
  }

  /// Half a second doubling to ten, each between half and the whole of it.
  private func backoff(attempt: Int) -> Duration {
    let full = min(500 << min(attempt - 1, 10), 10_000)
    let half = full / 2
    return .milliseconds(half + Int(entropy % UInt64(half + 1)))
  }

  mutating func woke(_ timer: EngineTimer) {
    switch timer {
    case .retry(let id, let attempt):
      guard let state = state(id), case .backingOff = state.status, state.attempt == attempt else { return }
      update(id) { $0.status = .pending }
    case .limit(let id, let attempt):
      // An attempt that a probe found under way goes on with a new limit; the timer of the old one is void.
      guard let state = state(id), case .running = state.status, state.attempt == attempt,
        now >= (state.deadline ?? now) + Engine.limitMargin
      else { return }
      let failure = Failure(
        .timeout, "\(state.step.title) did not end within \(timeGiven(state).components.seconds) s",
        place: id.rawValue,
        hint: "shipit status \(plan.environment), for what is live; then shipit why \(plan.environment)")
      waitingReason[id] = .failed(failure, moved: false)
      stop(state)
    case .deadline: deadlinePassed()
    case .rollback: rollbackTimePassed()
    case .interruption: interruptionTimePassed()
    case .abandonment:
      for state in everyState {
        guard case .abandoning = state.status, let since = state.stoppedAt,
          now >= since + Engine.abandonmentLimit
        else { continue }
        abandoned(state.step.id, .inFlight("no answer within the time given"))
      }
    }
  }

  /// A probe found nothing out: what may be repeated is, as often as after an unclear answer.
  private mutating func unknown(_ state: StepState, _ failure: Failure) {
    if mayContinue, state.step.isRepeatable, state.attempt < Engine.attemptLimit {
      update(state.step.id) {
        $0.deadline = nil
        $0.status = .pending
        $0.mayHaveMoved = true
      }
    } else {
      giveUp(state, failure)
    }
  }

  /// Ends a step whose outcome cannot be found out. On the way back the others go on, and a write that is done
  /// later than the restore that needs it would change what nobody runs: so it has failed for good.
  private mutating func giveUp(_ state: StepState, _ failure: Failure) {
    let isFinal = mayContinue && isLenient && state.step.isRepeatable
    end(state.step.id, isFinal ? .failed(failure, moved: true) : .unknowable(failure))
  }

  /// What a step had, from its begin to its limit.
  private func timeGiven(_ state: StepState) -> Duration {
    guard let deadline = state.deadline, let beganAt = state.beganAt else { return state.step.limit }
    return deadline - beganAt
  }

  mutating func probed(_ id: StepID, _ finding: Finding) {
    guard let state = state(id), case .unknown = state.status else { return }
    announce(.stepProbed(id, finding))
    journal(.probed(id, finding))
    switch finding {
    case .done(let result): end(id, .done(result))
    case .failed(let failure, let moved): end(id, .failed(failure, moved: moved))
    case .unknown(let failure): unknown(state, failure)
    case .absent:
      update(id) {
        $0.deadline = nil
        $0.mayHaveMoved = false
        // The object is gone: to wait for it would be to wait for nothing.
        $0.externalID = nil
        $0.status = .pending
      }
      if undo != nil, undo?[id] == nil {
        end(id, .cancelled(moved: false))
      } else if !mayContinue {
        // A look that is repeated changes nothing: it may still complete the run that is being settled.
        if mode != .settle || !state.step.onlyLooks { end(id, .cancelled(moved: false)) }
      } else if state.attempt >= (state.step.isRepeatable ? Engine.attemptLimit : Engine.unclearLimit) {
        var failure = state.trouble ?? Failure(.failed, state.step.title, place: id.rawValue)
        failure.kind = .failed
        failure.message += " (asked for \(state.attempt) times, and each time nothing came of it)"
        end(id, .failed(failure, moved: false))
      }
    case .underWay(let externalID):
      let deadline = limit(of: state.step)
      update(id) {
        $0.externalID = externalID
        $0.deadline = deadline
      }
      journal(.identified(id, externalID: externalID))
      guard let known = self.state(id) else { return }
      // On the way back a step of the way forward is not gone on with.
      if mayContinue, undo == nil || undo?[id] != nil {
        perform(known)
      } else {
        stop(known)
      }
    }
  }

  /// New effects are wanted: the run goes forward or back and is not merely being settled or stopped.
  private var mayContinue: Bool {
    guard mode == .run else { return false }
    switch phase {
    case .forward, .undoing: return true
    default: return false
    }
  }
}

extension TurnReason {
  /// Why a run turns when a step fails: somebody else's deployment is a reason of its own.
  init(_ failure: Failure) { self = failure.kind == .stale ? .superseded : .failure }
}
