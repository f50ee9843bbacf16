import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Probing

@Suite struct ProbingProofTests {
  static let commit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
  static let other = "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"

  private func prober(
    _ clock: ManualClock, _ answers: [HTTPResponse], platform: [Deployment?] = []
  ) -> (prober: HealthProber, transport: ScriptedTransport) {
    let left = Locked(answers)
    let states = Locked(platform)
    let transport = ScriptedTransport { _ throws(HTTPError) in
      guard
        let answer = left.withLock({ $0.count > 1 ? $0.removeFirst() : $0.first })
      else { throw HTTPError(code: .refused, message: "nothing listens on 127.0.0.1:1", nothingSent: true) }
      return answer
    }
    let prober = HealthProber(http: transport, clock: clock) { _, _ in
      states.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? nil }
    }
    return (prober, transport)
  }

  private func step(
    _ health: Health, commit: String? = commit, soak: Bool = false, on platform: PlatformName = .railway
  ) -> Step {
    let target = ServiceTarget(service: "api", platform: platform, name: "api", ids: [:])
    let request = ProofRequest(
      target: target, address: "http://127.0.0.1:1", health: health, commit: commit, deployment: "d1")
    return Step(
      id: "api.prove", title: "prove api", action: soak ? .soak(request) : .prove(request),
      limit: .seconds(600))
  }

  private func call(_ clock: ManualClock, _ reports: Locked<[StepReport]> = Locked([])) -> StepCall {
    StepCall(
      run: RunFacts(
        id: RunID(1), release: 1, app: "shop", environment: "prod", commit: Self.commit,
        startedAt: Timestamp(milliseconds: 0)), attempt: 1, beganAt: clock.now,
      deadline: clock.now + .seconds(600),
      report: { report in reports.withLock { $0.append(report) } })
  }

  private func version(_ revision: String) -> HTTPResponse {
    .text(200, JSON.object(["app": ["version": .string(revision)]]).serialized())
  }

  private func health(_ identity: Identity = .json("app.version"), grace: Duration = .seconds(5)) -> Health {
    Health(
      path: "/health", identity: identity, within: .seconds(60), steady: 3, grace: grace, soak: .seconds(30))
  }

  private func deployment(_ word: String, _ status: Deployment.Status, _ instances: [String: Int])
    -> Deployment
  {
    Deployment(
      id: "d1", status: status, word: word, createdAt: Timestamp(milliseconds: 0), instances: instances)
  }

  @Test("three good answers in a row over fresh connections prove the revision")
  func proven() async throws {
    let clock = ManualClock()
    let (prober, transport) = prober(
      clock, [.text(503, "starting"), version(Self.commit), .text(500, ""), version(Self.commit)])
    guard case .done(let result) = await prober.perform(step(health()), call(clock)) else {
      Issue.record("not proven")
      return
    }
    #expect(result.proof == .served && result.summary.contains("3 good answers in"))
    #expect(result.summary.hasSuffix("revision 1a2b3c4") && result.facts["revision"] == Self.commit)
    #expect(transport.requests.count == 6 && transport.requests.allSatisfy(\.freshConnection))
    #expect(transport.requests.first?.url == "http://127.0.0.1:1/health")
  }

  @Test(
    "a revision is found in JSON, a header or text, and a prefix of seven is enough",
    arguments: [
      (Identity.json("app.version"), HTTPResponse.text(200, "{\"app\":{\"version\":\"\(commit)\"}}")),
      (.json("app.version"), .text(200, "{\"app\":{\"version\":\"1A2B3C4\"}}")),
      (.header("X-Revision"), .text(200, "", headers: [("x-revision", " \(commit) ")])),
      (.text("rev=([0-9a-f]+)"), .text(200, "build 3 rev=1a2b3c4d5e ok")),
    ])
  func identities(identity: Identity, answer: HTTPResponse) async {
    let clock = ManualClock()
    let (prober, _) = prober(clock, [answer])
    guard case .done(let result) = await prober.perform(step(health(identity)), call(clock)) else {
      Issue.record("not proven: \(identity)")
      return
    }
    #expect(result.proof == .served)
  }

  @Test(
    "six characters, another commit, a longer word, or none is no proof",
    arguments: ["1a2b3c", other, commit + "0", "unknown", ""])
  func mismatches(revision: String) {
    #expect(!ServedIdentity.matches(revision, Self.commit))
  }

  @Test("a wrong revision that stays is found as soon as the grace is over")
  func wrongRevision() async throws {
    let clock = ManualClock()
    let began = clock.now
    let (prober, _) = prober(clock, [version(Self.other)])
    let outcome = await prober.perform(step(health()), call(clock))
    guard case .failed(let failure, let moved) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(!moved && failure.message == "api serves 9f8e7d6… but 1a2b3c4… was deployed")
    #expect(clock.now - began >= .seconds(5) && clock.now - began < .seconds(10))
  }

  private static let page =
    "<!doctype html><title>Authentication Required</title><h1>Log in to Vercel</h1>"

  @Test(
    "a login of Vercel's is never a good answer, whatever its status, and the way to a bypass is said",
    arguments: [
      HTTPResponse.text(200, page, headers: [("content-type", "text/html; charset=utf-8")]),
      .text(401, page, headers: [("content-type", "text/html; charset=utf-8")]),
      .text(
        302, "", headers: [("location", "https://vercel.com/sso-api?url=https%3A%2F%2Fweb.vercel.app%2F")]),
      .text(
        200, "<html><title>Login – Vercel</title></html>", headers: [("content-type", "text/html")]),
      .text(200, "<html></html>", headers: [("set-cookie", "_vercel_sso_nonce=x; Path=/; HttpOnly")]),
    ])
  func vercelLogin(answer: HTTPResponse) async {
    let clock = ManualClock()
    let began = clock.now
    for soak in [false, true] {
      let (prober, _) = prober(clock, [answer])
      let step = step(health(.none), soak: soak, on: .vercel)
      guard case .failed(let failure, false) = await prober.perform(step, call(clock)) else {
        Issue.record("a login was taken for the application")
        continue
      }
      #expect(failure.message.hasPrefix("Vercel's login answers instead of api"))
      #expect(failure.hint?.contains("Deployment Protection") == true)
    }
    #expect(clock.now - began < .seconds(30), "it was waited for as if it could pass")
  }

  @Test("what only speaks of Vercel, or redirects elsewhere, is the application's")
  func notVercelLogin() {
    #expect(
      !VercelLogin.isAnswered(
        .text(200, "<title>Log in to Shop</title> on Vercel", headers: [("content-type", "text/html")])))
    #expect(!VercelLogin.isAnswered(.text(302, "", headers: [("location", "https://web.vercel.app/login")])))
    #expect(!VercelLogin.isAnswered(.text(401, "{\"error\":\"authentication required\"}")))
  }

  @Test("a wrong revision during the grace is only not yet")
  func overlap() async {
    let clock = ManualClock()
    let old = Array(repeating: version(Self.other), count: 8)
    let (prober, _) = prober(clock, old + [version(Self.commit)])
    guard case .done = await prober.perform(step(health()), call(clock)) else {
      Issue.record("the old revision during the overlap was taken for a failure")
      return
    }
  }

  @Test("what never answers fails at the end of its time, with the last answer as cause")
  func unhealthy() async throws {
    let clock = ManualClock()
    let began = clock.now
    let (prober, _) = prober(clock, [.text(503, "data\u{1B}[31mbase " + String(repeating: "x", count: 500))])
    guard case .failed(let failure, _) = await prober.perform(step(health()), call(clock)) else {
      Issue.record("unhealthy, yet proven")
      return
    }
    #expect(
      failure.kind == .timeout && failure.cause?.hasPrefix("/health answers 503: data [31mbase x") == true)
    #expect((failure.cause?.count ?? 0) < 240)
    #expect(clock.now - began >= .seconds(60) && clock.now - began < .seconds(63))
  }

  @Test("without an identity the status alone is asked and nothing is proven")
  func statusOnly() async {
    let clock = ManualClock()
    let (prober, _) = prober(clock, [.text(204, "")])
    guard case .done(let result) = await prober.perform(step(health(.none)), call(clock)) else {
      Issue.record("healthy, yet failed")
      return
    }
    #expect(result.proof == .no)
  }

  @Test("a service that cannot be asked is proven by its platform")
  func platform() async {
    let clock = ManualClock()
    let states = [
      deployment("DEPLOYING", .starting, [:]), deployment("SUCCESS", .live, ["INITIALIZING": 1]),
      deployment("SUCCESS", .live, ["RUNNING": 1]),
    ]
    let (prober, transport) = prober(clock, [], platform: states)
    var request = health(.platform)
    request.path = nil
    guard case .done(let result) = await prober.perform(step(request), call(clock)) else {
      Issue.record("live, yet not proven")
      return
    }
    #expect(result.proof == .platform && result.externalID == "d1" && transport.requests.isEmpty)
  }

  @Test("every further probe must answer too")
  func furtherProbes() async {
    let clock = ManualClock()
    let transport = ScriptedTransport { request throws(HTTPError) in
      request.url.hasSuffix("/ready") ? .text(500, "no") : .text(200, "ok")
    }
    let prober = HealthProber(http: transport, clock: clock) { _, _ in nil }
    var health = health(.none)
    health.probes = ["/ready"]
    guard case .failed(let failure, _) = await prober.perform(step(health), call(clock)) else {
      Issue.record("a failing probe was overlooked")
      return
    }
    #expect(failure.cause == "/ready answers 500: no")
  }

  @Test("a soak ends well only when nothing crashes, restarts or stops answering")
  func soak() async {
    let running = deployment("SUCCESS", .live, ["RUNNING": 2])
    let cases: [(name: String, answers: [HTTPResponse], states: [Deployment?], ends: String)] = [
      ("calm", [version(Self.commit)], [running], "done"),
      ("two bad answers", [.text(500, ""), .text(500, ""), version(Self.commit)], [running], "done"),
      ("three bad answers", [version(Self.commit), .text(500, "")], [running], "failed"),
      ("wrong revision", [version(Self.commit), version(Self.other)], [running], "failed"),
      (
        "restart", [version(Self.commit)],
        [running, deployment("SUCCESS", .live, ["RESTARTING": 1, "RUNNING": 1])], "failed"
      ),
      // 31 looks in thirty seconds: the last one is wrong, and so is the one that makes sure.
      (
        "wrong at the very end", Array(repeating: version(Self.commit), count: 15) + [version(Self.other)],
        [running], "failed"
      ),
      ("crash", [version(Self.commit)], [running, deployment("CRASHED", .crashed, [:])], "failed"),
      ("replaced", [version(Self.commit)], [running, deployment("REMOVED", .removed, [:])], "stale"),
      ("unreadable platform", [version(Self.commit)], [nil], "done"),
    ]
    for (name, answers, states, ends) in cases {
      let clock = ManualClock()
      let began = clock.now
      let (prober, transport) = prober(clock, answers, platform: states)
      switch await prober.perform(step(health(), soak: true), call(clock)) {
      case .done:
        #expect(ends == "done", "\(name)")
        #expect(clock.now - began >= .seconds(30) && transport.requests.count < 40, "\(name)")
      case .failed(let failure, let moved):
        #expect(!moved && ends == failure.kind.rawValue, "\(name): \(failure)")
      default: Issue.record("\(name)")
      }
    }
  }

  @Test("asking leaves nothing behind")
  func repeatable() async {
    let clock = ManualClock()
    let (prober, _) = prober(clock, [])
    #expect(await prober.probe(step(health()), call(clock)) == .absent)
    #expect(await prober.abandon(step(health()), call(clock)) == .cancelled)
  }
}
