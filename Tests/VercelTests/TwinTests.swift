import Concurrency
import Foundation
import HTTP
import HTTPServer
import JSON
import Model
import Probing
import TestSupport
import Testing
import Twin

@testable import Vercel

/// The adapter against the emulated platform, in one process under one clock. What users get is asked at the
/// edge, not believed.
@Suite struct TwinTests {
  struct Bench {
    let clock = ManualClock()
    let twin: VercelTwin
    let transport: InProcessTransport
    let platform: VercelPlatform
    let prober: HealthProber
    let file: Model.Environment
    let packer: CommitFiles
    static let host = "web.vercel.localhost:\(VercelTwin.scriptedEdgePort)"

    init(
      project: [String: JSON] = [:], plan: String = "pro", token: String = "account-token-1",
      team: String? = "acme", switches: JSON? = nil, domains: [String] = [],
      source: ServiceSource = .directory(path: ".", root: nil, include: [])
    ) throws {
      let base: [String: JSON] = ["id": "prj_web", "name": "web", "team": "acme"]
      var seed: [String: JSON] = [
        "teams": [
          ["id": "team_acme", "slug": "acme", "plan": .string(plan)], ["id": "team_other", "slug": "other"],
        ],
        "projects": [.object(base.merging(project) { _, own in own })],
        "tokens": [
          ["token": "account-token-1", "kind": "account"],
          ["token": "vcp_project-token", "kind": "project", "project": "web"],
          ["token": "stranger-token-1", "kind": "team", "team": "other"],
        ],
      ]
      seed["switches"] = switches
      twin = try VercelTwin(
        EmulationSetup(seed: .object(seed), clock: clock, recording: TwinTests.recording))
      transport = InProcessTransport([twin])
      packer = CommitFiles()
      let platform = VercelPlatform(
        baseURL: InProcessTransport.bases["vercel"] ?? "", http: transport, clock: clock,
        token: Sensitive(token),
        secrets: SecretValues(values: ["KEY": Sensitive("hush-hush-42")]) { _ in "f" }, packer: packer,
        temporaryDirectory: FileManager.default.temporaryDirectory.path, appearance: .seconds(5),
        disk: .inline,
        random: { 0.5 })
      self.platform = platform
      prober = HealthProber(
        http: transport, clock: clock,
        platformState: { target, id in try await platform.deployment(id, of: target) },
        serving: { target, host in try await platform.deployment(serving: host, of: target) },
        access: { target in try await platform.accessHeaders(of: target) })
      file = Sample.environment(source, team: team, domains: domains)
    }

    func call(
      _ run: Int = 1, _ results: [StepID: StepResult] = [:], externalID: String? = nil,
      limit: Duration = .seconds(300), record: Record = Record()
    ) -> StepCall {
      StepCall(
        run: RunFacts(
          id: RunID(run), release: run, app: "shop", environment: "prod", commit: "c", startedAt: clock.now),
        attempt: 1, beganAt: clock.now, externalID: externalID, results: results,
        deadline: clock.now + limit, identify: { record.ids.append($0) },
        report: { record.reports.append($0) })
    }

    func observed() async throws -> ObservedService {
      try #require(try await platform.observe(file).services["web"])
    }

    func target() async throws -> ServiceTarget { try await observed().target }

    func deployStep(_ commit: String, _ target: ServiceTarget) -> Step {
      Sample.step(
        .deploy(
          Model.Deployment.Request(
            target: target, source: Sample.directory, commit: commit, previous: nil, cutOver: .staged)))
    }

    /// Stages a commit and gives the step's result.
    func stage(_ commit: String, run: Int) async throws -> StepResult {
      let outcome = await platform.perform(deployStep(commit, try await target()), call(run))
      return try #require(outcome.result, "\(outcome.failure?.description ?? outcome.word)")
    }

    func promoteStep(_ target: ServiceTarget, expected: String?) -> Step {
      Sample.step(
        .promote(Promotion(target: target, deploymentStep: "web.deploy", expected: expected, commit: "c")),
        id: "web.promote")
    }

    /// Stages and promotes a commit.
    @discardableResult
    func release(_ commit: String, run: Int) async throws -> StepResult {
      let before = try await observed()
      let staged = try await stage(commit, run: run)
      let outcome = await platform.perform(
        promoteStep(before.target, expected: before.live?.id), call(run, ["web.deploy": staged]))
      return try #require(outcome.result, "\(outcome.failure?.description ?? outcome.word)")
    }

