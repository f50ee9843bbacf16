import Concurrency
import HTTP
import Model
import TestSupport
import Testing

@testable import Probing

@Suite struct ProbingCheckTests {
  private func perform(
    _ expectation: HTTPExpectation, _ answers: [Result<HTTPResponse, HTTPError>], took: Duration = .zero,
    samples: Samples? = nil,
    url: Template = Template([
      .reference(.serviceURL("api")), .text("/health?release="), .reference(.release),
    ])
  ) async -> (outcome: Outcome, requests: [HTTPRequest], after: Duration) {
    let clock = ManualClock()
    let began = clock.now
    let left = Locked(answers)
    let transport = ScriptedTransport { _ throws(HTTPError) in
      clock.advance(by: took)
      let answer = left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
      return try answer.get()
    }
    let prober = HealthProber(http: transport, clock: clock, platformState: { _, _ in nil })
    let check = Check(
      name: "api", kind: .http(url: url, expect: expectation), timeout: .seconds(10), samples: samples)
    let step = Step(
      id: "check.api", title: "check api",
      action: .check(check, addresses: ["${services.api.url}": "http://127.0.0.1:9"]), limit: .seconds(10))
    let call = StepCall(
      run: RunFacts(
        id: RunID(1), release: 4, app: "shop", environment: "prod", commit: "c",
        startedAt: Timestamp(milliseconds: 0)),
      attempt: 1, beganAt: clock.now, deadline: clock.now + .seconds(60))
    let outcome = await prober.perform(step, call)
    return (outcome, transport.requests, clock.now - began)
  }

  private func failure(_ outcome: Outcome) -> Failure? {
    if case .failed(let failure, false) = outcome { failure } else { nil }
  }

  private func summary(_ outcome: Outcome) -> String? {
    if case .done(let result) = outcome { result.summary } else { nil }
  }

  private let answer = HTTPResponse.text(
    200, "{\"status\":\"ok\",\"count\":3,\"up\":true,\"list\":[{\"id\":7}]}", headers: [("Server", "x")])

