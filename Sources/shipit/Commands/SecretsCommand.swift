import Concurrency
import Engine
import Interface
import Model
import Runner
import Secrets

enum SecretsCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    switch invocation.positional(0) {
    case "list": await list(invocation)
    case "diff": await diff(invocation)
    case "sync": await sync(invocation)
    case "generate": await generate(invocation)
    case "rotate": await rotate(invocation)
    default: refuse(invocation)
    }
  }

  private static func refuse(_ invocation: Invocation) -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    console.failure(
      Failure(
        .configuration,
        "secrets takes list, diff, sync, generate or rotate, not “\(invocation.positional(0) ?? "")”",
        hint: "shipit secrets list \(invocation.positional(1) ?? "ENV")"))
    return console.ended(.usage)
  }

  /// Asks the sources and the ledger, and no platform.
  private static func list(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let variables = processEnvironment()
      let pool = await SecretPool.open(environment, SecretAccess(root: project.root, process: variables))
      for warning in pool.warnings { console.warning(warning) }
      let resolver = SecretResolver(pool)
      console.hide(resolver.available(environment))
      // What it would have had is shown as missing, and why.
      if let failure = pool.failure { console.warning(failure.message) }
      let ledger = try await Session.ledger(project, environment, Session.clock)
      let inventory = SecretInventory(
        environment, pool, key: try await ledger.fingerprintKey(), releases: try await ledger.recentReleases()
      )
      console.result(
        SecretListReport(
          environment: environment.name, now: Session.clock.now,
          secrets: inventory.entries.map(SecretListReport.Secret.init)))
      return .done
    }
  }

  private static func diff(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let session = try await Session(
        project, environment, console, needsVariables: true, isSync: true)
      console.reads(environment, on: session.touched)
      let report = try await look(session)
      console.result(report)
      return report.isDifferent && invocation.has("detailed-exitcode") ? .changesFound : .done
    }
  }

  private static func look(_ session: Session) async throws(Failure) -> SecretDiffReport {
    let (secrets, notes) = try await session.planning.storedSecrets()
    return SecretDiffReport(environment: session.environment.name, secrets, notes: notes)
  }

  private static func sync(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let session = try await Session(
        project, environment, console, needsVariables: true, isSync: true)
      let sources = await session.policySources(console)
      let exit = try await OperationCommand.run(
        session, console, purpose: "secrets sync", asks: !invocation.has("yes"),
        question: "Write these secrets in \(environment.name)?", policy: sources,
        show: { plan throws(Failure) in try await session.shown(plan, console) },
        perform: { context, agreement in
          await SyncOperation(context, planning: session.planning).run(agree: agreement.agree)
        })
      // What was written is read back, where it can be.
      guard exit == .done, !console.wantsJSON else { return exit }
      let report = try await look(session)
      console.note(["", "read back:"] + report.text(console.noteCanvas))
      return exit
    }
  }
}

extension SecretListReport.Secret {
  init(_ entry: SecretInventory.Entry) {
    self.init(
      name: entry.name, kind: Kind(rawValue: entry.kind.rawValue) ?? .required, source: entry.source,
      version: entry.version, fingerprint: entry.fingerprint, usedBy: entry.usedBy,
      platforms: entry.platforms, since: entry.since, due: entry.due)
  }
}
