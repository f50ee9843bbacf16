import Engine
import Interface
import Model
import Runner
import Secrets

/// Secrets that no source has and that the platforms of their services keep (`secrets.rules.NAME.keep: platform`).
extension SecretsCommand {
  /// Makes a value and writes it to the services that use it, once: what is there stays, without `--force`.
  static func generateKept(
    _ name: String, _ generator: SecretGenerator, _ invocation: Invocation, _ project: Project,
    _ environment: Model.Environment, _ console: Console
  ) async throws(Failure) -> ExitCode {
    let replaces = invocation.has("force")
    let look = try await Session(project, environment, console, needsVariables: false, takesVariables: true)
    guard look.secrets[name] == nil else {
      throw Failure(
        .configuration,
        "\(name) has a value in \(look.secrets.origin(of: name)?.source ?? "a source") already",
        place: "secrets.rules.\(name).keep",
        hint:
          "take it out of the source, or remove `keep: platform`; shipit secrets sync \(environment.name) writes it"
      )
    }
    let value: Sensitive
    switch (try await look.planning.keptSecret(name), replaces) {
    case (.kept, false):
      console.result(
        MessageReport(environment: environment.name, "every service has \(name) already; nothing was written")
      )
      return .done
    case (.unreadable(let services), false):
      let holders = services.map(\.rawValue).joined(separator: ", ")
      throw Failure(
        .policy, "\(holders) has a value of \(name) that cannot be given to the services that lack it",
        cause: "its platform does not show it, or it is not the same everywhere",
        hint: "shipit secrets generate \(environment.name) \(name) --force makes a new one for all of them")
    case (.reused(let found), false):
      console.hide([(name, found)])
      value = found
    case (_, true), (.new, false):
      value = try newValue(generator, name, environment.demands.rules[name], console)
    }
    let session = try await Session(
      project, environment, console, needsVariables: false, takesVariables: true, made: (name, value))
    return try await OperationCommand.run(
      session, console, purpose: "secrets generate", asks: !invocation.has("yes"),
      question: "Write \(name) in \(environment.name)?", policy: await session.policySources(console),
      show: { plan throws(Failure) in try await session.shown(plan, console) },
      perform: { context, agreement in
        await KeepOperation(context, planning: session.planning, name: name, replaces: replaces)
          .run(agree: agreement.agree)
      })
  }
}
