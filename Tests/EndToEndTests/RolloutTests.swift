import Concurrency
import Foundation
import HTTP
import JSON
import Processes
import TestSupport
import Testing

/// The built program raises a flag of the emulated LaunchDarkly by what a real Prometheus says of two real instances.
@Suite(.timeLimit(.minutes(8)))
struct RolloutEndToEndTests {
  /// Times as short as they can be with windows of two seconds: a step takes eight seconds.
  private static func rollouts(store: String, more: String = "") -> String {
    """

    rollouts:
      new-checkout:
        flag: {provider: launchdarkly, project: shop, environment: production, token: {secret: LAUNCHDARKLY_TOKEN}}
        store: {url: "\(store)"}
        steps: [10, 25, 100]
        bake: 6s
        interval: 3s
        initial-delay: 2s
        settle: 2
        min-readings: 2
        metrics:
          - name: errors
            query: '100 * (sum(rate(http_requests_total{code=~"5.."}[2s])) or vector(0)) / sum(rate(http_requests_total[2s]))'
            sample-query: 'sum(increase(http_requests_total[2s]))'
            pass: "< 1"
            abort: "> 2"
            min-samples: 50
            dilution: accepted
            timeout: 2s
            consecutive-error-limit: 1
    \(more)
    """
  }

  private struct World {
    var project: GitProject
    var twin: TwinProcess
    var variables: [String: String]

    /// What LaunchDarkly's own API says: off, or the share in thousandths of a percent.
    func served() async throws -> Int64 {
      let base = variables["SHIPIT_LAUNCHDARKLY_URL"] ?? ""
      let response = try await HTTPClient().send(
        HTTPRequest(
          method: "GET", url: "\(base)/api/v2/flags/shop/new-checkout?env=production",
          headers: [("Authorization", "api-ci")]))
      let flag = try JSON(parsing: response.body)["environments"]?["production"]
      guard flag?["on"]?.bool == true else { return 0 }
      let rollout = flag?["fallthrough"]?["rollout"]?["variations"]?.array
      return rollout?.first { $0["variation"]?.int == 0 }?["weight"]?.int
        ?? (flag?["fallthrough"]?["variation"]?.int == 0 ? 100_000 : 0)
    }

    func shipit(_ arguments: String..., timeout: Duration = .seconds(150)) async throws -> ShipitResult {
      try await project.shipit(arguments, variables: variables, timeout: timeout)
    }
  }

