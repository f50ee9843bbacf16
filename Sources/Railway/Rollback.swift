import Concurrency
import JSON
import Model

extension RailwayPlatform {
  /// Takes a service back to an old deployment and waits for the one that Railway makes of it.
  func perform(_ restore: Restore, _ step: Step, _ call: StepCall) async -> Outcome {
    if let id = call.externalID { return await wait(for: awaited(id, restore, nil, step, call), step, call) }
    let doing = "restoring \(restore.target.name) to the deployment \(restore.deployment)"
    let old: Deployment
    let known: Set<String>
    do throws(APIError) {
      let state = try await client.state(of: restore.target.place)
      guard let found = try await client.deployment(restore.deployment) else {
        return .failed(
          Failure(
            .failed, "the deployment \(restore.deployment) of \(restore.target.name) no longer exists",
            place: "Railway deployment \(restore.deployment)",
            hint: "deploy the old commit instead: `shipit deploy --allow-older --commit REV`"), moved: false)
      }
      old = found
      if let result = stillServes(old, state.services[restore.target.serviceID]) { return .done(result) }
      known = Set(try await client.deployments(of: restore.target).map(\.id) + [old.id])
    } catch { return await reading(error, doing) }

    if restore.mode == .codeAndVariables, !old.canRollback {
      return .failed(
        Failure(
          .failed, "Railway cannot roll \(restore.target.name) back to \(old.id)",
          place: "Railway deployment \(old.id)",
          cause: "its image is no longer kept: 24 to 360 hours after removal, by plan",
          hint: "deploy the old commit instead: `shipit deploy --allow-older --commit REV`"), moved: false)
    }
    let made: Result<String, Trouble>
    switch restore.mode {
    case .codeAndVariables: made = await rollBack(to: old, known: known, restore, doing, call)
    case .codeOnly: made = await redeploy(old, usePreviousImage: true, doing)
    case .rebuild, .redeploy: made = await redeploy(old, usePreviousImage: false, doing)
    }
    switch made {
    case .failure(let trouble): return trouble.outcome
    case .success(let id):
      if let trouble = await record(id, call) { return trouble }
      return await wait(for: awaited(id, restore, old, step, call), step, call)
    }
  }

  private func awaited(_ id: String, _ restore: Restore, _ old: Deployment?, _ step: Step, _ call: StepCall)
    -> Awaited
  {
    Awaited(
      id: id, target: restore.target, marker: call.marker(of: step), image: old?.image, commit: nil,
      cutOver: .gated, beganAt: call.beganAt, isRestore: true)
  }

  /// The old deployment was never replaced and nothing is about to replace it.
  private func stillServes(_ old: Deployment, _ service: ServiceState?) -> StepResult? {
    guard let service, service.live?.id == old.id, old.status == .live || old.status == .sleeping,
      service.newest.map({ $0.id == old.id || $0.status.isSettled }) ?? true
    else { return nil }
    return StepResult(externalID: old.id, summary: "it serves still", facts: ["status": old.word])
  }

  /// `deploymentRollback` answers only true; the deployment it makes has to be found.
  private func rollBack(
    to old: Deployment, known: Set<String>, _ restore: Restore, _ doing: String, _ call: StepCall
  ) async -> Result<String, Trouble> {
    let asked = clock.now
    do {
      let data = try await client.mutate(Documents.rollback, ["id": .string(old.id)])
      guard data["deploymentRollback"]?.bool == true else {
        return .failure(
          Trouble(
            outcome: .failed(
              Failure(
                .failed, "\(doing): Railway refused the rollback",
                place: "Railway \(Documents.rollback.name)",
                cause: "it answered \(data["deploymentRollback"]?.serialized() ?? "nothing")",
                hint: "deploy the old commit instead: `shipit deploy --allow-older --commit REV`"),
              moved: false)))
      }
    } catch {
      let outcome = error.outcome(doing, token: await tokenWords())
      guard case .ambiguous = outcome else { return .failure(Trouble(outcome: outcome)) }
      // A refusal in words nobody has seen yet must not be taken for an effect: look before saying so.
      switch await find(restore, old, known: known, since: asked, for: .seconds(30), call) {
      case .one(let id): return .success(id)
      case .none where error.kind == .unclassified:
        return .failure(Trouble(outcome: .failed(error.failure(doing), moved: false)))
      case .none, .several, .unreadable: return .failure(Trouble(outcome: outcome))
      }
    }
    call.report(.progress("Railway accepted the rollback, looking for its deployment"))
    switch await find(restore, old, known: known, since: asked, for: .seconds(60), call) {
    case .one(let id): return .success(id)
    case .none:
      return .failure(Trouble(outcome: .unknowable(unfound(restore, "none appeared within 60 s"))))
    case .several(let ids):
      return .failure(
        Trouble(outcome: .unknowable(unfound(restore, "several could be it: \(ids.joined(separator: ", "))")))
      )
    case .unreadable(let error):
      if error.kind == .cancelled { return .failure(Trouble(outcome: .cancelled(moved: false))) }
      return .failure(Trouble(outcome: .ambiguous(unfound(restore, error.message))))
    }
  }

