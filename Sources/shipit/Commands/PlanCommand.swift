import Interface
import Model
import Runner

enum PlanCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      let isDirty = invocation.has("dirty")
      let session = try await Session(project, environment, console, needsVariables: true, isDirty: isDirty)
      let revision = try await session.history.resolve(invocation.value("commit") ?? "HEAD")
      console.reads(environment, on: session.touched)
      let plan = try await session.planning.plan(
        DeployRequest(revision: revision, isDirty: isDirty, allowsOlder: invocation.has("allow-older")))
      let releases = try await session.ledger.recentReleases()
      let live = releases.first(where: \.isGood)
      let next = (try await session.ledger.runs(limit: 1).first?.release ?? 0) + 1
      console.result(
        PlanReport(plan, live: live.map(ReleaseHead.init), next: next, overrides: session.overrides))
      return !plan.isEmpty && invocation.has("detailed-exitcode") ? .changesFound : .done
    }
  }
}
