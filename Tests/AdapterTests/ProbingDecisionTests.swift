import Concurrency
import HTTP
import JSON
import Model
import Names
import TestSupport
import Testing

@testable import Probing

@Suite("Checks: decisions")
struct ProbingDecisionTests {
  private static let start = Timestamp(milliseconds: 1_766_000_000_000)
  private static let words = CheckWords(
    name: "api", place: "https://a/", command: "curl https://a/", environment: "prod")

  /// Plays answers, each taking `took`, until a verdict; the last one repeats.
  private func play(
    _ answers: [CheckAnswer], budget: Duration = .seconds(60), took: Duration = .zero
  ) -> (verdict: CheckDecision.Verdict, looks: Int, after: Duration) {
    var decision = CheckDecision(Self.words, began: Self.start, ends: Self.start + budget)
    var now = Self.start
    for look in 0..<10_000 {
      now = now + took
      let verdict = decision.take(answers[min(look, answers.count - 1)], now: now)
      guard case .again(let pause, _) = verdict else { return (verdict, look + 1, now - Self.start) }
      now = now + pause
    }
    return (.done("never ends"), 10_000, now - Self.start)
  }

  private func failing(_ verdict: CheckDecision.Verdict) -> Failure? {
    if case .failed(let failure) = verdict { failure } else { nil }
  }

  private let cold = CheckAnswer.fails(
    Sight("answered 503", wanted: "a status of 200 to 299", detail: "the answer began: busy", .passing))
  private let wrong = CheckAnswer.fails(Sight("answered s = bad", wanted: "s = ok", .steady))
  private let refused = CheckAnswer.fails(
    Sight("got no connection", wanted: "a status of 200 to 299", .passing))

  @Test("what passes is asked again until it holds, and the summary says how long it took")
  func passes() {
    let (verdict, looks, after) = play([refused, refused, cold, .holds("200 in 5 ms")])
    #expect(verdict == .done("200 in 5 ms, at look 4 after 331 ms") && looks == 4)
    #expect(after == .milliseconds(100 + 110 + 121))
    #expect(play([.holds("200 in 5 ms")]).verdict == .done("200 in 5 ms"))
  }

