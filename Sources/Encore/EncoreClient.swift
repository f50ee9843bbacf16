import Concurrency
import FoundationEssentials
import HTTP
import JSON
import Model

/// Speaks to Encore's platform: the public `/api` with an OAuth client (contract §4), and what only the
/// command line's own routes offer with an auth key (§3). Tokens live in memory; no secret is in any error.
actor EncoreClient {
  nonisolated let baseURL: String
  nonisolated let clock: any TimeSource
  nonisolated let random: @Sendable () -> Double
  nonisolated let hasKey: Bool
  private let http: any HTTPTransport
  private let clientID: Sensitive
  private let clientSecret: Sensitive
  private let key: Sensitive?
  private let userAgent: String
  /// Told of tokens as they are given.
  private let hide: @Sendable (String, Sensitive) -> Void
  /// Values that must not appear in an error.
  private var hidden: [Sensitive]
  private var access: Token?
  private var login: Token?
  /// The server's clock minus ours, once a `Date` header was seen.
  private(set) var skew: Duration?

  /// A bearer token and when it is given up.
  private struct Token {
    var value: Sensitive
    var until: Timestamp
  }

  /// A token lasts 3600 s (contract §2.1); it is renewed this long before.
  private static let margin: Duration = .seconds(300)

  init(
    baseURL: String, http: any HTTPTransport, clock: any TimeSource, clientID: Sensitive,
    clientSecret: Sensitive, key: Sensitive?, hidden: [Sensitive], userAgent: String,
    hide: @escaping @Sendable (String, Sensitive) -> Void = { _, _ in },
    random: @escaping @Sendable () -> Double
  ) {
    self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
    self.http = http
    self.clock = clock
    self.clientID = clientID
    self.clientSecret = clientSecret
    self.key = key
    hasKey = key != nil
    self.userAgent = userAgent
    self.random = random
    self.hide = hide
    self.hidden = hidden + [clientSecret] + (key.map { [$0] } ?? [])
  }

  /// Who a request is made as.
  enum Identity: Sendable { case client, key }

  /// How a call is made.
  struct Manner: Sendable {
    /// Of one attempt.
    var timeout: Duration = .seconds(30)
    var attempts = 4

    static let read = Manner()
    static let once = Manner(timeout: .seconds(60), attempts: 1)
    static func quick(_ timeout: Duration) -> Manner { Manner(timeout: timeout, attempts: 1) }
  }

  // MARK: The public API

  /// Reads from the public API, again when trouble may pass.
  func read(_ path: String, _ manner: Manner = .read) async throws(EncoreError) -> JSON {
    try await again("GET \(path)", manner) { () async throws(EncoreError) in
      try await authorized("GET", path, nil, as: .client, manner)
    }
  }

  /// Sends a request with an effect to the public API, exactly once. A 401 has no effect: then the token is
  /// renewed and the request sent again.
  func change(_ path: String, _ body: JSON) async throws(EncoreError) -> JSON {
    try await authorized("POST", path, body, as: .client, .once)
  }

  // MARK: The command line's routes

  /// Reads from an enveloped route.
  func readByKey(_ path: String, _ manner: Manner = .read) async throws(EncoreError) -> JSON {
    try await again("GET \(path)", manner) { () async throws(EncoreError) in
      try await authorized("GET", path, nil, as: .key, manner)
    }
  }

  /// Sends a GraphQL document, exactly once, and gives `data`.
  func graphQL(_ document: EncoreDocument, _ variables: [String: JSON], _ manner: Manner = .once)
    async throws(EncoreError) -> JSON
  {
    let body: JSON = ["query": .string(document.text), "variables": .object(variables)]
    return try await authorized("POST", "/graphql", body, as: .key, manner, operation: document.name)
  }

  /// A GraphQL query, again when trouble may pass.
  func query(_ document: EncoreDocument, _ variables: [String: JSON], _ manner: Manner = .read)
    async throws(EncoreError) -> JSON
  {
    try await again(document.name, manner) { () async throws(EncoreError) in
      try await graphQL(document, variables, manner)
    }
  }

  // MARK: Tokens

  /// Makes sure that there is a token; what `doctor` asks first.
  func authenticate(_ identity: Identity) async throws(EncoreError) { _ = try await token(identity, .read) }

  private func token(_ identity: Identity, _ manner: Manner) async throws(EncoreError) -> Sensitive {
    let known = identity == .client ? access : login
    if let known, clock.now < known.until { return known.value }
    switch identity {
    case .client: access = try await clientToken(manner)
    case .key: login = try await keyLogin(manner)
    }
    return (identity == .client ? access : login)?.value ?? Sensitive("")
  }

  /// What opens a WebSocket of the command line's (contract §3).
  func logHeaders() async throws(EncoreError) -> [(name: String, value: String)] {
    let token = try await token(.key, .read)
    return [
      ("Authorization", "Bearer \(token.reveal())"), ("Origin", "http://encore-cli.local"),
      ("User-Agent", userAgent),
    ]
  }

  /// The base of WebSockets: the same address with another scheme.
  nonisolated var webSocketBase: String { "ws" + baseURL.dropFirst("http".count) }

  private func forget(_ identity: Identity) {
    switch identity {
    case .client: access = nil
    case .key: login = nil
    }
  }

  /// Client credentials as a form (contract §4: the page says query parameters, its own curl sends a form).
  private func clientToken(_ manner: Manner) async throws(EncoreError) -> Token {
    let path = "/api/oauth/token"
    let form = [
      ("grant_type", "client_credentials"), ("client_id", clientID.reveal()),
      ("client_secret", clientSecret.reveal()),
    ].map { "\($0)=\(percentEncoded($1))" }.joined(separator: "&")
    let answer = try await again("POST \(path)", manner) { () async throws(EncoreError) in
      let response = try await send(
        HTTPRequest(
          method: "POST", url: baseURL + path,
          headers: [("Content-Type", "application/x-www-form-urlencoded")] + plainHeaders,
          body: .bytes(Array(form.utf8)), timeout: manner.timeout), "POST \(path)")
      return try decode(response, "POST \(path)")
    }
    guard let value = answer["access_token"]?.string, !value.isEmpty else {
      throw EncoreError(.malformed, "an answer without an access token", operation: "POST \(path)")
    }
    return remember(value, lifetime: answer["expires_in"]?.int ?? 3600)
  }

  /// One login with the auth key, in this process: the key is in no argument of any program (contract §2.2).
  private func keyLogin(_ manner: Manner) async throws(EncoreError) -> Token {
    let path = "/login/auth-key"
    guard let key else {
      throw EncoreError(.unauthorized, "no auth key is configured", operation: "POST \(path)")
    }
    let body = JSON.object(["auth_key": .string(key.reveal())])
    let answer = try await again("POST \(path)", manner) { () async throws(EncoreError) in
      let response = try await send(
        HTTPRequest(
          method: "POST", url: baseURL + path, headers: [("Content-Type", "application/json")] + plainHeaders,
          body: .bytes(Array(body.serialized().utf8)), timeout: manner.timeout), "POST \(path)")
      return try decode(response, "POST \(path)")
    }
    guard let value = answer["token"]?["access_token"]?.string, !value.isEmpty else {
      throw EncoreError(.malformed, "an answer without a token", operation: "POST \(path)")
    }
    let now = clock.now
    let expiry = answer["token"]?["expiry"]?.string.flatMap { Timestamp(iso8601: $0) }
    return remember(value, lifetime: expiry.map { ($0 - now).components.seconds } ?? 3600)
  }

  private func remember(_ value: String, lifetime: Int64) -> Token {
    let token = Sensitive(value)
    hidden.append(token)
    hide("Encore access token", token)
    let life = Duration.seconds(max(60, lifetime))
    return Token(value: token, until: clock.now + max(life / 2, life - EncoreClient.margin))
  }

  // MARK: Sending

  private var plainHeaders: [(name: String, value: String)] {
    [("Accept", "application/json"), ("User-Agent", userAgent)]
  }

  private func authorized(
    _ method: String, _ path: String, _ body: JSON?, as identity: Identity, _ manner: Manner,
    operation name: String? = nil
  ) async throws(EncoreError) -> JSON {
    let operation = name ?? "\(method) \(path)"
    let changes = method != "GET" && body?["query"]?.string?.hasPrefix("query") != true
    var renewed = false
    while true {
      let token = try await token(identity, manner)
      let request = HTTPRequest(
        method: method, url: baseURL + path,
        headers: [("Authorization", "Bearer \(token.reveal())")] + plainHeaders
          + (body == nil ? [] : [("Content-Type", "application/json")]),
        body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none, timeout: manner.timeout)
      guard !changes || LeaseGate.mayAct() else {
        throw EncoreError(.transport, LeaseGate.words, operation: operation, certainlyNoEffect: true)
      }
      do {
        return try decode(try await send(request, operation), operation)
      } catch {
        guard error.kind == .unauthorized, !renewed else { throw error }
        renewed = true
        forget(identity)
      }
    }
  }

  private func send(_ request: HTTPRequest, _ operation: String) async throws(EncoreError) -> HTTPResponse {
    let response: HTTPResponse
    do {
      response = try await http.send(request)
    } catch {
      throw EncoreError(
        error.code == .cancelled ? .cancelled : .transport, scrub(error.message), operation: operation,
        certainlyNoEffect: error.nothingSent)
    }
    if let date = response.header("date").flatMap({ Timestamp(httpDate: $0) }) { skew = date - clock.now }
    return response
  }

  /// Status first, then JSON, then the envelope where there is one.
  private func decode(_ response: HTTPResponse, _ operation: String) throws(EncoreError) -> JSON {
    let answer = try? JSON(parsing: response.body)
    if let problem = EncoreAnswer.error(response, answer, operation, clock.now) {
      throw EncoreError(
        problem.kind, scrub(problem.message), operation: operation, status: response.status,
        certainlyNoEffect: problem.certainlyNoEffect)
    }
    guard let answer else {
      throw EncoreError(
        .malformed, "an answer that is no JSON: \(scrub(response.text))", operation: operation,
        status: response.status)
    }
    return EncoreAnswer.content(answer)
  }

  /// Repeats what only reads while trouble may pass.
  private func again<Value: Sendable>(
    _ operation: String, _ manner: Manner, _ attempt: () async throws(EncoreError) -> Value
  ) async throws(EncoreError) -> Value {
    var pause: Duration = .milliseconds(500)
    var count = 1
    while true {
      do { return try await attempt() } catch {
        guard error.kind.isPassing, count < manner.attempts else { throw error }
        var wait = pause * (0.75 + 0.5 * random())
        if case .rateLimited(let after) = error.kind { wait = max(wait, after ?? .seconds(5)) }
        guard wait <= .seconds(60) else { throw error }
        try await sleep(wait, operation)
        pause = min(pause * 2, .seconds(8))
        count += 1
      }
    }
  }

  /// Suspends; a cancelled task gets the error of that kind.
  nonisolated func sleep(_ wait: Duration, _ operation: String) async throws(EncoreError) {
    do { try await clock.sleep(for: wait) } catch {
      throw EncoreError(.cancelled, "stopped", operation: operation, certainlyNoEffect: true)
    }
  }

  /// Bounded, free of control characters, and without any secret value.
  func scrub(_ text: String) -> String {
    var text = text
    for secret in hidden.map({ $0.reveal() }).sorted(by: { $0.count > $1.count }) where secret.count > 2 {
      text = text.replacing(secret, with: "‹secret›")
      let escaped = String(JSON.string(secret).serialized().dropFirst().dropLast())
      if escaped != secret { text = text.replacing(escaped, with: "‹secret›") }
    }
    let printable = String(
      String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
    return printable.count > 300 ? String(printable.prefix(300)) + "…" : printable
  }
}

/// For a path or form: everything but letters, digits, `-._~` is encoded.
func percentEncoded(_ text: String) -> String {
  let hex = Array("0123456789ABCDEF".utf8)
  var bytes: [UInt8] = []
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      bytes.append(byte)
    default: bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
