import Adoption
import Interface
import Language
import Model
import Runner

/// The plan of a file that `init` has just written, as far as it can be made: what is not at hand is told, and what
/// was not checked because of it.
enum AdoptionPlan {
  struct Made {
    var report: PlanReport?
    var unchecked: String?
  }

  static func make(
    _ name: String, _ draft: Draft, _ root: String, _ invocation: Invocation, _ console: Console
  ) async -> Made {
    guard !draft.written.isEmpty else { return Made() }
    let project = Project(root: root)
    let result = project.read(name)
    guard let environment = result.environment, result.unsupported.isEmpty else {
      return Made(unchecked: "nothing was planned: \(result.unsupported.count) keys are not acted on yet")
    }
    if invocation.has("offline") {
      return Made(unchecked: "nothing was planned, and no platform asked: --offline")
    }
    let variables = processEnvironment()
    let missing = environment.platforms.secretNames.filter { (variables[$0] ?? "").isEmpty }.sorted()
    guard missing.isEmpty else {
      return Made(
        unchecked:
          "what stands on the platforms was not compared: \(missing.joined(separator: ", ")) \(missing.count == 1 ? "is" : "are") not set"
      )
    }
    do throws(Failure) {
      let session = try await Session(project, environment, console, needsVariables: true)
      let revision = try await session.history.resolve("HEAD")
      let plan = try await RolloutWiring.planning(session, console).plan(DeployRequest(revision: revision))
      let releases = try await session.ledger.recentReleases()
      return Made(
        report: PlanReport(
          plan, live: releases.first(where: \.isGood).map(ReleaseHead.init),
          next: (releases.first?.number ?? 0) + 1,
          overrides: session.overrides))
    } catch {
      return Made(
        unchecked: "it could not be planned: \(error.message)\(error.cause.map { " (\($0))" } ?? "")")
    }
  }
}
