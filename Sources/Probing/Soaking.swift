import Concurrency
import Model

extension HealthProber {
  /// Watches restarts and the probe for a while after the switch, since platforms stop watching then.
  func soak(_ planned: ProofRequest, _ call: StepCall) async -> Outcome {
    let request = HealthProber.placed(planned, call)
    let health = request.health
    let began = clock.now
    let ends = min(began + health.soak, call.deadline)
    let service = request.target.service
    let deployment = request.deploymentStep.flatMap { call.results[$0]?.externalID } ?? request.deployment
    let asksService =
      HealthProber.firstPath(of: health) != nil && HealthProber.url(request, path: "/") != nil
    guard asksService || deployment != nil else {
      return .done(StepResult(proof: .no, summary: "nothing to watch"))
    }
    // Calm: ten looks in a short soak, one each two seconds in a long one; the platform is asked less often.
    let pause = max(.milliseconds(100), min(.seconds(2), health.soak / 10))
    let platformPause = max(pause, min(.seconds(5), health.soak / 4))
    var nextPlatformLook = began
    var badInARow = 0
    var looks = 0
    while true {
      looks += 1
      do {
        switch try await look(request, wanted: deployment, [], timeout: .seconds(10)) {
        case .good: badInARow = 0
        case .wrong(let revision):
          badInARow += 1
          if badInARow >= 3 {
            return await failedOrReplaced(request, deployment, wrong(revision, request), nil)
          }
        case .bad(let words):
          badInARow += 1
          call.report(.progress("\(words) (\(badInARow) in a row)"))
          if badInARow >= 3 { return failed(request, "\(service) stopped answering after the switch", words) }
        case .locked(let failure):
          badInARow += 1
          if badInARow >= 3 { return .failed(failure, moved: false) }
        }
      } catch { return .cancelled(moved: false) }
      if let deployment, clock.now >= nextPlatformLook {
        nextPlatformLook = clock.now + platformPause
        switch await platformLook(request.target, deployment) {
        case .lives, .unreadable: break
        case .ended(let words): return failed(request, "\(service) did not stay up after the switch", words)
        case .replaced(let words):
          return .failed(
            Failure(
              .stale, "\(service) was replaced while it was being watched",
              place: "services.\(service)", cause: words, hint: "`shipit status` shows what is live"),
            moved: false)
        }
      }
      let left = ends - clock.now
      if left <= .zero { break }
      do { try await clock.sleep(for: min(pause, left)) } catch { return .cancelled(moved: false) }
    }
    if badInARow > 0 {
      // The end is not a way out for what fails just then.
      do {
        switch try await look(request, wanted: deployment, [], timeout: .seconds(10)) {
        case .good: break
        case .wrong(let revision):
          return await failedOrReplaced(request, deployment, wrong(revision, request), nil)
        case .bad(let words):
          return failed(request, "\(service) stopped answering after the switch", words)
        case .locked(let failure): return .failed(failure, moved: false)
        }
      } catch { return .cancelled(moved: false) }
    }
    return .done(
      StepResult(
        externalID: deployment,
        summary: "stable for \((clock.now - began).components.seconds) s, \(looks) looks"))
  }

  private func wrong(_ revision: String, _ request: ProofRequest) -> String {
    "\(request.target.service) serves \(ServedIdentity.short(revision)) but "
      + "\(request.commit.map(ServedIdentity.short) ?? "another revision") was deployed"
  }

  private func failedOrReplaced(
    _ request: ProofRequest, _ deployment: String?, _ message: String, _ cause: String?
  ) async -> Outcome {
    let outcome = failed(request, message, cause)
    guard case .failed(let failure, let moved) = outcome else { return outcome }
    return .failed(await replaced(request, deployment, instead: failure), moved: moved)
  }

  private func failed(_ request: ProofRequest, _ message: String, _ cause: String?) -> Outcome {
    .failed(
      Failure(
        .failed, message,
        place: HealthProber.firstPath(of: request.health).flatMap { HealthProber.url(request, path: $0) },
        cause: cause,
        hint: "`shipit logs` shows its last lines"), moved: false)
  }
}
