import Concurrency
import Interface
import Model

let old = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
let new = "1a2b3c4d5e6f708192a3b4c5d6e7f80912345678"
let start = Timestamp(milliseconds: 1_787_306_400_000)

func target(_ service: ServiceName) -> ServiceTarget {
  ServiceTarget(
    service: service, platform: .railway, name: service.rawValue, ids: ["service": "s-\(service)"])
}

func record(
  _ service: ServiceName, _ commit: String, deployment: String? = nil, proof: Proof = .served,
  cutOver: CutOver = .gated
) -> ReleasedService {
  var settings = ServiceSettings()
  settings.overlap = .seconds(20)
  settings.drain = .seconds(60)
  return ReleasedService(
    target: target(service), source: .directory(path: ".", root: nil, include: []), commit: commit,
    deployment: deployment, address: "https://\(service).example.com", settings: settings, variables: [:],
    health: Health(path: "/health"), cutOver: cutOver, proof: proof, previous: nil)
}

func deploy(_ service: ServiceName, needs: [StepID] = [], undo: Bool = true) -> Step {
  Step(
    id: StepID("\(service).deploy"), title: "deploy \(service)", service: service, needs: needs,
    action: .deploy(
      Deployment.Request(
        target: target(service), source: .directory(path: ".", root: nil, include: []), commit: new,
        previous: "d-old-\(service)", cutOver: .gated)),
    limit: .seconds(900), isCutOver: true, lane: .railway,
    undo: undo ? [restore(service), reprove(service)] : [],
    expected: .seconds(40))
}

func prove(_ service: ServiceName) -> Step {
  Step(
    id: StepID("\(service).prove"), title: "prove \(service)", service: service,
    needs: [StepID("\(service).deploy")],
    action: .prove(
      ProofRequest(target: target(service), address: nil, health: Health(path: "/health"), commit: new)),
    limit: .seconds(300), isRepeatable: true)
}

func restore(_ service: ServiceName, mode: Restore.Mode = .codeAndVariables) -> Step {
  Step(
    id: StepID("\(service).restore"), title: "restore \(service)", service: service,
    action: .restore(
      Restore(
        target: target(service), deployment: "d-old-\(service)", commit: old, mode: mode, limit: .seconds(300)
      )),
    limit: .seconds(300), isCutOver: true)
}

func reprove(_ service: ServiceName) -> Step {
  Step(
    id: StepID("\(service).restored"), title: "prove \(service) restored", service: service,
    needs: [StepID("\(service).restore")],
    action: .prove(
      ProofRequest(target: target(service), address: nil, health: Health(path: "/health"), commit: old)),
    limit: .seconds(300))
}

func planned(
  _ service: ServiceName, reasons: [String] = ["code 9f8e7d6 → 1a2b3c4"], settings: [SettingChange] = [],
  variables: [VariableChange] = [], cutOver: CutOver = .gated, isFirst: Bool = false, cannot: String? = nil
) -> PlannedService {
  PlannedService(
    service: service, platform: .railway, cutOver: cutOver, address: "https://\(service).example.com",
    reasons: reasons, settings: settings, variables: variables, previous: isFirst ? nil : "d-old-\(service)",
    previousCommit: isFirst ? nil : old, cannotRestore: cannot,
    record: record(service, new, cutOver: cutOver))
}

/// One check of each kind.
func sampleChecks() -> [Check] {
  let url = Template([.reference(.serviceURL("api")), .text("/health")])
  return [
    Check(
      name: "api",
      kind: .http(
        url: url,
        expect: HTTPExpectation(
          status: 200, within: .milliseconds(500), json: ["status": "ok", "queue": "< 100"],
          headers: ["Cache-Control": "no-store"], p95: .milliseconds(300), failures: 1)),
      samples: Samples(count: 40)),
    Check(
      name: "feed",
      kind: .websocket(
        url: Template(text: "wss://api.example.com/feed"), send: Template(text: "ping"),
        expect: MessageExpectation(json: ["type": "pong"], within: .seconds(2)))),
    Check(name: "db", kind: .tcp(address: Template(text: "db.example.com:5432"), within: .seconds(2))),
    Check(name: "certificate", kind: .tls(address: Template([.reference(.serviceHost("api"))]), days: 14)),
    Check(
      name: "alias",
      kind: .dns(
        name: Template(text: "www.example.com"),
        expect: NameExpectation(addresses: ["203.0.113.7"], cname: "cname.vercel-dns.com"))),
    Check(name: "name", kind: .dns(name: Template(text: "api.example.com"), expect: NameExpectation())),
    Check(name: "smoke", kind: .command(["npm", "run", "smoke"])),
  ]
}

func checkStep(_ check: Check, needs: [StepID] = []) -> Step {
  Step(
    id: StepID("check.\(check.slug)"), title: "check \(check.name)", needs: needs,
    action: .check(
      check,
      addresses: [
        "${services.api.url}": "https://api.example.com", "${services.api.host}": "api.example.com",
      ]),
    limit: .seconds(60), isRepeatable: true)
}

