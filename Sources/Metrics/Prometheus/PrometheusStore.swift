import Analysis
package import Concurrency
import Crypto
package import HTTP
import JSON
package import Model

/// A store that speaks Prometheus' query API: Prometheus, Grafana Cloud, Mimir, Thanos, VictoriaMetrics
/// (contract metrics §2).
package struct PrometheusStore: MetricStore {
  private let target: PrometheusTarget
  private let http: any HTTPTransport
  private let clock: any TimeSource
  private let version: String

  /// More points of one series are refused with 400 (contract metrics §2.1).
  static let mostPoints = 11_000

  /// - Parameter version: shipit's own, for the `User-Agent`.
  package init(_ target: PrometheusTarget, http: any HTTPTransport, clock: any TimeSource, version: String) {
    self.target = target
    self.http = http
    self.clock = clock
    self.version = version
  }

  package var name: String { "Prometheus at \(target.host)" }
  package var hasHistory: Bool { true }

  package func read(_ query: String, at moment: Timestamp) async throws(CancellationError) -> StoreAnswer {
    let reply = try await ask("query", [("query", query), ("time", Self.seconds(moment))])
    return StoreAnswer(
      reply.answer.reading, failure: failure(reply, query), warnings: reply.answer.warnings,
      storeTime: reply.storeTime)
  }

  package func history(
    _ query: String, from start: Timestamp, to end: Timestamp, step: Duration
  ) async throws(CancellationError) -> StoreHistory {
    let moments = StoreHistory.moments(from: start, to: end, step: step)
    var history = StoreHistory([])
    var rest = moments[...]
    while let first = rest.first, let last = rest.prefix(Self.mostPoints).last {
      let part = rest.prefix(Self.mostPoints)
      rest = rest.dropFirst(Self.mostPoints)
      let reply = try await ask(
        "query_range",
        [
          ("query", query), ("start", Self.seconds(first)), ("end", Self.seconds(last)),
          ("step", Self.seconds(Timestamp(milliseconds: max(step.wholeMilliseconds, 1)))),
        ])
      let (slots, isRead) = reply.answer.slots(at: Array(part))
      history.slots += slots
      history.warnings += reply.answer.warnings.filter { !history.warnings.contains($0) }
      // What one part cannot say the next would not say either; each slot still gets its reading.
      if !isRead {
        history.failure = failure(reply, query)
        history.slots += rest.map {
          StoreHistory.Slot(at: $0, reading: slots.last?.reading ?? .error(reason: "provider"))
        }
        break
      }
    }
    return history
  }

  /// The boundaries of a histogram's buckets, in its unit and rising, without the last one, infinity.
  ///
  /// A quantile above the highest says just that one (contract metrics §1.5).
  /// - Parameter selector: of the series with the label `le`.
  /// - Returns: nil when the store cannot say; empty when there is no such series.
  package func buckets(of selector: String, at moment: Timestamp) async throws(CancellationError) -> [Double]?
  {
    let reply = try await ask(
      "query", [("query", "count by (le) (\(selector))"), ("time", Self.seconds(moment))])
    guard let series = reply.answer.vector else { return nil }
    return series.compactMap { $0["metric"]?["le"]?.string.flatMap(Double.init) }
      .filter(\.isFinite).sorted()
  }

  package func examine() async -> Examination {
    do throws(CancellationError) {
      let answer = try await read("vector(1)", at: clock.now)
      if let failure = answer.failure { return Examination(name, failure) }
      guard answer.reading == .value(1) else {
        return Examination(
          name, .bad, "it does not answer 1 to the query vector(1)", hint: "check the store's url",
          because: .configuration)
      }
      let skew = answer.storeTime.map { abs(($0 - clock.now).inSeconds) } ?? 0
      guard skew <= 60 else {
        return Examination(
          name, .warning, "its clock and this machine's are \(Int(skew)) s apart: no share is raised then",
          hint: "set both by NTP")
      }
      return Examination(name, .good, "it answers queries")
    } catch { return Examination(name, .skipped, "stopped") }
  }

  // MARK: Requests

  /// What came back last, and how often it was tried.
  struct Reply: Sendable {
    var answer: PrometheusAnswer
    /// Nil: no answer came.
    var status: Int?
    /// The store's words, or the network's.
    var words: String?
    var storeTime: Timestamp?
    var attempts: Int
  }

  private func ask(
    _ endpoint: String, _ fields: [(String, String)]
  ) async throws(CancellationError) -> Reply {
    let deadline = clock.now + target.timeout
    var attempts = 0
    while true {
      attempts += 1
      let left = deadline - clock.now
      let (reply, retryAfter) = try await attempt(endpoint, fields, left: left, number: attempts)
      let most =
        switch reply.answer.retry {
        case .no: 1
        case .once: 2
        case .yes: 4
        }
      // Growing by two, and never less than what the store asks for.
      let pause = max(.milliseconds(250) * (1 << (attempts - 1)), retryAfter ?? .zero)
      guard attempts < most, clock.now + pause < deadline else { return reply }
      do { try await clock.sleep(for: pause) } catch { throw CancellationError() }
    }
  }

  private func attempt(
    _ endpoint: String, _ fields: [(String, String)], left: Duration, number: Int
  ) async throws(CancellationError) -> (Reply, retryAfter: Duration?) {
    // The server gives up first, and says so.
    let all = fields + [("timeout", "\(max(left.wholeMilliseconds, 1))ms")]
    let body = all.map { "\($0.0)=\(Self.encoded($0.1))" }.joined(separator: "&")
    var request = HTTPRequest(
      method: "POST", url: "\(target.url)/api/v1/\(endpoint)",
      headers: [
        ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"),
        ("User-Agent", "shipit/\(version)"),
      ], body: .bytes(Array(body.utf8)), timeout: max(left, .milliseconds(1)), bodyLimit: 32 << 20)
    switch target.access {
    case .none: break
    case .bearer(let token): request.headers.append(("Authorization", "Bearer \(token.reveal())"))
    case .basic(let user, let password):
      let pair = Base64.encode(Array("\(user):\(password.reveal())".utf8))
      request.headers.append(("Authorization", "Basic \(pair)"))
    }
    if let tenant = target.tenant { request.headers.append(("X-Scope-OrgID", tenant)) }
    let response: HTTPResponse
    do throws(HTTPError) { response = try await http.send(request) } catch {
      if error.code == .cancelled { throw CancellationError() }
      return (
        Reply(
          answer: PrometheusAnswer(error.code), status: nil, words: error.message, storeTime: nil,
          attempts: number), nil
      )
    }
    let text = response.text
    return (
      Reply(
        answer: PrometheusAnswer(status: response.status, body: text), status: response.status,
        words: Self.words(response, text),
        storeTime: response.header("Date").flatMap(Timestamp.init(httpDate:)),
        attempts: number),
      response.header("Retry-After").flatMap { wait in
        if let seconds = Int64(wait), (0..<1_000_000).contains(seconds) { return .seconds(seconds) }
        return Timestamp(httpDate: wait).map { max(.zero, $0 - clock.now) }
      }
    )
  }

  /// Unix seconds with milliseconds: the one form that all these stores read alike.
  private static func seconds(_ moment: Timestamp) -> String {
    let (whole, part) = (moment.milliseconds / 1000, moment.milliseconds % 1000)
    return "\(whole).\(String(1000 + part).dropFirst())"
  }

  private static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      let scalar = Unicode.Scalar(byte)
      let isPlain = byte < 128 && (Character(scalar).isLetter || Character(scalar).isNumber)
      return isPlain || "-._~".utf8.contains(byte)
        ? String(Character(scalar)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16).uppercased()
    }.joined()
  }

  /// The store's own words; of a page that is none of its answers nothing but a short line.
  private static func words(_ response: HTTPResponse, _ text: String) -> String? {
    let envelope = try? JSON(parsing: response.body)
    if let error = envelope?["error"]?.string {
      return [envelope?["errorType"]?.string, String(error.prefix(500))].compactMap(\.self).joined(
        separator: ": ")
    }
    let line = text.split(whereSeparator: \.isNewline).first.map { String($0.prefix(120)) } ?? ""
    let isPage = line.contains("<")
    return line.isEmpty || isPage ? "status \(response.status)" : "status \(response.status): \(line)"
  }

  private func failure(_ reply: Reply, _ query: String) -> Failure? {
    PrometheusFailure(store: name, reply: reply, query: query).failure
  }
}
