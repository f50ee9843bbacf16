import Concurrency
import Interface
import Model
import Runner

/// `settle` by a person on call, `finish` at the end of a job that may have been cancelled.
enum SettleCommand {
  static func settle(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let limit = try invocation.duration("within") ?? .seconds(600)
      return try await settle(subject, console, purpose: "settle", within: limit)
    }
  }

  static func finish(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let limit = try invocation.duration("within") ?? .seconds(60)
      let start = Session.clock.now
      let ledger = try await Session.ledger(subject.project, subject.environment, Session.clock)
      let (freed, alive) = try await free(ledger, until: start + limit)
      if let alive {
        let words = "\(alive.holder.name) is at work on it: \(alive.holder.purpose)"
        return try await report(.notOurs, subject, ledger, console, notOurs: words)
      }
      let me = Session.user(processEnvironment())
      guard let open = try await ledger.openRun() else {
        return try await report(.nothing, subject, ledger, console, freed: freed)
      }
      guard open.by == me else {
        let words =
          "run \(open.id) was begun by \(open.by); shipit settle \(subject.environment.name) ends it"
        return try await report(.notOurs, subject, ledger, console, freed: freed, notOurs: words)
      }
      let left = max(.seconds(1), start + limit - Session.clock.now)
      return try await settle(subject, console, purpose: "finish", within: left, freed: freed)
    }
  }

  /// Frees the lease of a process of this very machine that is gone, and waits for one that is about to go.
  /// - Returns: whose lease was freed; who holds it otherwise.
  private static func free(
    _ ledger: any Ledger, until limit: Timestamp
  ) async throws(Failure) -> (freed: String?, alive: Lease?) {
    guard let seen = try await ledger.holder() else { return (nil, nil) }
    // Elsewhere: whether it lives cannot be told from here, and it is not this job's.
    guard seen.holder.machine == MachineIdentity.current else { return (nil, seen) }
    var held = seen
    // The holder may be ending this very moment; somebody at work beside this job is left alone.
    let patience = min(limit, Session.clock.now + .seconds(7))
    while !MachineIdentity.isGone(held.holder) {
      guard Session.clock.now < patience, held.holder.name == Session.user(processEnvironment()) else {
        return (nil, held)
      }
      do { try await Session.clock.sleep(for: .milliseconds(200)) } catch { return (nil, held) }
      guard let now = try await ledger.holder() else { return (nil, nil) }
      held = now
    }
    // Its last renewals may have been seen late: the process is gone, that is certain.
    try await ledger.expel(held, evenIfRenewed: true)
    return ("\(held.holder.name) (\(held.holder.purpose))", nil)
  }

  private static func settle(
    _ subject: Subject, _ console: Console, purpose: String, within limit: Duration, freed: String? = nil
  ) async throws(Failure) -> ExitCode {
    let session = try await Session(
      subject.project, subject.environment, console, needsVariables: false, takesVariables: true)
    let box = Locked<Settlement?>(nil)
    let exit = try await OperationCommand.run(
      session, console, purpose: purpose, asks: false, question: "",
      show: { _ throws(Failure) in [] },
      perform: { context, _ in
        let settlement = await SettleOperation(context, limit: limit).run()
        box.withLock { $0 = settlement }
        return OperationResult(exit: settlement.failure?.exitCode ?? .done)
      })
    guard let settlement = box.withLock({ $0 }) else { return exit }
    // Nothing was begun: somebody else holds it, or the ledger does not answer.
    if let failure = settlement.failure, settlement.run == nil { throw failure }
    return try await report(
      outcome(settlement.outcome), subject, session.ledger, console, settlement, freed: freed)
  }

  private static func report(
    _ outcome: SettleReport.Outcome, _ subject: Subject, _ ledger: any Ledger, _ console: Console,
    _ settlement: Settlement? = nil, freed: String? = nil, notOurs: String? = nil
  ) async throws(Failure) -> ExitCode {
    let runs = try await ledger.runs(limit: 20)
    var journal: [JournalEntry] = []
    if let open = runs.first(where: { $0.result == nil }) { journal = try await ledger.journal(of: open.id) }
    let status = StatusReport(
      app: subject.environment.app, environment: subject.environment.name, now: Session.clock.now,
      releases: try await ledger.recentReleases(), runs: runs, journal: journal)
    let report = SettleReport(
      outcome, run: settlement?.run, result: settlement?.result, failure: settlement?.failure, status: status,
      freed: freed, notOurs: notOurs)
    console.result(report)
    return report.exit
  }

  private static func outcome(_ outcome: Settlement.Outcome) -> SettleReport.Outcome {
    switch outcome {
    case .nothing: .nothing
    case .completed: .completed
    case .abandoned: .abandoned
    case .unknown: .unknown
    }
  }
}
