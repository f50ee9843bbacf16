import Concurrency
import Interface
import Model
import Rollouts
import Runner

/// What the words of `rollout` do.
struct RolloutWork: Sendable {
  private let wiring: RolloutWiring
  private let console: Console
  private var environment: Model.Environment { wiring.environment }
  private var clock: any TimeSource { wiring.clock }

  private let telling: RolloutTelling

  init(_ wiring: RolloutWiring, _ console: Console) {
    self.wiring = wiring
    self.console = console
    telling = RolloutTelling(
      environment: wiring.environment, console: console, clock: wiring.clock, variables: wiring.variables)
  }

  // MARK: Looking

  func status(_ targets: [RolloutTarget], isOffline: Bool) async throws(Failure) -> ExitCode {
    var lines: [RolloutReport.RolloutLine] = []
    for target in targets {
      let record = try await wiring.ledger.rollout(target.key)
      var served: String?
      if !isOffline {
        do throws(Failure) {
          let flag = try await wiring.flag(of: target).read()
          served = flag.isOn ? "serves \(flag.share)" : "is off"
        } catch { served = "not known: \(error.message)" }
      }
      lines.append(try telling.line(target, record, served: served))
    }
    telling.show(lines, .done)
    return .done
  }

  /// Plays what the store kept through the rules, as if each rollout had begun then.
  func simulate(_ targets: [RolloutTarget], from: Timestamp, to: Timestamp?) async throws(Failure) -> ExitCode
  {
    guard let release = try await wiring.ledger.recentReleases().first(where: \.isGood) else {
      throw Failure(
        .configuration, "no release of \(environment.name) is live: queries would name none",
        hint: "shipit deploy \(environment.name)")
    }
    let end = min(to ?? clock.now, clock.now)
    var lines: [RolloutReplayReport.RolloutLine] = []
    for target in targets {
      let replay = RolloutReplay(try wiring.parts(target, console))
      let record = RolloutRecord(
        key: target.key, environment: environment.name, app: environment.app, release: release.number,
        commit: release.commit, digest: "", steps: target.steps.map(\.share), by: wiring.by, startedAt: from)
      let played = try await replay.run(record, from: from, to: end)
      lines.append(
        .init(target, events: played.events, missing: played.missing, healthy: played.healthy))
    }
    console.result(
      RolloutReplayReport(
        app: environment.app, environment: environment.name, from: from, to: end, release: release.number,
        rollouts: lines))
    return .done
  }

  // MARK: Rounds

  func tick(_ targets: [RolloutTarget]) async throws(Failure) -> ExitCode {
    do throws(Failure) {
      return try await ended(try await rounds(targets))
    } catch {
      guard error.kind == .leaseHeld else { throw error }
      // Whoever holds it does the work, or the next round does.
      console.result(MessageReport(environment: environment.name, "nothing was done: \(error.message)"))
      return .done
    }
  }

  private func rounds(_ targets: [RolloutTarget]) async throws(Failure) -> [(RolloutTarget, RolloutResult)] {
    let (wiring, console) = (wiring, console)
    var before: [String: RolloutRecord] = [:]
    for target in targets { before[target.key] = try await wiring.ledger.rollout(target.key) }
    let results = try await holding("rollout tick") { hold throws(Failure) in
      var results: [(RolloutTarget, RolloutResult)] = []
      for target in targets {
        do throws(Failure) {
          results.append(
            (target, try await RolloutRound(try wiring.parts(target, console), under: hold).run()))
        } catch {
          guard error.kind != .stale, error.kind != .cancelled else { throw error }
          let record = try? await wiring.ledger.rollout(target.key)
          results.append((target, RolloutResult(target.key, .troubled, record, failure: error)))
        }
      }
      return results
    }
    let pairs = results.map { (before[$0.0.key], $0.1) }
    if let line = await telling.tell(pairs, root: wiring.project.root, wiring.variables) {
      console.warning(line)
    }
    return results
  }

  /// Shows what the last round came to. Where the flag was no cure, the code goes back too.
  private func ended(_ results: [(RolloutTarget, RolloutResult)]) async throws(Failure) -> ExitCode {
    let shown = try telling.show(results)
    guard let reason = try await SecondStage(wiring.ledger).reason(results.map(\.1)) else { return shown }
    console.note(["", "the code goes back too: \(reason)"])
    let exit = await RollbackCommand.takeBack(wiring.project, environment, console, reason: reason)
    // What was live before is live again: the flag and the code are off.
    return exit == .done ? .failedClean : exit
  }

