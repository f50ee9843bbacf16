import Concurrency
import Engine
import Ledgers
import Model

/// One case, played from the first command to a state that stays: a queue of virtual time, a world and a ledger that
/// outlive every process, and processes on several machines that are killed, interrupted, put to sleep, cut off and
/// started again.
///
/// Single-threaded; everything that happens is drawn from the seed.
final class Simulation {
  let theCase: SimulationCase
  let mutation: Mutation?
  let scenario: SimulationScenario
  /// For delays and answers; troubles have a stream of their own, so that one that is left out moves no other.
  var random: SeededRandom
  private var troubles: SeededRandom
  private var drawn = 0
  private let allowed: Set<Int>?
  /// The numbers of the troubles that happened.
  private(set) var struck: [Int] = []
  var world: SimulationWorld
  var ledger = SimulationLedger()
  var now = Make.startedAt
  /// Neither faults nor kills any more: the run has to come to its end.
  private(set) var isCalm = false
  /// Whose turn it is.
  private(set) var current: SimulationProcess
  private var processes: [Int: SimulationProcess] = [:]
  private var queue = SimulationQueue()
  private var commands = 0
  private var events = 0
  private var firstStart: Timestamp?
  private var last: RunResult?
  let trace = Trace()

  /// What happened, for a person who looks at one seed.
  final class Trace {
    var isOn = false
    var lines: [String] = []
  }

  init(_ theCase: SimulationCase, mutation: Mutation? = nil) {
    self.theCase = theCase
    self.mutation = mutation
    scenario = SimulationScenario(theCase)
    random = SeededRandom(seed: theCase.seed ^ 0xABCD)
    troubles = SeededRandom(seed: theCase.seed ^ 0x5EED)
    allowed = theCase.only.map { Set($0) }
    world = scenario.world
    world.mayGoBack = theCase.isRollback
    ledger.ignoresFence = mutation == .fenceIgnored
    current = SimulationProcess(
      number: 0, place: 0, at: now, case: theCase,
      machine: SimulationMachine(
        plan: scenario.plan, run: Make.facts, history: [], mode: .run, actUntil: now, mutation: mutation),
      judge: SimulationJudge(scenario: scenario),
      held: HeldLease(
        Lease(
          holder: Holder(name: "", purpose: "", process: 0, nonce: ""), fence: 0, since: now, expires: now,
          duration: .zero, heartbeat: .zero), askedAt: now), history: 0)
  }

  /// Plays the case; throws the first broken promise.
  func play() throws(Violation) {
    for place in 0..<max(1, theCase.contenders) {
      enqueue(place == 0 ? .zero : milliseconds(0...60_000), nil, .contends(place))
    }
    while !(ledger.result != nil && processes.isEmpty) {
      guard let next = queue.take() else { return try ranOut() }
      now = max(now, next.at)
      if let number = next.process {
        guard let process = processes[number] else { continue }
        if let until = process.sleepsUntil, until > now {
          queue.putBack(next, at: until)
          continue
        }
        try turn(of: process, next.happening)
      } else {
        try happen(next.happening)
      }
      if let broken = world.broken { throw broken }
      events += 1
      guard events < 60_000 else { throw Violation(.bounded, "a run without end") }
    }
  }

  /// Nothing is left to happen: right only when nobody can find out what a step did.
  private func ranOut() throws(Violation) {
    guard scenario.hasUnknowableStep, let last, last.exit == .failedMixed else {
      throw Violation(
        .bounded, "the run never came to an end without faults: \(last.map { "\($0)" } ?? "no result")")
    }
  }

  // MARK: Commands

  private static let calmAfter = 6
  private static let mostCommands = 16

  /// A command on a machine asks for the lease; with it, it continues or settles what is open.
  private func contend(_ place: Int) throws(Violation) {
    guard ledger.result == nil, commands < Self.mostCommands else { return }
    let drift = Int64(theCase.drifts[place % theCase.drifts.count])
    let offset = Duration.seconds(theCase.offsets[place % theCase.offsets.count])
    let clock = SimulationProcess.clock(now, offset: offset, drift: drift)
    guard ledger.isFree(at: now) else { return enqueue(milliseconds(500...3000), nil, .contends(place)) }
    let lease: Lease
    do throws(Failure) {
      lease = try ledger.acquire("machine\(place)", nonce: commands, at: now)
    } catch {
      return enqueue(milliseconds(500...3000), nil, .contends(place))
    }
    commands += 1
    isCalm = commands > Self.calmAfter
    if case .finished(let result)? = ledger.journal.last?.fact, result.state != .inFlight {
      // Killed between the last entry and the closing: only the ledger is written.
      try close(result, lease)
      ledger.release(lease)
      return
    }
    let mode: EngineMode = commands > 1 && random.chance(150) ? .settle : .run
    if firstStart == nil { firstStart = clock }
    var facts = Make.facts
    facts.startedAt = firstStart ?? clock
    for case .turned in ledger.journal.map(\.fact) { world.mayGoBack = true }
    let held = HeldLease(lease, askedAt: clock)
    var judge = SimulationJudge(scenario: scenario)
    judge.begin(history: ledger.journal)
    let process = SimulationProcess(
      number: commands, place: place, at: now, case: theCase,
      machine: SimulationMachine(
        plan: scenario.plan, run: facts, history: ledger.journal, mode: mode, actUntil: held.actUntil,
        mutation: mutation), judge: judge, held: held, history: ledger.journal.count)
    processes[process.number] = process
    current = process
    note("process \(process.number) on machine \(place), \(mode), \(ledger.journal.count) entries")
    later(.seconds(5), .heartbeat)
    try turn(of: process, .event(.start))
  }

