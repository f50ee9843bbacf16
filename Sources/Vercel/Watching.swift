import Concurrency
import JSON
import Model

extension VercelPlatform {
  /// Waits until a staged deployment is ready, at most until the step's limit, telling its build log.
  func watch(_ id: String, _ place: Place, _ step: Step, _ call: StepCall) async -> Outcome {
    let logs = call.buildLogs(of: step.service, deployment: id)
    var decision = WatchDecision(id: id, name: place.name, logs: logs)
    var pace = PollPace()
    var log = LogFollower(client: client, place: place, deployment: id, report: call.report)
    // What is left of the limit pays for the cancelling.
    let limit = call.deadline - min(.seconds(5), step.limit / 10)
    while true {
      let verdict: WatchDecision.Verdict
      var found: DeploymentAnswer?
      do throws(APIError) {
        found = try await client.deployment(
          id, place, .init(timeout: .seconds(20), attempts: 1, patience: .seconds(20)))
        verdict = decision.look(found, now: clock.now)
      } catch {
        if error.kind == .cancelled { return .cancelled(moved: false) }
        verdict = decision.unreadable(error, now: clock.now)
      }
      switch verdict {
      case .keepWaiting(let words):
        if let words {
          call.report(.progress(words))
          pace.restart()
        }
        await log.advance()
        if clock.now >= limit { return await limitReached(id, place, logs, call) }
      case .ready:
        await log.finish()
        return .done(result(found, id, call))
      case .failed(let failure):
        await log.finish()
        var failure = failure
        if let cause = failure.cause { failure.cause = await client.scrub(cause) }
        return .failed(failure, moved: false)
      case .unknowable(let failure): return .unknowable(failure)
      }
      let wait = pace.next(await client.quota("getDeployment"), now: clock.now, random: client.random())
      do { try await clock.sleep(for: min(wait, max(.milliseconds(1), limit - clock.now))) } catch {
        return .cancelled(moved: false)
      }
    }
  }

  private func result(_ found: DeploymentAnswer?, _ id: String, _ call: StepCall) -> StepResult {
    var facts: [String: String] = ["status": found?.word ?? "READY"]
    if let url = found?.url {
      let address = addresses.address(of: url)
      facts[StepFact.address] = address
      facts["url"] = address
      memory.ownHosts.withLock { $0[Addresses.bare(url)] = id }
    }
    facts["commit"] = found?.commit
    let tenths = max(0, (clock.now - call.beganAt).wholeMilliseconds / 100)
    return StepResult(
      externalID: id, summary: "ready, not public yet, after \(tenths / 10).\(tenths % 10) s", facts: facts)
  }

  /// The step's time is over: what is being built is called off.
  private func limitReached(_ id: String, _ place: Place, _ logs: String, _ call: StepCall) async -> Outcome {
    let failure = Failure(
      .timeout, "the deployment \(id) of \(place.name) was not ready in time",
      place: "Vercel deployment \(id)",
      cause: "its limit of \((call.deadline - call.beganAt).components.seconds) s ran out",
      hint: "`\(logs)` shows how far it came; `health.within` and `protect.deadline` are the limits")
    switch await callOff(id, place) {
    case .cancelled: return .failed(failure, moved: false)
    case .tookEffect(let result), .tookEffectInPart(let result):
      // Ready after all, at the last moment, and staged: nobody sees it.
      var told = failure
      told.cause = result.summary
      return .failed(told, moved: false)
    case .inFlight(let words):
      // It is staged whatever becomes of it: what is public does not depend on it.
      var told = failure
      told.cause = words
      return .failed(told, moved: false)
    }
  }

  /// Cancels a deployment that is not ready, and says what became of it.
  func callOff(_ id: String, _ place: Place) async -> Abandonment {
    let lastWords = VercelClient.Manner.quick(.milliseconds(700))
    func verdict(_ answer: DeploymentAnswer?) -> Abandonment? {
      switch answer?.state {
      case "READY":
        // Staged and never promoted: it answers at its own address only.
        if answer?.wasLive != true { return .cancelled }
        return .tookEffect(
          StepResult(externalID: id, summary: "it serves already", facts: ["status": "READY"]))
      case "ERROR", "CANCELED", "DELETED": return .cancelled
      default: return nil
      }
    }
    if let settled = verdict(try? await client.deployment(id, place, lastWords)) { return settled }
    let answer = try? await client.send(Endpoint.cancel(place, id), lastWords).body
    if let settled = verdict(answer.flatMap { DeploymentAnswer($0) }) { return settled }
    if let settled = verdict(try? await client.deployment(id, place, lastWords)) { return settled }
    return .inFlight(
      "the deployment \(id) of \(place.name) "
        + (answer != nil ? "was asked to stop, but has not yet" : "could not be asked to stop")
        + "; it is staged, so nothing public changes")
  }
}
