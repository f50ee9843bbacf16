import Concurrency
import FoundationEssentials
import HTTP
import JSON
import Model

/// Speaks to Railway's API: one endpoint, paced by the announced quota, errors classified, no secret in any error.
actor RailwayClient {
  nonisolated let baseURL: String
  nonisolated let clock: any TimeSource
  nonisolated let token: Sensitive
  nonisolated let spawn: Spawner
  nonisolated let random: @Sendable () -> Double
  private let http: any HTTPTransport
  /// Values that must not appear in an error.
  private let hidden: [Sensitive]
  private(set) var quota = Quota()
  private var breaker = Breaker()
  /// The server's clock minus ours, once a `Date` header was seen.
  private(set) var skew: Duration?
  var identification: Identification?

  /// Named, because the edge refuses the defaults of libraries.
  nonisolated let userAgent: String

  init(
    baseURL: String, http: any HTTPTransport, clock: any TimeSource, token: Sensitive, hidden: [Sensitive],
    userAgent: String, spawn: Spawner = .tasks,
    random: @escaping @Sendable () -> Double
  ) {
    self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
    self.http = http
    self.clock = clock
    self.token = token
    self.hidden = hidden + [token]
    self.spawn = spawn
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

    static let read = Manner()
    /// One try, soon over: log lines and last words.
    static func quick(_ timeout: Duration) -> Manner {
      Manner(timeout: timeout, attempts: 1, patience: .zero)
    }
  }

  /// Sends a query, again when trouble may pass, and gives `data`.
  func read(_ operation: Operation, _ variables: [String: JSON] = [:], _ manner: Manner = .read)
    async throws(APIError) -> JSON
  {
    let kind = try await identity(manner)
    return try await read(operation, variables, as: kind.authorization(token), manner)
  }

  /// The same under a given authorization, before the kind of the token is known.
  func read(
    _ operation: Operation, _ variables: [String: JSON], as authorization: Authorization, _ manner: Manner
  ) async throws(APIError) -> JSON {
    var pause: Duration = .milliseconds(500)
    var attempt = 1
    while true {
      do {
        return try await once(operation, variables, authorization, manner, hiding: [])
      } catch {
        guard error.kind.isPassing, attempt < manner.attempts else { throw error }
        var wait = pause * (0.75 + 0.5 * random())
        switch error.kind {
        case .rateLimited(let after?): wait = max(wait, after)
        case .rateLimited(nil): wait = max(wait, .seconds(10))
        case .edgeLimited: wait = max(wait, .seconds(30))
        case .breakerOpen(let rest): wait = max(wait, rest)
        default: break
        }
        guard wait <= manner.patience else { throw error }
        try await sleep(wait, operation.name)
        pause = min(pause * 2, .seconds(10))
        attempt += 1
      }
    }
  }

  /// Sends a mutation, exactly once, and gives `data`.
  /// - Parameter hiding: values among the variables that must not appear in an error.
  func mutate(
    _ operation: Operation, _ variables: [String: JSON], hiding: [Sensitive] = [],
    _ manner: Manner = Manner(timeout: .seconds(90), attempts: 1)
  ) async throws(APIError) -> JSON {
    let kind = try await identity(.read)
    return try await once(operation, variables, kind.authorization(token), manner, hiding: hiding)
  }

  private func once(
    _ operation: Operation, _ variables: [String: JSON], _ authorization: Authorization, _ manner: Manner,
    hiding: [Sensitive]
  ) async throws(APIError) -> JSON {
    let body: JSON = .object([
      "operationName": .string(operation.name), "query": .string(operation.text),
      "variables": .object(variables),
    ])
    let request = HTTPRequest(
      method: "POST", url: baseURL + "/graphql/v2?source=shipit",
      headers: [
        ("Content-Type", "application/json"), ("Accept", "application/json"),
        ("User-Agent", userAgent), (authorization.name, authorization.value.reveal()),
      ], body: .bytes(Array(body.serialized().utf8)), timeout: manner.timeout)
    let response = try await send(
      request, operation.name, isMutation: operation.isMutation, manner.patience, hiding)
    return try decode(response, operation.name, hiding)
  }

  /// One request under quota and breaker; any status but a refused one comes back.
  func send(
    _ request: HTTPRequest, _ operation: String, isMutation: Bool, _ patience: Duration,
    _ hiding: [Sensitive] = []
  ) async throws(APIError) -> HTTPResponse {
    let rest = breaker.wait(now: clock.now)
    if rest > .zero {
      throw APIError(
        .breakerOpen(for: rest), "Railway has not answered many times in a row", operation: operation)
    }
    let wait = quota.take(isMutation: isMutation, now: clock.now)
    if wait > patience {
      throw APIError(.rateLimited(after: wait), "the announced quota is used up", operation: operation)
    }
    if wait > .zero { try await sleep(wait, operation) }
    guard !isMutation || LeaseGate.mayAct() else {
      throw APIError(.transport, LeaseGate.words, operation: operation, certainlyNoEffect: true)
    }
    let response: HTTPResponse
    do {
      response = try await http.send(request)
    } catch {
      if error.code == .cancelled { throw APIError(.cancelled, "stopped", operation: operation) }
      breaker.failed(now: clock.now)
      throw APIError(
        .transport, scrub(error.message, hiding), operation: operation, certainlyNoEffect: error.nothingSent)
    }
    let now = clock.now
    quota.note(response.header, now: now)
    if let date = response.header("date").flatMap({ Timestamp(httpDate: $0) }) { skew = date - now }
    if response.status >= 500 { breaker.failed(now: now) } else { breaker.succeeded() }
    try refuse(response, operation, hiding)
    return response
  }

  /// Statuses that mean the same whatever was asked: limits, the edge, trouble.
  private func refuse(_ response: HTTPResponse, _ operation: String, _ hiding: [Sensitive]) throws(APIError) {
    let status = response.status
    func error(_ kind: APIError.Class, _ message: String) -> APIError {
      APIError(kind, scrub(message, hiding), operation: operation, status: status)
    }
    // Answers may be large: those that are well are not searched.
    let fromEdge = (status == 429 || status == 403) && response.text.contains("error code: 10")
    switch status {
    case 429 where fromEdge && response.header("x-ratelimit-limit") == nil:
      quota.block(for: .seconds(30), now: clock.now)
      throw error(.edgeLimited, response.text)
    case 429:
      let after = Quota.retryAfter(response.header("retry-after"), now: clock.now)
      if let after { quota.block(for: after, now: clock.now) }
      throw error(.rateLimited(after: after), "HTTP 429")
    case 403 where fromEdge: throw error(.edgeRefused, response.text)
    case 500...: throw error(.unavailable, "HTTP \(status): \(response.text)")
    default: return
    }
  }

  /// Status first, then JSON, then `errors`, then `data`.
  private func decode(_ response: HTTPResponse, _ operation: String, _ hiding: [Sensitive]) throws(APIError)
    -> JSON
  {
    let status = response.status
    let answer = try? JSON(parsing: response.body)
    if let first = answer?["errors"]?[0] {
      let message = first["message"]?.string ?? "an error without a message"
      let extensions = first["extensions"]
      var kind = APIError.Class(message: message, code: extensions?["code"]?.string)
      if kind == .unclassified, status == 400 { kind = .schemaDrift }
      if kind == .unclassified, status == 401 || status == 403 { kind = .forbidden }
      var words = message
      if let workspace = extensions?["workspaceName"]?.string { words += " (workspace \(workspace))" }
      let trace = first["traceId"]?.string ?? extensions?["traceId"]?.string
      throw APIError(kind, scrub(words, hiding), operation: operation, status: status, traceID: trace)
    }
    switch status {
    case 200..<300:
      guard let data = answer?["data"], data.object != nil else {
        throw APIError(
          .malformed, "an answer without data", operation: operation, status: status)
      }
      return data
    case 401, 403: throw APIError(.forbidden, "HTTP \(status)", operation: operation, status: status)
    default:
      throw APIError(
        .malformed, "HTTP \(status): \(scrub(response.text, hiding))", operation: operation, status: status)
    }
  }

  /// Suspends; a cancelled task gets the error of that kind.
  func sleep(_ wait: Duration, _ operation: String) async throws(APIError) {
    do { try await clock.sleep(for: wait) } catch {
      throw APIError(.cancelled, "stopped", operation: operation)
    }
  }

  /// Bounded, free of control characters, and without any secret value.
  func scrub(_ text: String, _ more: [Sensitive]) -> String {
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

/// An authentication header.
struct Authorization: Sendable {
  var name: String
  var value: Sensitive

  static func bearer(_ token: Sensitive) -> Authorization {
    Authorization(name: "Authorization", value: Sensitive("Bearer " + token.reveal()))
  }

  static func project(_ token: Sensitive) -> Authorization {
    Authorization(name: "Project-Access-Token", value: token)
  }
}
