import Concurrency
import JSON
import Model

extension VercelPlatform {
  /// Gives production a deployment that was proven dark.
  func promote(_ promotion: Promotion, _ step: Step, _ call: StepCall) async -> Outcome {
    guard let id = call.externalID ?? call.results[promotion.deploymentStep]?.externalID else {
      return .failed(
        Failure(
          .internalError, "\(step.id) does not know which deployment to promote", place: "\(step.id)"),
        moved: false)
    }
    return await turn(to: id, promotion.target.place, expected: .some(promotion.expected), step, call)
  }

  /// Makes production serve a deployment: forward to a staged one by promoting, back to one that served before
  /// by rolling back (contract §4.2).
  /// - Parameter expected: what may serve now beside the deployment itself; nil: whatever does.
  func turn(to id: String, _ place: Place, expected: String??, _ step: Step, _ call: StepCall) async
    -> Outcome
  {
    let doing = "making \(place.name) serve \(id)"
    let project: ProjectAnswer
    let found: DeploymentAnswer?
    var release: RollingRelease?
    let hosts: [String]
    do throws(APIError) {
      project = try await client.project(place, rollbackInfo: true)
      found = try await client.deployment(id, place)
      if project.rollingRelease != nil {
        release = RollingRelease(try await client.send(Endpoint.rollingRelease(place)).body)
      }
      hosts = try await productionHosts(project, place)
    } catch { return error.readingOutcome(doing, scope: scope(place)) }

    let wasAsked = call.externalID != nil
    let margin: Duration = .seconds(3)
    if wasAsked {
      // An earlier call of ours asked for it, at or after the step's beginning.
      let since = await client.serverMoment(call.beganAt, margin: margin)
      let kind = project.job.flatMap { $0.to == id && $0.requestedAt >= since ? $0.kind : nil } ?? .promote
      // What leads elsewhere now was there before us; ours may not show yet.
      let before = project.job.flatMap { $0.to == id ? nil : $0 }
      return await finish(
        Switch(kind: kind, to: id, since: since, before: before), place, hosts, project, call)
    }
    guard let found, !found.isRemoved else { return .failed(gone(id, place), moved: false) }
    if found.state != "READY" {
      return .failed(
        Failure(
          .failed, "\(doing): the deployment is \(found.word)", place: "Vercel deployment \(id)",
          cause: found.trouble, hint: "deploy again"), moved: false)
    }
    let isRolling = release?.isActive == true
    if let job = project.job, !job.isOver {
      if job.to == id {
        // Asked for already, by an attempt whose answer was lost or by somebody with the same aim.
        if let trouble = await record(id, call, moved: true) { return trouble }
        return await finish(
          Switch(kind: job.kind, to: id, since: job.requestedAt), place, hosts, project, call)
      }
      // Whatever it leads to, only the state after it is one to decide by.
      if let trouble = await quiet(place, call) { return trouble }
      return await turn(to: id, place, expected: expected, step, call)
    }
    if isRolling, release?.canary == id {
      if let trouble = await record(id, call, moved: true) { return trouble }
      return await finish(
        Switch(kind: .promote, to: id, since: await client.serverMoment(clock.now, margin: margin)), place,
        hosts,
        project, call)
    }
    if project.production?.id == id, !isRolling { return await alreadyLive(id, place, project, hosts, call) }
    if let stale = await stale(expected, id, project, release, place) { return .failed(stale, moved: false) }

    // During a rolling release going back means to its base first; that is how it is aborted (contract §5.2).
    let isBack = found.wasLive
    if isBack, isRolling, let base = release?.base, base != id {
      let asked = await ask(.rollback, base, place, project, step, call)
      guard case .accepted(let wanted) = asked else { return await settle(asked, id, place, project, call) }
      switch await wait(for: wanted, place, hosts: [], call) {
      case .done, .behind: break
      case .outcome(let outcome): return outcome
      }
    }
    let asked = await ask(isBack ? .rollback : .promote, id, place, project, step, call)
    guard case .accepted(let wanted) = asked else { return await settle(asked, id, place, project, call) }
    if let trouble = await record(id, call, moved: true) { return trouble }
    return await finish(wanted, place, hosts, project, call)
  }