  @Test("what does not pass in the budget fails with what was seen, how often, and the next command")
  func budget() throws {
    let (verdict, looks, after) = play([refused, refused, cold])
    let failure = try #require(failing(verdict))
    #expect(after > .seconds(55) && after <= .seconds(59), "no look begins in the last second")
    #expect(
      failure.message
        == "the check api answered 503 (\(looks - 2) times in \(after.inWords)), wanted a status of 200 to 299"
    )
    #expect(failure.cause == "the answer began: busy; before that it got no connection 2 times")
    #expect(failure.kind == .timeout && failure.place == "https://a/")
    #expect(
      failure.hint
        == "`curl https://a/` shows it now; what is wanted stands under `checks` in environments/prod.yaml")
  }

  @Test("what stays is believed the third time in a row, a second apart; a change starts the count anew")
  func steady() throws {
    let (verdict, looks, after) = play([wrong])
    #expect(looks == 3 && after == .seconds(2))
    #expect(failing(verdict)?.message == "the check api answered s = bad (3 times in 2 s), wanted s = ok")
    #expect(failing(verdict)?.kind == .failed)
    let other = CheckAnswer.fails(Sight("answered s = worse", wanted: "s = ok", .steady))
    #expect(play([wrong, wrong, other, wrong, wrong, wrong]).looks == 6)
    #expect(play([wrong, wrong, cold, wrong, .holds("ok")]).looks == 5)
  }

  @Test("a question that is wrong itself is not repeated, a short budget still gives one look")
  func limits() {
    let never = CheckAnswer.fails(Sight("has an address that cannot be asked", wanted: "x", .none))
    #expect(play([never]).looks == 1)
    #expect(play([cold], budget: .seconds(1)).looks == 1)
    #expect(play([cold], budget: .seconds(60), took: .seconds(10)).looks == 6)
  }

  @Test("a service that asks for patience gets it")
  func patience() {
    var sight = Sight(
      HTTPResponse.text(503, "", headers: [("Retry-After", "7")]), wanted: "a status of 200 to 299")
    #expect(sight.after == .seconds(7) && sight.hope == .passing)
    #expect(play([.fails(sight), .holds("ok")]).after == .seconds(7))
    sight = Sight(HTTPResponse.text(503, "", headers: [("Retry-After", "9999")]), wanted: "x")
    #expect(sight.after == .seconds(30))
  }

  @Test("statuses and errors that a start or a fresh alias gives can pass, others stay")
  func hopes() {
    for status in [404, 408, 425, 429, 502, 503, 504, 522, 530] {
      #expect(Sight(.text(status, ""), wanted: "").hope == .passing, "\(status)")
    }
    for status in [200, 301, 400, 401, 403, 405, 410, 500, 501] {
      #expect(Sight(.text(status, ""), wanted: "").hope == .steady, "\(status)")
    }
    func hope(_ code: HTTPError.Code, _ words: String = "") -> Sight.Hope {
      Sight(HTTPError(code: code, message: words, nothingSent: true), wanted: "").hope
    }
    for code in [HTTPError.Code.nameNotFound, .refused, .timeout, .connectionLost, .other] {
      #expect(hope(code) == .passing, "\(code)")
    }
    #expect(hope(.tls, "SSL certificate problem: self-signed certificate") == .passing)
    #expect(hope(.tls, "SSL certificate problem: certificate has expired") == .steady)
    #expect(hope(.badURL) == .none && hope(.bodyTooLarge) == .steady)
  }

  @Test("samples: the 95th percentile by nearest rank, ended as soon as nothing can change it")
  func samples() {
    #expect(
      [1, 2, 10, 19, 20, 21, 40, 100, 1000].map(SampleSeries.rank) == [1, 2, 10, 19, 19, 20, 38, 95, 950])
    func run(
      _ times: [Int], p95: Int?, failures: Int = 0, wrong: Set<Int> = []
    ) -> (verdict: SampleSeries.Verdict, count: Int) {
      var series = SampleSeries(times.count, p95: p95.map { .milliseconds($0) }, failures: failures)
      for (index, time) in times.enumerated() {
        let verdict = series.take(wrong.contains(index) ? cold : .holds("200"), took: .milliseconds(time))
        if verdict != .more { return (verdict, series.count) }
      }
      return (.more, series.count)
    }
    let nineteen = Array(1...19).map { $0 * 10 }
    #expect(
      run(nineteen + [900], p95: 190).verdict
        == .held("20 samples, p95 190 ms, slowest 900 ms, 0 wrong"))
    #expect(
      run(nineteen + [900], p95: 189).verdict
        == .failed(
          saw: "took more than 189 ms in 2 of 20 samples", wanted: "a p95 of 189 ms or less over 20",
          ["the slowest took 900 ms"]))
    #expect(run(Array(repeating: 500, count: 20), p95: 300).count == 2, "two slow ones of 20 are enough")
    #expect(
      run([1, 2, 3, 4], p95: nil, wrong: [1])
        == (
          .failed(
            saw: "was wrong in 1 of 2 samples", wanted: "none",
            [
              "the last of them answered 503, wanted a status of 200 to 299", "the answer began: busy",
            ]), 2
        ))
    #expect(
      run([1, 2, 3, 4], p95: nil, failures: 1, wrong: [1]).verdict
        == .held("4 samples, p95 4 ms, slowest 4 ms, 1 wrong"))
  }

  @Test("certificates are judged by their days")
  func certificates() {
    let judge = CertificateJudge(days: 14)
    func certificate(_ days: Double) -> Certificate {
      Certificate(subject: "CN = a", issuer: "CN = ca", ends: Self.start + .seconds(days * 86_400))
    }
    #expect(
      judge.judge(certificate(14.5), now: Self.start)
        == .holds("valid for 14 more days, until 2026-01-01"))
    guard case .fails(let sight) = judge.judge(certificate(13.9), now: Self.start) else {
      Issue.record("13.9 days are not 14")
      return
    }
    #expect(
      sight.saw == "found a certificate for 13 more days" && sight.wanted == "a certificate for 14 more days")
    #expect(sight.hope == .steady && sight.detail?.contains("issued by CN = ca") == true)
  }

  @Test("names are judged by their addresses and their CNAME; all of it may pass")
  func names() {
    func saw(_ answer: CheckAnswer?) -> String? {
      if case .fails(let sight)? = answer, sight.hope == .passing { sight.saw } else { nil }
    }
    let judge = NameJudge(
      expectation: NameExpectation(addresses: ["203.0.113.7", "2001:DB8::7"], cname: "cname.vercel-dns.com."))
    #expect(saw(judge.judge(addresses: ["203.0.113.7"])) == "found 203.0.113.7")
    #expect(
      judge.judge(addresses: ["2001:db8::7", "203.0.113.7", "203.0.113.9"])
        == .holds("stands for 2001:db8::7, 203.0.113.7, 203.0.113.9"))
    #expect(saw(judge.judge(alias: nil)) == "found no CNAME")
    #expect(saw(judge.judge(alias: "old.example.com")) == "found a CNAME to old.example.com")
    #expect(judge.judge(alias: "CNAME.vercel-dns.com") == nil)
    #expect(saw(judge.judge(NameError(code: .notFound, message: "x"))) == "found no such name")
    let any = NameJudge(expectation: NameExpectation())
    #expect(saw(any.judge(addresses: [])) == "found no address")
    #expect(any.judge(addresses: ["::1"]) == .holds("stands for ::1") && any.judge(alias: nil) == nil)
  }

  @Test("messages are looked at until one is as expected")
  func messages() {
    var judge = MessageJudge(MessageExpectation(json: ["type": "pong", "n": "> 5"]))
    let said: [WebSocketMessage] = [
      .text("hello"), .text(#"{"type":"pong"}"#), .text(#"{"type":"pong","n":5}"#), .binary([0xFF]),
      .text(#"{"type":"pong","n":6}"#),
    ]
    var taken: [Bool] = []
    for message in said { taken.append(judge.take(message)) }
    #expect(taken == [false, false, false, false, true])
    var silent = MessageJudge(MessageExpectation(message: "pong", within: .seconds(2)))
    let timeout = WebSocketError(code: .timeout, message: "no message came within 2 s")
    #expect(silent.sight(timeout).saw == "got no message" && silent.sight(timeout).hope == .passing)
    let isTaken = silent.take(.text("ping\u{7}"))
    #expect(!isTaken)
    #expect(silent.sight(timeout).saw == "got another message" && silent.sight(timeout).hope == .steady)
    #expect(silent.sight(timeout).wanted == "the message pong within 2 s")
    #expect(silent.sight(timeout).detail == "the last message began: ping")
    let heard = silent
    func closed(_ code: UInt16?) -> Sight.Hope {
      heard.sight(WebSocketError(code: .closed, message: "", closeCode: code)).hope
    }
    #expect(closed(1012) == .passing && closed(nil) == .passing && closed(1008) == .steady)
    let other = silent.sight(
      WebSocketError(code: .noWebSocket, message: "", answer: .text(404, "no alias")))
    #expect(other.saw == "got 404 instead of a WebSocket" && other.hope == .passing)
  }
}
