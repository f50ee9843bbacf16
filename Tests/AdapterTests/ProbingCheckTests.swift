import Concurrency
import HTTP
import Model
import TestSupport
import Testing

@testable import Probing

@Suite struct ProbingCheckTests {
  private func perform(
    _ expectation: HTTPExpectation, _ answers: [Result<HTTPResponse, HTTPError>], took: Duration = .zero,
    url: Template = Template([
      .reference(.serviceURL("api")), .text("/health?release="), .reference(.release),
    ])
  ) async -> (outcome: Outcome, requests: [HTTPRequest]) {
    let clock = ManualClock()
    let left = Locked(answers)
    let transport = ScriptedTransport { _ throws(HTTPError) in
      clock.advance(by: took)
      let answer = left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
      return try answer.get()
    }
    let prober = HealthProber(http: transport, clock: clock) { _, _ in nil }
    let check = Check(name: "api", kind: .http(url: url, expect: expectation), timeout: .seconds(10))
    let step = Step(
      id: "check.api", title: "check api",
      action: .check(check, addresses: ["${services.api.url}": "http://127.0.0.1:9"]), limit: .seconds(10))
    let call = StepCall(
      run: RunFacts(
        id: RunID(1), release: 4, app: "shop", environment: "prod", commit: "c",
        startedAt: Timestamp(milliseconds: 0)),
      attempt: 1, beganAt: clock.now, deadline: clock.now + .seconds(60))
    return (await prober.perform(step, call), transport.requests)
  }

  private func message(_ outcome: Outcome) -> String? {
    if case .failed(let failure, false) = outcome { failure.message } else { nil }
  }

  private let answer = HTTPResponse.text(
    200, "{\"status\":\"ok\",\"count\":3,\"up\":true,\"list\":[{\"id\":7}]}", headers: [("Server", "x")])

  @Test("references in the address are replaced, and members are compared by their text")
  func holds() async {
    let expectation = HTTPExpectation(
      status: 200, within: .seconds(1), json: ["status": "ok", "count": "3", "up": "true", "list.0.id": "7"],
      headers: ["server": "x"])
    let (outcome, requests) = await perform(expectation, [.success(answer)])
    #expect(message(outcome) == nil && requests.map(\.url) == ["http://127.0.0.1:9/health?release=4"])
    guard case .done = outcome else {
      Issue.record("\(outcome)")
      return
    }
  }

  @Test("each expectation that does not hold is named")
  func fails() async {
    let rows: [(HTTPExpectation, String)] = [
      (HTTPExpectation(status: 201), "the check api answered 200, not 201"),
      (HTTPExpectation(json: ["status": "bad"]), "the check api has status = ok, not bad"),
      (HTTPExpectation(json: ["missing": "1"]), "the check api has no member missing"),
      (HTTPExpectation(headers: ["Server": "y"]), "the check api has the header Server: x, not y"),
      (HTTPExpectation(headers: ["Age": "1"]), "the check api has no header Age"),
      (HTTPExpectation(within: .milliseconds(500)), "the check api took 800 ms, more than 500 ms"),
    ]
    for (expectation, words) in rows {
      #expect(
        message(await perform(expectation, [.success(answer)], took: .milliseconds(800)).outcome) == words)
    }
    #expect(
      message(await perform(HTTPExpectation(), [.success(.text(302, ""))]).outcome) != nil, "only 2xx is good"
    )
  }

  @Test("connection trouble is tried again twice, a bad answer is not")
  func retries() async {
    let refused: Result<HTTPResponse, HTTPError> = .failure(
      HTTPError(code: .refused, message: "nothing listens", nothingSent: true))
    let recovered = await perform(HTTPExpectation(), [refused, refused, .success(answer)])
    #expect(message(recovered.outcome) == nil && recovered.requests.count == 3)
    let dead = await perform(HTTPExpectation(), [refused])
    #expect(message(dead.outcome) == "the check api got no answer" && dead.requests.count == 3)
    let bad = await perform(HTTPExpectation(), [.success(.text(500, "")), .success(answer)])
    #expect(message(bad.outcome) != nil && bad.requests.count == 1)
  }

  @Test("an address that has no value is a configuration failure")
  func unresolved() async {
    let (outcome, requests) = await perform(
      HTTPExpectation(), [.success(answer)], url: Template([.reference(.serviceURL("web"))]))
    #expect(message(outcome)?.contains("${services.web.url}") == true && requests.isEmpty)
  }
}
