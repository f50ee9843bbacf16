import Concurrency
import JSON
import Model

extension VercelPlatform {
  /// Takes production back to an old deployment; where today's variables are wanted, to a new build of it.
  func perform(_ restore: Restore, _ step: Step, _ call: StepCall) async -> Outcome {
    let place = restore.target.place
    switch restore.mode {
    case .codeAndVariables:
      // Not `call.externalID ==`: a restore knows its deployment before it asks.
      return await turn(to: restore.deployment, place, expected: nil, step, call)
    case .codeOnly, .rebuild, .redeploy:
      return await rebuild(restore, place, step, call)
    }
  }

  /// Vercel's rollback always brings the old variables along: with today's, the old source is built again,
  /// staged, and promoted when it is ready (contract §2.3, redeploy).
  private func rebuild(_ restore: Restore, _ place: Place, _ step: Step, _ call: StepCall) async -> Outcome {
    let id: String
    if let known = call.externalID {
      id = known
    } else {
      let old: DeploymentAnswer?
      do { old = try await client.deployment(restore.deployment, place) } catch {
        return error.readingOutcome("restoring \(place.name) to \(restore.deployment)", scope: scope(place))
      }
      guard let old, !old.isRemoved else { return .failed(gone(restore.deployment, place), moved: false) }
      var body = creation(place, commit: restore.commit ?? old.commit ?? "", step, call)
      body["deploymentId"] = .string(old.id)
      do throws(Trouble) { id = try await create(body, place, prebuilt: false) } catch {
        return error.outcome
      }
      if let trouble = await record(id, call) { return trouble }
    }
    let built = await watch(id, place, step, call)
    guard case .done(let result) = built else { return built }
    var next = call
    next.externalID = nil
    var outcome = await turn(to: id, place, expected: nil, step, next)
    if case .done(var done) = outcome {
      done.facts.merge(result.facts) { own, _ in own }
      outcome = .done(done)
    }
    return outcome
  }
}
