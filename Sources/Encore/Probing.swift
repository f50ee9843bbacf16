import Concurrency
package import Model

extension EncorePlatform {
  /// Looks for a rollout whose trigger got no answer.
  ///
  /// Encore lists no rollouts and takes no marker. The health answer is all there is: a deployment other than
  /// the one before, of the wanted commit, is the one new object since *begin*. While none shows, the rollout
  /// may still be building or may have failed: after `appearance` the outcome is unknown and a person looks at the
  /// dashboard. A probe that begins only after that time, because the command was run again, concludes that
  /// nothing came of the trigger, or the environment would be blocked for ever: a second rollout of the same
  /// commit changes nothing that the first did not. (Of a request of which certainly nothing was sent the client
  /// says so itself, and it is sent again without a probe.)
  func probe(_ place: EncorePlace, commit: String, previous: String?, _ call: StepCall) async -> Finding {
    if let id = call.externalID { return .underWay(externalID: id) }
    var pace = RolloutPace()
    let isLate = clock.now >= call.beganAt + appearance
    // Old and new answers are mixed for a while, so a late look is not a single one either.
    let end = isLate ? clock.now + .seconds(5) : min(call.beganAt + appearance, call.deadline)
    // Before the first release there is nothing that could answer.
    var hasAnswered = previous == nil
    var last = ""
    while true {
      switch await health(at: place.address) {
      case .success(let health):
        if health.runs(commit), previous.map({ RolloutID.full(health.id) != RolloutID.full($0) }) ?? true {
          if let id = health.deployment { return .underWay(externalID: id) }
          return .done(
            StepResult(
              externalID: health.id, summary: "\(commit.prefix(7)) serves", liveSince: clock.now,
              facts: ["status": health.code]))
        }
        last = "it serves \(health.revision.prefix(7)) of \(health.id)"
        hasAnswered = true
      case .failure(let trouble): last = trouble.words
      }
      guard clock.now < end else { break }
      call.report(
        .progress("the trigger got no answer; looking whether \(commit.prefix(7)) appears: \(last)"))
      do { try await clock.sleep(for: min(pace.next(random: client.random()), end - clock.now)) } catch {
        break
      }
    }
    if isLate, hasAnswered {
      call.report(
        .log("no rollout of \(commit.prefix(7)) has shown at \(place.name) since its trigger: \(last)"))
      return .absent
    }
    return .unknown(
      Failure(
        .unknown, "it is not known whether Encore rolls \(commit.prefix(7)) out to \(place.name)",
        place: "\(place.address)/__encore/healthz",
        cause: "the trigger got no answer, Encore lists no rollouts, and \(last)",
        hint:
          "look at https://app.encore.dev/\(place.app)/deploys/\(place.environment); when nothing runs there, "
          + "run the command again"))
  }

  package func abandon(_ step: Step, _ call: StepCall) async -> Abandonment {
    switch step.action {
    case .variables(let write): return .inFlight("secrets of \(write.target.name) may be written or not")
    case .deploy(let request): return await abandon(EncorePlace(request.target), call)
    case .restore(let restore): return await abandon(EncorePlace(restore.target), call)
    default: return .cancelled
    }
  }

  /// Nothing can be cancelled; what can be said is whether it has ended.
  private func abandon(_ place: EncorePlace, _ call: StepCall) async -> Abandonment {
    guard let id = call.externalID ?? memory.open(in: place) else {
      return .inFlight("Encore may be rolling \(place.name) out: its trigger was not answered")
    }
    guard let rollout = try? await rollout(id, .quick(.milliseconds(1500))) else {
      return .inFlight("the rollout \(id) of \(place.name) could not be read: \(place.page(of: id))")
    }
    if rollout.isCompleted {
      memory.ended(id, in: place)
      guard rollout.conclusion == "success" else { return .cancelled }
      return .tookEffect(
        StepResult(
          externalID: id, summary: "took effect before it could be stopped", liveSince: clock.now,
          facts: ["status": rollout.conclusion]))
    }
    // Given up for want of a person: nothing of it is live, and the failure says what an approval would do.
    if rollout.isProposed, memory.wasGivenUp(id) { return .cancelled }
    return .inFlight(
      "the rollout \(id) of \(place.name) goes on: Encore has no way to cancel one by its API "
        + "(\(place.page(of: id)))")
  }
}
