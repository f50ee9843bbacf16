import Concurrency
import Model

/// Where one step stands within a run.
struct StepState {
  enum Status {
    case pending
    /// The begin is being made durable.
    case beginning
    case running
    /// Begun, its outcome unknown; the probe is out, or is to be sent first thing.
    case unknown(probing: Bool)
    /// Waits for its next attempt.
    case backingOff
    /// Asked to stop; its answer is awaited.
    case abandoning
    /// The end is being made durable.
    case ending(Outcome)
    case ended(Outcome)
    /// Went on without us.
    case unattended(String)
    /// Will not be performed: something it needs failed.
    case skipped
  }

  /// Held by reference, for states are copied with every event and steps are large.
  private let planned: Planned
  var status: Status = .pending
  var attempt = 0
  /// Of the first attempt whose effect may have taken place: what a probe searches from.
  var beganAt: Timestamp?
  var deadline: Timestamp?
  /// When it was asked to stop.
  var stoppedAt: Timestamp?
  var externalID: String?
  /// What made the latest attempt unclear.
  var trouble: Failure?
  /// An earlier attempt may have had its effect: it was repeated although nobody could find out.
  var mayHaveMoved = false
  /// It needs no further look: nobody can find out what it did and a person was told so, or it was given up half-way.
  var isConceded = false
  /// What of it took effect before it was given up half-way.
  var part: StepResult?

  private final class Planned: Sendable {
    let step: Step
    init(_ step: Step) { self.step = step }
  }

  init(_ step: Step) { planned = Planned(step) }

  var step: Step { planned.step }

  var result: StepResult? {
    if case .ended(.done(let result)) = status { result } else { nil }
  }

  var isDone: Bool { result != nil }

  /// It runs something of the user's, which leaves nothing behind that could be asked.
  var isCommand: Bool { if case .command = step.action { true } else { false } }

  /// It changes a schema: a database that cannot be asked must not block every command after it for ever.
  var isMigration: Bool { if case .migrate = step.action { true } else { false } }

  var isPending: Bool { if case .pending = status { true } else { false } }

  var isBackingOff: Bool { if case .backingOff = status { true } else { false } }

  /// No action of ours or answer of a performer is outstanding.
  var isQuiet: Bool {
    switch status {
    case .pending, .ended, .unattended, .skipped, .backingOff: true
    case .unknown(let probing): !probing
    case .beginning, .running, .abandoning, .ending: false
    }
  }

  /// It will not change any more in this run.
  var isSettled: Bool {
    switch status {
    case .ended(.retry), .ended(.ambiguous), .ended(.waiting): false
    case .ended, .unattended, .skipped: true
    default: false
    }
  }

  /// It was begun at least once, so that something may have been touched.
  var wasBegun: Bool { beganAt != nil }

  /// Its effect, or part of it, took place or may yet.
  var moved: Bool {
    if mayHaveMoved { return true }
    return switch status {
    case .ended(.done), .unattended, .unknown: true
    case .ended(.failed(_, let moved)), .ended(.cancelled(let moved)): moved
    case .ended(.unknowable), .ended(.ambiguous): true
    default: false
    }
  }

  var failure: Failure? {
    switch status {
    case .ended(.failed(let failure, _)), .ended(.unknowable(let failure)), .ended(.ambiguous(let failure)):
      failure
    default: nil
    }
  }
}