  private func close(_ result: RunResult, _ lease: Lease) throws(Violation) {
    do throws(Failure) { try ledger.close(result, under: lease) } catch {
      throw Violation(.truth, "a run that ended cannot be closed: \(error.message)")
    }
  }

  /// A process does one thing, and whatever may befall it then befalls it.
  private func turn(of process: SimulationProcess, _ happening: SimulationHappening) throws(Violation) {
    current = process
    guard now <= process.startedAt + scenario.longest + process.slept else {
      throw Violation(.bounded, "a run outlived its deadline and the limit of its way back")
    }
    try happen(happening)
    if let result = process.finished { return try end(process, result) }
    if strikes(theCase.rates.kills) { return kill(process) }
    if process.interruptedAt == nil, strikes(theCase.rates.interruptions) {
      process.interruptedAt = now
      try deliver(.interrupted([.interrupt, .terminate, .hangup, .request][random.number(0...3)]))
      if let result = process.finished { return try end(process, result) }
    }
    if let since = process.interruptedAt, now > since + .milliseconds(4_000) {
      throw Violation(.cancelled, "an interrupted run went on for more than 4 s")
    }
    if strikes(theCase.rates.pauses) {
      let pause = milliseconds(500...120_000)
      note("process \(process.number) sleeps for \(pause.inSeconds) s")
      process.sleepsUntil = now + pause
      process.slept += pause
      if let since = process.interruptedAt { process.interruptedAt = since + pause }
    }
  }

  private func end(_ process: SimulationProcess, _ result: RunResult) throws(Violation) {
    note("process \(process.number) ends: \(result.state.rawValue) \(result.exit.rawValue)")
    last = result
    processes[process.number] = nil
    // Whoever lost the lease knows nothing of what goes on; every other says what is so.
    if !process.isJournalBroken {
      try process.judge.judge(
        result, world, isHolder: ledger.state.lease?.fence == process.held.lease.fence)
    }
    if !process.isJournalBroken, process.judge.isFinishDurable, result.state != .inFlight {
      try close(result, process.held.lease)
    }
    orphanSession(of: process)
    sendLate(process)
    if !process.isJournalBroken { ledger.release(process.held.lease) }
    again(process.place)
  }

  /// The process ends: requests that were on their way may still arrive, part of what was not on disk may be.
  private func kill(_ process: SimulationProcess) {
    note("process \(process.number) is killed")
    processes[process.number] = nil
    orphanSession(of: process)
    sendLate(process)
    if !process.unwritten.isEmpty, !process.isJournalBroken, !process.isCutOff(at: now) {
      let count = random.number(0...process.unwritten.count)
      do throws(Failure) {
        try ledger.append(Array(process.unwritten.prefix(count)), under: process.held.lease)
      } catch { note("its last entries are refused") }
    }
    last = nil
    if theCase.isLocal, ledger.state.lease?.fence == process.held.lease.fence { ledger.isHolderDead = true }
    again(process.place)
  }

  private func sendLate(_ process: SimulationProcess) {
    for call in process.calls.values.sorted(by: { $0.number < $1.number })
    where call.stage == .triggering && mayAct && strikes(250) { takeEffect(call.step) }
    process.calls = [:]
  }

  /// Somebody runs the command once more.
  private func again(_ place: Int) {
    if commands < Self.mostCommands { enqueue(milliseconds(100...60_000), nil, .contends(place)) }
  }

  // MARK: Time and trouble

  /// What the clock of the machine says whose process has its turn.
  var clock: Timestamp { current.clock(now) }

  /// Side effects are still allowed by the lease, as the holder counts it.
  var mayAct: Bool { mutation == .leaseIgnored || clock < current.held.actUntil }

  var calls: [StepID: SimulationCall] {
    get { current.calls }
    set { current.calls = newValue }
  }

  private func enqueue(_ delay: Duration, _ process: Int?, _ happening: SimulationHappening) {
    queue.add(now + delay, process, happening)
  }

