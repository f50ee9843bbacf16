import Concurrency
import Engine
import Model

/// A way to break the engine on purpose, to see that the simulation notices.
package enum Mutation: String, CaseIterable, Sendable {
  /// A probe is not sent: what it asks about counts as absent.
  case probeSkipped
  /// The end of a deploy is told before it has its effect.
  case endBeforeEffect
  /// The steps of a rollback are performed in the opposite order.
  case rollbackReversed
  /// The lease counts as confirmed for ever.
  case leaseIgnored
  /// The ledger accepts what a holder that was superseded writes, and the holder does not hear of it.
  case fenceIgnored
  /// A resume has forgotten what was finished.
  case resumeForgets
  /// Nothing rings when a step's limit or that of the way back has passed.
  case limitsIgnored
  /// What is staged counts as proven dark without a look.
  case darkProofSkipped
}

/// The engine, or the engine with one defect wrapped around it.
struct SimulationMachine {
  private var engine: Engine
  private let mutation: Mutation?
  /// Undo steps by the one that stands in for them.
  private var swapped: [StepID: Step] = [:]

  init(
    plan: Plan, run: RunFacts, history: [JournalEntry], mode: EngineMode, actUntil: Timestamp,
    mutation: Mutation?
  ) {
    var history = history
    if mutation == .resumeForgets {
      for index in history.indices {
        if case .ended(let id, let attempt, .done) = history[index].fact {
          history[index].fact = .ended(id, attempt: attempt, .cancelled(moved: false))
        }
      }
    }
    engine = Engine(
      plan: plan, run: run, history: history, mode: mode,
      actUntil: mutation == .leaseIgnored ? Make.farAway : actUntil)
    self.mutation = mutation
    for case .turned(_, _, let undo) in history.map(\.fact) { swap(undo) }
  }

  /// - Returns: what the engine wants, and events that the defect makes up.
  mutating func handle(_ input: EngineInput) -> (actions: [EngineAction], injected: [EngineEvent]) {
    guard let mutation else { return (engine.handle(input), []) }
    var input = input
    input.event = changed(input.event)
    var actions: [EngineAction] = []
    var injected: [EngineEvent] = []
    for action in engine.handle(input) {
      switch (mutation, action) {
      case (.probeSkipped, .probe(let step, _, _)): injected.append(.probed(step.id, .absent))
      case (.endBeforeEffect, .perform(let step, let attempt, _, _, _)) where step.isCutOver:
        injected.append(.ended(step.id, attempt: attempt, .done(StepResult())))
        actions.append(action)
      case (.limitsIgnored, .wake(.limit, _)), (.limitsIgnored, .wake(.rollback, _)): break
      case (.darkProofSkipped, .perform(let step, let attempt, _, _, _)) where step.isDarkProof:
        injected.append(.ended(step.id, attempt: attempt, .done(StepResult(proof: .served))))
      default: actions.append(changed(action))
      }
    }
    return (actions, injected)
  }

  private mutating func swap(_ undo: [Step]) {
    guard mutation == .rollbackReversed else { return }
    for (step, other) in zip(undo, undo.reversed()) { swapped[step.id] = other }
  }

  private mutating func changed(_ action: EngineAction) -> EngineAction {
    guard mutation == .rollbackReversed else { return action }
    switch action {
    case .journal(var entry):
      switch entry.fact {
      case .turned(_, _, let undo): swap(undo)
      case .began(let id, let attempt, let latest):
        if let other = swapped[id] { entry.fact = .began(other.id, attempt: attempt, latestEffect: latest) }
      case .identified(let id, let external):
        if let other = swapped[id] { entry.fact = .identified(other.id, externalID: external) }
      case .ended(let id, let attempt, let outcome):
        if let other = swapped[id] { entry.fact = .ended(other.id, attempt: attempt, outcome) }
      default: break
      }
      return .journal(entry)
    case .acknowledge(let id): return .acknowledge(swapped[id]?.id ?? id)
    case .perform(let step, let attempt, let beganAt, let externalID, let deadline):
      return .perform(
        swapped[step.id] ?? step, attempt: attempt, beganAt: beganAt, externalID: externalID,
        deadline: deadline)
    case .probe(let step, let beganAt, let externalID):
      return .probe(swapped[step.id] ?? step, beganAt: beganAt, externalID: externalID)
    case .abandon(let step, let beganAt, let externalID):
      return .abandon(swapped[step.id] ?? step, beganAt: beganAt, externalID: externalID)
    default: return action
    }
  }

  private func changed(_ event: EngineEvent) -> EngineEvent {
    switch event {
    case .leaseConfirmed where mutation == .leaseIgnored: return .leaseConfirmed(actUntil: Make.farAway)
    case .identified(let id, let external): return .identified(swapped[id]?.id ?? id, externalID: external)
    case .ended(let id, let attempt, let outcome):
      return .ended(swapped[id]?.id ?? id, attempt: attempt, outcome)
    case .probed(let id, let finding): return .probed(swapped[id]?.id ?? id, finding)
    case .abandoned(let id, let abandonment): return .abandoned(swapped[id]?.id ?? id, abandonment)
    default: return event
    }
  }
}

extension Step {
  fileprivate var isDarkProof: Bool { if case .prove(let request) = action { request.isDark } else { false } }
}