  @Test("references in the address are replaced, and members are compared")
  func holds() async {
    let expectation = HTTPExpectation(
      status: 200, within: .seconds(1),
      json: ["status": "ok", "count": "> 2", "up": "true", "list.0.id": "<= 7.0"], headers: ["server": "x"])
    let (outcome, requests, _) = await perform(expectation, [.success(answer)])
    #expect(summary(outcome) == "200 in 0 ms")
    #expect(
      requests.map(\.url) == ["http://127.0.0.1:9/health?release=4"] && requests.allSatisfy(\.freshConnection)
    )
  }

  @Test("each expectation that does not hold is named, with what was wanted")
  func fails() async {
    let rows: [(HTTPExpectation, String, String)] = [
      (HTTPExpectation(status: 201), "answered 200", "a status of 201"),
      (HTTPExpectation(json: ["status": "bad"]), "answered status = ok", "status = bad"),
      (HTTPExpectation(json: ["status": "!= ok"]), "answered status = ok", "status != ok"),
      (
        HTTPExpectation(json: ["status": "> 5"]), "answered status = \"ok\", which is no number", "status > 5"
      ),
      (HTTPExpectation(json: ["count": "> 5"]), "answered count = 3", "count > 5"),
      (HTTPExpectation(json: ["missing": "1"]), "answered JSON without missing", "missing = 1"),
      (HTTPExpectation(headers: ["Server": "y"]), "answered Server: x", "Server: y"),
      (HTTPExpectation(headers: ["Age": "1"]), "answered without the header Age", "Age: 1"),
      (HTTPExpectation(within: .milliseconds(500)), "took too long", "an answer within 500 ms"),
    ]
    for (expectation, saw, wanted) in rows {
      let (outcome, requests, _) = await perform(expectation, [.success(answer)], took: .milliseconds(800))
      #expect(failure(outcome)?.message == "the check api \(saw) (3 times in 4.4 s), wanted \(wanted)")
      #expect(requests.count == 3 && failure(outcome)?.kind == .failed)
    }
    let text = await perform(HTTPExpectation(json: ["a": "1"]), [.success(.text(200, "<html>\u{1B}[2J"))])
    #expect(failure(text.outcome)?.message.hasPrefix("the check api did not answer JSON") == true)
    #expect(failure(text.outcome)?.cause == "the answer began: <html> [2J")
    #expect(
      failure(text.outcome)?.hint?.hasPrefix("`curl -sS -i 'http://127.0.0.1:9/health?release=4'`") == true)
  }

  @Test("a cold start and a fresh alias pass within the budget; without one they fail at its end")
  func retries() async {
    let refused: Result<HTTPResponse, HTTPError> = .failure(
      HTTPError(code: .refused, message: "nothing listens", nothingSent: true))
    let missing: Result<HTTPResponse, HTTPError> = .success(.text(404, "no alias"))
    let recovered = await perform(HTTPExpectation(), [refused, missing, missing, .success(answer)])
    #expect(summary(recovered.outcome) == "200 in 0 ms, at look 4 after 331 ms")
    let dead = await perform(HTTPExpectation(), [missing])
    #expect(failure(dead.outcome)?.kind == .timeout && dead.after > .seconds(7) && dead.after < .seconds(10))
    #expect(failure(dead.outcome)?.message.contains("answered 404 (\(dead.requests.count) times in") == true)
    let bad = await perform(HTTPExpectation(), [.success(.text(401, "who are you"))])
    #expect(
      failure(bad.outcome)?.message
        == "the check api answered 401 (3 times in 2 s), wanted a status of 200 to 299")
  }

  @Test("samples come after a first good answer, at their pace, and are judged together")
  func samples() async {
    let good = await perform(
      HTTPExpectation(p95: .milliseconds(300)), [.success(.text(503, "")), .success(answer)],
      took: .milliseconds(40), samples: Samples(count: 20, every: .milliseconds(100)))
    #expect(summary(good.outcome) == "20 samples, p95 40 ms, slowest 40 ms, 0 wrong")
    #expect(good.requests.count == 22)
    // 40 + 100 + 40 for the looks, then 19 paces and the last answer.
    #expect(good.after == .milliseconds(180 + 19 * 100 + 40))
    let slow = await perform(
      HTTPExpectation(p95: .milliseconds(300)), [.success(answer)], took: .milliseconds(400),
      samples: Samples(count: 20, every: .milliseconds(100)))
    #expect(
      failure(slow.outcome)?.message
        == "the check api took more than 300 ms in 2 of 2 samples, wanted a p95 of 300 ms or less over 20")
    let flaky = await perform(
      HTTPExpectation(), [.success(answer), .success(answer), .success(.text(500, "oops"))],
      samples: Samples(count: 5))
    #expect(failure(flaky.outcome)?.message == "the check api was wrong in 1 of 2 samples, wanted none")
    #expect(
      failure(flaky.outcome)?.cause
        == "the last of them answered 500, wanted a status of 200 to 299; the answer began: oops")
    let late = await perform(
      HTTPExpectation(), [.success(answer)], took: .seconds(3), samples: Samples(count: 5))
    #expect(
      failure(late.outcome)?.message == "the check api got 3 samples in 9 s, wanted 5 within its `timeout`")
  }

  @Test("an address that has no value, or is none, is a configuration failure")
  func unresolved() async {
    let (outcome, requests, _) = await perform(
      HTTPExpectation(), [.success(answer)], url: Template([.reference(.serviceURL("web"))]))
    #expect(failure(outcome)?.message.contains("${services.web.url}") == true && requests.isEmpty)
    let none = await perform(HTTPExpectation(), [.success(answer)], url: Template(text: "api"))
    #expect(failure(none.outcome)?.message == "the check api cannot look at `api`: it is not an address")
  }
}
