import Concurrency
import FoundationEssentials
import HTTP
import JSON
import Model

/// Speaks to Vercel's REST API: paced by what each operation announces, errors classified, no secret in any.
actor VercelClient {
  nonisolated let baseURL: String
  nonisolated let clock: any TimeSource
  nonisolated let token: Sensitive
  nonisolated let random: @Sendable () -> Double
  private let http: any HTTPTransport
  /// Values that must not appear in an error.
  private var hidden: [Sensitive]
  private var quotas: [String: Quota] = [:]
  private var breaker = Breaker()
  /// The server's clock minus ours by the last `Date` header, which knows whole seconds only.
  private(set) var skew: Duration?

  nonisolated let userAgent: String

  init(
    baseURL: String, http: any HTTPTransport, clock: any TimeSource, token: Sensitive, hidden: [Sensitive],
    userAgent: String, random: @escaping @Sendable () -> Double
  ) {
    self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
    self.http = http
    self.clock = clock
    self.token = token
    self.hidden = hidden + [token]
    self.random = random
    self.userAgent = userAgent
  }

  /// How a call is made.
  struct Manner: Sendable {
    /// Of the whole of one attempt.
    var timeout: Duration = .seconds(30)
    var attempts = 5
    /// Longest wait for a quota before the call fails instead.
    var patience: Duration = .seconds(60)

    static let ordinary = Manner()
    /// One try, soon over: log lines and last words.
    static func quick(_ timeout: Duration) -> Manner {
      Manner(timeout: timeout, attempts: 1, patience: .zero)
    }
  }

  /// What an answer holds.
  struct Answer: Sendable {
    var status: Int
    var body: JSON
    var text: String
  }

  /// The value is a secret from now on: no error repeats it.
  func hide(_ value: Sensitive) { if !hidden.contains(value) { hidden.append(value) } }

  /// What the operation has announced.
  func quota(_ operation: String) -> Quota { quotas[operation] ?? Quota() }

  /// The tightest of all announced quotas: operation, and what it said.
  var tightest: (operation: String, quota: Quota)? {
    quotas.filter { $0.value.remaining != nil }.min { ($0.value.remaining ?? 0) < ($1.value.remaining ?? 0) }
      .map { ($0.key, $0.value) }
  }

  /// The server's moment for one of ours, less a margin.
  func serverMoment(_ moment: Timestamp, margin: Duration) -> Timestamp {
    moment + (skew ?? .zero) - margin
  }

  /// Sends a request. What may be repeated is sent again while trouble may pass; all else exactly once.
  /// - Parameter hiding: values in the request that must not appear in an error.
  func send(_ request: Request, _ manner: Manner = .ordinary, hiding: [Sensitive] = [])
    async throws(APIError) -> Answer
  {
    var pause: Duration = .milliseconds(500)
    var attempt = 1
    while true {
      do {
        return try await once(request, manner, hiding)
      } catch {
        // A refusal before any effect may be repeated whatever was asked.
        let again = request.isRepeatable || error.certainlyNoEffect
        guard again, error.kind.isPassing, attempt < manner.attempts else { throw error }
        var wait = pause * (0.75 + 0.5 * random())
        switch error.kind {
        case .rateLimited(let after?): wait = max(wait, after + .milliseconds(Int64(500 * random())))
        case .rateLimited(nil): wait = max(wait, .seconds(10))
        case .breakerOpen(let rest): wait = max(wait, rest)
        case .busy: wait = max(wait, .seconds(2))
        default: break
        }
        guard wait <= manner.patience else { throw error }
        try await sleep(wait, request)
        pause = min(pause * 2, .seconds(10))
        attempt += 1
      }
    }
  }

  private func once(_ request: Request, _ manner: Manner, _ hiding: [Sensitive]) async throws(APIError)
    -> Answer
  {
    let rest = breaker.wait(now: clock.now)
    if rest > .zero {
      throw failed(.breakerOpen(for: rest), "Vercel has not answered many times in a row", request)
    }
    var quota = quotas[request.operation] ?? Quota()
    let wait = quota.take(now: clock.now)
    if wait > manner.patience {
      throw failed(.rateLimited(after: wait), "the announced quota is used up", request)
    }
    quotas[request.operation] = quota
    if wait > .zero { try await sleep(wait, request) }
    guard request.method == "GET" || LeaseGate.mayAct() else {
      throw failed(.transport, LeaseGate.words, request, certainlyNoEffect: true)
    }
    let response: HTTPResponse
    do {
      response = try await http.send(wire(request, manner.timeout))
    } catch {
      if error.code == .cancelled { throw failed(.cancelled, "stopped", request) }
      breaker.failed(now: clock.now)
      throw failed(
        .transport, scrub(error.message, hiding), request, certainlyNoEffect: error.nothingSent)
    }
    let now = clock.now
    quotas[request.operation, default: Quota()].note(response.header, now: now)
    if let date = response.header("date").flatMap({ Timestamp(httpDate: $0) }) { skew = date - now }
    if response.status >= 500 { breaker.failed(now: now) } else { breaker.succeeded() }
    return try decode(response, request, hiding)
  }

  /// Reads an answer that comes line by line and may never end, as far as it comes within a short time.
  /// - Parameters:
  ///   - limit: of the whole.
  ///   - pause: how long nothing may come.
  func lines(_ request: Request, within limit: Duration, pause: Duration) async throws(APIError) -> [JSON] {
    var asked = wire(request, limit)
    asked.stallTimeout = pause
    let stream: HTTPStream
    do { stream = try await http.stream(asked) } catch {
      throw failed(
        error.code == .cancelled ? .cancelled : .transport, scrub(error.message, []), request,
        certainlyNoEffect: error.nothingSent)
    }
    var bytes: [UInt8] = []
    do {
      for try await piece in stream.body where bytes.count < 8 << 20 { bytes += piece }
    } catch {
      // The end of patience is the ordinary end of a stream that goes on.
      if Task.isCancelled { throw failed(.cancelled, "stopped", request) }
    }
    let response = HTTPResponse(status: stream.status, headers: stream.headers, body: bytes)
    return VercelClient.records(try decode(response, request, []))
  }

  private func wire(_ request: Request, _ timeout: Duration) -> HTTPRequest {
    var headers = [
      ("Accept", "application/json"), ("User-Agent", userAgent),
      ("Authorization", "Bearer " + token.reveal()),
    ]
    var body = HTTPBody.none
    switch request.body {
    case .none: break
    case .json(let value):
      headers.append(("Content-Type", "application/json"))
      body = .bytes(Array(value.serialized().utf8))
    case .content(let content, let digest, let size):
      headers += [
        ("Content-Type", "application/octet-stream"), ("x-vercel-digest", digest), ("x-now-size", "\(size)"),
      ]
      body = content
    }
    return HTTPRequest(
      method: request.method, url: baseURL + request.target, headers: headers, body: body, timeout: timeout)
  }

  /// Status first, then the error's envelope, which some endpoints call `err`.
  private func decode(_ response: HTTPResponse, _ request: Request, _ hiding: [Sensitive])
    throws(APIError) -> Answer
  {
    let status = response.status
    let body = try? JSON(parsing: response.body)
    if (200..<300).contains(status) {
      // Promote and rollback answer with nothing; logs with one object a line.
      return Answer(status: status, body: body ?? .null, text: response.text)
    }
    let problem = body?["error"] ?? body?["err"]
    let code = problem?["code"]?.string
    let words = problem?["message"]?.string ?? (problem == nil ? response.text : "")
    var kind = APIError.Class(status: status, code: code, message: words)
    if case .rateLimited = kind {
      let after = Quota.retryAfter(response.header("retry-after"), now: clock.now) ?? resets(problem)
      if let after { quotas[request.operation, default: Quota()].block(for: after, now: clock.now) }
      kind = .rateLimited(after: after)
    }
    if case .forbidden = kind,
      problem?["invalidToken"]?.bool == true || problem?["missingToken"]?.bool == true
    {
      kind = .invalidToken
    }
    if code == "missing_files" {
      kind = .missingFiles((problem?["missing"]?.array ?? []).compactMap(\.string))
    }
    var error = failed(kind, scrub(words.isEmpty ? "HTTP \(status)" : words, hiding), request)
    error.code = code.map { scrub($0, hiding) }
    error.status = status
    throw error
  }

  /// Until `limit.reset`, in seconds since 1970 by the server's clock.
  private func resets(_ problem: JSON?) -> Duration? {
    guard let reset = problem?["limit"]?["reset"]?.double, reset >= 0, reset < 1e11 else { return nil }
    let there = Timestamp(milliseconds: Int64(reset * 1000))
    return max(.zero, there - (clock.now + (skew ?? .zero)))
  }

  private func failed(
    _ kind: APIError.Class, _ message: String, _ request: Request, certainlyNoEffect: Bool? = nil
  ) -> APIError {
    APIError(
      kind, message, operation: request.operation, subject: request.subject,
      certainlyNoEffect: certainlyNoEffect)
  }

  /// Suspends; a cancelled task gets the error of that kind.
  func sleep(_ wait: Duration, _ request: Request) async throws(APIError) {
    do { try await clock.sleep(for: wait) } catch { throw failed(.cancelled, "stopped", request) }
  }

  /// Bounded, free of control characters, and without any secret value.
  func scrub(_ text: String, _ more: [Sensitive] = []) -> String {
    var text = text
    for secret in (hidden + more).map({ $0.reveal() }).sorted(by: { $0.count > $1.count })
    where secret.count > 2 {
      text = text.replacing(secret, with: "‹secret›")
      let escaped = String(JSON.string(secret).serialized().dropFirst().dropLast())
      if escaped != secret { text = text.replacing(escaped, with: "‹secret›") }
    }
    let printable = String(
      String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
    return printable.count > 300 ? String(printable.prefix(300)) + "…" : printable
  }
}
