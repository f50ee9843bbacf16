import Engine
import Interface
import Model
import Runner

enum MigrateCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    switch invocation.positional(0) {
    case "status": await status(invocation)
    case "up": await up(invocation)
    default: refuse(invocation)
    }
  }

  private static func refuse(_ invocation: Invocation) -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    console.failure(
      Failure(
        .configuration, "migrate takes status or up, not “\(invocation.positional(0) ?? "")”",
        cause: "down does not exist: rollback runs no migration tool",
        hint: "shipit migrate status \(invocation.positional(1) ?? "ENV")"))
    return console.ended(.usage)
  }

  private static func status(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let (session, request) = try await prepare(invocation, project, environment, console)
      let (plan, observed) = try await session.planning.look(request)
      let changes = Dictionary(
        plan.schemaChanges.map { ($0.database.key, $0) }, uniquingKeysWith: { first, _ in first })
      let databases = environment.databases.filter { $0.engine == .postgres }.compactMap { database in
        observed[database.key].map {
          MigrateReport.Database(database, $0, pending: changes[database.key])
        }
      }
      let report = MigrateReport(
        environment: environment.name, commit: request.revision.commit, databases: databases,
        notes: plan.warnings)
      console.result(report)
      return report.isPending && invocation.has("detailed-exitcode") ? .changesFound : .done
    }
  }

  private static func up(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let (session, request) = try await prepare(invocation, project, environment, console)
      let sources = await session.policySources(console)
      return try await OperationCommand.run(
        session, console, purpose: "migrate up", asks: !invocation.has("yes"),
        question: "Apply this in \(environment.name)?", policy: sources,
        show: { plan throws(Failure) in try await session.shown(plan, console) },
        perform: { context, agreement in
          await MigrateOperation(context, planning: session.planning, request: request).run(
            agree: agreement.agree)
        })
    }
  }

  private static func prepare(
    _ invocation: Invocation, _ project: Project, _ environment: Model.Environment, _ console: Console
  ) async throws(Failure) -> (Session, MigrateRequest) {
    let session = try await Session(
      project, environment, console, needsVariables: false, isAboutDatabases: true)
    let revision = try await session.history.resolve(invocation.value("commit") ?? "HEAD")
    return (session, MigrateRequest(revision: revision, only: invocation.positional(2)))
  }
}