  /// - Parameter flag: what the emulated flag is beside its key.
  private func with(
    _ rollouts: String, flag more: [String: JSON] = [:], _ body: (World) async throws -> Void
  ) async throws {
    let environment = try String(
      contentsOfFile: Checkout.root + "/Tests/Support/two-services.yaml", encoding: .utf8)
    let project = try await GitProject(environment: environment + rollouts)
    let text = try String(
      contentsOfFile: Checkout.root + "/Tests/Support/two-services-seed.json", encoding: .utf8)
    var sections = try JSON(parsing: Array(text.utf8)).object ?? [:]
    sections["launchdarkly"] = [
      "project": "shop", "environments": [["key": "production", "sdkKey": "sdk-1"]],
      "tokens": [["token": "api-ci", "name": "ci"]],
      "flags": [
        .object(
          ["key": "new-checkout", "salt": "9f1c2d", "variations": [true, false]].merging(more) { $1 })
      ],
    ]
    sections["notifications"] = ["slack": ["tokens": [:], "hooks": ["/services/T0/B0/hook-Secret"]]]
    sections["markers"] = ["tokens": ["mark-token"], "organization": "acme", "projects": ["shop"]]
    let seed = project.scratch.path + "/seed.json"
    try JSON.object(sections).serialized().write(toFile: seed, atomically: true, encoding: .utf8)
    let twin = try await TwinProcess.start(for: project, seed: seed)
    do {
      try await body(World(project: project, twin: twin, variables: twin.variables))
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  @Test(.disabled(if: PrometheusServer.missing != nil, "\(PrometheusServer.missing ?? "")"))
  func aRampIsFilledInBreaksOffAndAFixedReleaseGoesToEverybody() async throws {
    let instances = [try CountedService(), try CountedService("release=\"7\",instance_name=\"b\"")]
    let isBroken = Locked(false)
    try await PrometheusServer.with(instances.map(\.port)) { url in
      try await instances[0].serving({ _ in
        for instance in instances {
          instance.serve(20)
          if isBroken.withLock({ $0 }) { instance.serve(2, code: "500") }
        }
      }) {
        try await with(Self.rollouts(store: url)) { world in
          try await self.ramp(world, isBroken)
        }
      }
    }
    for instance in instances { await instance.stop() }
  }

  @Test(.disabled(if: PrometheusServer.missing != nil, "\(PrometheusServer.missing ?? "")"))
  func whereTheFlagIsNoCureTheCodeGoesBackAndPeopleAreTold() async throws {
    let instance = try CountedService()
    let isBroken = Locked(false)
    let told = """
          cure-within: 10s

      notify: [{slack: {secret: SLACK_WEBHOOK}, on: [rolled-back, failed]}]
      marks: [{sentry: {organization: acme, projects: [shop], token: {secret: SENTRY_TOKEN}}}]
      """
    try await PrometheusServer.with([instance.port]) { url in
      try await instance.serving({ service in
        service.serve(20)
        if isBroken.withLock({ $0 }) { service.serve(2, code: "500") }
      }) {
        try await with(Self.rollouts(store: url) + told) { world in
          var world = world
          world.variables["SLACK_WEBHOOK"] =
            (world.variables["SHIPIT_SLACK_URL"] ?? "") + "/services/T0/B0/hook-Secret"
          try await self.noCure(world, isBroken)
        }
      }
    }
    await instance.stop()
  }

  private func noCure(_ world: World, _ isBroken: Locked<Bool>) async throws {
    var result = try await world.shipit("deploy", "demo", "--yes")
    #expect(result.code == 0, "\(result.text)")
    try world.project.change("app/server.py", "import", "import")
    try await world.project.commit("second")
    result = try await world.shipit("deploy", "demo", "--yes")
    #expect(result.code == 0 && result.text.contains("the share stays"), "\(result.text)")
    // It is the code, and not the feature.
    isBroken.withLock { $0 = true }
    result = try await world.shipit("rollout", "watch", "demo")
    #expect(result.code == 7, "\(result.text)")
    #expect(
      result.text.contains("the code goes back too: with the flag new-checkout off, errors"), "\(result.text)"
    )
    #expect(try await world.served() == 0)
    result = try await world.shipit("status", "demo")
    #expect(result.output.contains("restored release 1"), "\(result.text)")
    #expect(!result.text.contains("-Secret"))
    // Once, and no more.
    result = try await world.shipit("rollout", "tick", "demo")
    #expect(result.code == 0 && !result.text.contains("goes back"), "\(result.text)")

    let messages = try await world.twin.control("GET", "notifications/state")["messages"]?.array ?? []
    let texts = messages.compactMap { $0["text"]?.string }
    for words in ["rollout new-checkout is off again", "(abort > 2)", "is off, and that is no cure"] {
      #expect(texts.contains { $0.contains(words) }, "\(words) is not in \(texts)")
    }
    let marks = try await world.twin.control("GET", "markers/state")["deploys"]?.array ?? []
    let names = marks.compactMap { $0["name"]?.string }
    #expect(names.contains("1 started 10000 new-checkout"), "\(names)")
    #expect(names.contains { $0.hasPrefix("2 rolled-back") }, "\(names)")
  }

  private func ramp(_ world: World, _ isBroken: Locked<Bool>) async throws {
    var result = try await world.shipit("plan", "demo")
    #expect(result.output.contains("with 10 % → 25 % → 100 %, once the release is proven"), "\(result.text)")
    result = try await world.shipit("deploy", "demo", "--yes")
    #expect(result.code == 0, "\(result.text)")
    #expect(result.text.contains("begun with 10 %, read back"), "\(result.text)")
    #expect(result.text.contains("shipit rollout tick demo"), "\(result.text)")
    #expect(try await world.served() == 10_000)
    // A second deploy changes nothing.
    result = try await world.shipit("deploy", "demo", "--yes")
    #expect(result.code == 0 && result.text.contains("nothing to do"), "\(result.text)")

    // Nobody ticks for the whole bake; one round then fills in what was missed.
    let begun = ContinuousClock.now
    _ = try await awaited(within: .seconds(60)) {
      ContinuousClock.now - begun
    } until: {
      $0 > .seconds(9)
    }
    result = try await world.shipit("rollout", "tick", "demo")
    #expect(result.code == 0 && result.output.contains("raised from 10 % to 25 %"), "\(result.text)")
    #expect(try await world.served() == 25_000)

    isBroken.withLock { $0 = true }
    result = try await world.shipit("rollout", "tick", "demo", "--wait", "--json")
    #expect(result.code == 7, "\(result.text)")
    #expect(try await world.served() == 0)
    let last = try #require(result.output.split(separator: "\n").last)
    let ended = try JSON(parsing: Array(last.utf8))["rollouts"]?[0]
    #expect(ended?["status"]?.string == "rolled-back")
    let evidence = ended?["end"]?["evidence"]
    #expect(evidence?["metric"]?.string == "errors" && evidence?["threshold"]?.string == "> 2")
    #expect((evidence?["value"]?.double ?? 0) > 5 && (evidence?["samples"]?.double ?? 0) > 50)
    // Seconds, then billionths of billionths of one: off within a second of the reading that decided.
    #expect(ended?["end"]?["took"]?[0]?.int == 0 && ended?["end"]?["at"] == evidence?["at"])
    result = try await world.shipit("rollout", "status", "demo")
    #expect(result.output.contains("off again") && result.output.contains("abort > 2"), "\(result.text)")
    result = try await world.shipit("deploy", "demo", "--yes")
    #expect(result.code == 12, "the commit is marked bad: \(result.text)")

    // A fixed release begins anew, and goes to everybody.
    isBroken.withLock { $0 = false }
    try world.project.change("app/server.py", "import", "import")
    try await world.project.commit("fixed")
    result = try await world.shipit("deploy", "demo", "--yes")
    #expect(result.code == 0 && result.text.contains("begun with 10 %"), "\(result.text)")
    result = try await world.shipit("rollout", "tick", "demo", "--wait")
    #expect(result.code == 0 && result.output.contains("complete: everybody has it"), "\(result.text)")
    #expect(try await world.served() == 100_000)
    let earlier = Date().addingTimeInterval(-120).ISO8601Format()
    result = try await world.shipit("rollout", "simulate", "demo", "--from", earlier)
    #expect(result.code == 0 && result.output.contains("simulated"), "\(result.text)")
    // What is complete is lowered by no deploy.
    try await world.project.commit("later")
    result = try await world.shipit("deploy", "demo", "--yes")
    #expect(result.code == 0, "\(result.text)")
    #expect(try await world.served() == 100_000)
  }

  /// Few requests a look: no plain bound would be allowed to decide by them.
  private static func tested(store: String) -> String {
    let counted = "http_requests_total{variant=\"${variant}\"}[4s]"
    let failed = "http_requests_total{variant=\"${variant}\",code=~\"5..\"}[4s]"
    let query = "100 * (sum(increase(\(failed))) or vector(0)) / sum(increase(\(counted)))"
    return """

      rollouts:
        new-checkout:
          flag: {provider: launchdarkly, project: shop, environment: production, token: {secret: LAUNCHDARKLY_TOKEN}}
          store: {url: "\(store)"}
          steps: [10, 100]
          bake: 6s
          interval: 3s
          initial-delay: 5s
          settle: 2
          min-readings: 2
          metrics:
            - name: errors
              query: '\(query)'
              sample-query: 'sum(increase(\(counted)))'
              pass: "< 1"
              abort: "> 2"
              alpha: 0.01
              variant: {label: variant, value: "on"}
            - name: against-others
              query: '\(query)'
              sample-query: 'sum(increase(\(counted)))'
              pass: "< 50"
              alpha: 0.01
              versus: baseline
              variant: {label: variant, value: "on", baseline: "off"}
              failure-limit: 3
            - {name: orders, run: [echo, "12"], pass: "> 10", dilution: accepted}
      """
  }

  @Test(.disabled(if: PrometheusServer.missing != nil, "\(PrometheusServer.missing ?? "")"))
  func aTestOverTheWholeStepStopsFourPercentAndLetsAHealthyServiceOn() async throws {
    let canary = try CountedService("release=\"1\",variant=\"on\"", codes: ["500"])
    let others = try CountedService("release=\"1\",variant=\"off\"", codes: ["500"])
    let isBroken = Locked(false)
    try await PrometheusServer.with([canary.port, others.port]) { url in
      try await canary.serving({ _ in
        others.serve(99)
        others.serve(1, code: "500")
        canary.serve(isBroken.withLock { $0 } ? 24 : 25)
        if isBroken.withLock({ $0 }) { canary.serve(1, code: "500") }
      }) {
        try await with(Self.tested(store: url)) { world in
          var result = try await world.shipit("plan", "demo")
          #expect(result.output.contains("errors < 1 (abort > 2), tested at 0.01"), "\(result.text)")
          #expect(result.output.contains("nobody has evaluated it yet"), "\(result.text)")
          result = try await world.shipit("deploy", "demo", "--yes")
          #expect(result.code == 0, "\(result.text)")
          let began = Date()
          for _ in 1...8 where try await world.served() < 100_000 {
            _ = try await awaited(within: .seconds(11)) {
              ContinuousClock.now
            } until: { _ in
              false
            }
            result = try await world.shipit("rollout", "tick", "demo")
            #expect(result.code == 0, "\(result.text)")
          }
          #expect(try await world.served() == 100_000)
          result = try await world.shipit(
            "rollout", "simulate", "demo", "--from", began.ISO8601Format())
          #expect(
            result.code == 0 && result.output.contains("orders: the command echo keeps no history"),
            "\(result.text)")
          #expect(result.output.contains("0 of 1000 rollouts of a healthy service"), "\(result.text)")
          isBroken.withLock { $0 = true }
          result = try await world.shipit("rollout", "tick", "demo", "--wait")
          #expect(result.code == 7, "\(result.text)")
          #expect(try await world.served() == 0)
          result = try await world.shipit("rollout", "status", "demo")
          #expect(result.output.contains("failed in this step, evidence"), "\(result.text)")
        }
      }
    }
    await canary.stop()
    await others.stop()
  }

