import Concurrency
import Interface
import Model

/// One release over three platforms: api on Railway, jobs on Encore, web on Vercel.
enum ThreePlatforms {
  static let platforms: [ServiceName: PlatformName] = ["api": .railway, "jobs": .encore, "web": .vercel]
  static let cutOvers: [ServiceName: CutOver] = ["api": .gated, "jobs": .gated, "web": .staged]

  static func at(_ service: ServiceName) -> ServiceTarget {
    ServiceTarget(
      service: service, platform: platforms[service] ?? .railway, name: service.rawValue, ids: [:])
  }

  private static func step(
    _ id: StepID, _ title: String, _ service: ServiceName, _ action: StepAction, needs: [StepID] = [],
    isCutOver: Bool = false, undo: [Step] = [], expected: Duration = .seconds(5)
  ) -> Step {
    Step(
      id: id, title: title, service: service, needs: needs, action: action, limit: .seconds(900),
      isCutOver: isCutOver, undo: undo, expected: expected)
  }

  private static func proof(_ service: ServiceName, _ commit: String, isDark: Bool = false) -> StepAction {
    .prove(
      ProofRequest(
        target: at(service), address: nil, health: Health(path: "/health"), commit: commit, isDark: isDark))
  }

  private static func deployment(_ service: ServiceName) -> StepAction {
    .deploy(
      Deployment.Request(
        target: at(service), source: .directory(path: ".", root: nil, include: []), commit: new,
        previous: "d-old-\(service)", cutOver: cutOvers[service] ?? .gated))
  }

  static func back(_ service: ServiceName, _ mode: Restore.Mode = .codeAndVariables) -> Step {
    step(
      StepID("\(service).restore"), "roll back \(service)", service,
      .restore(
        Restore(
          target: at(service), deployment: "d-old-\(service)", commit: old, mode: mode, limit: .seconds(300))),
      isCutOver: true)
  }

  static func planned(_ service: ServiceName, cannot: String? = nil, settings: [SettingChange] = [])
    -> PlannedService
  {
    var after = record(service, new, cutOver: cutOvers[service] ?? .gated)
    after.target = at(service)
    return PlannedService(
      service: service, platform: platforms[service] ?? .railway, cutOver: cutOvers[service] ?? .gated,
      address: "https://\(service).example.com", reasons: ["commit 9f8e7d6 → 1a2b3c4"], settings: settings,
      variables: [], previous: "d-old-\(service)", previousCommit: old, cannotRestore: cannot, record: after)
  }

  /// In the order that the cut-over classes ask for.
  static func plan() -> Plan {
    let jobs = [back("jobs", .redeploy)]
    return Plan(
      kind: .deploy, app: "athlete-ally", environment: "prod", commit: new, subject: "Add the crunch mode",
      steps: [
        step("web.deploy", "stage web", "web", deployment("web"), expected: .seconds(60)),
        step("web.verify", "prove web dark", "web", proof("web", new, isDark: true), needs: ["web.deploy"]),
        step(
          "api.deploy", "deploy api", "api", deployment("api"), needs: ["web.verify"], isCutOver: true,
          undo: [back("api")], expected: .seconds(90)),
        step("api.prove", "prove api", "api", proof("api", new), needs: ["api.deploy"]),
        step(
          "jobs.deploy", "deploy jobs", "jobs", deployment("jobs"), needs: ["web.verify", "api.prove"],
          isCutOver: true, undo: jobs, expected: .seconds(120)),
        step("jobs.prove", "prove jobs", "jobs", proof("jobs", new), needs: ["jobs.deploy"]),
        step(
          "web.promote", "promote web", "web",
          .promote(
            Promotion(target: at("web"), deploymentStep: "web.deploy", expected: "d-old-web", commit: new)),
          needs: ["web.verify", "api.prove", "jobs.prove"], isCutOver: true, undo: [back("web")]),
        step("web.prove", "prove web", "web", proof("web", new), needs: ["web.promote"]),
      ],
      services: [
        planned("api"), planned("jobs", cannot: "migrations 7 and 8, which the earlier commit does not hold"),
        planned("web", cannot: "only the previous deployment: the Hobby plan goes back no further"),
      ],
      deadline: .seconds(1500), digest: "d3")
  }

  /// The plan of a rollback of all three.
  static func rollback() -> Plan {
    var plan = plan()
    plan.kind = .rollback
    plan.restores = 6
    plan.reason = "checkout is broken"
    plan.steps = ["web", "jobs", "api"].flatMap { (name: String) -> [Step] in
      let service = ServiceName(rawValue: name)
      return [
        back(service, service == "jobs" ? .redeploy : .codeAndVariables),
        step(StepID("\(name).prove"), "prove \(name)", service, proof(service, old)),
      ]
    }
    plan.services = [
      planned("web"), planned("jobs", cannot: "migrations 7 and 8, which the earlier commit does not hold"),
      planned("api", settings: [SettingChange(name: "replicas", from: "2", to: "1")]),
    ]
    for index in plan.services.indices { plan.services[index].previousCommit = new }
    return plan
  }

  /// The steps of a run that goes well up to and without the last `left`.
  static func events(without left: Int) -> [RunEvent] {
    let plan = plan()
    var events = [event(0, .started(facts(), plan: plan))]
    let ends: [Double] = [58, 60, 140, 143, 260, 264, 266, 268]
    for (index, planned) in plan.steps.dropLast(left).enumerated() {
      events.append(event(index == 0 ? 0.1 : ends[index - 1], .stepBegan(planned, attempt: 1)))
      events.append(
        event(
          ends[index],
          done(planned.id, "ended well", proof: planned.id.rawValue.hasSuffix("prove") ? .served : nil)))
    }
    return events
  }

  static func released() -> [RunEvent] {
    events(without: 0) + [event(268, .finished(RunResult(state: .released, exit: .done)))]
  }

  static let darkFailure = Failure(
    .failed, "web answers with another revision than was staged", place: "https://web-x1.vercel.app/health",
    cause: "9f8e7d6 instead of 1a2b3c4", hint: "shipit logs prod web --build")

  /// What is staged is not what was to be: nobody sees it, and nothing else has moved.
  static func darkFailed() -> [RunEvent] {
    let plan = plan()
    return events(without: 7) + [
      event(58, .stepBegan(plan.steps[1], attempt: 1)),
      event(62, .stepEnded("web.verify", .failed(darkFailure, moved: false))),
      event(62, .turned(.failure, darkFailure, undo: [])),
      event(62, .finished(darkResult)),
    ]
  }

  static let darkResult = RunResult(
    state: .unchanged, exit: .failedClean, failure: darkFailure, failedStep: "web.verify")

  static func release(_ number: Int, _ commit: String, _ result: RunResult = good) -> Release {
    var release = InterfaceTests.release(
      number, commit, "Fix the crunch", result, at: -7200, services: ["api", "jobs", "web"])
    for name in release.services.keys {
      release.services[name]?.target = at(name)
      release.services[name]?.cutOver = cutOvers[name] ?? .gated
    }
    return release
  }
}
