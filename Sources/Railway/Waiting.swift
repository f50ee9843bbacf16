import Concurrency
import Model

extension RailwayPlatform {
  /// Waits until a deployment is live, or certainly is not, at most until the step's limit.
  func wait(for awaited: Awaited, _ step: Step, _ call: StepCall) async -> Outcome {
    var awaited = awaited
    var decision = WaitDecision(awaited)
    var logs = LogFollower(client: client, deployment: awaited.id, report: call.report)
    let poller = await pollers.poller(for: awaited.target.place)
    // What is left of the limit pays for the cancelling.
    let limit = call.deadline - min(.seconds(5), step.limit / 10)
    var soon = true
    while true {
      let reading: EnvironmentPoller.Reading
      do { reading = try await poller.next(soon: soon, by: limit) } catch {
        return .cancelled(moved: decision.wasLive)
      }
      soon = false
      let now = clock.now
      var verdict: WaitDecision.Verdict
      var status: Deployment.Status?
      switch await sight(reading, awaited) {
      case .failure(let error):
        if error.kind == .cancelled { return .cancelled(moved: decision.wasLive) }
        verdict = decision.unreadable(error, now: now)
      case .success(let sight):
        status = sight.ours?.status
        verdict = decision.look(sight, now: now)
      }
      switch verdict {
      case .keepWaiting(let words):
        if let words {
          call.report(.progress(words))
          soon = true
        }
        if let status { await logs.advance(status) }
        if clock.now >= limit { return await limitReached(awaited, decision, call) }
      case .live(let deployment):
        if await client.quota.isGenerous(now: now) { await logs.finish() }
        return .done(result(deployment, awaited, now))
      case .failed(let deployment):
        await logs.finish()
        return .failed(await explain(deployment, awaited, call), moved: decision.hasMoved)
      case .refused(let failure, let moved):
        await logs.finish()
        return .failed(failure, moved: moved)
      case .replaced(let id):
        if let trouble = await record(id, call) { return trouble }
        call.report(.progress("replaced by \(id), which carries the same marker"))
        awaited.id = id
        decision = WaitDecision(awaited)
        logs = LogFollower(client: client, deployment: id, report: call.report)
        soon = true
      case .unknowable(let failure): return .unknowable(failure)
      }
    }
  }

  /// Finds the deployment in a reading, or asks for it by id when it is neither the newest nor active.
  private func sight(_ reading: EnvironmentPoller.Reading, _ awaited: Awaited) async -> Result<
    Sight, APIError
  > {
    do throws(APIError) {
      let service = try reading.get().services[awaited.target.serviceID]
      var ours = service?.deployment(awaited.id)
      if ours == nil {
        ours = try await client.deployment(
          awaited.id, .init(timeout: .seconds(10), attempts: 1, patience: .seconds(10)))
      }
      return .success(Sight(ours: ours, newest: service?.newest, isCron: service?.isCron ?? false))
    } catch { return .failure(error) }
  }

  private func result(_ deployment: Deployment, _ awaited: Awaited, _ now: Timestamp) -> StepResult {
    var facts: [String: String] = ["status": deployment.word]
    facts["image"] = deployment.image
    facts["commit"] = deployment.commit
    facts[StepFact.digest] = deployment.digest
    let seconds = max(0, (now - awaited.beganAt).wholeMilliseconds / 100)
    return StepResult(
      externalID: deployment.id,
      summary:
        "\(deployment.status == .sleeping ? "live and asleep" : "live") after \(seconds / 10).\(seconds % 10) s",
      liveSince: now, facts: facts)
  }

