import Concurrency
import JSON
package import Model

extension RailwayPlatform {
  /// One try each, so that all of it fits into three seconds.
  private var lastWords: RailwayClient.Manner { .quick(.milliseconds(700)) }

  package func abandon(_ step: Step, _ call: StepCall) async -> Abandonment {
    switch step.action {
    case .deploy(let request): return await abandon(request.target, request.cutOver, step, call)
    case .restore(let restore): return await abandon(restore.target, .gated, step, call)
    case .settings(let write):
      guard
        let details = try? await client.details(
          of: write.target, withAutoDeploys: write.autoDeploys != nil, lastWords)
      else {
        return .inFlight("settings of \(write.target.name) may be written or not")
      }
      return write.missing(in: details).isEmpty
        ? .tookEffect(StepResult(summary: "settings are written")) : .cancelled
    case .variables(let write):
      guard let stored = try? await client.storedVariables(of: write.target, lastWords),
        case .success(let values) = await plannedValues(write)
      else { return .inFlight("variables of \(write.target.name) may be written or not") }
      return holds(write, values, in: stored)
        ? .tookEffect(StepResult(summary: "variables are written")) : .cancelled
    case .create(let creation):
      if let fork = creation.fork { return await abandon(fork, creation, call) }
      guard let found = try? await look(creation, step, call, lastWords) else {
        return .inFlight("\(creation.words) may be made or not")
      }
      if case .one(let id) = found {
        return .tookEffect(StepResult(externalID: id, summary: "\(creation.words) is made"))
      }
      return .inFlight("\(creation.words) may still be made")
    default: return .cancelled
    }
  }

  /// Half made it stays, and the next run goes on with it.
  private func abandon(
    _ fork: RailwayFork, _ creation: Creation, _ call: StepCall
  ) async -> Abandonment {
    switch try? await probeForFork(fork, creation, call) {
    case .one(let id)?:
      return .tookEffect(StepResult(externalID: id, summary: "\(creation.words) is made"))
    case .begun(let id)?:
      return .tookEffectInPart(
        StepResult(externalID: id, summary: "\(creation.words) is there, and not ready yet"))
    case .some(.none), .several?, nil: return .inFlight("\(creation.words) may be made or not")
    }
  }

  private func abandon(_ target: ServiceTarget, _ cutOver: CutOver, _ step: Step, _ call: StepCall)
    async -> Abandonment
  {
    var id = call.externalID
    if id == nil {
      let since = await client.serverMoment(call.beganAt, margin: .seconds(60))
      guard let found = try? await client.deployments(of: target, since: since, lastWords) else {
        return .inFlight("Railway could not be asked whether \(target.name) is being deployed")
      }
      id = found.first { $0.marker == call.marker(of: step) }?.id
    }
    guard let id else { return .inFlight("a deployment of \(target.name) may still appear") }
    return await callOff(
      Awaited(
        id: id, target: target, marker: call.marker(of: step), image: nil, commit: nil, cutOver: cutOver,
        beganAt: call.beganAt))
  }

  /// Cancels a deployment that is not live, and says what became of it.
  func callOff(_ awaited: Awaited) async -> Abandonment {
    func verdict(_ deployment: Deployment?) -> Abandonment? {
      guard let deployment else { return nil }
      switch deployment.status {
      case .live, .sleeping, .crashed:
        return .tookEffect(
          StepResult(
            externalID: deployment.id, summary: "took effect before it could be stopped",
            liveSince: clock.now,
            facts: ["status": deployment.word]))
      case .failed, .skipped, .removed, .unknown("CANCELLED"), .unknown("CANCELED"): return .cancelled
      default: return nil
      }
    }
    if let settled = verdict(try? await client.deployment(awaited.id, lastWords)) { return settled }
    let accepted = (try? await client.mutate(Documents.cancel, ["id": .string(awaited.id)], lastWords)) != nil
    let after = try? await client.deployment(awaited.id, lastWords)
    if let settled = verdict(after) { return settled }
    if accepted, after?.status == .removing { return .cancelled }
    return .inFlight(
      "the deployment \(awaited.id) of \(awaited.target.name) "
        + (accepted ? "was asked to stop, but is not gone yet" : "could not be asked to stop"))
  }
}
