import Concurrency
import HTTP
import JSON
import Model

/// Judges one answer to an http check. Pure.
struct HTTPJudge: Sendable, Hashable {
  let expectation: HTTPExpectation

  /// What is wanted of every answer, in a few words.
  var wanted: String {
    expectation.status.map { "a status of \($0)" } ?? "a status of 200 to 299"
  }

  func judge(_ response: HTTPResponse, took: Duration) -> CheckAnswer {
    guard expectation.status.map({ $0 == response.status }) ?? (200..<300).contains(response.status) else {
      return .fails(Sight(response, wanted: wanted))
    }
    for (name, value) in expectation.headers.sorted(by: { $0.key < $1.key }) {
      guard let found = response.header(name) else {
        return .fails(Sight("answered without the header \(name)", wanted: "\(name): \(value)", .steady))
      }
      guard found == value else {
        let shown = ServedIdentity.printable(found, limit: 100)
        return .fails(Sight("answered \(name): \(shown)", wanted: "\(name): \(value)", .steady))
      }
    }
    if let sight = JSONJudge(expectation.json).sight(in: response.body, detail: Sight.began(response)) {
      return .fails(sight)
    }
    // Last, for a wrong answer stays wrong, and a slow one may have been the first of a cold start.
    if let within = expectation.within, took > within {
      return .fails(
        Sight(
          "took too long", wanted: "an answer within \(within.inWords)",
          detail: "the last answer took \(took.inWords)", .steady))
    }
    return .holds("\(response.status) in \(took.inWords)")
  }
}

/// Judges the values of a JSON answer or message. Pure.
struct JSONJudge: Sendable, Hashable {
  let expectations: [(path: String, comparison: Comparison)]

  init(_ expectations: [String: Comparison]) {
    self.expectations = expectations.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  static func == (left: JSONJudge, right: JSONJudge) -> Bool {
    left.expectations.elementsEqual(right.expectations, by: ==)
  }

  func hash(into hasher: inout Hasher) {
    for (path, comparison) in expectations {
      hasher.combine(path)
      hasher.combine(comparison)
    }
  }

  /// What does not hold; nil when all does.
  func sight(in body: some Collection<UInt8>, detail: String?) -> Sight? {
    guard let first = expectations.first else { return nil }
    guard let answer = try? JSON(parsing: body) else {
      return Sight("did not answer JSON", wanted: words(first), detail: detail, .steady)
    }
    for expectation in expectations {
      guard let value = ServedIdentity.member(expectation.path, of: answer) else {
        return Sight(
          "answered JSON without \(expectation.path)", wanted: words(expectation), detail: detail, .steady)
      }
      guard !expectation.comparison.holds(for: value) else { continue }
      let shown = ServedIdentity.printable(value.serialized(), limit: 100)
      let isText = expectation.comparison.sign.isOrdered && value.double == nil
      return Sight(
        "answered \(expectation.path) = \(value.string == nil || isText ? shown : String(shown.dropFirst().dropLast()))"
          + (isText ? ", which is no number" : ""),
        wanted: words(expectation), detail: detail, .steady)
    }
    return nil
  }

  private func words(_ expectation: (path: String, comparison: Comparison)) -> String {
    "\(expectation.path) \(expectation.comparison.sign.rawValue) \(expectation.comparison.operand)"
  }
}

extension HealthProber {
  /// One look: a GET over a connection of its own.
  /// - Throws: `CancellationError`.
  func look(_ url: String, _ judge: HTTPJudge, timeout: Duration) async throws -> CheckAnswer {
    try Task.checkCancellation()
    let began = clock.now
    let request = HTTPRequest(
      url: url, headers: [("User-Agent", "shipit"), ("Accept", "*/*"), ("Cache-Control", "no-cache")],
      timeout: timeout, bodyLimit: ServedIdentity.bodyLimit, freshConnection: true)
    do {
      return judge.judge(try await http.send(request), took: clock.now - began)
    } catch {
      if error.code == .cancelled || Task.isCancelled { throw CancellationError() }
      return .fails(Sight(error, wanted: judge.wanted))
    }
  }

  /// Asks as often as `samples` say and judges all answers together, once a first answer was good.
  func sample(
    _ samples: Samples, _ url: String, _ expectation: HTTPExpectation, _ words: CheckWords, ends: Timestamp,
    _ call: StepCall
  ) async -> Outcome {
    let judge = HTTPJudge(expectation: expectation)
    var series = SampleSeries(samples.count, p95: expectation.p95, failures: expectation.failures ?? 0)
    let began = clock.now
    while true {
      let asked = clock.now
      do {
        let left = max(CheckDecision.leastLook, ends - asked)
        let answer = try await look(url, judge, timeout: min(left, CheckLook.limit))
        switch series.take(answer, took: clock.now - asked) {
        case .held(let summary): return .done(StepResult(summary: summary))
        case .failed(let saw, let wanted, let details):
          return .failed(words.failure(.failed, saw, wanted: wanted, details), moved: false)
        case .more: break
        }
        let next = max(asked + samples.every, clock.now)
        guard next < ends else {
          return .failed(
            words.failure(
              .timeout, "got \(series.count) samples in \((clock.now - began).inWords)",
              wanted: "\(samples.count) within its `timeout`"), moved: false)
        }
        if series.count.isMultiple(of: 10) {
          call.report(.progress("\(series.count) of \(samples.count) samples"))
        }
        try await clock.sleep(until: next)
      } catch { return .cancelled(moved: false) }
    }
  }
}
