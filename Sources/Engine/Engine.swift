package import Concurrency
package import Model

/// Decides what a run does next. Pure: an event goes in, actions come out; it knows no clock, no
/// randomness, no adapter, and contains no `async` (DESIGN §6).
///
/// Order of durability: a step's *begin* is durable before it is performed, its external id before
/// the performer goes on, its *end* before anything that needs it begins.
package struct Engine: Sendable {
  /// Where the run as a whole stands.
  enum Phase {
    case forward
    /// Turning back: what runs is being stopped, then the undo plan is made.
    case turning(TurnReason, Failure?)
    case undoing(TurnReason, Failure?)
    case interrupted(Interruption)
    /// The way back took too long; the reason and cause of a deploy that turned, nil for an explicit rollback.
    case overdue(TurnReason?, Failure?)
    /// Stopped where it stands, because something cannot be found out.
    case halting
    case finishing(RunResult)
    case finished
  }

  let plan: Plan
  let run: RunFacts
  let mode: EngineMode
  var phase: Phase = .forward
  var forward: StepGraph
  var undo: StepGraph?
  var sequence: Int
  /// What to do when an entry is durable.
  var awaiting: [Int: Durable] = [:]
  var actUntil: Timestamp
  var waitsForLease = false
  /// Who interrupted the run, once somebody did.
  var interrupted: Interruption?
  /// The undo plan is on disk; nothing is taken back before.
  var isTurnDurable = true
  /// When the way back has to have ended, or its beginning to have come; nil on the way forward.
  var rollbackEnds: Timestamp?
  /// How the time of the way back is shared among its steps.
  var shares: RollbackShares?
  /// Why a step was asked to stop, when it was not because of the run as a whole.
  var waitingReason: [StepID: Outcome] = [:]
  /// Who asked from elsewhere to stop, and was heeded.
  var cancelRequest: CancelRequest?
  var now: Timestamp
  var entropy: UInt64 = 0
  var actions: [EngineAction] = []
  let isResumed: Bool
  /// News of the lease may come before the start: nothing begins by it.
  var isStarted = false

  enum Durable {
    case began(StepID)
    case identified(StepID)
    case ended(StepID)
    case turned
    case finished
    case nothing
  }

  /// - Parameters:
  ///   - history: the journal of the run so far; empty for a new one.
  ///   - actUntil: until when the lease allows side effects to begin.
  package init(
    plan: Plan, run: RunFacts, history: [JournalEntry] = [], mode: EngineMode = .run, actUntil: Timestamp
  ) {
    self.plan = plan
    self.run = run
    self.mode = mode
    self.actUntil = actUntil
    // The clock of the process that began may be ahead of ours: lease and limits count by our own.
    now = history.isEmpty ? run.startedAt : Timestamp(milliseconds: 0)
    forward = StepGraph(plan.steps)
    sequence = history.last?.sequence ?? 0
    isResumed = !history.isEmpty
    for entry in history { replay(entry) }
    reopenWhatIsLeftBehind()
  }

  /// Takes one event in and returns what is to be done, in order.
  package mutating func handle(_ input: EngineInput) -> [EngineAction] {
    now = max(now, input.at)
    entropy = input.entropy
    actions = []
    if case .finished = phase { return [] }
    if case .start = input.event { isStarted = true }
    switch input.event {
    case .start: start()
    case .durable(let through): becameDurable(through)
    case .identified(let id, let externalID): identified(id, externalID)
    case .ended(let id, let attempt, let outcome): ended(id, attempt, outcome)
    case .probed(let id, let finding): probed(id, finding)
    case .abandoned(let id, let abandonment): abandoned(id, abandonment)
    case .woke(let timer): woke(timer)
    case .interrupted(let interruption): interrupt(interruption)
    case .cancelAsked(let request): cancelAsked(request)
    case .leaseConfirmed(let until):
      actUntil = max(actUntil, until)
      waitsForLease = false
    case .leaseLost(let failure): leaseLost(failure)
    }
    if isStarted { proceed() }
    return actions
  }

  /// A fact for the journal that decides nothing: stored log lines, a change of hands.
  package mutating func note(_ fact: JournalEntry.Fact, at moment: Timestamp) -> [EngineAction] {
    if case .finished = phase { return [] }
    now = max(now, moment)
    actions = []
    journal(fact)
    return actions
  }

  /// What finished steps left, by id: of the plan and of the undo plan.
  package var results: [StepID: StepResult] {
    var results: [StepID: StepResult] = [:]
    for state in everyState {
      if let result = state.result ?? state.part { results[state.step.id] = result }
    }
    return results
  }

  /// Everything that the run made or restored for a service, by the platform's ids, whatever became of it.
  package func made(for service: ServiceName) -> Set<String> {
    let states = everyState.filter { $0.step.service == service && $0.step.action.isDeployment }
    return Set(states.flatMap { [$0.externalID, $0.result?.externalID].compactMap(\.self) })
  }

  // MARK: Small mutations shared by the aspects

  mutating func journal(_ fact: JournalEntry.Fact, then: Durable = .nothing) {
    sequence += 1
    awaiting[sequence] = then
    actions.append(.journal(JournalEntry(sequence: sequence, at: now, fact: fact)))
  }

  mutating func announce(_ kind: RunEvent.Kind) { actions.append(.announce(kind)) }

  func state(_ id: StepID) -> StepState? { undo?[id] ?? forward[id] }

  mutating func update(_ id: StepID, _ change: (inout StepState) -> Void) {
    if undo?.update(id, change) ?? false { return }
    _ = forward.update(id, change)
  }

  /// The steps of the plan and of its undo.
  var everyState: [StepState] { undo.map { forward.all + $0.all } ?? forward.all }

  /// The graph that the present phase works on.
  var active: StepGraph {
    if case .undoing = phase, let undo { undo } else { forward }
  }

  private mutating func start() {
    if isResumed {
      announce(.resumed(run, plan: plan, finished: forward.all.filter(\.isDone).map(\.step.id)))
    } else {
      announce(.started(run, plan: plan))
    }
    armLimits()
  }

  private mutating func becameDurable(_ through: Int) {
    for sequence in awaiting.keys.sorted() where sequence <= through {
      guard let durable = awaiting.removeValue(forKey: sequence) else { continue }
      switch durable {
      case .began(let id): beganDurably(id)
      case .identified(let id): actions.append(.acknowledge(id))
      case .ended(let id): endedDurably(id)
      case .turned: turnedDurably()
      case .finished: finishedDurably()
      case .nothing: break
      }
    }
  }

  private mutating func finishedDurably() {
    guard case .finishing(let result) = phase else { return }
    phase = .finished
    announce(.finished(result))
    actions.append(.finish(result))
  }
}

extension StepAction {
  fileprivate var isDeployment: Bool {
    switch self {
    case .deploy, .promote, .restore: true
    default: false
    }
  }
}