  private func unfound(_ restore: Restore, _ cause: String) -> Failure {
    Failure(
      .unknown, "Railway accepted the rollback of \(restore.target.name), but its deployment was not found",
      place: "Railway \(Documents.rollback.name)", cause: cause,
      hint: "look at the service in Railway's dashboard, then `shipit status`")
  }

  private func redeploy(_ old: Deployment, usePreviousImage: Bool, _ doing: String) async -> Result<
    String, Trouble
  > {
    do throws(APIError) {
      let data = try await client.mutate(
        Documents.redeploy, ["id": .string(old.id), "usePreviousImageTag": .bool(usePreviousImage)])
      guard let id = data["deploymentRedeploy"]?["id"]?.string else {
        throw APIError(
          .malformed, "an answer without the deployment's id", operation: Documents.redeploy.name)
      }
      return .success(id)
    } catch { return .failure(Trouble(outcome: error.outcome(doing, token: await tokenWords()))) }
  }

  /// What a search for a deployment without a marker found.
  enum Found {
    case one(String)
    case none
    case several([String])
    case unreadable(APIError)
  }

  /// Looks for the deployment that a restore makes, until it appears or the time is over.
  func find(
    _ restore: Restore, _ old: Deployment?, known: Set<String>, since: Timestamp, for limit: Duration,
    _ call: StepCall
  ) async -> Found {
    await search(in: restore.target, since: since, after: known, for: limit) { deployment in
      RailwayPlatform.isRestored(deployment, restore, old, known: known, call)
    }
  }

  /// A deployment that a restore may have made: new, not marked by this run, of the old code and image.
  static func isRestored(
    _ deployment: Deployment, _ restore: Restore, _ old: Deployment?, known: Set<String>, _ call: StepCall
  ) -> Bool {
    if known.contains(deployment.id) || deployment.id == restore.deployment { return false }
    if let marker = deployment.marker, marker.run == call.run.id, marker.environment == call.run.environment {
      return false
    }
    if let wanted = restore.commit ?? old?.commit, let got = deployment.commit,
      !WaitDecision.agree(wanted, got)
    {
      return false
    }
    if let wanted = old?.image, let got = deployment.image, !WaitDecision.agree(wanted, got) { return false }
    return true
  }

  /// Lists a service's deployments again and again until some fit or the time is over.
  /// - Parameter earlier: ids of deployments that are older than the wanted one: what is older than they are
  ///   was made by somebody or some run before.
  func search(
    in target: ServiceTarget, since: Timestamp, after earlier: Set<String> = [], for limit: Duration,
    fits: (Deployment) -> Bool
  ) async -> Found {
    var pace = PollPace()
    let end = clock.now + limit
    var trouble: APIError?
    while true {
      do throws(APIError) {
        let from = await client.serverMoment(since, margin: .seconds(60))
        let listed = try await client.deployments(of: target, since: from, .quick(.seconds(10)))
        let floor = listed.filter { earlier.contains($0.id) }.map(\.createdAt).max()
        let fitting = listed.filter { deployment in
          floor.map { deployment.createdAt >= $0 } ?? true && fits(deployment)
        }
        trouble = nil
        if fitting.count == 1 { return .one(fitting[0].id) }
        if fitting.count > 1 { return .several(fitting.map(\.id)) }
      } catch {
        if error.kind == .cancelled { return .unreadable(error) }
        trouble = error
      }
      let left = end - clock.now
      guard left > .zero else { break }
      let wait = pace.next(await client.quota, now: clock.now, random: client.random())
      do { try await client.sleep(min(wait, left), Documents.deployments.name) } catch {
        return .unreadable(error)
      }
    }
    return trouble.map { .unreadable($0) } ?? .none
  }
}
