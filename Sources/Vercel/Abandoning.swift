import Concurrency
import JSON
package import Model

extension VercelPlatform {
  /// One try each, so that all of it fits into three seconds.
  private var lastWords: VercelClient.Manner { .quick(.milliseconds(700)) }

  package func abandon(_ step: Step, _ call: StepCall) async -> Abandonment {
    switch step.action {
    case .deploy(let request):
      let target = request.cutOver == .beside ? "preview" : "production"
      return await abandonBuild(request.target.place, step, call, target: target)
    case .promote(let promotion):
      guard let id = call.externalID ?? call.results[promotion.deploymentStep]?.externalID else {
        return .cancelled
      }
      return await abandonSwitch(id, promotion.target.place, call)
    case .restore(let restore):
      let place = restore.target.place
      if restore.mode == .codeAndVariables { return await abandonSwitch(restore.deployment, place, call) }
      let built = await abandonBuild(place, step, call)
      guard let id = call.externalID, case .cancelled = built else { return built }
      return await abandonSwitch(id, place, call)
    case .create(let creation):
      guard let place = try? await place(of: creation),
        let found = try? await client.project(place, lastWords)
      else { return .inFlight("\(creation.words) may be made or not") }
      return .tookEffect(StepResult(externalID: found.id, summary: "\(creation.words) is made"))
    case .settings(let write):
      guard let project = try? await client.project(write.target.place, lastWords) else {
        return .inFlight("settings of \(write.target.name) may be written or not")
      }
      return write.missing(in: project).isEmpty
        ? .tookEffect(StepResult(summary: "settings are written")) : .cancelled
    case .variables(let write):
      guard let stored = try? await client.variables(write.target.place, decrypt: true, lastWords),
        let values = try? plannedValues(write)
      else { return .inFlight("variables of \(write.target.name) may be written or not") }
      let now = stored.filter(\.isForProduction)
      // One that cannot be read was ours when it was written after the beginning.
      let since = await client.serverMoment(call.beganAt, margin: .seconds(1))
      let isWritten = values.allSatisfy { key, wanted in
        now.contains { found in
          found.key == key
            && (found.value == wanted.value
              || (found.value == nil && (found.updatedAt.map { $0 >= since } ?? false)))
        }
      }
      return isWritten && write.remove.allSatisfy { name in !now.contains { $0.key == name } }
        ? .tookEffect(StepResult(summary: "variables are written")) : .cancelled
    default: return .cancelled
    }
  }

  private func abandonBuild(
    _ place: Place, _ step: Step, _ call: StepCall, target: String = "production"
  ) async -> Abandonment {
    var id = call.externalID
    if id == nil {
      let since = await client.serverMoment(call.beganAt, margin: .seconds(60))
      guard
        let found = try? await client.deployments(
          place, since: since, target: target, wanted: 100, lastWords)
      else {
        return .inFlight("Vercel could not be asked whether \(place.name) is being deployed")
      }
      id = found.first { $0.marker == call.marker(of: step) }?.id
    }
    // Nothing of it is public unless it is promoted, and nobody will.
    guard let id else {
      return .inFlight("a staged deployment of \(place.name) may still appear; nothing public changes")
    }
    return await callOff(id, place)
  }

  /// A switch cannot be called off; it can only be seen how far it is.
  private func abandonSwitch(_ id: String, _ place: Place, _ call: StepCall) async -> Abandonment {
    guard let project = try? await client.project(place, rollbackInfo: true, lastWords) else {
      return .inFlight("Vercel could not be asked whether \(place.name) serves \(id)")
    }
    if project.production?.id == id {
      return .tookEffect(
        StepResult(
          externalID: id, summary: "it serves already", liveSince: clock.now,
          facts: ["pinned": project.assignsDomains ? "false" : "true"]))
    }
    let since = await client.serverMoment(call.beganAt, margin: .seconds(3))
    if let job = project.job, job.to == id, job.requestedAt >= since {
      // A failed one may have moved some addresses.
      return .inFlight("the \(job.kind.rawValue) of \(place.name) to \(id) is \(job.status)")
    }
    if call.externalID != nil || project.rollingRelease != nil {
      return .inFlight("the switch of \(place.name) to \(id) was asked for and goes on without us")
    }
    return .cancelled
  }
}
