package import Concurrency

/// Who may call, contract §2: auth keys for the CLI's routes, OAuth clients for the public API.
package struct EncoreAccess: Sendable {
  /// By key, `ena_` included.
  package var authKeys: [String: AuthKey] = [:]
  /// By client id.
  package var clients: [String: Client] = [:]
  /// Access tokens and refresh tokens by their text.
  package var tokens: [String: Token] = [:]
  package var refreshTokens: [String: Token] = [:]
  /// Seconds for which an access token holds.
  package var lifetime = 3600

  /// Of an application; deleting it cuts off whoever used it.
  package struct AuthKey: Sendable {
    package var app: String
    package var isSingleUse = false
    /// Its login ends after an hour.
    package var isEphemeral = false
    package var isUsed = false
  }

  /// An OAuth client of an application.
  package struct Client: Sendable {
    package var secret: String
    package var app: String
    /// `deployer`; with any other it may only read.
    package var role = "deployer"
  }

  package struct Token: Sendable {
    package enum Kind: String, Sendable { case cli, client }
    package var kind: Kind
    /// The auth key or the client it came from.
    package var origin: String
    package var app: String
    package var mayDeploy = true
    package var expiry: Timestamp
    /// After it nothing is refreshed any more.
    package var loginEnds: Timestamp?
  }
}

extension EncoreWorld {
  /// What a login or a refresh gives.
  struct Grant: Sendable {
    var access: String
    var refresh: String?
    var token: EncoreAccess.Token
  }

  /// `POST /login/auth-key`.
  /// - Returns: nil when the key is unknown or used up.
  mutating func logIn(authKey text: String) -> Grant? {
    guard let key = access.authKeys[text], !(key.isSingleUse && key.isUsed) else { return nil }
    access.authKeys[text]?.isUsed = true
    var token = EncoreAccess.Token(
      kind: .cli, origin: text, app: key.app, expiry: now + .seconds(access.lifetime))
    if key.isEphemeral { token.loginEnds = now + .seconds(3600) }
    let refresh = mint("refresh")
    access.refreshTokens[refresh] = token
    return grant(token, refresh: refresh)
  }

  /// `POST /login/oauth:refresh-token`.
  /// - Returns: nil when the platform logs the user out.
  mutating func refresh(_ text: String) -> Grant? {
    guard var token = access.refreshTokens[text], access.authKeys[token.origin] != nil,
      token.loginEnds.map({ now < $0 }) ?? true
    else { return nil }
    token.expiry = now + .seconds(access.lifetime)
    return grant(token, refresh: text)
  }

  /// `POST /api/oauth/token`.
  mutating func grant(client id: String, secret: String) -> Grant? {
    guard let client = access.clients[id], client.secret == secret else { return nil }
    let token = EncoreAccess.Token(
      kind: .client, origin: id, app: client.app, mayDeploy: client.role == "deployer",
      expiry: now + .seconds(access.lifetime))
    return grant(token, refresh: nil)
  }

  /// The token of an `Authorization` header, when it still holds.
  func token(bearer header: String?, kind: EncoreAccess.Token.Kind) -> EncoreAccess.Token? {
    guard let header, header.lowercased().hasPrefix("bearer "),
      let token = access.tokens[String(header.dropFirst(7))], token.kind == kind, now < token.expiry
    else { return nil }
    switch kind {
    case .cli: return access.authKeys[token.origin] == nil ? nil : token
    case .client: return access.clients[token.origin] == nil ? nil : token
    }
  }

  /// Ends every access token; refreshing and new logins go on working.
  package mutating func expireTokens() {
    for text in access.tokens.keys { access.tokens[text]?.expiry = now }
  }

  private mutating func grant(_ token: EncoreAccess.Token, refresh: String?) -> Grant {
    let text = mint("access")
    access.tokens[text] = token
    return Grant(access: text, refresh: refresh, token: token)
  }
}