  /// Waits until no switch of production is under way, at most until the limit.
  private func quiet(_ place: Place, _ call: StepCall) async -> Outcome? {
    let doing = "waiting until \(place.name) is switched by nobody else"
    var pace = PollPace()
    var said = false
    while true {
      let job: AliasJob?
      do { job = try await client.project(place, rollbackInfo: true).job } catch {
        return error.readingOutcome(doing, scope: scope(place))
      }
      guard let job, !job.isOver else { return nil }
      if !said { call.report(.progress("waits: a \(job.kind.rawValue) to \(job.to) is \(job.status)")) }
      said = true
      guard clock.now < call.deadline else {
        return .failed(
          Failure(
            .timeout, "\(doing): it did not end in time", place: "Vercel project \(place.name)",
            cause: "a \(job.kind.rawValue) to \(job.to) is \(job.status)",
            hint: "`shipit status` shows what is live"),
          moved: false)
      }
      let wait = pace.next(await client.quota("getProject"), now: clock.now, random: client.random())
      do { try await clock.sleep(for: wait) } catch { return .cancelled(moved: false) }
    }
  }

  private enum Asked {
    case accepted(Switch)
    case refused(APIError, AliasJob.Kind)
  }

  /// Asks for a switch, exactly once.
  private func ask(
    _ kind: AliasJob.Kind, _ id: String, _ place: Place, _ project: ProjectAnswer, _ step: Step,
    _ call: StepCall
  ) async -> Asked {
    let wanted = Switch(
      kind: kind, to: id, since: await client.serverMoment(clock.now, margin: .seconds(3)),
      before: project.job)
    let marker = call.marker(of: step).description
    let request =
      kind == .promote
      ? Endpoint.promote(place, id)
      : Endpoint.rollback(place, id, description: "\(marker) release \(call.run.release)")
    do {
      let answer = try await client.send(request)
      if answer.status == 202 {
        call.report(.progress("queued behind a rolling release that is under way"))
      }
      return .accepted(wanted)
    } catch { return .refused(error, kind) }
  }

  /// A refusal counts only when production does not serve the deployment (contract §4.2).
  private func settle(_ asked: Asked, _ id: String, _ place: Place, _ before: ProjectAnswer, _ call: StepCall)
    async -> Outcome
  {
    guard case .refused(let error, let kind) = asked else { return .cancelled(moved: false) }
    let doing = "\(kind == .promote ? "promoting" : "rolling back") \(place.name) to \(id)"
    guard error.kind == .conflict || error.kind == .unprocessable else {
      var outcome = error.outcome(doing, scope: scope(place))
      if error.kind == .payment, case .failed(var failure, let moved) = outcome {
        failure.message = "\(doing): the plan does not allow it"
        failure.hint =
          "Vercel's Hobby plan goes back one step only; deploy the old commit instead: "
          + "`shipit deploy --allow-older --commit REV`"
        outcome = .failed(failure, moved: moved)
      }
      return outcome
    }
    do throws(APIError) {
      let now = try await client.project(place, rollbackInfo: true)
      if now.production?.id == id {
        return await alreadyLive(id, place, now, try await productionHosts(now, place), call)
      }
      if error.kind == .conflict, let job = now.job, !job.isOver {
        var failure = error.failure(doing, scope: scope(place))
        failure.cause = "\(error.words); a \(job.kind.rawValue) to \(job.to) is \(job.status)"
        return .retry(failure, after: .seconds(5))
      }
    } catch { return error.readingOutcome(doing, scope: scope(place)) }
    return error.outcome(doing, scope: scope(place))
  }

