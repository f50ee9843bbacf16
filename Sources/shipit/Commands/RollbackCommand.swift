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
    if invocation.has("flags-only") { return await runFlagsOnly(invocation) }
    return await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let request = try request(invocation)
      let environment = subject.environment
      let session: Session
      do throws(Failure) {
        let ledger = try await Session.ledger(subject.project, environment, Session.clock)
        session = try await Session(
          subject.project, environment, console, needsVariables: false,
          touched: try await touched(request, environment, ledger), ledger: ledger)
      } catch {
        // A ledger that is down: what was asked for has failed, as later on.
        guard error.kind == .failed || error.kind == .timeout else { throw error }
        console.failure(error, exit: .rollbackFailed)
        return .rollbackFailed
      }
      return try await restore(request, session, console, asks: !invocation.has("yes"))
    }
  }

  /// Restores the release before, without a question: what a rollout does whose flag was no cure.
  static func takeBack(
    _ project: Project, _ environment: Model.Environment, _ console: Console, reason: String
  ) async -> ExitCode {
    do throws(Failure) {
      let ledger = try await Session.ledger(project, environment, Session.clock)
      let session = try await Session(
        project, environment, console, needsVariables: false, touched: nil, ledger: ledger)
      return try await restore(
        RollbackRequest(to: nil, only: [], codeOnly: false, reason: reason), session, console, asks: false)
    } catch {
      console.failure(
        Failure(
          error.kind, error.message, place: error.place, cause: error.cause,
          hint: "shipit rollback \(environment.name), where the platforms' tokens are"), exit: .failedMixed)
      return .failedMixed
    }
  }

  private static func restore(
    _ request: RollbackRequest, _ session: Session, _ console: Console, asks: Bool
  ) async throws(Failure) -> ExitCode {
    try await OperationCommand.run(
      session, console, purpose: "rollback" + (request.to.map { " to release \($0)" } ?? ""),
      asks: asks, question: "Restore this in \(session.environment.name)?",
      rollouts: try await RunRollouts(session, console, needsSecrets: false),
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

  /// The flags of running rollouts go off, and nothing else: the cheapest cure.
  private static func runFlagsOnly(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.runRecorded(invocation) { subject, console throws(Failure) in
      let environment = subject.environment
      let ledger = try await Session.ledger(subject.project, environment, Session.clock)
      let running = Set(try await ledger.rollouts().filter { !$0.status.isOver }.map(\.key))
      let targets = (environment.rollouts ?? []).filter { running.contains($0.key) }
      guard !targets.isEmpty else {
        console.result(
          MessageReport(
            environment: environment.name, "no rollout of \(environment.name) is running: no flag was touched"
          ))
        return .done
      }
      if !invocation.has("yes"), console.canAsk {
        let names = targets.map(\.key).joined(separator: ", ")
        guard await console.ask("Switch \(names) off in \(environment.name)?") else { return .interrupted }
      }
      let wiring = try await RolloutWiring.open(subject.project, environment, ledger, console)
      return try await RolloutWork(wiring, console).switchOff(
        targets, reason: console.redactor(invocation.value("reason") ?? "no reason was given"))
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
        project, environment, console, needsVariables: false,
        touched: try await touched(request, environment, ledger), ledger: ledger)
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

  /// The platforms that a rollback has to do with: of the services that go back, and of an open run that is
  /// settled first. Nil: all.
  private static func touched(
    _ request: RollbackRequest, _ environment: Model.Environment, _ ledger: any Ledger
  ) async throws(Failure) -> Set<PlatformName>? {
    guard !request.only.isEmpty else { return nil }
    var touched = Set(environment.services.filter { request.only.contains($0.key) }.map(\.platform))
    for release in try await ledger.recentReleases() {
      touched.formUnion(
        release.services.filter { request.only.contains($0.key) }.map(\.value.target.platform))
    }
    for step in try await ledger.openRun()?.plan.steps ?? [] {
      if case .platform(let name) = step.action.performer { touched.insert(name) }
    }
    return touched
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