    func restoreStep(_ id: String, _ mode: Restore.Mode = .codeAndVariables) async throws -> Step {
      Sample.step(
        .restore(
          Restore(target: try await target(), deployment: id, commit: nil, mode: mode, limit: .seconds(300))),
        id: "undo.web.deploy")
    }

    /// The commit that users get at a host; nil: nobody answers.
    func served(_ host: String = host) async -> String? {
      let request = HTTPRequest(url: "http://\(host)/version.json")
      guard let answer = try? await transport.send(request), answer.status == 200 else { return nil }
      return try? JSON(parsing: answer.body)["version"]?.string
    }

    /// Lets the edge catch up.
    func settle() { clock.advance(by: .seconds(2)) }
  }

  static let recording = ProcessInfo.processInfo.environment["SHIPIT_RECORD"].flatMap {
    try? Recording(path: $0)
  }

  /// Packs a page of the commit.
  struct CommitFiles: SourcePacker {
    func pack(path: String, root: String?, include: [String], commit: String) async throws(Failure)
      -> PackedSource
    {
      try await FakePacker(files: ["index.html": commit, "version.json": #"{"version":"\#(commit)"}"#]).kept(
        commit)
    }
  }

  @Test("dark, proven, promoted, rolled back, pinned, released again: users get the right one at each moment")
  func story() async throws {
    let bench = try Bench()
    #expect(await bench.served() == nil)
    try await bench.release("one", run: 1)
    bench.settle()
    #expect(await bench.served() == "one")
    let first = try #require(try await bench.observed().live)

    let staged = try await bench.stage("two", run: 2)
    bench.settle()
    #expect(await bench.served() == "one", "nothing staged is public")
    // Protected from the public, and passed by the prober.
    let address = try #require(staged.facts[StepFact.address])
    #expect(await bench.served(String(address.dropFirst("http://".count))) == nil)
    let target = try await bench.target()
    var health = Health(path: "/version.json", identity: .json("version"), steady: 2)
    let dark = ProofRequest(
      target: target, address: "http://\(Bench.host)", health: health, commit: "two",
      deploymentStep: "web.deploy",
      isDark: true)
    let proven = await bench.prober.perform(
      Sample.step(.prove(dark), id: "web.verify"), bench.call(2, ["web.deploy": staged]))
    #expect(proven.result?.proof == .served, "\(proven.failure?.description ?? proven.word)")

    let promoted = await bench.platform.perform(
      bench.promoteStep(target, expected: first.id), bench.call(2, ["web.deploy": staged]))
    #expect(promoted.word == "done", "\(promoted.failure?.description ?? "")")
    bench.settle()
    #expect(await bench.served() == "two")
    health.identity = .vercel
    let proof = ProofRequest(
      target: target, address: "http://\(Bench.host)", health: health, commit: "two",
      deploymentStep: "web.promote")
    let served = await bench.prober.perform(
      Sample.step(.prove(proof), id: "web.prove"),
      bench.call(2, ["web.promote": StepResult(externalID: staged.externalID)]))
    #expect(served.result?.proof == .served, "\(served.failure?.description ?? served.word)")

    let restored = await bench.platform.perform(try await bench.restoreStep(first.id), bench.call(3))
    #expect(restored.result?.facts["pinned"] == "true", "\(restored.failure?.description ?? "")")
    bench.settle()
    #expect(await bench.served() == "one")
    #expect(
      try await bench.platform.live(bench.file)["web"]?.notes.contains { $0.contains("pinned") } == true)

    let third = try await bench.release("three", run: 4)
    #expect(third.summary.contains("no longer pinned"))
    bench.settle()
    #expect(await bench.served() == "three")
    #expect(try await bench.platform.live(bench.file)["web"]?.notes == [])
    let history = try await bench.platform.history(bench.file, limit: 5)["web"] ?? []
    #expect(history.map(\.commit) == ["three", "two", "one"])
  }

