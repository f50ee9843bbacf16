import Analysis
import Concurrency
import HTTP
import Metrics
import Model
import TestSupport
import Testing

/// How Prometheus' query API is asked, and what its answers come to.
@Suite struct PrometheusTests {
  static let clock = ManualClock()
  static let one =
    #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"42"]}]}}"#

  static func store(
    _ transport: ScriptedTransport, _ access: PrometheusTarget.Access = .none, tenant: String? = nil,
    clock: any TimeSource = Self.clock
  ) throws -> PrometheusStore {
    PrometheusStore(
      try PrometheusTarget(url: "https://metrics.example.com/api/prom/", access: access, tenant: tenant),
      http: transport, clock: clock, version: "test")
  }

  @Test func `A question is a form with query, time and time-out, and carries tenant and credentials`()
    async throws
  {
    let transport = ScriptedTransport { _ throws(HTTPError) in .text(200, Self.one) }
    let store = try Self.store(
      transport, .basic(user: "1234", password: Sensitive("s3cret")), tenant: "team-a")
    let answer = try await store.read("sum(a{b=\"c d\"})", at: Timestamp(milliseconds: 1_766_000_000_050))
    #expect(answer == StoreAnswer(.value(42)))
    let request = try #require(transport.requests.first)
    #expect(request.method == "POST")
    #expect(request.url == "https://metrics.example.com/api/prom/api/v1/query")
    #expect(
      request.body
        == .bytes(
          Array("query=sum%28a%7Bb%3D%22c%20d%22%7D%29&time=1766000000.050&timeout=10000ms".utf8)))
    let headers = Dictionary(request.headers.map { ($0.name, $0.value) }) { first, _ in first }
    #expect(headers["Content-Type"] == "application/x-www-form-urlencoded")
    #expect(headers["Authorization"] == "Basic MTIzNDpzM2NyZXQ=")
    #expect(headers["X-Scope-OrgID"] == "team-a")
    #expect(!request.url.contains("s3cret"))
  }

  @Test(arguments: [
    ("https://ann:pw@metrics.example.com", "has a user in it"),
    ("http://metrics.example.com", "credentials would be readable"),
    ("https://metrics.example.com/api/v1", "names the API's own path"),
    ("metrics.example.com", "no http or https address"),
    ("https://metrics.example.com?x=1", "has a query or no host"),
  ])
  func `An address over which nothing should be sent is refused before that`(_ url: String, _ why: String) {
    let failure = #expect(throws: Failure.self) {
      try PrometheusTarget(url: url, access: .bearer(Sensitive("t")))
    }
    #expect(failure?.message.contains(why) == true)
    #expect(failure?.description.contains("pw") == false)
  }

  @Test func `Without credentials plain http is taken, and with them on this machine`() throws {
    #expect(try PrometheusTarget(url: "http://prometheus.internal:9090").host == "prometheus.internal:9090")
    #expect(throws: Never.self) {
      try PrometheusTarget(url: "http://127.0.0.1:9090", access: .bearer(Sensitive("t")))
    }
  }

  /// status and body, the reading, how often it is asked, and what people are told.
  static let answers: [(Int, String, Reading, Int, String)] = [
    (401, "Unauthorized\n", .error(reason: "auth"), 1, "does not accept the credentials"),
    (404, "404 page not found", .error(reason: "query"), 1, "has no query API there"),
    (
      400,
      #"{"status":"error","errorType":"bad_data","error":"1:6: parse error: unclosed left parenthesis"}"#,
      .error(reason: "query"), 1, "bad_data: 1:6: parse error"
    ),
    (
      503, #"{"status":"error","errorType":"timeout","error":"query timed out"}"#, .error(reason: "provider"),
      4, "asked 4 times"
    ),
    (429, "", .error(reason: "provider"), 4, "has trouble"),
    (200, "<html>sign in</html>", .error(reason: "malformed"), 2, "a sign-in page"),
    (302, "", .error(reason: "malformed"), 1, "a sign-in page"),
    (
      200, #"{"status":"success","data":{"resultType":"vector","result":[]}}"#, .noData(reason: "empty"), 1,
      "no such series"
    ),
    (
      200, #"{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}"#, .noData(reason: "nan"),
      1, "no traffic"
    ),
    (
      200, #"{"status":"success","data":{"resultType":"scalar","result":[1,"+Inf"]}}"#,
      .error(reason: "not_finite"), 1, "divides by zero"
    ),
    (
      200,
      #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]},{"metric":{},"value":[1,"2"]}]}}"#,
      .error(reason: "multiple_series"), 1, "sum(…)"
    ),
  ]

  @Test(arguments: answers)
  func `What heals by itself is asked again, what a person must mend is not, and each says what to do`(
    _ status: Int, _ body: String, _ reading: Reading, _ times: Int, _ words: String
  ) async throws {
    let transport = ScriptedTransport { _ throws(HTTPError) in .text(status, body) }
    let answer = try await Self.store(transport, clock: ManualClock()).read("a", at: Self.clock.now)
    #expect(answer.reading == reading)
    #expect(transport.requests.count == times)
    #expect(answer.failure?.description.contains(words) == true, "\(answer.failure?.description ?? "")")
  }

  @Test func `A store that comes back within the time-out is heard, and Retry-After is honoured`()
    async throws
  {
    let (clock, tries) = (ManualClock(), Locked(0))
    let transport = ScriptedTransport { _ throws(HTTPError) in
      let number = tries.withLock {
        $0 += 1
        return $0
      }
      if number == 1 { throw HTTPError(code: .refused, message: "refused", nothingSent: true) }
      return number == 2 ? .text(429, "", headers: [("retry-after", "3")]) : .text(200, Self.one)
    }
    let start = clock.now
    let answer = try await Self.store(transport, clock: clock).read("a", at: start)
    #expect(answer.reading == .value(42))
    #expect(clock.now - start >= .seconds(3))
    #expect(clock.now - start < .seconds(10))
  }

  @Test func `A store that asks to wait longer than the time-out is not waited for`() async throws {
    let clock = ManualClock()
    let transport = ScriptedTransport { _ throws(HTTPError) in
      .text(503, "", headers: [("Retry-After", "60")])
    }
    let start = clock.now
    #expect(
      try await Self.store(transport, clock: clock).read("a", at: start).reading == .error(reason: "provider")
    )
    #expect(transport.requests.count == 1)
    #expect(clock.now - start < .seconds(1))
  }

  @Test func `Warnings, a partial answer and the store's clock come with the value`() async throws {
    let body =
      #"{"status":"success","isPartial":true,"warnings":["store gateway 3 is down"],"data":{"resultType":"scalar","result":[1,"5"]}}"#
    let transport = ScriptedTransport { _ throws(HTTPError) in
      .text(200, body, headers: [("Date", "Sun, 06 Nov 1994 08:49:37 GMT")])
    }
    let answer = try await Self.store(transport).read("a", at: Self.clock.now)
    #expect(answer.reading == .value(5))
    #expect(answer.warnings == ["store gateway 3 is down", "the answer is partial"])
    #expect(answer.storeTime?.iso8601 == "1994-11-06T08:49:37.000Z")
  }

  @Test func `A value whose samples cannot be read is an error, and one without samples has none`()
    async throws
  {
    let transport = ScriptedTransport { request throws(HTTPError) in
      guard case .bytes(let body) = request.body else { return .text(400, "") }
      let text = String(decoding: body, as: UTF8.self)
      if text.contains("query=broken") { return .text(422, "") }
      if text.contains("query=none") {
        return .text(200, #"{"status":"success","data":{"resultType":"vector","result":[]}}"#)
      }
      return .text(200, Self.one)
    }
    let store = try Self.store(transport)
    let moment = Self.clock.now
    let broken = try await store.read(MetricQuestion(query: "good", sampleQuery: "broken"), at: moment)
    #expect(broken.answer.reading == .error(reason: "query"))
    let none = try await store.read(MetricQuestion(query: "good", sampleQuery: "none"), at: moment)
    #expect(none.answer.reading == .value(42))
    #expect(none.samples == nil)
    let both = try await store.read(MetricQuestion(query: "good", sampleQuery: "good"), at: moment)
    #expect(both.samples == 42)
  }

  @Test func `A long history is asked for in parts that the store takes`() async throws {
    let transport = ScriptedTransport { _ throws(HTTPError) in
      .text(200, #"{"status":"success","data":{"resultType":"matrix","result":[]}}"#)
    }
    let start = Self.clock.now
    let history = try await Self.store(transport).history(
      "a", from: start, to: start + .seconds(14_999), step: .seconds(1))
    #expect(history.slots.count == 15_000)
    #expect(transport.requests.count == 2)
    #expect(
      history.slots.last == StoreHistory.Slot(at: start + .seconds(14_999), reading: .noData(reason: "empty"))
    )
  }

  @Test func `A store that is down leaves an error in each slot of a history`() async throws {
    let transport = ScriptedTransport { _ throws(HTTPError) in .text(401, "Unauthorized") }
    let start = Self.clock.now
    let history = try await Self.store(transport).history(
      "a", from: start, to: start + .seconds(600), step: .seconds(300))
    #expect(history.slots.map(\.reading) == Array(repeating: .error(reason: "auth"), count: 3))
    #expect(history.failure?.kind == .authentication)
  }
}