  /// Rounds whenever one is due.
  /// - Parameter endsOnPause: `tick --wait`: ends where a person is needed.
  func watch(
    _ targets: [RolloutTarget], until limit: Duration?, endsOnPause: Bool
  ) async throws(Failure) -> ExitCode {
    let end = limit.map { clock.now + $0 }
    while true {
      var next = clock.now + .seconds(5)
      round: do throws(Failure) {
        let results = try await rounds(targets)
        let wanted = results.compactMap(\.1.wantsPerson)
        // A flag that was no cure waits for no other rollout.
        let isOver = results.allSatisfy { $0.1.isSettled } || results.contains { $0.1.outcome == .notCured }
        guard isOver || endsOnPause && !wanted.isEmpty else {
          try telling.follow(results)
          next = results.compactMap(\.1.next).min() ?? clock.now + .seconds(30)
          break round
        }
        let exit = try await ended(results)
        return isOver ? exit : RolloutTelling.worst(wanted)
      } catch {
        guard error.kind == .leaseHeld else { throw error }
        console.note(["waiting: \(error.message)"])
      }
      let wake = max(min(next, clock.now + .seconds(60)), clock.now + .seconds(1))
      if let end, wake > end { return .done }
      do { try await sleep(until: wake) } catch {
        throw Failure(
          .cancelled, "stopped watching; the next round goes on: shipit rollout tick \(environment.name)")
      }
    }
  }

  private func sleep(until wake: Timestamp) async throws {
    let interrupter = Interrupter()
    let signals = Signals(interrupter) {}
    defer { withExtendedLifetime(signals) {} }
    let clock = clock
    let task = Task { try await clock.sleep(until: wake) }
    interrupter.onCancel { task.cancel() }
    try await task.value
  }

  func start(_ target: RolloutTarget, again: Bool) async throws(Failure) -> ExitCode {
    guard let release = try await wiring.ledger.recentReleases().first(where: \.isGood) else {
      throw Failure(
        .configuration, "no release of \(environment.name) is live yet",
        hint: "shipit deploy \(environment.name)")
    }
    let (wiring, console, environment) = (wiring, console, environment)
    let result = try await holding("rollout start \(target.key)") { hold throws(Failure) in
      try await RolloutStart(try wiring.parts(target, console), under: hold).run(
        .init(
          app: environment.app, environment: environment.name, release: release.number,
          commit: release.commit, again: again))
    }
    return try telling.show([(target, result)])
  }

  private func holding<Value: Sendable>(
    _ purpose: String, _ work: @escaping @Sendable (RolloutHold) async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let interrupter = Interrupter()
    // A signal ends the work, not the process: the lease is given back.
    let signals = Signals(interrupter) {}
    defer { withExtendedLifetime(signals) {} }
    let leased = LeasedWork(
      in: wiring.ledger, as: LedgerPlace.holder(purpose, wiring.variables),
      RunSurroundings(clock: clock, redact: { $0 }, watch: { _ in }), interrupter: interrupter)
    let task = Task { () async -> Result<Value, Failure> in
      do throws(Failure) { return .success(try await leased.holding(work)) } catch { return .failure(error) }
    }
    interrupter.onCancel { task.cancel() }
    return try await task.value.get()
  }

  // MARK: People

  private var word: RolloutWord { RolloutWord(wiring.ledger, clock: clock, by: wiring.by) }

  func approve(_ target: RolloutTarget, step: FlagShare?) async throws(Failure) -> ExitCode {
    let record = try await word.approve(
      step, of: target.key, target: target, digest: wiring.digest(of: target))
    telling.show([try telling.line(target, record)], .done)
    return .done
  }

  func say(_ kind: RolloutOrder.Kind, _ target: RolloutTarget, reason: String?) async throws(Failure)
    -> ExitCode
  {
    let record = try await word.say(kind, of: target.key, reason: reason.map(console.redactor))
    telling.show([try telling.line(target, record)], .done)
    return .done
  }

  /// Off under the lease, one after the other; what cannot be reached keeps the others from nothing.
  func switchOff(_ targets: [RolloutTarget], reason: String) async throws(Failure) -> ExitCode {
    let (wiring, console) = (wiring, console)
    let results = try await holding("rollback --flags-only") { hold throws(Failure) in
      await wiring.switchOff(targets, reason: reason, under: hold, console)
    }
    return try telling.show(results, exit: results.allSatisfy { $0.1.isOff } ? .done : .rollbackFailed)
  }

  func abort(_ target: RolloutTarget, reason: String?) async throws(Failure) -> ExitCode {
    do throws(Failure) {
      let (record, _, notes) = try await word.abort(
        target.key, flag: try wiring.flag(of: target), reason: reason.map(console.redactor)
      ) { took, patience in
        console.note(["the flag is off, read back within \(took.words)"])
        if let patience {
          console.note(["a round was about to raise it: looking again within \(patience.words)"])
        }
      }
      for note in notes { console.warning(note) }
      telling.show([try telling.line(target, record)], .done)
      return .done
    } catch {
      console.failure(error, exit: .rollbackFailed)
      return .rollbackFailed
    }
  }
}
