import Concurrency
import Engine
package import Model

/// Performs the engine's actions and feeds back what happens: the one place where decisions meet the world.
package actor RunShell {
  private var engine: Engine
  private let plan: Plan
  private let run: RunFacts
  private let ledger: any Ledger
  private let keeper: LeaseKeeper
  private let performers: Performers
  private let surroundings: RunSurroundings
  private let inbox: AsyncStream<Incoming>
  private let post: AsyncStream<Incoming>.Continuation
  private var tasks: [StepID: Task<Void, Never>] = [:]
  /// Performers that were cancelled and may still be cleaning up.
  private var stopping: [Task<Void, Never>] = []
  private var timers: [Task<Void, Never>] = []
  /// Performers that wait until their external id is durable.
  private var identifying: [StepID: [CheckedContinuation<Bool, Never>]] = [:]
  private var rings: [StepID: LineRing] = [:]
  private var unwritten: [JournalEntry] = []
  private var isWriting = false
  /// An append failed: nothing may follow it, or the journal would have a hole.
  private var isJournalBroken = false
  private var result: RunResult?
  private let successor: String?
  private let guardian: CutOverGuard?

  /// One order for what happens and what is told, so that log lines come before the end of their step.
  private enum Incoming: Sendable {
    case event(EngineEvent)
    case report(StepID, StepReport)
  }

  /// - Parameters:
  ///   - successor: who takes over a run that another process began; nil for a new run.
  ///   - guardian: asked before each cut-over.
  init(
    engine: Engine, plan: Plan, run: RunFacts, ledger: any Ledger, keeper: LeaseKeeper,
    performers: Performers,
    surroundings: RunSurroundings, takenOverBy successor: String? = nil, guardian: CutOverGuard? = nil
  ) {
    self.successor = successor
    self.guardian = guardian
    self.engine = engine
    self.plan = plan
    self.run = run
    self.ledger = ledger
    self.keeper = keeper
    self.performers = performers
    self.surroundings = surroundings
    (inbox, post) = AsyncStream.makeStream(of: Incoming.self, bufferingPolicy: .unbounded)
  }

  /// Runs to the end. The journal is complete and durable on return.
  package func perform() async -> (result: RunResult, results: [StepID: StepResult]) {
    let post = post
    await keeper.listen { news in
      switch news {
      case .confirmed(let actUntil): post.yield(.event(.leaseConfirmed(actUntil: actUntil)))
      case .lost(let failure): post.yield(.event(.leaseLost(failure)))
      case .cancelAsked(let request): post.yield(.event(.cancelAsked(request)))
      }
    }
    if let successor { execute(engine.note(.resumed(holder: successor), at: surroundings.clock.now)) }
    post.yield(.event(.start))
    for await incoming in inbox {
      switch incoming {
      case .event(let event):
        let entropy = surroundings.random()
        execute(engine.handle(EngineInput(event, at: surroundings.clock.now, entropy: entropy)))
      case .report(let step, let report): take(report, of: step)
      }
      if result != nil { break }
    }
    let result = await ending()
    for task in tasks.values { task.cancel() }
    for timer in timers { timer.cancel() }
    for waiting in identifying.values.flatMap(\.self) { waiting.resume(returning: false) }
    identifying = [:]
    await quiet(Array(tasks.values) + stopping)
    return (result, engine.results)
  }

  /// Interrupts the run; safe to call from anywhere.
  package nonisolated func interrupt(_ interruption: Interruption) {
    post.yield(.event(.interrupted(interruption)))
  }

  /// How long performers that were cancelled may take to stop their children and remove their files.
  /// With the three seconds for giving up it leaves a second of the 6.5 within which a run must end.
  private static let quietLimit = Duration.seconds(2)

  /// Waits until cancelled performers have cleaned up, but not for those that ignore it.
  private func quiet(_ tasks: [Task<Void, Never>]) async {
    guard !tasks.isEmpty else { return }
    let (signal, done) = AsyncStream.makeStream(of: Void.self)
    surroundings.spawn {
      for task in tasks { await task.value }
      done.finish()
    }
    let clock = surroundings.clock
    let limit = surroundings.spawn {
      guard (try? await clock.sleep(for: RunShell.quietLimit)) != nil else { return }
      done.finish()
    }
    for await _ in signal {}
    limit.cancel()
  }

  /// Completes the result and tells it.
  private func ending() async -> RunResult {
    var result = result ?? RunResult(state: .inFlight, exit: .internalError)
    let look = ForeignLook(plan: plan, run: run, performers: performers, surroundings: surroundings)
    if look.isWanted(result) {
      let engine = engine
      result.foreign = await look.found(result) { engine.made(for: $0) }
    }
    self.result = result
    announce(.finished(result))
    return result
  }

  private func execute(_ actions: [EngineAction]) {
    var failed: [StepID] = []
    for action in actions {
      switch action {
      case .journal(let entry):
        if case .ended(let step, _, .failed) = entry.fact { failed.append(step) }
        write(redacted(entry))
      case .acknowledge(let step):
        for waiting in identifying.removeValue(forKey: step) ?? [] { waiting.resume(returning: true) }
      case .perform(let step, let attempt, let beganAt, let externalID, let deadline):
        start(
          step, call(step, attempt: attempt, beganAt: beganAt, externalID: externalID, deadline: deadline))
      case .probe(let step, let beganAt, let externalID):
        probe(step, call(step, beganAt: beganAt, externalID: externalID))
      case .abandon(let step, let beganAt, let externalID):
        abandon(step, call(step, beganAt: beganAt, externalID: externalID))
      case .wake(let timer, let moment): wake(timer, at: moment)
      // Told once it is known what others did meanwhile.
      case .announce(.finished): break
      case .announce(let kind): announce(kind)
      case .finish(let result): self.result = RunEventRedactor(surroundings.redact).result(result)
      }
    }
    // After the loop, for entries reach the ledger in the order of their numbers.
    for step in failed {
      guard let lines = rings[step]?.tail, !lines.isEmpty else { continue }
      execute(engine.note(.lines(step, lines), at: surroundings.clock.now))
    }
  }

  // MARK: Performing

  private func call(
    _ step: Step, attempt: Int = 1, beganAt: Timestamp, externalID: String?, deadline: Timestamp? = nil
  ) -> StepCall {
    StepCall(
      run: run, attempt: attempt, beganAt: beganAt, externalID: externalID, results: engine.results,
      deadline: deadline ?? surroundings.clock.now + step.limit,
      identify: { [weak self] id in
        guard await self?.identify(step.id, id) ?? false else { throw CancellationError() }
      },
      report: { [post] report in post.yield(.report(step.id, report)) })
  }

  private func start(_ step: Step, _ call: StepCall) {
    guard let performer = performers.performer(of: step) else {
      let failure = Failure(.internalError, "nothing here carries out \(step.title)", place: step.id.rawValue)
      post.yield(.event(.ended(step.id, attempt: call.attempt, .failed(failure, moved: false))))
      return
    }
    let post = post
    let guardian = guardian
    let gate = keeper.gate
    tasks[step.id] = surroundings.spawn {
      if let objection = await guardian?.objection(to: step, call) {
        post.yield(.event(.ended(step.id, attempt: call.attempt, .failed(objection, moved: false))))
        return
      }
      let outcome = await LeaseGate.under(gate) { await performer.perform(step, call) }
      post.yield(.event(.ended(step.id, attempt: call.attempt, outcome)))
    }
  }

  private func probe(_ step: Step, _ call: StepCall) {
    guard let performer = performers.performer(of: step) else {
      let failure = Failure(.internalError, "nothing here can look up \(step.title)")
      post.yield(.event(.probed(step.id, .unknown(failure))))
      return
    }
    let post = post
    tasks[step.id] = surroundings.spawn {
      post.yield(.event(.probed(step.id, await performer.probe(step, call))))
    }
  }

  private func abandon(_ step: Step, _ call: StepCall) {
    // The fresh task is not the cancelled one: in that every request and sleep would throw at once.
    if let task = tasks.removeValue(forKey: step.id) {
      task.cancel()
      stopping.append(task)
    }
    let post = post
    guard let performer = performers.performer(of: step) else {
      post.yield(.event(.abandoned(step.id, .cancelled)))
      return
    }
    let gate = keeper.gate
    tasks[step.id] = surroundings.spawn {
      let became = await LeaseGate.under(gate) { await performer.abandon(step, call) }
      post.yield(.event(.abandoned(step.id, became)))
    }
  }

  private func wake(_ timer: EngineTimer, at moment: Timestamp) {
    let post = post
    let clock = surroundings.clock
    timers.append(
      surroundings.spawn {
        guard (try? await clock.sleep(until: moment)) != nil else { return }
        post.yield(.event(.woke(timer)))
      })
  }

  private func identify(_ step: StepID, _ externalID: String) async -> Bool {
    guard result == nil else { return false }
    return await withCheckedContinuation { continuation in
      identifying[step, default: []].append(continuation)
      post.yield(.event(.identified(step, externalID: externalID)))
    }
  }

  // MARK: Telling

  private func take(_ report: StepReport, of step: StepID) {
    guard result == nil else { return }
    switch report {
    case .progress(let text): announce(.stepProgress(step, text))
    case .log(let line):
      let safe = surroundings.redact(line)
      rings[step, default: LineRing()].append(safe)
      announce(.stepLog(step, safe))
    }
  }

  private func announce(_ kind: RunEvent.Kind) {
    surroundings.watch(
      RunEvent(at: surroundings.clock.now, kind: RunEventRedactor(surroundings.redact).kind(kind)))
  }

  // MARK: The journal

  private func redacted(_ entry: JournalEntry) -> JournalEntry {
    RunEventRedactor(surroundings.redact).entry(entry)
  }

  private func write(_ entry: JournalEntry) {
    unwritten.append(entry)
    guard !isWriting, !isJournalBroken else { return }
    isWriting = true
    surroundings.spawn { await self.drain() }
  }

  /// Writes what has gathered, many entries at once, until nothing is left.
  private func drain() async {
    while !unwritten.isEmpty {
      let batch = unwritten
      unwritten = []
      do throws(Failure) {
        try await ledger.append(batch, to: run.id, lease: keeper.lease)
        if let last = batch.last { post.yield(.event(.durable(through: last.sequence))) }
      } catch {
        isJournalBroken = true
        post.yield(.event(.leaseLost(error)))
        break
      }
    }
    isWriting = false
  }
}

/// The last lines a step printed.
private struct LineRing {
  private var lines: [String] = []

  mutating func append(_ line: String) {
    lines.append(line)
    if lines.count > 400 { lines.removeFirst(200) }
  }

  /// What is stored when the step fails.
  var tail: [String] { Array(lines.suffix(40)) }
}
