import HTTP
import JSON
import Model

/// Vault, asked with one token.
struct VaultSession: Sendable {
  private let source: VaultSource
  private let service: SecretService
  private let token: Sensitive
  /// It was got by a login of ours, and goes with it.
  private let isOwn: Bool

  /// Logs in as the settings say.
  /// - Throws: `authentication` when Vault knows neither role nor token.
  static func open(_ source: VaultSource) async throws(Failure) -> VaultSession {
    let settings = source.settings
    let service = SecretService(
      source.access, authorities: settings.authorities, description: source.description)
    switch settings.login {
    case .token(let secret):
      let token = try await source.earlier.credential(secret, of: source.description)
      return VaultSession(source: source, service: service, token: token, isOwn: false)
    case .appRole(let role, let secret, let mount):
      let id = try await source.earlier.credential(role, of: source.description)
      let key = try await source.earlier.credential(secret, of: source.description)
      return try await logIn(
        source, service, mount, ["role_id": .string(id.reveal()), "secret_id": .string(key.reveal())],
        "\(role) and \(secret)")
    case .github(let role, let audience, let mount):
      let proof = try await GitHubIdentity.token(
        audience: audience, of: source.description, service, source.access.process)
      return try await logIn(
        source, service, mount, ["role": .string(role), "jwt": .string(proof.reveal())], "the role \(role)")
    }
  }

  private static func logIn(
    _ source: VaultSource, _ service: SecretService, _ mount: String, _ proof: [String: JSON], _ who: String
  ) async throws(Failure) -> VaultSession {
    let request = VaultSession.request(
      source.settings, "POST", "auth/\(VaultSource.path(mount))/login", .object(proof), token: nil)
    let response = try await service.send(isTransient: VaultSession.isTransient) { request }
    let body = try? JSON(parsing: response.body)
    guard response.status == 200, let token = body?["auth"]?["client_token"]?.string else {
      if let problem = unready(response, source) { throw problem }
      throw Failure(
        .authentication, "\(source.description): Vault does not let \(who) log in at auth/\(mount)",
        cause: words(response), hint: "vault auth list, for the mounts; then the role's bindings and limits")
    }
    return VaultSession(source: source, service: service, token: Sensitive(token), isOwn: true)
  }

  func send(
    _ method: String, _ path: String, _ body: JSON? = nil, type: String = "application/json"
  ) async throws(Failure) -> HTTPResponse {
    let request = VaultSession.request(source.settings, method, path, body, token: token, type: type)
    return try await service.send(isTransient: VaultSession.isTransient) { request }
  }

  /// Revokes a token of our own. It ends by itself where that fails.
  func close() async {
    guard isOwn else { return }
    var request = VaultSession.request(
      source.settings, "POST", "auth/token/revoke-self", nil, token: token)
    request.timeout = .seconds(5)
    _ = try? await service.transport.send(request)
  }

  /// What a status means.
  func refusal(_ response: HTTPResponse, _ verb: String) async throws(Failure) -> Failure {
    if let problem = VaultSession.unready(response, source) { return problem }
    let cause = VaultSession.words(response)
    guard response.status == 403 else {
      return Failure(
        .failed, "\(source.description) answered \(response.status)", cause: cause,
        hint: "curl -sS \(source.settings.address)/v1/sys/health, for its state")
    }
    // The same answer for a token that is no more and for one that may not.
    let isKnown = try await send("GET", "auth/token/lookup-self").status == 200
    return Failure(
      .authentication,
      isKnown
        ? "\(source.description): the token may not \(verb) it"
        : "\(source.description): Vault knows no such token",
      cause: cause,
      hint: isKnown
        ? "its policy needs: path \"\(source.settings.mount)/data/\(source.settings.path)\" { capabilities = [\"\(verb == "read" ? "read" : "create\", \"update\", \"patch")\"] }"
        : "it ended or was revoked, or belongs to another namespace or server: get a new one with vault login"
    )
  }

  // MARK: Parts

  /// 503 is also what a sealed one answers, for as long as nobody unseals it.
  private static func isTransient(_ response: HTTPResponse) -> Bool {
    (response.status == 429 || response.status >= 500) && response.status != 501 && !isSealed(response)
  }

  private static func isSealed(_ response: HTTPResponse) -> Bool {
    response.status == 503 && response.text.contains("sealed")
  }

  private static func unready(_ response: HTTPResponse, _ source: VaultSource) -> Failure? {
    guard isSealed(response) || response.status == 501 else { return nil }
    return Failure(
      .failed,
      "\(source.description) cannot be read: Vault is \(response.status == 501 ? "not initialised" : "sealed")",
      hint: "who holds its keys: vault operator \(response.status == 501 ? "init" : "unseal")")
  }

  private static func request(
    _ settings: VaultSecrets, _ method: String, _ path: String, _ body: JSON?, token: Sensitive?,
    type: String = "application/json"
  ) -> HTTPRequest {
    var headers = [("accept", "application/json"), ("x-vault-request", "true")]
    if let token { headers.append(("x-vault-token", token.reveal())) }
    if let namespace = settings.namespace { headers.append(("x-vault-namespace", namespace)) }
    if body != nil { headers.append(("content-type", type)) }
    return HTTPRequest(
      method: method, url: "\(settings.address)/v1/\(path)", headers: headers,
      body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none)
  }

  /// What Vault says, which holds no value: neither a token nor what was sent.
  private static func words(_ response: HTTPResponse) -> String {
    let said = (try? JSON(parsing: response.body))?["errors"]?.array?.compactMap(\.string) ?? []
    let text = said.joined(separator: "; ").split(whereSeparator: \.isNewline).joined(separator: " ")
    return text.isEmpty ? "it answered \(response.status)" : String(text.prefix(300))
  }
}