  /// Somebody else deployed since the plan was made (contract §12).
  private func stale(
    _ expected: String??, _ id: String, _ project: ProjectAnswer, _ release: RollingRelease?, _ place: Place
  ) async -> Failure? {
    guard case .some(let expected) = expected else { return nil }
    func failure(_ message: String, _ foreign: DeploymentAnswer?, _ other: String?) -> Failure {
      Failure(
        .stale, message, place: "Vercel project \(place.name)",
        cause: foreign.map { "it serves \($0.origin)" } ?? other.map { "it serves \($0)" },
        hint: "`shipit status` shows what is live; plan again when that is not wanted")
    }
    let live = project.production
    if live?.id != expected, live?.id != id {
      var told = live
      if let other = live?.id, let full = try? await client.deployment(other, place) { told = full }
      return failure("somebody else switched \(place.name) since the plan was made", told, expected)
    }
    if let release, release.isActive, let canary = release.canary, canary != id, canary != expected {
      return failure(
        "somebody else is rolling out another deployment of \(place.name)",
        try? await client.deployment(canary, place), canary)
    }
    return nil
  }

  func gone(_ id: String, _ place: Place) -> Failure {
    Failure(
      .failed, "the deployment \(id) of \(place.name) no longer exists", place: "Vercel deployment \(id)",
      cause: "it was deleted, or the project's retention policy removed it",
      hint: "deploy its commit instead: `shipit deploy --allow-older --commit REV`")
  }

  private func alreadyLive(
    _ id: String, _ place: Place, _ project: ProjectAnswer, _ hosts: [String], _ call: StepCall
  ) async -> Outcome {
    if let trouble = await record(id, call, moved: true) { return trouble }
    let since = await client.serverMoment(call.beganAt, margin: .seconds(3))
    let kind = project.job.flatMap { $0.to == id ? $0.kind : nil } ?? .promote
    let wanted = Switch(kind: kind, to: id, since: since, before: project.job)
    var end = await wait(for: wanted, place, hosts: hosts, call, patience: .seconds(3))
    if case .behind(let strays) = end {
      // A switch that failed half-way has moved some addresses, and Vercel refuses to switch to what serves
      // already: these are led back one by one. Nothing else moves production's addresses here (contract §7).
      do throws(APIError) {
        for host in strays {
          call.report(.progress("leading \(host) back"))
          do throws(APIError) { _ = try await client.send(Endpoint.assignAlias(place, host, to: id)) } catch {
            if error.kind != .conflict { throw error }
          }
        }
      } catch {
        return error.outcome(
          "leading the addresses of \(place.name) back to \(id)", scope: scope(place), moved: true)
      }
      end = await confirm(wanted, place, project, strays, call)
    }
    switch end {
    case .done(let after): return .done(result(wanted, project, after, "it serves already"))
    case .behind(let strays): return .failed(left(behind: strays, wanted, place), moved: true)
    case .outcome(let outcome): return outcome
    }
  }

  private func finish(
    _ wanted: Switch, _ place: Place, _ hosts: [String], _ before: ProjectAnswer, _ call: StepCall
  ) async -> Outcome {
    switch await wait(for: wanted, place, hosts: hosts, call) {
    case .done(let after):
      let tenths = max(0, (clock.now - call.beganAt).wholeMilliseconds / 100)
      let done = wanted.kind == .promote ? "promoted" : "rolled back"
      return .done(result(wanted, before, after, "\(done) after \(tenths / 10).\(tenths % 10) s"))
    case .behind(let strays): return .failed(left(behind: strays, wanted, place), moved: true)
    case .outcome(let outcome): return outcome
    }
  }

  /// The result of a switch, with the pin it leaves or lifts: that decides what the next deploy of others does.
  private func result(_ wanted: Switch, _ before: ProjectAnswer, _ after: ProjectAnswer, _ words: String)
    -> StepResult
  {
    var facts = ["kind": wanted.kind.rawValue, "pinned": after.assignsDomains ? "false" : "true"]
    if let address = after.production?.aliases.first { facts["alias"] = address }
    var summary = words
    if !after.assignsDomains {
      summary += "; production is pinned: other production deployments stay staged until the next promotion"
    } else if !before.assignsDomains {
      summary += "; production is no longer pinned"
    }
    return StepResult(externalID: wanted.to, summary: summary, liveSince: clock.now, facts: facts)
  }
}