  @Test("a creation whose answer is lost is found by its marker and made once, also with small pages")
  func lostCreation() async throws {
    let bench = try Bench(switches: ["pageLimit": 1])
    try await bench.release("one", run: 1)
    for run in 2...4 { _ = try await bench.stage("other\(run)", run: run) }
    // The first answer asks for files; the second one, which makes it, is lost.
    try await bench.twin.add(["operation": "createDeployment", "fault": "cut", "nth": 2, "count": 1])
    let step = bench.deployStep("two", try await bench.target())
    let call = bench.call(5)
    #expect(await bench.platform.perform(step, call).word == "ambiguous")
    let finding = await bench.platform.probe(step, call)
    guard case .underWay(let id) = finding else {
      Issue.record("\(finding)")
      return
    }
    var known = call
    known.externalID = id
    #expect(await bench.platform.perform(step, known).result?.externalID == id)
    let made = await bench.twin.state.deployments.values.filter { $0.meta["commit"] == "two" }
    #expect(made.map(\.id) == [id])
  }

  @Test(
    "a promotion whose answer is lost is settled by the project's last job", arguments: ["cut", "refuse"])
  func lostPromotion(fault: String) async throws {
    let bench = try Bench()
    try await bench.release("one", run: 1)
    let live = try await bench.observed()
    let staged = try await bench.stage("two", run: 2)
    try await bench.twin.add(["operation": "requestPromote", "fault": .string(fault), "count": 1])
    let before = await bench.twin.count(of: "requestPromote")
    let step = bench.promoteStep(live.target, expected: live.live?.id)
    let call = bench.call(2, ["web.deploy": staged])
    var outcome = await bench.platform.perform(step, call)
    if outcome.word == "ambiguous" {
      guard case .underWay(let id) = await bench.platform.probe(step, call) else {
        Issue.record("not found")
        return
      }
      var known = call
      known.externalID = id
      outcome = await bench.platform.perform(step, known)
    }
    #expect(outcome.word == "done", "\(outcome.failure?.description ?? "")")
    bench.settle()
    #expect(await bench.served() == "two")
    #expect(await bench.twin.count(of: "requestPromote") <= before + 2)
  }

