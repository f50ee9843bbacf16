import Concurrency
import Engine
import Interface
import Model
import Runner

enum PromoteCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    return await EnvironmentCommand.guarded(console) {
      let (from, to) = (invocation.positional(0) ?? "", invocation.positional(1) ?? "")
      guard from != to else {
        throw Failure(
          .configuration, "\(from) cannot be promoted to itself", hint: "shipit promote FROM TO")
      }
      let project = try Project(invocation)
      let environment = try project.environment(to, console)
      let origin = try await Recorded.subject(invocation, from, console)
      let release = try await PromotedRelease.find(
        in: try await Session.ledger(origin.project, origin.environment, Session.clock),
        of: origin.environment.name)
      return try await promote(release, project, environment, invocation, console)
    }
  }

  private static func promote(
    _ release: Release, _ project: Project, _ environment: Model.Environment, _ invocation: Invocation,
    _ console: Console
  ) async throws(Failure) -> ExitCode {
    let artefacts = try PromotedArtefact.of(release, for: environment)
    let report = PromoteReport(
      release, to: environment.name, now: Session.clock.now,
      artefacts: artefacts.map { .init(service: $0.service, kind: $0.kind.rawValue, words: $0.words) },
      difference: release.configuration.map { ConfigurationDifference(from: $0, to: environment) })
    if console.wantsJSON {
      console.result(report)
    } else {
      console.note(report.text(console.noteCanvas) + [""])
    }
    let session = try await Session(project, environment, console, needsVariables: true)
    var revision = try await session.history.resolve(release.commit)
    if revision.subject.isEmpty { revision.subject = release.subject }
    let request = DeployRequest(
      revision: revision, allowsOlder: invocation.has("allow-older"), again: invocation.has("again"),
      images: artefacts.reduce(into: [:]) { $0[$1.service] = $1.image },
      reason: "promoted from \(release.environment), release \(release.number)",
      overrides: try invocation.policyOverrides)
    return try await DeployCommand.run(
      request, session, console, purpose: "promote \(release.environment) release \(release.number)",
      asks: !invocation.has("yes"))
  }
}
