import Concurrency
import Model

extension HealthProber {
  /// Looks until `steady` good answers in a row have proven the revision, at most for `within`.
  func prove(_ planned: ProofRequest, _ call: StepCall) async -> Outcome {
    let began = clock.now
    let request = HealthProber.placed(planned, call)
    let health = request.health
    let deployed = request.deploymentStep.flatMap { call.results[$0] }
    let deployment = deployed?.externalID ?? request.deployment
    let asksPlatform = health.identity == .platform
    let asked = HealthProber.firstPath(of: health)
    let asksService =
      HealthProber.url(request, path: "/") != nil && (asked != nil || health.identity == .vercel)
    if asked != nil, !asksService, !asksPlatform {
      return .failed(
        Failure(
          .configuration, "\(request.target.service) has a health path but no address to ask",
          place: "services.\(request.target.service).health",
          hint: "give the service a domain, set `health.url`, or use `identity: platform`"), moved: false)
    }
    guard asksService || (asksPlatform && deployment != nil) else {
      return .done(StepResult(externalID: deployment, proof: .no, summary: "nothing to ask"))
    }
    let url =
      asked.flatMap { HealthProber.url(request, path: $0) }
      ?? "\(request.target.platform.title) deployment \(deployment ?? "?")"
    let access: [(name: String, value: Sensitive)]
    do { access = request.isDark ? try await self.access(request.target) : [] } catch {
      if error is CancellationError || Task.isCancelled { return .cancelled(moved: false) }
      return .failed(
        (error as? Failure)
          ?? Failure(
            .failed, "the protection of \(request.target.service) cannot be passed", cause: "\(error)"),
        moved: false)
    }
    var decision = ProofDecision(
      service: request.target.service.rawValue, url: url,
      expected: health.identity == .vercel ? deployment : request.commit, steady: health.steady,
      graceEnds: (deployed?.liveSince ?? began) + health.grace,
      ends: min(began + health.within, call.deadline))
    var pace = LookPace()
    while true {
      let answer: Answer
      do {
        let left = max(.milliseconds(500), decision.ends - clock.now)
        answer = try await look(
          request, deployment: asksPlatform ? deployment : nil, wanted: deployment, access,
          timeout: min(left, .seconds(10)))
      } catch { return .cancelled(moved: false) }
      switch decision.look(answer, now: clock.now) {
      case .proven(let revision):
        return .done(result(request, deployment, revision, decision.goods, clock.now - began))
      case .failed(let failure):
        return .failed(await replaced(request, deployment, instead: failure), moved: false)
      case .keepLooking(let words):
        if let words { call.report(.progress(words)) }
        // The first good answer is the moment to look closely.
        if decision.goods == 1 { pace.restart() }
      }
      let pause = asksPlatform ? max(pace.next(), .milliseconds(500)) : pace.next()
      do { try await clock.sleep(for: min(pause, max(.milliseconds(1), decision.ends - clock.now))) } catch {
        return .cancelled(moved: false)
      }
    }
  }

  /// The failure of a proof; another one when somebody else's deployment took the place of ours meanwhile, which
  /// is not to be undone.
  func replaced(
    _ request: ProofRequest, _ deployment: String?, instead failure: Failure
  ) async -> Failure {
    guard let deployment, case .replaced(let words) = await platformLook(request.target, deployment) else {
      return failure
    }
    return Failure(
      .stale, "\(request.target.service) was replaced while it was being watched",
      place: "services.\(request.target.service)", cause: "\(words); \(failure.message)",
      hint: "`shipit status` shows what is live")
  }

  /// One look at the service, and with a deployment's id also at what its platform says.
  func look(
    _ request: ProofRequest, deployment: String?, wanted: String?,
    _ access: [(name: String, value: Sensitive)], timeout: Duration
  ) async throws -> Answer {
    let answer = try await look(request, wanted: wanted, access, timeout: timeout)
    guard case .good = answer, let deployment else { return answer }
    switch await platformLook(request.target, deployment) {
    case .lives: return answer
    case .ended(let words), .replaced(let words), .unreadable(let words): return .bad(words)
    }
  }

  /// What a platform's own report means to a proof.
  enum PlatformLook: Sendable, Hashable {
    case lives
    /// It crashed or restarts.
    case ended(String)
    case replaced(String)
    case unreadable(String)
  }

  func platformLook(_ target: ServiceTarget, _ id: String) async -> PlatformLook {
    let deployment: Deployment?
    do { deployment = try await platformState(target, id) } catch {
      return .unreadable("the platform cannot be read: \((error as? Failure)?.message ?? "\(error)")")
    }
    guard let deployment else { return .unreadable("the platform does not list the deployment \(id)") }
    let shaky = ["CRASHED", "RESTARTING"].filter { (deployment.instances[$0] ?? 0) > 0 }
    switch deployment.status {
    case .removed, .removing, .skipped: return .replaced("the deployment \(id) is \(deployment.word)")
    case .live where !shaky.isEmpty:
      return .ended("an instance of the deployment \(id) is \(shaky.joined(separator: " and "))")
    case .live where (deployment.instances["RUNNING"] ?? 0) > 0 || deployment.isStopped: return .lives
    case .live: return .unreadable("no instance of the deployment \(id) runs yet")
    case .sleeping: return .lives
    case .crashed, .failed: return .ended("the deployment \(id) is \(deployment.word)")
    default: return .unreadable("the deployment \(id) is \(deployment.word)")
    }
  }

  private func result(
    _ request: ProofRequest, _ deployment: String?, _ revision: String?, _ goods: Int, _ took: Duration
  ) -> StepResult {
    let proof: Proof =
      switch request.health.identity {
      case .json, .header, .text, .encore: request.commit == nil ? .no : .served
      // Without a path nothing was asked of what is served.
      case .vercel: deployment == nil ? .no : request.health.path == nil ? .platform : .served
      case .platform: .platform
      case .none: .no
      }
    let tenths = max(0, took.wholeMilliseconds / 100)
    var summary = "\(goods) good answer\(goods == 1 ? "" : "s") in \(tenths / 10).\(tenths % 10) s"
    var facts: [String: String] = [:]
    if let revision {
      summary += ", revision \(revision.prefix(7))"
      facts["revision"] = revision
    }
    facts["address"] = request.health.url ?? request.address
    return StepResult(externalID: deployment, proof: proof, summary: summary, facts: facts)
  }
}