/// The same against a real Prometheus.
@Suite(.enabled(if: PrometheusServer.missing == nil, "\(PrometheusServer.missing ?? "")"))
struct RealPrometheusTests {
  @Test func `Values, gaps and mistakes are told apart, and history says what each moment would have said`()
    async throws
  {
    let service = try CountedService(codes: ["200"])
    try await PrometheusServer.with([service.port]) { url in
      let (store, clock) = (try PrometheusServer.store(url), SystemClock())
      #expect(await store.examine().verdict == .good)
      service.serve(100)
      let total = try await awaited {
        try await store.read("sum(http_requests_total)", at: clock.now)
      } until: {
        $0.reading == .value(100)
      }
      #expect(total.reading == .value(100))
      let moment = clock.now
      #expect(abs((try #require(total.storeTime) - moment).inSeconds) < 5)
      func reading(_ query: String) async throws -> Reading {
        try await store.read(query, at: moment).reading
      }
      #expect(try await reading("sum(nothing)") == .noData(reason: "empty"))
      #expect(try await reading("scalar(nothing)") == .noData(reason: "nan"))
      #expect(try await reading("vector(1) / 0") == .error(reason: "not_finite"))
      #expect(try await reading("http_requests_total[1m]") == .error(reason: "result_type"))
      #expect(try await reading("up or vector(1)") == .error(reason: "multiple_series"))
      let wrong = try await store.read("sum(", at: moment)
      #expect(wrong.reading == .error(reason: "query"))
      #expect(wrong.failure?.cause?.contains("parse error") == true)

      // Two instants before the first scrape, and what came after.
      let history = try await store.history(
        "sum(http_requests_total)", from: moment - .seconds(600), to: moment, step: .seconds(300))
      #expect(history.slots.map(\.at) == [-600, -300, 0].map { moment + .seconds($0) })
      for slot in history.slots {
        #expect(try await store.read("sum(http_requests_total)", at: slot.at).reading == slot.reading)
      }
      #expect(history.slots.first?.reading == .noData(reason: "empty"))
      #expect(history.slots.last?.reading == .value(100))
      #expect(
        try await store.history("up or vector(1)", from: moment, to: moment, step: .seconds(1)).slots.map(
          \.reading)
          == [.error(reason: "multiple_series")])
    }
    await service.stop()
  }

  @Test func `A guarded store takes its password, and another is an error of authentication`() async throws {
    try await PrometheusServer.with(isGuarded: true) { url in
      let (right, wrong) = (PrometheusServer.password, "another")
      func store(_ password: String) throws -> PrometheusStore {
        try PrometheusServer.store(url, .basic(user: PrometheusServer.user, password: Sensitive(password)))
      }
      #expect(try await store(right).read("vector(1)", at: SystemClock().now).reading == .value(1))
      let refused = try await store(wrong).read("vector(1)", at: SystemClock().now)
      #expect(refused.reading == .error(reason: "auth"))
      #expect(await (try store(wrong)).examine().because == .authentication)
      #expect(
        try await PrometheusServer.store(url).read("vector(1)", at: SystemClock().now).reading
          == .error(reason: "auth"))
    }
  }

  @Test func `A store that is not there is an error of the store`() async throws {
    var gone = ""
    try await PrometheusServer.with { gone = $0 }
    let answer = try await PrometheusServer.store(gone).read("vector(1)", at: SystemClock().now)
    #expect(answer.reading == .error(reason: "provider"))
    #expect(answer.failure?.message.contains("asked 4 times") == true)
  }
}
