import Interface
import Model
import Runner

enum DeployCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      let isDirty = invocation.has("dirty")
      let session = try await Session(project, environment, console, needsVariables: true, isDirty: isDirty)
      let revision = try await session.history.resolve(invocation.value("commit") ?? "HEAD")
      let request = DeployRequest(
        revision: revision, isDirty: isDirty, allowsOlder: invocation.has("allow-older"),
        again: invocation.has("again"))
      return try await OperationCommand.run(
        session, console, purpose: "deploy \(revision.commit.prefix(7))", asks: !invocation.has("yes"),
        question: "Deploy this to \(environment.name)?",
        show: { plan throws(Failure) in
          let live = try await session.ledger.recentReleases().first(where: \.isGood)
          let next = (try await session.ledger.runs(limit: 1).first?.release ?? 0) + 1
          return PlanReport(plan, live: live.map(ReleaseHead.init), next: next, overrides: session.overrides)
            .text(
              console.noteCanvas)
        },
        perform: { context, agree in
          await DeployOperation(context, planning: session.planning, request: request).run(agree: agree)
        })
    }
  }
}
