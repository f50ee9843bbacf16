import Concurrency
import Engine
import Interface
import Model
import Runner

enum PlanCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      try environment.requireContent()
      let isDirty = invocation.has("dirty")
      if isDirty, invocation.value("out") != nil {
        throw Failure(
          .configuration, "a plan of a dirty tree cannot be saved", place: "--out",
          cause: "nothing binds it to the files as they are now: they may be others when it is applied",
          hint: "commit them, then shipit plan \(environment.name) --out FILE")
      }
      let session = try await Session(project, environment, console, needsVariables: true, isDirty: isDirty)
      let revision = try await session.history.resolve(invocation.value("commit") ?? "HEAD")
      console.reads(environment, on: session.touched)
      let request = DeployRequest(
        revision: revision, isDirty: isDirty, allowsOlder: invocation.has("allow-older"))
      let plan = try await RolloutWiring.planning(session, console).plan(request)
      let releases = try await session.ledger.recentReleases()
      let live = releases.first(where: \.isGood)
      let next = (try await session.ledger.runs(limit: 1).first?.release ?? 0) + 1
      let policy = session.policy(await session.policySources(console))
      var report = PlanReport(
        plan, live: live.map(ReleaseHead.init), next: next, overrides: session.overrides,
        protect: await policy.outlook(plan))
      report.warnings += Session.rotationNotes(environment, releases, now: session.clock.now)
      console.result(report)
      console.actions?.append(
        summary: ActionsReport.markdown(
          plan: report.text(console.noteCanvas), environment: environment.name, redact: console.redactor))
      if let path = invocation.value("out") {
        try PlanFile.write(
          SavedPlan(
            plan, madeAt: session.clock.now, by: Session.user(session.variables), release: next,
            allowsOlder: request.allowsOlder), to: path)
        console.note(["saved: shipit deploy \(environment.name) --plan \(path)"])
      }
      return !plan.isEmpty && invocation.has("detailed-exitcode") ? .changesFound : .done
    }
  }
}