  /// Later in the same process.
  func later(_ delay: Duration, _ happening: SimulationHappening) {
    enqueue(delay, current.number, happening)
  }

  /// Later in the world, whoever is still there to see it.
  func laterInWorld(_ delay: Duration, _ happening: SimulationHappening) { enqueue(delay, nil, happening) }

  func milliseconds(_ range: ClosedRange<Int>) -> Duration { .milliseconds(random.number(range)) }

  /// Whether trouble of a kind strikes now.
  func strikes(_ perMille: Int) -> Bool {
    guard !isCalm, perMille > 0 else { return false }
    drawn += 1
    guard troubles.chance(perMille), allowed?.contains(drawn) ?? true else { return false }
    struck.append(drawn)
    return true
  }

  /// Whether the next call goes wrong.
  func fault(_ part: Int = 1) -> Bool { strikes(theCase.rates.faults / part) }

  func note(_ text: @autoclosure () -> String) {
    if trace.isOn { trace.lines.append("\((now - Make.startedAt).inSeconds) [\(current.number)] \(text())") }
  }

  // MARK: What happens

  private func happen(_ happening: SimulationHappening) throws(Violation) {
    switch happening {
    case .contends(let place): try contend(place)
    case .settles(let id, let ending):
      note("world: \(id) \(ending)")
      world.settle(id, ending)
    case .promotes(let id, let fails):
      note("world: the promotion of \(id) \(fails ? "fails" : "took place")")
      world.promote(id, fails: fails)
    case .event(let event): try deliver(event)
    case .flush: try flush()
    case .call(let number): try goOn(number)
    case .sessionEnds(let takesEffect):
      note("world: the orphaned session ends\(takesEffect ? ", with its file applied" : "")")
      endSession(takesEffect: takesEffect)
    case .probeAnswers(let step):
      if isSchemaLocked(step), current.lockedLooks < 30 {
        current.lockedLooks += 1
        return later(.seconds(1), .probeAnswers(step))
      }
      current.lockedLooks = 0
      let finding = find(step)
      current.judge.probed(step.id, finding)
      try deliver(.probed(step.id, finding))
    case .abandonAnswers(let step): try deliver(.abandoned(step.id, becameOf(step)))
    case .heartbeat:
      later(.seconds(5), .heartbeat)
      if strikes(theCase.rates.partitions) {
        current.isCutOffUntil = now + milliseconds(1000...40_000)
        note("cut off from the ledger")
      }
      later(milliseconds(0...1500), .renews(askedAt: clock))
    case .renews(let askedAt): try renew(askedAt)
    }
  }

  private func renew(_ askedAt: Timestamp) throws(Violation) {
    do throws(Failure) {
      if current.isCutOff(at: now) || strikes(theCase.rates.renewals) {
        throw Failure(.failed, "the ledger does not answer")
      }
      current.held = HeldLease(try ledger.renew(current.held.lease, at: now), askedAt: askedAt)
    } catch {
      if current.held.isLost(by: error, at: clock), mutation != .fenceIgnored {
        current.isJournalBroken = true
        try deliver(.leaseLost(error))
      }
      return
    }
    try deliver(.leaseConfirmed(actUntil: current.held.actUntil))
  }

  private func flush() throws(Violation) {
    if current.isCutOff(at: now) { return later(.milliseconds(500), .flush) }
    current.isFlushing = false
    let entries = current.unwritten
    current.unwritten = []
    do throws(Failure) {
      try ledger.append(entries, under: current.held.lease)
    } catch {
      current.isJournalBroken = true
      return try deliver(.leaseLost(error))
    }
    for entry in entries {
      current.judge.durable(entry)
      if case .turned = entry.fact { world.mayGoBack = true }
    }
    if let last = entries.last { try deliver(.durable(through: last.sequence)) }
  }

  // MARK: The shell

  func deliver(_ event: EngineEvent) throws(Violation) {
    note("→ \(event)")
    current.judge.delivered(event)
    let (actions, injected) = current.machine.handle(EngineInput(event, at: clock, entropy: random.next()))
    for action in actions { try carryOut(action) }
    for event in injected { later(.zero, .event(event)) }
  }

  private func carryOut(_ action: EngineAction) throws(Violation) {
    if trace.isOn {
      if case .announce = action {} else { note("  ← \(SimulationJudge.short(action))") }
    }
    try current.judge.allows(action, at: clock, actUntil: current.held.actUntil, calls: calls, world: world)
    switch action {
    case .journal(let entry):
      current.unwritten.append(entry)
      guard !current.isFlushing, !current.isJournalBroken else { return }
      current.isFlushing = true
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
    case .wake(let timer, let at): later(max(current.moment(at) - now, .zero), .event(.woke(timer)))
    case .announce: break
    case .finish(let result): current.finished = result
    }
  }
}