/// Two services, the second needs the first.
func samplePlan() -> Plan {
  var variables = prove("api")
  variables.id = "api.variables"
  variables.title = "write variables of api"
  variables.needs = []
  variables.action = .variables(
    VariablesWrite(target: target("api"), set: ["JWT_SECRET": .secret(name: "JWT_SECRET", fingerprint: "f1")])
  )
  return Plan(
    kind: .deploy, app: "athlete-ally", environment: "prod", commit: new, subject: "Add the crunch mode",
    steps: [
      variables, deploy("api", needs: ["api.variables"]), prove("api"), deploy("web", needs: ["api.prove"]),
      prove("web"),
    ],
    services: [
      planned(
        "api",
        settings: [
          SettingChange(name: "replicas", from: "1", to: "2"),
          SettingChange(name: "region", from: nil, to: "europe-west4"),
        ],
        variables: [
          VariableChange(name: "JWT_SECRET", kind: .change, isSecret: true, from: "leak-1", to: "leak-2"),
          VariableChange(name: "LOG_LEVEL", kind: .change, isSecret: false, from: "info", to: "debug"),
          VariableChange(name: "MODE", kind: .add, isSecret: false, to: "crunch"),
          VariableChange(name: "OLD_FLAG", kind: .remove, isSecret: false, from: "on"),
        ]),
      planned("web", cannot: "the image of d-old-web has expired: it would be built again from 9f8e7d6"),
      planned("worker", reasons: []),
    ],
    warnings: ["web is also deployed by Railway’s own Git integration, which this deploy turns off"],
    deadline: .seconds(1500), digest: "d1")
}

let liveHead = ReleaseHead(release: 6, commit: old, subject: "Fix the crunch")

func facts(release: Int = 7, run: Int = 12) -> RunFacts {
  RunFacts(
    id: RunID(run), release: release, app: "athlete-ally", environment: "prod", commit: new, startedAt: start)
}

func after(_ seconds: Double) -> Timestamp { start + .milliseconds((seconds * 1000).rounded()) }

/// An event so many seconds after the start.
func event(_ seconds: Double, _ kind: RunEvent.Kind) -> RunEvent {
  RunEvent(at: after(seconds), kind: kind)
}

func done(_ id: StepID, _ summary: String, proof: Proof? = nil) -> RunEvent.Kind {
  .stepEnded(id, .done(StepResult(proof: proof, summary: summary)))
}

let gateFailure = Failure(
  .failed, "web never passed its gate", place: "railway deployment d-new-web",
  cause: "/health answered 503 for 5 m", hint: "shipit logs prod web --build")

/// api goes live, web fails its gate, api is put back.
func rolledBackEvents() -> [RunEvent] {
  let plan = samplePlan()
  return [
    event(0, .started(facts(), plan: plan)),
    event(0.1, .stepBegan(plan.steps[0], attempt: 1)),
    event(0.6, done("api.variables", "1 changed, 1 added, 1 removed")),
    event(0.6, .stepBegan(plan.steps[1], attempt: 1)),
    event(1.2, .stepProgress("api.deploy", "building")),
    event(2, .stepLog("api.deploy", "\u{1B}[32mnpm run build\u{1B}[0m")),
    event(12.4, done("api.deploy", "live after 12 s")),
    event(12.4, .stepBegan(plan.steps[2], attempt: 1)),
    event(13.1, done("api.prove", "3 answers of 1a2b3c4", proof: .served)),
    event(13.1, .stepBegan(plan.steps[3], attempt: 1)),
    event(14, .stepRetries("web.deploy", Failure(.failed, "Railway answered 503"), after: .seconds(2))),
    event(16, .stepBegan(plan.steps[3], attempt: 2)),
    event(16.5, .stepLog("web.deploy", "listening on 0.0.0.0:3000")),
    event(17, .stepLog("web.deploy", "Error: DATABASE_URL is not set\u{07}")),
    event(18.2, .stepEnded("web.deploy", .failed(gateFailure, moved: false))),
    event(18.2, .turned(.failure, gateFailure, undo: [restore("api"), reprove("api")])),
    event(18.3, .stepBegan(restore("api"), attempt: 1)),
    event(20.1, done("api.restore", "d-old-api serves again")),
    event(20.1, .stepBegan(reprove("api"), attempt: 1)),
    event(21, done("api.restored", "3 answers of 9f8e7d6", proof: .served)),
    event(
      21.1,
      .finished(
        RunResult(
          state: .rolledBack, exit: .failedClean, failure: gateFailure, failedStep: "web.deploy",
          exposure: ["api": 8700]))),
  ]
}

func releasedEvents() -> [RunEvent] {
  let plan = samplePlan()
  return Array(rolledBackEvents().prefix(10)) + [
    event(20, done("web.deploy", "live after 7 s")),
    event(20, .stepBegan(plan.steps[4], attempt: 1)),
    event(21, done("web.prove", "running, 1 instance", proof: .platform)),
    event(21, .finished(RunResult(state: .released, exit: .done))),
  ]
}

func release(
  _ number: Int, _ commit: String, _ subject: String, _ result: RunResult, at offset: Double = 0,
  restores: Int? = nil, reason: String? = nil, services: [ServiceName] = ["api", "web"]
) -> Release {
  Release(
    number: number, run: RunID(number + 5), kind: restores == nil ? .deploy : .rollback, app: "athlete-ally",
    environment: "prod", commit: commit, subject: subject, isDirty: false, by: "ann@laptop",
    startedAt: start + .seconds(offset), endedAt: start + .seconds(offset + 42), result: result,
    restores: restores, reason: reason, configurationDigest: "c",
    services: Dictionary(
      uniqueKeysWithValues: services.map {
        ($0, record($0, commit, deployment: "d-\(number)-\($0)", proof: $0 == "web" ? .platform : .served))
      }))
}

let good = RunResult(state: .released, exit: .done)
let backed = RunResult(
  state: .rolledBack, exit: .failedClean, failure: gateFailure, failedStep: "web.deploy",
  exposure: ["api": 8700])

func lease(_ purpose: String = "deploy 1a2b3c4") -> Lease {
  Lease(
    holder: Holder(name: "bo@runner", purpose: purpose, process: 77, nonce: "n"), fence: 9, since: start,
    expires: start + .seconds(75), duration: .seconds(15), heartbeat: .seconds(5))
}
