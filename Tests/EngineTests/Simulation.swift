import Concurrency
import Engine
import Model

/// One seed, played from the first command to a state that stays: a queue of virtual time, a world that
/// outlives every process, and processes that are killed, interrupted and started again.
///
/// Single-threaded; everything that happens is drawn from the seed.
final class Simulation {
  enum Happening {
    case event(EngineEvent)
    /// What was written to the journal so far reaches the disk.
    case flush
    /// A performer's call goes on.
    case call(Int)
    case probeAnswers(Step)
    case abandonAnswers(Step)
    /// In the world: a deployment goes live or fails, whoever is still there to see it.
    case settles(String, fails: Bool)
    /// In the world: a promotion comes to its end.
    case promotes(String, fails: Bool)
    case heartbeat
  }

  private struct Queued {
    var at: Timestamp
    var order: Int
    var session: Int
    var happening: Happening
  }

  enum SessionEnd {
    case killed
    case finished(RunResult)
  }

  let seed: UInt64
  let mutation: Mutation?
  let scenario: SimulationScenario
  var random: SeededRandom
  var world: SimulationWorld
  var now = Make.startedAt
  var judge: SimulationJudge
  var machine: SimulationMachine
  var calls: [StepID: SimulationCall] = [:]
  /// Neither faults nor kills any more: the run has to come to its end.
  var isCalm = false
  /// The lease as it truly is; a broken engine may believe another.
  var actUntil = Make.startedAt
  var finished: RunResult?
  private var queue: [Queued] = []
  private var order = 0
  private var session = 0
  /// Written, not yet on disk.
  private var unwritten: [JournalEntry] = []
  private var durable: [JournalEntry] = []
  private var isFlushing = false
  private var interruptedAt: Timestamp?
  let trace = Trace()

  /// What happened, for a person who looks at one seed.
  final class Trace {
    var isOn = false
    var lines: [String] = []
  }

  init(seed: UInt64, mutation: Mutation? = nil) {
    self.seed = seed
    self.mutation = mutation
    scenario = SimulationScenario(seed: seed)
    random = SeededRandom(seed: seed ^ 0xABCD)
    world = scenario.world
    judge = SimulationJudge(scenario: scenario)
    machine = SimulationMachine(
      plan: scenario.plan, history: [], mode: .run, actUntil: now, mutation: mutation)
  }

  /// Plays the seed; throws the first broken promise.
  func play() throws(Violation) {
    var last: RunResult?
    for number in 0..<14 {
      isCalm = number >= 6
      let mode: EngineMode = number > 0 && random.chance(150) ? .settle : .run
      switch try playSession(mode) {
      case .killed: last = nil
      case .finished(let result):
        last = result
        guard result.state == .inFlight else { return }
      }
      now = now + .milliseconds(random.number(100...60_000))
    }
    guard scenario.hasUnknowableStep, let last, last.exit == .failedMixed else {
      throw Violation("the run never came to an end without faults: \(String(describing: last))")
    }
  }

  private func playSession(_ mode: EngineMode) throws(Violation) -> SessionEnd {
    session += 1
    calls = [:]
    finished = nil
    interruptedAt = nil
    isFlushing = false
    unwritten = []
    actUntil = now + .seconds(10)
    judge.begin(history: durable)
    note("session \(session) mode \(mode), \(durable.count) entries")
    machine = SimulationMachine(
      plan: scenario.plan, history: durable, mode: mode, actUntil: actUntil, mutation: mutation)
    later(.seconds(5), .heartbeat)
    let ends = now + scenario.longest
    try deliver(.start)
    var events = 0
    while finished == nil {
      guard let next = takeNext() else {
        throw Violation("nothing is left to happen and the run has not ended")
      }
      now = max(now, next.at)
      if case .settles(let id, let fails) = next.happening {
        note("world: \(id) \(fails ? "fails" : "goes live")")
        world.settle(id, fails: fails)
        continue
      }
      if case .promotes(let id, let fails) = next.happening {
        note("world: the promotion of \(id) \(fails ? "fails" : "took place")")
        world.promote(id, fails: fails)
        continue
      }
      guard next.session == session else { continue }
      guard now <= ends else {
        throw Violation("a run outlived its deadline and the limit of its way back")
      }
      events += 1
      guard events < 20_000 else { throw Violation("a session without end") }
      try happen(next.happening)
      if finished != nil { break }
      if !isCalm && random.chance(scenario.kills) {
        kill()
        return .killed
      }
      if !isCalm, interruptedAt == nil, random.chance(scenario.interruptions) {
        interruptedAt = now
        try deliver(.interrupted(random.chance(500) ? .interrupt : .terminate))
      }
      if let interruptedAt, finished == nil, now > interruptedAt + .milliseconds(4_000) {
        throw Violation("an interrupted run went on for more than 4 s")
      }
    }
    guard let finished else { return .killed }
    if finished.failure?.kind != .stale
      || durable.last.map({ entry in
        if case .finished = entry.fact { true } else { false }
      }) == true
    {
      try judge.judge(finished, world)
    }
    // The process is gone: calls that were under way stop here.
    kill()
    return .finished(finished)
  }