  @Test("a promotion that moves only some addresses fails, names them, and is put back everywhere")
  func partial() async throws {
    let bench = try Bench(project: ["domains": ["shop.example.com"]])
    try await bench.release("one", run: 1)
    let live = try await bench.observed()
    let staged = try await bench.stage("two", run: 2)
    try await bench.twin.add(["job": "partial", "count": 1])
    let outcome = await bench.platform.perform(
      bench.promoteStep(live.target, expected: live.live?.id), bench.call(2, ["web.deploy": staged]))
    #expect(outcome.moved == true && outcome.failure?.cause?.contains("not moved") == true)
    bench.settle()
    let mixed = [await bench.served(), await bench.served("shop.example.com")]
    #expect(Set(mixed) == ["one", "two"])
    let back = await bench.platform.perform(
      try await bench.restoreStep(try #require(live.live?.id)), bench.call(2))
    #expect(back.word == "done", "\(back.failure?.description ?? "")")
    bench.settle()
    #expect(await bench.served() == "one")
    #expect(await bench.served("shop.example.com") == "one")
  }

  @Test("somebody else's promotion during the run is left alone")
  func foreign() async throws {
    let bench = try Bench()
    try await bench.release("one", run: 1)
    let before = try await bench.observed()
    let staged = try await bench.stage("two", run: 2)
    try await bench.release("foreign", run: 9)
    let outcome = await bench.platform.perform(
      bench.promoteStep(before.target, expected: before.live?.id), bench.call(2, ["web.deploy": staged]))
    #expect(outcome.failure?.kind == .stale && outcome.failure?.cause?.contains("by ann") == true)
    bench.settle()
    #expect(await bench.served() == "foreign")
  }

  @Test("variables read as they were written, secrets by their time, and previews keep what they share")
  func variables() async throws {
    let bench = try Bench(project: [
      "env": [["key": "SHARED", "value": "old", "target": ["production", "preview"]]]
    ])
    let target = try await bench.target()
    let write = VariablesWrite(
      target: target,
      set: ["SHARED": .text("new"), "PLAIN": .text("p"), "SECRET": .secret(name: "KEY", fingerprint: "f")])
    let outcome = await bench.platform.perform(
      Sample.step(.variables(write), id: "web.variables"), bench.call())
    let facts = try #require(outcome.result, "\(outcome.failure?.description ?? "")").facts
    let seen = try await bench.observed()
    #expect(
      seen.variables["PLAIN"] == .some(Sensitive("p")) && seen.variables["SHARED"] == .some(Sensitive("new")))
    #expect(seen.variables["SECRET"] == .some(nil))
    #expect(seen.variableTimes["SECRET"].map { "\($0.milliseconds)" } == facts[StepFact.written("SECRET")])
    let shared = await bench.twin.state.projects["prj_web"]?.variables.filter { $0.key == "SHARED" } ?? []
    #expect(Set(shared.map { "\($0.value) \($0.targets)" }) == ["old [\"preview\"]", "new [\"production\"]"])
    // A deployment keeps the values it was made with.
    let staged = try await bench.stage("one", run: 1)
    let removal = VariablesWrite(target: target, set: [:], remove: ["PLAIN", "SHARED"])
    let removed = await bench.platform.perform(
      Sample.step(.variables(removal), id: "web.variables"), bench.call())
    #expect(removed.word == "done")
    #expect(Set(try await bench.observed().variables.keys) == ["SECRET"])
    let kept = await bench.twin.state.deployments[try #require(staged.externalID)]?.variables
    #expect(kept?["PLAIN"] == "p" && kept?["SHIPIT_COMMIT"] == "one")
  }

  @Test("settings and domains are written and read as equal; pushes are turned off")
  func settings() async throws {
    let bench = try Bench(
      project: ["link": ["type": "github", "org": "acme", "repo": "web", "repoId": 42]],
      domains: ["shop.example.com"])
    let before = try await bench.observed()
    #expect(before.autoDeploys && before.missingDomains == ["shop.example.com"])
    var wanted = ServiceSettings()
    wanted.output = "dist"
    wanted.node = "24.x"
    let write = SettingsWrite(
      target: before.target, settings: wanted, changes: wanted.differences(from: before.settings),
      autoDeploys: false, domains: before.missingDomains)
    let outcome = await bench.platform.perform(
      Sample.step(.settings(write), id: "web.settings"), bench.call())
    #expect(outcome.word == "done", "\(outcome.failure?.description ?? "")")
    let after = try await bench.observed()
    #expect(wanted.differences(from: after.settings).isEmpty)
    #expect(!after.autoDeploys && after.missingDomains.isEmpty)
  }

  private static let stages: JSON = [
    "enabled": true, "advancementType": "automatic",
    "stages": [["targetPercentage": 10, "duration": 10], ["targetPercentage": 100]],
  ]

  @Test("a rolling release is completed at once")
  func rolling() async throws {
    let bench = try Bench(project: ["rollingRelease": TwinTests.stages])
    try await bench.release("one", run: 1)
    let second = try await bench.release("two", run: 2)
    bench.settle()
    for _ in 0..<20 { #expect(await bench.served() == "two") }
    let back = await bench.platform.perform(
      try await bench.restoreStep(
        try #require(await bench.twin.state.deployments.values.first { $0.meta["commit"] == "one" }?.id)),
      bench.call(3))
    #expect(back.word == "done" && second.externalID != nil, "\(back.failure?.description ?? "")")
    bench.settle()
    #expect(await bench.served() == "one")
  }

  @Test("a rolling release that waits for approvals is waited for, and going back aborts it")
  func approvals() async throws {
    let manual: JSON = [
      "enabled": true, "advancementType": "manual-approval",
      "stages": [["targetPercentage": 50], ["targetPercentage": 100]],
    ]
    let bench = try Bench(project: ["rollingRelease": manual])
    try await bench.release("one", run: 1)
    let live = try await bench.observed()
    let staged = try await bench.stage("two", run: 2)
    let outcome = await bench.platform.perform(
      bench.promoteStep(live.target, expected: live.live?.id),
      bench.call(2, ["web.deploy": staged], limit: .seconds(60)))
    #expect(outcome.word == "waiting", "\(outcome.failure?.description ?? outcome.word)")
    var answers: Set<String?> = []
    for _ in 0..<20 { answers.insert(await bench.served()) }
    #expect(answers == ["one", "two"])
    let back = await bench.platform.perform(
      try await bench.restoreStep(try #require(live.live?.id)), bench.call(2))
    #expect(back.word == "done", "\(back.failure?.description ?? "")")
    bench.settle()
    for _ in 0..<20 { #expect(await bench.served() == "one") }
  }

  @Test("the Hobby plan refuses two steps back, as was said beforehand")
  func hobby() async throws {
    let bench = try Bench(plan: "hobby")
    var ids: [String] = []
    for (run, commit) in ["one", "two", "three"].enumerated() {
      ids.append(try #require(try await bench.release(commit, run: run + 1).externalID))
    }
    #expect(try await bench.observed().restoreNote != nil)
    let target = try await bench.target()
    #expect(try await bench.platform.deployment(ids[0], of: target)?.canRollback == false)
    #expect(try await bench.platform.deployment(ids[1], of: target)?.canRollback == true)
    let far = await bench.platform.perform(try await bench.restoreStep(ids[0]), bench.call(4))
    #expect(far.moved == false && far.failure?.hint?.contains("Hobby") == true)
    #expect(await bench.platform.perform(try await bench.restoreStep(ids[1]), bench.call(5)).word == "done")
  }

  @Test("what a build prints is told whatever the shape of the records; a failure is told in Vercel's words")
  func builds() async throws {
    for nested in [true, false] {
      let bench = try Bench(switches: ["nestsEvents": .bool(nested)])
      try await bench.twin.add([
        "deployment": "build-error", "message": "exit code 1", "code": "BUILD_FAILED", "count": 1,
      ])
      let record = Record()
      let outcome = await bench.platform.perform(
        bench.deployStep("one", try await bench.target()), bench.call(record: record))
      #expect(
        outcome.failure?.cause?.contains("exit code 1") == true,
        "\(outcome.failure?.description ?? outcome.word)")
      #expect(
        record.logs.contains { $0.contains("exit code 1") } && Set(record.logs).count == record.logs.count)
    }
  }

  @Test("a token of one project works with the team's id; a stranger's sees nothing")
  func tokens() async throws {
    let project = try Bench(token: "vcp_project-token", team: "team_acme")
    try await project.release("one", run: 1)
    project.settle()
    #expect(await project.served() == "one")
    #expect(await project.platform.examine(project.file).first?.verdict == .good)
    for bench in [try Bench(token: "stranger-token-1"), try Bench(token: "wrong"), try Bench(team: nil)] {
      let failure = await #expect(throws: Failure.self) { _ = try await bench.platform.observe(bench.file) }
      #expect([.authentication, .configuration].contains(failure?.kind) && failure?.hint != nil)
    }
  }

  @Test(
    "faults of single requests pass",
    arguments: [
      ["operation": "getProject", "fault": "status", "status": 502, "count": 2],
      ["operation": "createProjectEnv", "fault": "rate-limited", "retryAfter": 3, "count": 1],
      ["operation": "uploadFile", "fault": "cut", "count": 1],
      ["operation": "getDeployment", "fault": "not-json", "count": 1],
      ["operation": "getDeploymentEvents", "fault": "cut", "count": 3],
    ] as [JSON])
  func faults(script: JSON) async throws {
    let bench = try Bench()
    try await bench.twin.add(script)
    let write = VariablesWrite(target: try await bench.target(), set: ["A": .text("1")])
    #expect(
      await bench.platform.perform(Sample.step(.variables(write), id: "web.variables"), bench.call()).word
        == "done")
    try await bench.release("one", run: 1)
    bench.settle()
    #expect(await bench.served() == "one")
  }

  @Test("giving up a build cancels it, and nobody sees anything")
  func abandon() async throws {
    let bench = try Bench()
    try await bench.twin.add(["deployment": "stuck", "status": "BUILDING", "count": 1])
    let step = bench.deployStep("one", try await bench.target())
    let record = Record()
    let outcome = await bench.platform.perform(step, bench.call(limit: .seconds(60), record: record))
    #expect(outcome.failure?.kind == .timeout)
    let id = try #require(record.ids.all.first)
    #expect(await bench.twin.state.deployments[id]?.readyState == .canceled)
    #expect(await bench.platform.abandon(step, bench.call(externalID: id)) == .cancelled)
  }
}

extension FakePacker {
  /// The archive in a directory that outlives this value; who asked for it deletes it.
  func kept(_ commit: String) async throws(Failure) -> PackedSource {
    var packed = try await pack(path: ".", root: nil, include: [], commit: commit)
    let file = FileManager.default.temporaryDirectory.path + "/vercel-twin-\(UUID().uuidString).tar.gz"
    do { try FileManager.default.moveItem(atPath: packed.file, toPath: file) } catch {
      throw Failure(.failed, "\(error)")
    }
    packed.file = file
    return packed
  }
}
