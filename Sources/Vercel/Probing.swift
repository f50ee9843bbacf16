import Concurrency
import JSON
import Model

extension VercelPlatform {
  /// After this long since its beginning no request of a step can still take effect.
  private static let longest: Duration = .seconds(900)

  /// Looks for the deployment a deploy step made, by its marker.
  func probe(_ request: Deployment.Request, _ step: Step, _ call: StepCall) async -> Finding {
    if let id = call.externalID { return .underWay(externalID: id) }
    let target = request.cutOver == .beside ? "preview" : "production"
    return await search(request.target.place, call.marker(of: step), call, target: target)
  }

  func probe(_ promotion: Promotion, _ call: StepCall) async -> Finding {
    guard let id = call.externalID ?? call.results[promotion.deploymentStep]?.externalID else {
      return .absent
    }
    return await probe(switchTo: id, promotion.target.place, call)
  }

  func probe(_ restore: Restore, _ step: Step, _ call: StepCall) async -> Finding {
    let place = restore.target.place
    if restore.mode == .codeAndVariables { return await probe(switchTo: restore.deployment, place, call) }
    if let id = call.externalID { return .underWay(externalID: id) }
    return await search(place, call.marker(of: step), call)
  }

  /// Whether a promotion or rollback was asked for since the step began: by the project's last job, and by what
  /// is served.
  private func probe(switchTo id: String, _ place: Place, _ call: StepCall) async -> Finding {
    let end = clock.now + allowance(min(appearance, .seconds(5)), call)
    var pace = PollPace()
    while true {
      do throws(APIError) {
        let project = try await client.project(place, rollbackInfo: true)
        let since = await client.serverMoment(call.beganAt, margin: .seconds(3))
        if let job = project.job, job.to == id, job.requestedAt >= since { return .underWay(externalID: id) }
        // Served, but by no job of ours: performing sees that and only confirms it.
        if project.production?.id == id { return .absent }
        if project.rollingRelease != nil,
          let release = RollingRelease(try await client.send(Endpoint.rollingRelease(place)).body),
          release.isActive, release.canary == id || release.queued == id
        {
          return .underWay(externalID: id)
        }
      } catch { return .unknown(unsure(error, place)) }
      let left = end - clock.now
      guard left > .zero else { return .absent }
      let wait = pace.next(Quota(), now: clock.now, random: client.random())
      do { try await clock.sleep(for: min(wait, left)) } catch { return .unknown(stopped(place)) }
    }
  }

  /// Lists deployments since the step began until one carries the marker, or the time is over.
  private func search(
    _ place: Place, _ marker: Marker, _ call: StepCall, target: String = "production"
  ) async -> Finding {
    let end = clock.now + allowance(appearance, call)
    var pace = PollPace()
    var trouble: APIError?
    while true {
      do throws(APIError) {
        let since = await client.serverMoment(call.beganAt, margin: .seconds(60))
        let found = try await client.deployments(place, since: since, target: target)
          .filter { $0.marker == marker }
        trouble = nil
        // Of several with our marker the newest counts: all are staged, and none of the others is promoted.
        if let newest = found.max(by: {
          ($0.createdAt?.milliseconds ?? 0) < ($1.createdAt?.milliseconds ?? 0)
        }) {
          return .underWay(externalID: newest.id)
        }
      } catch {
        if error.kind == .cancelled { return .unknown(stopped(place)) }
        trouble = error
      }
      let left = end - clock.now
      guard left > .zero else { break }
      let wait = pace.next(await client.quota("getDeployments"), now: clock.now, random: client.random())
      do { try await clock.sleep(for: min(wait, left)) } catch { return .unknown(stopped(place)) }
    }
    return trouble.map { .unknown(unsure($0, place)) } ?? .absent
  }

  /// How long something may still appear; nothing does long after the beginning.
  private func allowance(_ wait: Duration, _ call: StepCall) -> Duration {
    clock.now - call.beganAt > VercelPlatform.longest ? .zero : wait
  }

  private func unsure(_ error: APIError, _ place: Place) -> Failure {
    var failure = error.failure("looking for what became of \(place.name)", scope: scope(place))
    failure.kind = .unknown
    return failure
  }

  private func stopped(_ place: Place) -> Failure {
    Failure(
      .unknown, "looking for what became of \(place.name) was stopped", place: "Vercel project \(place.name)")
  }
}