  /// Why a deployment failed: the status alone does not tell a migration from a health check.
  private func explain(_ deployment: Deployment, _ awaited: Awaited, _ call: StepCall) async -> Failure {
    let event = await client.failedEvent(of: deployment.id)
    let (what, hint): (String, String)
    let logs = "`\(call.buildLogs(of: awaited.target.service, deployment: deployment.id))` shows why"
    switch event?.step {
    case "SNAPSHOT_CODE": (what, hint) = ("its source could not be read", logs)
    case "BUILD_IMAGE", "PUBLISH_IMAGE": (what, hint) = ("its build failed", logs)
    case "WAIT_FOR_DEPENDENCIES":
      (what, hint) = ("a service it depends on did not come up", "deploy that one first")
    case "MIGRATE_VOLUMES":
      (what, hint) = ("its volume could not be moved", "look at the volume in Railway's dashboard")
    case "PRE_DEPLOY_COMMAND":
      (what, hint) = (
        "its pre-deploy command failed", "see the log above; the command must be safe to run again"
      )
    case "CREATE_CONTAINER": (what, hint) = ("its container did not start", "check image and start command")
    case "CONFIGURE_NETWORK": (what, hint) = ("its network could not be set up", "see Railway's status page")
    case "HEALTHCHECK":
      (what, hint) = (
        "it never passed Railway's health check",
        "the service must answer 200 on its health path on port $PORT"
      )
    default: (what, hint) = ("Railway reports FAILED", "see the log above")
    }
    let serving = await servingAfter(awaited, failedIn: event?.step)
    let error = event?.error ?? ""
    return Failure(
      .failed, "the deployment \(deployment.id) of \(awaited.target.name) failed: \(what)\(serving)",
      place: "Railway deployment \(deployment.id)" + (event.map { ", \($0.step)" } ?? ""),
      cause: error.isEmpty ? nil : error, hint: hint)
  }

  /// What users get after a failure.
  private func servingAfter(_ awaited: Awaited, failedIn step: String?) async -> String {
    if awaited.isRestore {
      guard let state = try? await client.state(of: awaited.target.place) else { return "" }
      return state.services[awaited.target.serviceID]?.live == nil
        ? "; nothing serves now" : "; what served before it keeps serving"
    }
    if !awaited.hasPrevious { return "; nothing served before it" }
    // With a volume the old one is stopped when the new one is about to be started, not earlier.
    let early = [
      "SNAPSHOT_CODE", "BUILD_IMAGE", "PUBLISH_IMAGE", "WAIT_FOR_DEPENDENCIES", "PRE_DEPLOY_COMMAND",
    ]
    return awaited.cutOver == .stopFirst && !early.contains(step ?? "")
      ? "; the old one was stopped first, so nothing may be serving"
      : "; the previous deployment keeps serving"
  }

  /// The step's time is over: what is not live is called off.
  private func limitReached(_ awaited: Awaited, _ decision: WaitDecision, _ call: StepCall) async -> Outcome {
    if decision.needsApproval {
      return .waiting(
        "the deployment \(awaited.id) of \(awaited.target.name) waits for a person's approval in Railway's dashboard"
      )
    }
    let failure = Failure(
      .timeout, "the deployment \(awaited.id) of \(awaited.target.name) was not live in time",
      place: "Railway deployment \(awaited.id)",
      cause: "its limit of \((call.deadline - call.beganAt).components.seconds) s ran out",
      hint: awaited.isRestore
        ? "`shipit status` for what is live, then `shipit rollback` when Railway works again"
        : "see the log above; `health.within` and `protect.deadline` are the limits")
    switch await callOff(awaited) {
    case .cancelled: return .failed(failure, moved: decision.hasMoved)
    case .tookEffect(let result):
      if decision.wasLive {
        var failure = failure
        failure.cause = "Railway reports it live, but no instance of it runs"
        return .failed(failure, moved: true)
      }
      return .done(result)
    case .tookEffectInPart: return .failed(failure, moved: true)
    case .inFlight(let words):
      var unsure = failure
      unsure.kind = .unknown
      unsure.cause = words
      return .unknowable(unsure)
    }
  }

  /// Records a deployment's id before anything else is done; an outcome when that failed.
  func record(_ id: String, _ call: StepCall) async -> Outcome? {
    do {
      try await call.identify(id)
      return nil
    } catch is CancellationError {
      return .cancelled(moved: false)
    } catch {
      return .ambiguous(
        Failure(
          .unknown, "the deployment \(id) was made, but its id could not be recorded", cause: "\(error)",
          hint: "`shipit status` looks for it"))
    }
  }
}
