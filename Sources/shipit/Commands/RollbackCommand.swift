import Concurrency
import Crypto
import Engine
import Interface
import Ledgers
import Model
import Runner

enum RollbackCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    if invocation.has("without-ledger") { return await runWithoutLedger(invocation) }
    return await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let request = try request(invocation)
      let environment = subject.environment
      let session = try await Session(subject.project, environment, console, needsVariables: false)
      return try await OperationCommand.run(
        session, console, purpose: "rollback" + (request.to.map { " to release \($0)" } ?? ""),
        asks: !invocation.has("yes"), question: "Restore this in \(environment.name)?",
        show: { plan throws(Failure) in
          let releases = try await session.ledger.recentReleases()
          guard let to = releases.first(where: { $0.number == plan.restores }) else { return [] }
          return RollbackReport(
            plan, from: releases.first(where: \.isGood), to: to, overrides: session.overrides
          ).text(console.noteCanvas)
        },
        perform: { context, agreement in
          await RollbackOperation(context, planning: session.planning, request: request).run(
            agree: agreement.agree)
        })
    }
  }

  /// The way back when the ledger is lost: from the platforms' own history, under a ledger in memory.
  private static func runWithoutLedger(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      let name = environment.name
      guard invocation.value("to") == nil else {
        throw Failure(
          .configuration, "--to names a release of the ledger, and --without-ledger has none",
          hint: "leave one of them out; --only SERVICE works with both")
      }
      guard invocation.has("yes") || console.canAsk else {
        throw Failure(
          .configuration, "a rollback without ledger is a guess, and nobody is here to agree to it",
          hint:
            "add --yes, after a look at what it guesses: shipit rollback \(name) --without-ledger on a terminal"
        )
      }
      var request = try request(invocation)
      request.isGuess = true
      let asked = request
      // No run of the lost ledger has this number: what they made still carries theirs.
      let ledger = MemoryLedger(
        environment: name, time: Session.clock, key: randomBytes(32),
        firstRun: Int(Session.clock.now.milliseconds / 1000))
      let session = try await Session(
        project, environment, console, needsVariables: false, ledger: ledger)
      let exit = try await OperationCommand.run(
        session, console, purpose: "rollback without ledger", asks: !invocation.has("yes"),
        question: "Restore this guess in \(name)?",
        show: { plan throws(Failure) in
          RollbackReport(plan, from: nil, to: nil, overrides: session.overrides).text(console.noteCanvas)
        },
        perform: { context, agreement in
          await RollbackOperation(context, planning: session.planning, request: asked).run(
            agree: agreement.agree)
        })
      if await !ledger.runs(limit: 1).isEmpty {
        console.note([
          "nothing was recorded, and nobody else was kept out. When the ledger is at hand again:",
          "  shipit hold \(name) --reason '…', so that the cause is not deployed again by accident",
          "  shipit status \(name), which shows what differs from its record",
          "  shipit deploy \(name), with a commit that works: it lifts any pin and records what runs",
        ])
      }
      return exit
    }
  }

  private static func request(_ invocation: Invocation) throws(Failure) -> RollbackRequest {
    var to: Int?
    do throws(UsageError) {
      if invocation.value("to") != nil { to = try invocation.number("to", in: 1...1_000_000_000, default: 0) }
    } catch {
      throw Failure(
        .configuration, error.message, hint: "shipit history \(invocation.positional(0) ?? "ENV")")
    }
    return RollbackRequest(
      to: to, only: Set((invocation.values["only"] ?? []).map { ServiceName(rawValue: $0) }),
      codeOnly: invocation.has("code-only"), reason: invocation.value("reason") ?? "no reason was given")
  }
}
