import Concurrency
import Databases
import Engine
import FoundationEssentials
import HTTP
import Interface
import Model
import Runner
import Secrets

enum BackupCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    switch invocation.positional(0) {
    case "list": await list(invocation)
    case "drill": await drill(invocation)
    default: await make(invocation)
    }
  }

  private static func make(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      let only = invocation.positional(1)
      _ = try environment.databases(withBackup: only)
      let session = try await Session(
        project, environment, console, needsVariables: false, isAboutDatabases: true)
      return try await copy(
        CopyRequest(.backup(only: only)), session, console, purpose: "backup", asks: false, question: "")
    }
  }

  /// Carries copies out under the lease.
  static func copy(
    _ request: CopyRequest, _ session: Session, _ console: Console, purpose: String, asks: Bool,
    question: String, expecting word: String? = nil
  ) async throws(Failure) -> ExitCode {
    try await OperationCommand.run(
      session, console, purpose: purpose, asks: asks, question: question, expecting: word,
      show: { plan throws(Failure) in try await session.shown(plan, console) },
      perform: { context, agreement in
        await CopyOperation(context, environment: session.environment, request: request).run(
          agree: agreement.agree)
      })
  }

  private static func list(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let wanted = try environment.databases(withBackup: invocation.positional(2))
      let stores = try await stores(project, environment, console)
      var databases: [BackupListReport.Database] = []
      for (database, rule) in wanted {
        let all = try await stores.store(
          rule, BackupNames(environment: environment.name, database: database.key)
        )
        .all()
        databases.append(
          BackupListReport.Database(
            database: database.key, directory: rule.whereabouts, keep: rule.keep,
            backups: all.map { BackupListReport.Backup($0, size: BackupPerformer.size($0.bytes)) }))
      }
      console.result(
        BackupListReport(environment: environment.name, now: Session.clock.now, databases: databases))
      return .done
    }
  }

  /// Where copies are kept: what the databases themselves are reached by is not needed.
  private static func stores(
    _ project: Project, _ environment: Model.Environment, _ console: Console
  ) async throws(Failure) -> BackupStores {
    let variables = processEnvironment()
    let pool = await SecretPool.open(
      environment, SecretAccess(root: project.root, process: variables, clock: Session.clock))
    let resolver = SecretResolver(pool)
    console.hide(resolver.available(environment))
    return Session.backupStores(
      project, try resolver.resolveBackups(environment), HTTPClient(), variables)
  }

  private static func drill(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let wanted = try environment.databases(withBackup: invocation.positional(2))
      let session = try await Session(
        project, environment, console, needsVariables: false, isAboutDatabases: true)
      for (database, rule) in wanted {
        console.note(["trying out the newest backup of \(database.key) …"])
        do {
          let (manifest, took, rows) = try await session.backups.drill(
            database, rule, environment: environment.name, id: invocation.value("from"),
            limit: environment.protect.deadline
          ) { console.note([$0]) }
          console.result(
            BackupDrillReport(
              environment: environment.name, manifest, size: BackupPerformer.size(manifest.bytes), took: took,
              rows: rows, now: Session.clock.now))
        } catch let failure as Failure {
          throw failure
        } catch {
          throw Failure(.cancelled, "the trial was stopped: nothing was changed")
        }
      }
      return .done
    }
  }
}

enum RestoreCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      guard let key = invocation.positional(1) else {
        throw Failure(
          .configuration, "restore wants the name of a database",
          cause: "there are \(environment.databases.map(\.key).joined(separator: ", "))",
          hint: "shipit restore \(environment.name) \(environment.databases.first?.key ?? "DATABASE")")
      }
      guard let (database, rule) = try environment.databases(withBackup: key).first else { return .usage }
      let session = try await Session(
        project, environment, console, needsVariables: false, isAboutDatabases: true)
      let names = BackupNames(environment: environment.name, database: key)
      let manifest = try await session.backupStores.store(rule, names).newest(
        invocation.value("from"), names)
      let name = try session.backups.realName(of: database)
      if let word = invocation.value("confirm"), word != name {
        throw Failure(
          .configuration, "“\(word)” is not the name of the database \(key)",
          hint: "type the name it has on its server, as in its address")
      }
      let isAgreed = invocation.value("confirm") != nil
      guard isAgreed || console.canAsk else {
        throw Failure(
          .configuration, "a restore wants the name of the database typed",
          hint: "shipit restore \(environment.name) \(key) --from \(manifest.id) --confirm NAME")
      }
      let ago = manifest.madeAt.relative(to: Session.clock.now)
      console.note([
        "\(manifest.id), made \(ago), goes in the place of \(name): what was written since is not in it.",
        "What is there is backed up first, and stays on the server under another name.", "",
      ])
      if let hold = try await session.ledger.hold() {
        console.note([
          "\(environment.name) is on hold by \(hold.by): \(hold.reason)",
          "That stops deploys, not a restore; it stays until shipit unhold \(environment.name).", "",
        ])
      }
      return try await BackupCommand.copy(
        CopyRequest(
          .restore(database: key, backup: manifest.id, checksum: manifest.checksum),
          reason: invocation.value("reason")), session, console, purpose: "restore", asks: !isAgreed,
        question: "Type the name of the database to restore it: ", expecting: name)
    }
  }
}
