import Concurrency
import Model

extension RailwayPlatform {
  /// After this long since its beginning no request of a step can still take effect.
  private static let longest: Duration = .seconds(900)

  /// So long after its beginning a deployment that Railway does not list is not one too young to be listed.
  private static let young: Duration = .seconds(120)

  /// What a deployment whose id was recorded has become. One that Railway has forgotten is not waited for, or
  /// every later command would wait for it again.
  private func recorded(_ id: String, _ call: StepCall) async -> Finding {
    guard clock.now - call.beganAt > RailwayPlatform.young else { return .underWay(externalID: id) }
    do {
      return try await client.deployment(id) == nil ? .absent : .underWay(externalID: id)
    } catch {
      // Whoever waits for it reads again, and has more patience.
      return .underWay(externalID: id)
    }
  }

  /// Looks for the deployment a deploy step made: by its marker, and where nothing carries one, the one new
  /// deployment of the wanted image or commit.
  func probe(_ request: Deployment.Request, _ step: Step, _ call: StepCall) async -> Finding {
    if let id = call.externalID { return await recorded(id, call) }
    let marker = call.marker(of: step)
    let others = Set(call.results.values.compactMap(\.externalID) + [request.previous].compactMap(\.self))
    switch request.source {
    case .directory, .commandLineBuild, .prebuilt:
      // Of several with our marker the newest counts: it superseded the others.
      let found = await search(in: request.target, since: call.beganAt, for: allowance(.seconds(60), call)) {
        $0.marker == marker
      }
      if case .several(let ids) = found, let newest = ids.first { return .underWay(externalID: newest) }
      return finding(found, request.target)
    case .image(let image):
      let found = await search(in: request.target, since: call.beganAt, for: allowance(.seconds(30), call)) {
        $0.marker == nil && !others.contains($0.id) && $0.image.map { WaitDecision.agree(image, $0) } ?? false
      }
      return finding(found, request.target)
    case .repository(_, let commit):
      let found = await search(in: request.target, since: call.beganAt, for: allowance(.seconds(30), call)) {
        $0.marker == nil && !others.contains($0.id)
          && $0.commit.map { WaitDecision.agree(commit, $0) } ?? false
      }
      return finding(found, request.target)
    }
  }

  /// Looks for the one deployment a restore made since it was begun.
  func probe(_ restore: Restore, _ step: Step, _ call: StepCall) async -> Finding {
    if let id = call.externalID { return await recorded(id, call) }
    let old: Deployment?
    do { old = try await client.deployment(restore.deployment) } catch {
      return .unknown(unsure(error, restore.target))
    }
    let known = Set(call.results.values.compactMap(\.externalID))
    let found = await find(
      restore, old, known: known, since: call.beganAt, for: allowance(.seconds(30), call), call)
    return finding(found, restore.target)
  }

  /// How long something may still appear; nothing does long after the beginning.
  private func allowance(_ wait: Duration, _ call: StepCall) -> Duration {
    clock.now - call.beganAt > RailwayPlatform.longest ? .zero : min(wait, appearance)
  }

  private func finding(_ found: Found, _ target: ServiceTarget) -> Finding {
    switch found {
    case .one(let id): .underWay(externalID: id)
    case .none: .absent
    case .several(let ids):
      .unknown(
        Failure(
          .unknown, "\(ids.count) deployments of \(target.name) could be the one shipit made",
          place: "Railway service \(target.name)", cause: ids.joined(separator: ", "),
          hint: "look at them in Railway's dashboard, remove the one that is not wanted, then `shipit settle`"
        ))
    case .unreadable(let error): .unknown(unsure(error, target))
    }
  }

  private func unsure(_ error: APIError, _ target: ServiceTarget) -> Failure {
    var failure = error.failure("looking for the deployment of \(target.name)")
    failure.kind = .unknown
    return failure
  }
}
