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

  var step: Step
  var status: Status = .pending
  var attempt = 0
  /// Of the first attempt whose effect may have taken place: what a probe searches from.
  var beganAt: Timestamp?
  var deadline: Timestamp?
  /// When it was asked to stop.
  var stoppedAt: Timestamp?
  var externalID: String?
  /// How often a probe found nothing and the step was performed again.
  var absences = 0

  init(_ step: Step) { self.step = step }

  var result: StepResult? {
    if case .ended(.done(let result)) = status { result } else { nil }
  }

  var isDone: Bool { result != nil }

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
    switch status {
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

/// The steps of one phase: the plan's own, or those that take things back.
struct StepGraph {
  private(set) var order: [StepID] = []
  var states: [StepID: StepState] = [:]
  /// The longest expected way from a step to the end: critical path first.
  private(set) var urgency: [StepID: Double] = [:]

  init(_ steps: [Step]) {
    for step in steps where states[step.id] == nil {
      order.append(step.id)
      states[step.id] = StepState(step)
    }
    for id in order.reversed() {
      guard let step = states[id]?.step else { continue }
      let own = urgency[id, default: 0] + max(step.expected.inSeconds, 0.001)
      urgency[id] = own
      for need in step.needs { urgency[need] = max(urgency[need, default: 0], own) }
    }
  }

  /// Steps in the plan's order.
  var all: [StepState] { order.compactMap { states[$0] } }

  subscript(id: StepID) -> StepState? {
    get { states[id] }
    set { states[id] = newValue }
  }
}
