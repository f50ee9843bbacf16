import Concurrency
import JSON
import Model

extension EncorePlatform {
  /// Triggers exactly one rollout of the commit and waits for it.
  func deploy(_ request: Deployment.Request, _ step: Step, _ call: StepCall) async -> Outcome {
    let place = EncorePlace(request.target)
    if let id = call.externalID {
      return await wait(for: id, place, step, call, previous: request.previous)
    }
    guard case .directory = request.source else { return .failed(foreign(step), moved: false) }
    // Somebody else's rollout since the plan would be undone or overtaken silently.
    if let previous = request.previous, case .success(let health) = await health(at: place.address),
      health.id != previous, RolloutID.full(health.id) != RolloutID.full(previous)
    {
      return .failed(foreignRollout(health, previous, place), moved: false)
    }
    return await rollOut(
      request.commit, place, skipTests: false, step, call, previous: request.previous)
  }

  private func foreignRollout(_ health: EncoreHealth, _ previous: String, _ place: EncorePlace) -> Failure {
    Failure(
      .stale, "\(place.name) runs another deployment than when the plan was made",
      place: "\(place.address)/__encore/healthz",
      cause: "it was \(previous), now it is \(health.id) of commit \(health.revision.prefix(7))",
      hint:
        "somebody else deployed, or the environment deploys pushes by itself (its deploy trigger in Encore's "
        + "dashboard); run the command again")
  }

  /// Triggers a rollout, records its id, and waits.
  /// - Parameter previous: what served before; whatever else shows then is somebody else's. Nil: not watched for.
  func rollOut(
    _ commit: String, _ place: EncorePlace, skipTests: Bool, _ step: Step, _ call: StepCall,
    previous: String? = nil
  ) async -> Outcome {
    call.report(.progress("asking Encore for a rollout of \(commit.prefix(7))"))
    let id: String
    switch await trigger(commit, place, skipTests: skipTests) {
    case .failure(let error):
      // Without an answer it may run; only the health answer can tell, so the engine is told to probe.
      return error.outcome("rolling out \(commit.prefix(7)) to \(place.name)")
    case .success(let rollout): id = rollout
    }
    memory.began(id, in: place)
    if let trouble = await record(id, call) { return trouble }
    call.report(.log("rollout \(id): \(place.page(of: id))"))
    return await wait(for: id, place, step, call, previous: previous)
  }

  /// The trigger of the public API (contract §4): `sha` alone, never a branch that could move meanwhile.
  private func trigger(_ commit: String, _ place: EncorePlace, skipTests: Bool) async -> Result<
    String, EncoreError
  > {
    let path = "/api/apps/\(percentEncoded(place.app))/envs/\(percentEncoded(place.environment))/rollouts"
    do throws(EncoreError) {
      var body: [String: JSON] = ["sha": .string(commit)]
      if skipTests { body["skip_tests"] = true }
      let answer = try await client.change(path, .object(body))
      guard let rollout = Rollout(answer) else {
        throw EncoreError(.malformed, "an answer without a rollout", operation: "POST \(path)")
      }
      return .success(rollout.id)
    } catch { return .failure(error) }
  }

