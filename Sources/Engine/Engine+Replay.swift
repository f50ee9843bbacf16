import Concurrency
import Model

extension Engine {
  /// Takes one entry of an earlier process's journal in. Its time is another machine's: nothing here counts by it.
  mutating func replay(_ entry: JournalEntry) {
    let mode = mode
    switch entry.fact {
    case .began(let id, let attempt, _):
      update(id) {
        $0.attempt = attempt
        $0.beganAt = $0.beganAt ?? entry.at
        $0.status = .unknown(probing: false)
      }
    case .identified(let id, let externalID): update(id) { $0.externalID = externalID }
    case .ended(let id, let attempt, let outcome):
      update(id) {
        $0.attempt = attempt
        switch outcome {
        case .done, .failed: $0.status = .ended(outcome)
        case .cancelled(moved: false), .retry:
          // It certainly had no effect: as if it had not been begun.
          $0.status = .pending
          $0.externalID = nil
        case .unknowable where mode == .settle && ($0.isCommand || $0.isMigration):
          // Said once, with exit 8; asking a second time finds nothing new and would block for ever.
          $0.status = .ended(outcome)
          $0.isConceded = true
        case .cancelled(moved: true), .ambiguous, .unknowable, .waiting:
          $0.status = .unknown(probing: false)
        }
      }
    case .abandoned(let id, _): update(id) { $0.status = .unknown(probing: false) }
    case .turned(let reason, let failure, let steps):
      undo = StepGraph(steps)
      phase = .undoing(reason, failure)
      // What was stopped for the turn is not continued: the undo plan covers it.
      for state in forward.all {
        if case .unknown = state.status {
          update(state.step.id) { $0.status = .ended(.cancelled(moved: true)) }
        }
      }
    case .probed(let id, .unknown): update(id) { $0.mayHaveMoved = $0.step.isRepeatable }
    case .probed(let id, .absent): update(id) { $0.mayHaveMoved = false }
    case .probed, .interrupted, .cancelAsked, .lines, .resumed, .finished: break
    }
  }

  /// After the last entry: what did not stop and what the way back does not cover is looked up again.
  mutating func reopenWhatIsLeftBehind() {
    guard case .undoing = phase else { return }
    for state in forward.all where isLeftBehind(state) {
      if case .ended(.cancelled(moved: true)) = state.status {
        update(state.step.id) { $0.status = .unknown(probing: false) }
      }
    }
  }
}
