import Engine
import Interface
import Model
import Runner

enum DeployCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      try environment.requireContent()
      let saved = try saved(invocation, environment)
      let isDirty = saved?.plan.isDirty ?? invocation.has("dirty")
      let session = try await Session(project, environment, console, needsVariables: true, isDirty: isDirty)
      var revision = try await session.history.resolve(
        saved?.plan.commit ?? invocation.value("commit") ?? "HEAD")
      if let saved, revision.subject.isEmpty { revision.subject = saved.plan.subject }
      let request = DeployRequest(
        revision: revision, isDirty: isDirty,
        allowsOlder: saved?.allowsOlder ?? invocation.has("allow-older"), again: invocation.has("again"),
        images: (saved?.images ?? [:]).reduce(into: [:]) { $0[ServiceName(rawValue: $1.key)] = $1.value },
        reason: saved?.plan.reason, overrides: try invocation.policyOverrides, saved: saved)
      return try await run(
        request, session, console, purpose: "deploy \(revision.commit.prefix(7))",
        asks: !invocation.has("yes"))
    }
  }

  /// The plan of `--plan`, which says itself what is to be deployed.
  private static func saved(
    _ invocation: Invocation, _ environment: Model.Environment
  ) throws(Failure) -> SavedPlan? {
    guard let path = invocation.value("plan") else { return nil }
    for option in ["commit", "dirty", "allow-older"]
    where invocation.value(option) != nil || invocation.has(option) {
      throw Failure(
        .configuration, "--\(option) does not go with --plan", place: "--\(option)",
        cause: "the saved plan says which commit, and how it was made",
        hint: "leave it out, or make another plan: shipit plan \(environment.name) --\(option) …")
    }
    return try PlanFile.read(path, for: environment)
  }

  /// Carries a deploy out, of whatever it is asked for: the same for `deploy` and `promote`.
  static func run(
    _ request: DeployRequest, _ session: Session, _ console: Console, purpose: String, asks: Bool
  ) async throws(Failure) -> ExitCode {
    let sources = await session.policySources(console)
    let policy = session.policy(sources)
    // A token that is missing is said before anything is deployed.
    let rollouts = try await RunRollouts(session, console, needsSecrets: true)
    let planning = await RolloutWiring.planning(session, console)
    return try await OperationCommand.run(
      session, console, purpose: purpose, asks: asks,
      question: "Deploy this to \(session.environment.name)?", policy: sources,
      rollouts: rollouts,
      show: { plan throws(Failure) in
        try await session.shown(plan, console, protect: plan.isEmpty ? [] : await policy.outlook(plan))
      },
      perform: { context, agreement in
        await DeployOperation(context, planning: planning, request: request).run(
          agree: agreement.agree, approve: agreement.approve)
      })
  }
}

extension Invocation {
  /// Reasons to deploy although a rule says no.
  /// - Throws: `Failure` of kind configuration when one is blank: it is what others will read.
  var policyOverrides: PolicyOverrides {
    get throws(Failure) {
      for option in ["override-freeze", "override-after"] {
        guard let reason = value(option), reason.allSatisfy(\.isWhitespace) else { continue }
        throw Failure(
          .configuration, "--\(option) wants a reason", place: "--\(option)",
          hint: "say why, for history: --\(option) 'the checkout is broken'")
      }
      return PolicyOverrides(freeze: value("override-freeze"), after: value("override-after"))
    }
  }
}