  /// Waits until a rollout has ended, at most until the step's limit.
  func wait(
    for id: String, _ place: EncorePlace, _ step: Step, _ call: StepCall, previous: String? = nil
  ) async -> Outcome {
    memory.began(id, in: place)
    let approval = min(target.approval, step.limit / 2)
    let margin = min(.seconds(5), step.limit / 20)
    var decision = RolloutDecision(
      id: id, name: place.name, page: place.page(of: id), beganAt: clock.now,
      limit: step.limit - approval - margin, ends: call.deadline - margin, approval: approval)
    var pace = RolloutPace()
    while true {
      let verdict: RolloutDecision.Verdict
      do throws(EncoreError) {
        let rollout = try await rollout(id, .quick(.seconds(15)))
        verdict = decision.look(rollout, now: clock.now)
      } catch {
        if error.kind == .cancelled { return .cancelled(moved: false) }
        verdict = decision.unreadable(error, now: clock.now)
        if case .rateLimited(let after) = error.kind, case .keepWaiting = verdict {
          if (try? await clock.sleep(for: min(after ?? .seconds(10), .seconds(60)))) == nil {
            return .cancelled(moved: false)
          }
        }
      }
      switch verdict {
      case .keepWaiting(let words):
        if let words {
          call.report(.progress(words))
          pace.restart()
        }
      case .succeeded(let rollout):
        memory.ended(id, in: place)
        if let failure = await overtaken(id, place, previous, call) { return .failed(failure, moved: false) }
        return .done(result(rollout, call))
      case .ended(let rollout, let failure):
        memory.ended(id, in: place)
        return await ended(rollout, failure, place)
      case .unapproved:
        memory.gaveUp(id)
        return .waiting(
          "the rollout \(id) of \(place.name) proposes infrastructure and waits for an admin's approval: "
            + "\(place.page(of: id)). Approved later it goes live by itself; rejected it is gone")
      // It may still go live, and a rollout that goes back would queue behind it: a person has to look.
      case .late: return .unknowable(late(id, place, call))
      case .unknowable(let failure): return .unknowable(failure)
      }
      do { try await clock.sleep(for: pace.next(random: client.random())) } catch {
        return .cancelled(moved: false)
      }
    }
  }

  /// Reads one rollout.
  func rollout(_ id: String, _ manner: EncoreClient.Manner = .read) async throws(EncoreError) -> Rollout {
    let path = "/api/apps/\(percentEncoded(target.app))/rollouts/\(percentEncoded(RolloutID.full(id)))"
    guard let rollout = Rollout(try await client.read(path, manner)) else {
      throw EncoreError(.malformed, "an answer without a rollout", operation: "GET \(path)")
    }
    return rollout
  }

  private func result(_ rollout: Rollout, _ call: StepCall) -> StepResult {
    let now = clock.now
    let tenths = max(0, (now - call.beganAt).wholeMilliseconds / 100)
    return StepResult(
      externalID: rollout.id, summary: "rolled out after \(tenths / 10).\(tenths % 10) s", liveSince: now,
      facts: ["status": rollout.conclusion])
  }

  /// A rollout that ended badly: only what is served tells whether new code came through.
  private func ended(_ rollout: Rollout, _ failure: Failure, _ place: EncorePlace) async -> Outcome {
    guard rollout.deploy != nil, rollout.deploy?.status != "queued" else {
      return .failed(failure, moved: false)
    }
    guard case .success(let health) = await health(at: place.address, attempts: 3) else {
      return .failed(failure, moved: true)
    }
    return .failed(failure, moved: health.deployment == rollout.id)
  }

  private func late(_ id: String, _ place: EncorePlace, _ call: StepCall) -> Failure {
    Failure(
      .unknown, "the rollout \(id) of \(place.name) had not ended in time", place: "Encore rollout \(id)",
      cause:
        "its limit of \((clock.now - call.beganAt).components.seconds) s ran out, and Encore has no way to "
        + "cancel a rollout by its API",
      hint: "stop it or see it through at \(place.page(of: id))")
  }

  /// Watches the health answer for the rollout that has succeeded, for half a minute at most; the proof that
  /// follows has its own time. A deployment that is neither ours nor the one before is somebody else's.
  private func overtaken(
    _ id: String, _ place: EncorePlace, _ previous: String?, _ call: StepCall
  ) async -> Failure? {
    guard let previous else { return nil }
    var pace = RolloutPace()
    let end = min(clock.now + .seconds(30), call.deadline)
    while clock.now < end {
      if case .success(let health) = await health(at: place.address), let served = health.deployment {
        if served == id { return nil }
        if served != RolloutID.full(previous) { return foreignRollout(health, id, place) }
      }
      do { try await clock.sleep(for: pace.next(random: client.random())) } catch { return nil }
    }
    return nil
  }

  /// Records a rollout's id before anything else is done; an outcome when that failed.
  private func record(_ id: String, _ call: StepCall) async -> Outcome? {
    do {
      try await call.identify(id)
      return nil
    } catch is CancellationError {
      return .cancelled(moved: false)
    } catch {
      return .ambiguous(
        Failure(
          .unknown, "the rollout \(id) was made, but its id could not be recorded", cause: "\(error)",
          hint: "`shipit status` looks for it"))
    }
  }
}
