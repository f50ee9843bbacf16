import Engine
import Interface
import Model
import Runner

enum RollbackCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      let request = try request(invocation)
      let session = try await Session(project, environment, console, needsVariables: false)
      return try await OperationCommand.run(
        session, console, purpose: "rollback" + (request.to.map { " to release \($0)" } ?? ""),
        asks: !invocation.has("yes"), question: "Restore this in \(environment.name)?",
        show: { plan throws(Failure) in
          let releases = try await session.ledger.releases(limit: 50)
          guard let to = releases.first(where: { $0.number == plan.restores }) else { return [] }
          return RollbackReport(
            plan, from: releases.first(where: \.isGood), to: to, overrides: session.overrides
          ).text(console.noteCanvas)
        },
        perform: { context, agree in
          await RollbackOperation(context, planning: session.planning, request: request).run(agree: agree)
        })
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
