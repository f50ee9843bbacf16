import Concurrency
import Databases
import Engine
import FoundationEssentials
import HTTP
import Interface
import Model
import Runner
import Secrets
import Zones

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
      var only = invocation.positional(1).map { [$0] }
      let wanted = try environment.databases(withBackup: only?.first)
      if invocation.has("due") {
        let turns = try await turns(wanted, project, environment, console)
        let due = turns.filter { $0.turn.overdueSince != nil }
        guard !due.isEmpty else {
          console.result(
            BackupDueReport(
              environment: environment.name, now: Session.clock.now,
              databases: turns.compactMap { turn in
                turn.newest.map { .init(database: turn.database, madeAt: $0, turn: turn.words) }
              }))
          return .done
        }
        only = due.map(\.database)
      }
      let session = try await Session(
        project, environment, console, needsVariables: false, isAboutDatabases: true)
      return try await copy(
        CopyRequest(.backup(only: only)), session, console, purpose: "backup", asks: false, question: "")
    }
  }

  /// Whether the schedules want copies now.
  /// - Throws: `configuration` when there is no schedule.
  private static func turns(
    _ wanted: [(DatabaseTarget, BackupRule)], _ project: Project, _ environment: Model.Environment,
    _ console: Console
  ) async throws(Failure) -> [ScheduledCopy] {
    let scheduled = wanted.filter { $0.1.schedule != nil }
    guard !scheduled.isEmpty else {
      throw Failure(
        .configuration, "no database of \(environment.name) has a schedule for its backups",
        place: "environments/\(environment.name).yaml",
        hint:
          "write it: databases.\(wanted[0].0.key).backup.schedule: \"0 3 * * *\"; without --due all are made")
    }
    let stores = try await stores(project, environment, console)
    var turns: [ScheduledCopy] = []
    for (database, rule) in scheduled {
      let names = BackupNames(environment: environment.name, database: database.key)
      let newest = try await stores.store(rule, names).all().first
      if let turn = try ScheduledCopy(database.key, rule, newest: newest?.madeAt) { turns.append(turn) }
    }
    return turns
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
            turn: try ScheduledCopy(database.key, rule, newest: all.first?.madeAt)?.words,
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
    if environment.databases.contains(where: { $0.backup?.volume != nil }) {
      return try await Session(
        project, environment, console, needsVariables: false, isAboutDatabases: true
      ).backupStores
    }
    let variables = processEnvironment()
    let pool = await SecretPool.open(
      environment, SecretAccess(root: project.root, process: variables, clock: Session.clock))
    let resolver = SecretResolver(pool)
    console.hide(resolver.available(environment))
    return Session.backupStores(
      project, environment.app, try resolver.resolveBackups(environment), HTTPClient(), variables)
  }

  private static func drill(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let environment = RestoreCommand.reading(environment, invocation)
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

/// A database whose copies have a schedule.
struct ScheduledCopy {
  let database: String
  /// When the newest was begun.
  let newest: Timestamp?
  let turn: BackupTurn

  /// - Returns: nil when the rule has no schedule.
  /// - Throws: `configuration` when its time zone cannot be looked up.
  init?(_ database: String, _ rule: BackupRule, newest: Timestamp?) throws(Failure) {
    guard let schedule = rule.schedule else { return nil }
    self.database = database
    self.newest = newest
    turn = try BackupTurn(
      schedule, newest: newest, now: Session.clock.now, zone: PolicySources.systemZone(processEnvironment()))
  }

  var words: BackupListReport.Turn {
    let variables = processEnvironment()
    let reader = ZoneDatabase.system(variables).local(variables)
    return BackupListReport.Turn(
      schedule: turn.schedule.text, overdueSince: turn.overdueSince, next: turn.next
    ) { FreezeCalendar.words($0, in: turn.schedule.zone, reader: reader) }
  }
}
