import Analysis
import Concurrency
import Metrics
import Model
import TestSupport
import Testing

/// What templates are filled with.
@Suite struct TemplateTests {
  static func selection(_ change: (inout MetricSelection) -> Void = { _ in }) -> MetricSelection {
    var selection = MetricSelection()
    change(&selection)
    return selection
  }

  @Test(arguments: MetricTemplate.allCases)
  func `Every series of a template is of the release, and the samples are of the same requests`(
    _ template: MetricTemplate
  ) throws {
    let filled = try template.filled(
      Self.selection {
        $0.labels = [.init("job", "api"), .init("path", "a\"b\\c")]
        $0.variant = .init("checkout", "on")
      })
    let (query, samples) = (filled.question.query, filled.question.sampleQuery ?? "")
    for text in [query, samples].map({ $0.replacing("${release}", with: "RELEASE") }) {
      for piece in text.components(of: "{").dropFirst() where !piece.hasPrefix("job=\"api\"}") {
        #expect(
          piece.hasPrefix(
            #"job="api",path="a\"b\\c",release="RELEASE",checkout="on""#), "\(piece)")
      }
      #expect(text.contains("min(up{job=\"api\"}) == 1"))
    }
    #expect(filled.liveness == "min(up{job=\"api\"})")
    #expect((filled.buckets != nil) == (template == .httpP95))
  }

  @Test func `What cannot be a series, a label or a window is refused`() {
    func failure(_ change: (inout MetricSelection) -> Void) -> Failure? {
      #expect(throws: Failure.self) { try MetricTemplate.httpErrors.filled(Self.selection(change)) }
    }
    #expect(failure { $0.requests = "a{b=\"c\"}" }?.message.contains("no name of a series") == true)
    #expect(failure { $0.labels = [.init("a-b", "c")] }?.message.contains("no name of a label") == true)
    #expect(failure { $0.code = "" }?.message.contains("no name of a label") == true)
    let short = failure {
      $0.window = .seconds(30)
      $0.scrape = .seconds(15)
    }
    #expect(short?.message.contains("too short for a scrape each") == true)
  }

  @Test func `References are replaced within quotes, and what is none is refused`() throws {
    let references = QueryReferences(release: 42, environment: "pr\"od", commit: "abc")
    #expect(
      try references.filled(#"a{r="${release}",e="${environment}",x="$${y}"}"#)
        == #"a{r="42",e="pr\"od",x="${y}"}"#)
    #expect(throws: Failure.self) { try references.filled("a{r=\"${relase}\"}") }
    #expect(throws: Failure.self) { try references.filled("a{r=\"${release") }
  }
}

extension String {
  fileprivate func components(of separator: Character) -> [Substring] {
    split(separator: separator, omittingEmptySubsequences: false)
  }
}

/// Each trap, shown by a real service to a real Prometheus: what the plain query says, and what ours says.
@Suite(.enabled(if: PrometheusServer.missing == nil, "\(PrometheusServer.missing ?? "")"))
struct TemplateTrapTests {
  static func filled(
    _ template: MetricTemplate, release: Int = 7, _ change: (inout MetricSelection) -> Void = { _ in }
  ) throws -> MetricQuestion {
    let selection = TemplateTests.selection {
      $0.labels = [.init("job", "api")]
      $0.window = .seconds(2)
      $0.scrape = PrometheusServer.scrape
      change(&$0)
    }
    let references = QueryReferences(release: release, environment: "prod", commit: "abc")
    let question = try template.filled(selection).question
    return MetricQuestion(
      query: try references.filled(question.query),
      sampleQuery: try question.sampleQuery.map { text throws(Failure) in try references.filled(text) })
  }

  /// A question now, until its answer is wanted.
  static func answer(
    _ store: PrometheusStore, _ question: MetricQuestion, until isWanted: (MetricReading) -> Bool
  ) async throws -> MetricReading {
    try await awaited {
      try await store.read(question, at: SystemClock().now)
    } until: {
      isWanted($0)
    }
  }

  static func isNear(_ reading: Reading, _ wanted: ClosedRange<Double>) -> Bool {
    if case .value(let value) = reading { wanted.contains(value) } else { false }
  }

  @Test func `A new release that only fails is seen although all its series are new`() async throws {
    // Nothing is exported before the first request, and the failures come at once.
    let service = try CountedService()
    try await PrometheusServer.with([service.port]) { url in
      let store = try PrometheusServer.store(url)
      _ = try await awaited {
        try await store.read("sum(up)", at: SystemClock().now)
      } until: {
        $0.reading == .value(1)
      }
      service.serve(100, code: "500")
      service.serve(100)
      let errors = try await Self.answer(store, try Self.filled(.httpErrors)) {
        Self.isNear($0.answer.reading, 49...51)
      }
      #expect(Self.isNear(errors.answer.reading, 49...51), "\(errors)")
      #expect((errors.samples ?? 0) >= 199, "\(errors)")
      // Now, while the requests lie within its window too.
      let plain = try await store.read(
        "(sum(rate(http_requests_total{code=~\"5..\"}[2s])) or vector(0)) / sum(rate(http_requests_total[2s]))",
        at: SystemClock().now)
      let isBlind = if case .noData = plain.reading { true } else { false }
      #expect(isBlind, "the plain query sees no request at all: \(plain)")
    }
    await service.stop()
  }

  @Test func `A new kind of failure among old traffic counts from its first`() async throws {
    let service = try CountedService(codes: ["200"])
    try await PrometheusServer.with([service.port]) { url in
      let store = try PrometheusServer.store(url)
      try await service.serving({ $0.serve(5) }) {
        let none = try await Self.answer(store, try Self.filled(.httpErrors)) {
          $0.answer.reading == .value(0) && ($0.samples ?? 0) > 100
        }
        #expect(none.answer.reading == .value(0), "no errors are 0 % and not no data: \(none)")
        service.serve(100, code: "503")
        let some = try await Self.answer(store, try Self.filled(.httpErrors)) {
          Self.isNear($0.answer.reading, 20...60)
        }
        #expect(Self.isNear(some.answer.reading, 20...60), "100 of about 300: \(some)")
        let success = try await store.read(try Self.filled(.httpSuccess), at: SystemClock().now)
        #expect(Self.isNear(success.answer.reading, 40...80), "\(success)")
        let plain = try await store.read(
          "sum(rate(http_requests_total{code=~\"5..\"}[2s]))", at: SystemClock().now)
        #expect(plain.reading == .value(0), "the plain query does not see them")
      }
    }
    await service.stop()
  }

  @Test func `Series that come back after a gap are not new, and their past is not counted again`()
    async throws
  {
    let service = try CountedService(codes: ["200", "500"])
    try await PrometheusServer.with([service.port]) { url in
      let store = try PrometheusServer.store(url)
      let question = try Self.filled(.httpErrors)
      // Failures of long ago, of which the window knows nothing any more.
      service.serve(1000, code: "500")
      try await service.serving({ $0.serve(5) }) {
        let healed = try await Self.answer(store, question) {
          $0.answer.reading == .value(0) && ($0.samples ?? 0) > 100
        }
        #expect(healed.answer.reading == .value(0), "\(healed)")
        service.export(false)
        let gap = try await awaited {
          try await store.read(
            "sum(present_over_time(http_requests_total[4500ms])) or vector(0)", at: SystemClock().now)
        } until: {
          $0.reading == .value(0)
        }
        #expect(gap.reading == .value(0), "nobody looked for more than two windows: \(gap)")
        service.export(true)
        var seen: [MetricReading] = []
        // Until the window is full again.
        _ = try await awaited {
          seen.append(try await store.read(question, at: SystemClock().now))
          return try await store.read(
            "max(count_over_time(http_requests_total[2s]))", at: SystemClock().now)
        } until: {
          Self.isNear($0.reading, 9...100)
        }
        let values = seen.compactMap { if case .value(let value) = $0.answer.reading { value } else { nil } }
        #expect(!values.isEmpty)
        #expect(values.allSatisfy { $0 == 0 }, "the old failures are back: \(values)")
        #expect(seen.allSatisfy { ($0.samples ?? 0) < 1000 }, "\(seen.compactMap(\.samples))")
      }
    }
    await service.stop()
  }

  @Test func `An exporter that died leaves no number, where the plain rate goes on`() async throws {
    let service = try CountedService(codes: ["200"])
    try await PrometheusServer.with([service.port]) { url in
      let store = try PrometheusServer.store(url)
      try await service.serving({ $0.serve(5) }) {
        let question = try Self.filled(.httpSuccess) { $0.window = .seconds(60) }
        let alive = try await Self.answer(store, question) { $0.answer.reading == .value(100) }
        #expect(alive.answer.reading == .value(100))
        let plainQuery = "sum(rate(http_requests_total[60s])) > 0"
        _ = try await awaited {
          try await store.read(plainQuery, at: SystemClock().now)
        } until: {
          Self.isNear($0.reading, 0...1000)
        }
        service.export(false)
        let dead = try await Self.answer(store, question) { $0.answer.reading == .noData(reason: "empty") }
        #expect(dead.answer.reading == .noData(reason: "empty"))
        #expect(dead.samples == nil)
        let plain = try await store.read(plainQuery, at: SystemClock().now)
        #expect(Self.isNear(plain.reading, 0...1000), "the plain rate still answers: \(plain)")
      }
    }
    await service.stop()
  }

  @Test func `One dead instance of two leaves no number`() async throws {
    let (one, two) = (try CountedService(codes: ["200"]), try CountedService(codes: ["200"]))
    try await PrometheusServer.with([one.port, two.port]) { url in
      let store = try PrometheusServer.store(url)
      try await one.serving({ $0.serve(5) }) {
        let question = try Self.filled(.httpSuccess)
        // Not within the macro: closures in it and after it were taken for one.
        let alive = try await Self.answer(store, question) { $0.answer.reading == .value(100) }
        #expect(alive.answer.reading == .value(100))
        two.export(false)
        let dead = try await Self.answer(store, question) { $0.answer.reading == .noData(reason: "empty") }
        #expect(dead.answer.reading == .noData(reason: "empty"))
      }
    }
    for service in [one, two] { await service.stop() }
  }

  @Test func `No traffic is no data, and no release of another number is judged`() async throws {
    let service = try CountedService(codes: ["200"])
    try await PrometheusServer.with([service.port]) { url in
      let store = try PrometheusServer.store(url)
      service.serve(50)
      let question = try Self.filled(.httpSuccess)
      // Not within the macro: closures in it and after it were taken for one.
      let alive = try await Self.answer(store, question) { $0.answer.reading == .value(100) }
      #expect(alive.answer.reading == .value(100))
      let other = try await store.read(try Self.filled(.httpSuccess, release: 8), at: SystemClock().now)
      #expect(other.answer.reading == .noData(reason: "empty"), "the old release says nothing of the new one")
      let quiet = try await Self.answer(store, question) { $0.answer.reading == .noData(reason: "empty") }
      #expect(quiet.answer.reading == .noData(reason: "empty"))
    }
    await service.stop()
  }

  @Test func `Who has the feature is judged by their own numbers, which the whole would dilute`() async throws
  {
    let (on, off) = (
      try CountedService("release=\"7\",checkout=\"on\"", codes: ["200", "500"]),
      try CountedService("release=\"7\",checkout=\"off\"", codes: ["200", "500"])
    )
    try await PrometheusServer.with([on.port, off.port]) { url in
      let store = try PrometheusServer.store(url)
      try await off.serving({ $0.serve(18) }) {
        try await on.serving({
          $0.serve(1)
          $0.serve(1, code: "500")
        }) {
          let arm = try Self.filled(.httpSuccess) { $0.variant = .init("checkout", "on") }
          let judged = try await Self.answer(store, arm) { Self.isNear($0.answer.reading, 45...55) }
          #expect(Self.isNear(judged.answer.reading, 45...55), "\(judged)")
          let whole = try await Self.answer(store, try Self.filled(.httpSuccess)) {
            Self.isNear($0.answer.reading, 93...97)
          }
          #expect(Self.isNear(whole.answer.reading, 93...97), "a tenth of the traffic hides it: \(whole)")
        }
      }
    }
    for service in [on, off] { await service.stop() }
  }

  @Test func `A quantile ends at the highest bucket, which is told beforehand`() async throws {
    let service = try CountedService()
    try await PrometheusServer.with([service.port]) { url in
      let store = try PrometheusServer.store(url)
      try await service.serving({ $0.serve(5, seconds: 30) }) {
        let question = try Self.filled(.httpP95)
        let reading = try await Self.answer(store, question) {
          $0.answer.reading == .value(5) && ($0.samples ?? 0) > 10
        }
        #expect(reading.answer.reading == .value(5), "30 s each, and the highest bucket is 5 s: \(reading)")
        let buckets = try await store.buckets(
          of: "http_request_duration_seconds_bucket{release=\"7\"}", at: SystemClock().now)
        #expect(buckets == [0.1, 1, 5])
        #expect(
          NaiveGate.ofBuckets(buckets ?? [], [try #require(Threshold("< 5"))])?.why.contains("5 s") == true)
        #expect(NaiveGate.ofBuckets(buckets ?? [], [try #require(Threshold("< 2"))]) == nil)
      }
    }
    await service.stop()
  }

  @Test func `Latencies of a new release count from its first`() async throws {
    let service = try CountedService()
    try await PrometheusServer.with([service.port]) { url in
      let store = try PrometheusServer.store(url)
      _ = try await awaited {
        try await store.read("sum(up)", at: SystemClock().now)
      } until: {
        $0.reading == .value(1)
      }
      service.serve(100, seconds: 0.5)
      let reading = try await Self.answer(store, try Self.filled(.httpP95)) {
        Self.isNear($0.answer.reading, 0.1...1)
      }
      #expect(Self.isNear(reading.answer.reading, 0.9...1), "\(reading)")
      #expect((reading.samples ?? 0) >= 99, "\(reading)")
    }
    await service.stop()
  }
}