  /// The earliest of what is to happen; of equals the first that was asked for.
  private func takeNext() -> Queued? {
    guard !queue.isEmpty else { return nil }
    var earliest = 0
    for index in queue.indices.dropFirst() {
      if (queue[index].at, queue[index].order) < (queue[earliest].at, queue[earliest].order) {
        earliest = index
      }
    }
    return queue.remove(at: earliest)
  }

  /// The process ends: requests that were on their way may still arrive, part of what was not on disk may be.
  private func kill() {
    note("the process ends")
    for call in calls.values.sorted(by: { $0.number < $1.number }) where call.stage == .triggering {
      if !isCalm && random.chance(250) { takeEffect(call.step) }
    }
    if !unwritten.isEmpty {
      let count = random.number(0...unwritten.count)
      durable += unwritten.prefix(count)
    }
    queue = queue.filter { queued in
      switch queued.happening {
      case .settles, .promotes: true
      default: false
      }
    }
  }

  // MARK: Time

  func later(_ delay: Duration, _ happening: Happening) {
    order += 1
    queue.append(Queued(at: now + delay, order: order, session: session, happening: happening))
  }

  func milliseconds(_ range: ClosedRange<Int>) -> Duration { .milliseconds(random.number(range)) }

  /// Whether the next call goes wrong.
  func fault(_ part: Int = 1) -> Bool { !isCalm && random.chance(scenario.faults / part) }

  func note(_ text: @autoclosure () -> String) {
    if trace.isOn { trace.lines.append("\((now - Make.startedAt).inSeconds) \(text())") }
  }

  private func happen(_ happening: Happening) throws(Violation) {
    switch happening {
    case .event(let event): try deliver(event)
    case .flush:
      isFlushing = false
      durable += unwritten
      for entry in unwritten { judge.durable(entry) }
      unwritten = []
      if let last = durable.last { try deliver(.durable(through: last.sequence)) }
    case .call(let number): try goOn(number)
    case .probeAnswers(let step):
      let finding = find(step)
      judge.probed(step.id, finding)
      try deliver(.probed(step.id, finding))
    case .abandonAnswers(let step): try deliver(.abandoned(step.id, becameOf(step)))
    case .settles, .promotes: break
    case .heartbeat:
      later(.seconds(5), .heartbeat)
      if !isCalm && random.chance(scenario.leaseTroubles) {
        if random.chance(200) {
          try deliver(.leaseLost(Failure(.stale, "somebody else holds prod")))
        }
        return
      }
      actUntil = now + .seconds(10)
      try deliver(.leaseConfirmed(actUntil: actUntil))
    }
  }

  // MARK: The shell

  func deliver(_ event: EngineEvent) throws(Violation) {
    note("→ \(event)")
    judge.delivered(event)
    let (actions, injected) = machine.handle(EngineInput(event, at: now, entropy: random.next()))
    for action in actions { try carryOut(action) }
    for event in injected { later(.zero, .event(event)) }
  }

  private func carryOut(_ action: EngineAction) throws(Violation) {
    if trace.isOn {
      if case .announce = action {} else { note("  ← \(SimulationJudge.short(action))") }
    }
    try judge.allows(action, at: now, actUntil: actUntil, calls: calls, world: world)
    switch action {
    case .journal(let entry):
      unwritten.append(entry)
      guard !isFlushing else { return }
      isFlushing = true
      later(milliseconds(0...30), .flush)
    case .acknowledge(let id):
      guard var call = calls[id], call.stage == .identifying else { return }
      call.stage = .watching
      calls[id] = call
      later(milliseconds(500...3000), .call(call.number))
    case .perform(let step, let attempt, _, let externalID, let deadline):
      start(step, attempt, externalID, deadline)
    case .probe(let step, _, _): later(milliseconds(50...1000), .probeAnswers(step))
    case .abandon(let step, _, _): abandon(step)
    case .wake(let timer, let at): later(max(at - now, .zero), .event(.woke(timer)))
    case .announce: break
    case .finish(let result): finished = result
    }
  }
}

/// A promise that was broken, with what happened.
struct Violation: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