  @Test func aFlagThatNobodyEvaluatesStaysOffAndOneThatIsNotThereKeepsTheReleaseBack() async throws {
    try await with(Self.rollouts(store: "http://127.0.0.1:9"), flag: ["created": 1_700_000_000_000]) {
      world in
      let result = try await world.shipit("deploy", "demo", "--yes")
      #expect(
        result.code == 0 && result.text.contains("nobody has evaluated the flag for a week"), "\(result.text)"
      )
      #expect(try await world.served() == 0)
    }
    let text = Self.rollouts(store: "http://127.0.0.1:9").replacingOccurrences(
      of: "  new-checkout:", with: "  no-such:")
    try await with(text) { world in
      let result = try await world.shipit("plan", "demo")
      #expect(result.code == 2 && result.text.contains("no-such"), "\(result.text)")
    }
  }

  @Test func aStoreThatIsDownPausesWith13AndFlagsGoOffFirst() async throws {
    // Nothing listens there.
    try await with(Self.rollouts(store: "http://127.0.0.1:9")) { world in
      var result = try await world.shipit("deploy", "demo", "--yes")
      #expect(result.code == 0, "\(result.text)")
      result = try await world.shipit("rollout", "tick", "demo", "--wait")
      #expect(result.code == 13, "\(result.text)")
      #expect(result.output.contains("errors could not be read"), "\(result.text)")
      #expect(try await world.served() == 10_000)
      result = try await world.shipit("status", "demo", "--offline")
      #expect(result.output.contains("rollout new-checkout is at 10 %, paused: errors"), "\(result.text)")
      result = try await world.shipit("rollout", "pause", "demo", "--reason", "look first")
      #expect(result.code == 0 && result.output.contains("pause by ann@"), "\(result.text)")
      // Another release: its step begins anew, and a way back switches the flag off before any code.
      try await world.project.commit("second")
      result = try await world.shipit("deploy", "demo", "--yes")
      #expect(result.code == 0 && result.text.contains("the share stays"), "\(result.text)")
      #expect(try await world.served() == 10_000)
      result = try await world.shipit("rollback", "demo", "--yes", "--reason", "slow")
      #expect(result.code == 0 && result.text.contains("10 % → off, before any code"), "\(result.text)")
      #expect(try await world.served() == 0)
      result = try await world.shipit("rollout", "start", "demo", "--again")
      #expect(result.code == 0 && result.output.contains("begun with 10 %"), "\(result.text)")
      #expect(try await world.served() == 10_000)
      result = try await world.shipit("rollback", "demo", "--flags-only", "--reason", "no numbers")
      #expect(result.code == 0 && result.output.contains("switched off"), "\(result.text)")
      #expect(try await world.served() == 0)
      result = try await world.shipit("rollout", "start", "demo")
      #expect(result.code == 12, "\(result.text)")
      result = try await world.shipit("rollout", "start", "demo", "--again")
      #expect(result.code == 0 && result.output.contains("begun with 10 %"), "\(result.text)")
      // On call, without the file.
      try FileManager.default.removeItem(atPath: world.project.path + "/environments/demo.yaml")
      result = try await world.shipit("rollout", "abort", "demo", "--reason", "enough")
      #expect(result.code == 0, "\(result.text)")
      try await world.project.git("checkout", "-q", "--", "environments")
      #expect(try await world.served() == 0)
      result = try await world.shipit("deploy", "demo", "--yes")
      #expect(result.code == 12 && result.text.contains("enough"), "\(result.text)")
    }
  }
}
