import Concurrency
import Engine
import Model

@testable import Simulation

/// The engine with its surroundings played by hand or by a script: performed steps end well unless
/// `outcomes` says otherwise, and `effects` remembers what took place, across processes.
struct Rehearsal {
  let plan: Plan
  var engine: Engine
  var now = Make.startedAt
  /// What a step answers, attempt by attempt; the last answer is repeated.
  var outcomes: [StepID: [Outcome]] = [:]
  /// What giving up a step finds.
  var abandonments: [StepID: Abandonment] = [:]
  /// What a probe finds; by default whether the effect took place.
  var findings: [StepID: Finding] = [:]
  /// Entries are taken and never said to be durable.
  var isLedgerSilent = false
  /// Performed and not answered by itself: the test answers.
  var held: Set<StepID> = []

  private(set) var effects: Set<StepID> = []
  private(set) var journal: [JournalEntry] = []
  private(set) var performed: [StepID] = []
  private(set) var probed: [StepID] = []
  private(set) var abandoned: [StepID] = []
  private(set) var timers: [(timer: EngineTimer, at: Timestamp)] = []
  private(set) var announced: [RunEvent.Kind] = []
  private(set) var result: RunResult?
  private var running: [StepID: Int] = [:]
  private var answers: [EngineEvent] = []
  /// The process is killed once this many entries are on disk; `true`: after the calls that follow have
  /// had their effect, whose answers are lost.
  private var killAfter: (entries: Int, late: Bool)?

  init(_ plan: Plan, actUntil: Timestamp = Make.farAway) {
    self.plan = plan
    engine = Engine(plan: plan, run: Make.facts, actUntil: actUntil)
  }

  /// The next process, with the journal and effects so far.
  mutating func resume(_ mode: EngineMode = .run, at moment: Timestamp? = nil) {
    now = moment ?? now + .seconds(60)
    engine = Engine(plan: plan, run: Make.facts, history: journal, mode: mode, actUntil: Make.farAway)
    (performed, probed, abandoned, timers, announced) = ([], [], [], [], [])
    (result, running, answers, killAfter) = (nil, [:], [], nil)
  }

  /// Starts, and plays until nothing is left that answers by itself.
  mutating func start() { send(.start) }

  /// Plays until so many entries are on disk, then the process is gone.
  mutating func start(killedAfter entries: Int, late: Bool) {
    killAfter = (entries, late)
    if entries > 0 { send(.start) }
  }

  /// Delivers one event and everything that follows from it.
  mutating func send(_ event: EngineEvent, after delay: Duration = .milliseconds(10)) {
    answers.append(event)
    while !answers.isEmpty {
      now = now + delay
      let actions = engine.handle(EngineInput(answers.removeFirst(), at: now))
      carryOut(actions)
      if let killAfter, journal.count >= killAfter.entries {
        if killAfter.late {
          // Durable, acted upon, and killed before any answer arrives.
          let more = engine.handle(EngineInput(.durable(through: killAfter.entries), at: now))
          for case .perform(let step, _, _, _, _) in more where outcome(of: step.id).isDone {
            effects.insert(step.id)
          }
        }
        answers = []
      }
    }
  }

  /// Answers for a held step.
  mutating func end(_ id: StepID, _ outcome: Outcome, after delay: Duration = .milliseconds(10)) {
    if outcome.isDone { effects.insert(id) }
    send(.ended(id, attempt: running[id] ?? 1, outcome), after: delay)
  }

  /// Lets the first timer of a kind ring.
  mutating func ring(_ matches: (EngineTimer) -> Bool) {
    guard let index = timers.firstIndex(where: { matches($0.timer) }) else { return }
    let (timer, at) = timers.remove(at: index)
    now = max(now, at)
    send(.woke(timer))
  }

  private func outcome(of id: StepID) -> Outcome {
    guard let list = outcomes[id], !list.isEmpty else { return .done(StepResult(externalID: "x-\(id)")) }
    return list[min(performed.count { $0 == id } - 1, list.count - 1).clamped]
  }

  private mutating func carryOut(_ actions: [EngineAction]) {
    for action in actions {
      switch action {
      case .journal(let entry):
        if let killAfter, journal.count >= killAfter.entries { continue }
        journal.append(entry)
        if !isLedgerSilent { answers.append(.durable(through: entry.sequence)) }
      case .perform(let step, let attempt, _, _, _):
        performed.append(step.id)
        running[step.id] = attempt
        guard !held.contains(step.id) else { continue }
        let outcome = outcome(of: step.id)
        if outcome.isDone { effects.insert(step.id) }
        answers.append(.ended(step.id, attempt: attempt, outcome))
      case .probe(let step, _, _):
        probed.append(step.id)
        let known: Finding =
          effects.contains(step.id) ? .done(StepResult(externalID: "x-\(step.id)")) : .absent
        answers.append(.probed(step.id, findings[step.id] ?? known))
      case .abandon(let step, _, _):
        abandoned.append(step.id)
        if let answer = abandonments[step.id] {
          answers.append(.abandoned(step.id, answer))
        } else if !held.contains("never") {
          answers.append(.abandoned(step.id, .cancelled))
        }
      case .wake(let timer, let at):
        timers.append((timer, at))
        if case .retry = timer { answers.append(.woke(timer)) }
      case .announce(let kind): announced.append(kind)
      case .acknowledge: break
      case .finish(let ended): result = ended
      }
    }
  }
}

extension Outcome {
  var isDone: Bool { if case .done = self { true } else { false } }
}

extension Int {
  fileprivate var clamped: Int { Swift.max(0, self) }
}
