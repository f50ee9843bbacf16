import Crypto
import HTTPServer
import JSON

/// What has secrets of its own: a repository, or one of its environments.
struct GitHubScope: Sendable, Hashable {
  var repository: String
  /// nil: the repository itself.
  var environment: String?

  /// As GitHub's description calls it.
  var word: String { environment == nil ? "repo" : "environment" }
}

/// The secrets of one scope, opened as they arrive, so that a test sees what a job would.
struct ScopedSecrets: Sendable {
  struct Secret: Sendable {
    var value: String
    var createdAt: String
    var updatedAt: String
  }

  var keyID: String
  var publicKey: [UInt8]
  var secretKey: [UInt8]
  var values: [String: Secret] = [:]
}

extension GitHubCall {
  /// - Parameter parts: of the path, after the repository. The name of an environment may hold slashes.
  static func secretsKind(_ method: String, _ parts: [String], _ repository: String) -> Kind? {
    guard let place = parts.lastIndex(of: "secrets"), parts.count - place <= 2 else { return nil }
    let scope: GitHubScope
    if parts[0] == "actions", place == 1 {
      scope = GitHubScope(repository: repository, environment: nil)
    } else if parts[0] == "environments", place >= 2 {
      scope = GitHubScope(repository: repository, environment: parts[1..<place].joined(separator: "/"))
    } else {
      return nil
    }
    switch (method, parts.dropFirst(place + 1).first) {
    case ("GET", nil): return .listSecrets(scope)
    case ("GET", "public-key"): return .publicKey(scope)
    case ("PUT", let name?) where name != "public-key": return .putSecret(scope, name: name.uppercased())
    default: return nil
    }
  }
}

extension GitHubWorld {
  mutating func publicKey(_ scope: GitHubScope) throws(GitHubProblem) -> ServerResponse {
    let secrets = try opened(scope)
    return .json(
      200, ["key_id": .string(secrets.keyID), "key": .string(Base64.encode(secrets.publicKey))])
  }

  func listSecrets(_ scope: GitHubScope, _ request: ServerRequest) -> ServerResponse {
    let rows = (secrets[scope]?.values ?? [:]).sorted { $0.key < $1.key }
    return page(
      rows.map { name, secret in
        [
          "name": .string(name), "created_at": .string(secret.createdAt),
          "updated_at": .string(secret.updatedAt),
        ]
      }, request
    ) { ["total_count": .int(Int64(rows.count)), "secrets": .array($0)] }
  }

  mutating func putSecret(
    _ name: String, _ scope: GitHubScope, _ body: JSON, _ now: String
  ) throws(GitHubProblem) -> ServerResponse {
    var secrets = try opened(scope)
    guard !name.hasPrefix("GITHUB_"), name.first?.isNumber == false else {
      throw GitHubProblem(422, "Secret names must not start with GITHUB_ or a digit.")
    }
    guard body["key_id"]?.string == secrets.keyID,
      let box = body["encrypted_value"]?.string.flatMap({ Base64.decode($0) }),
      let value = SealedBox.open(box, secretKey: secrets.secretKey)
    else { throw GitHubProblem(422, "Bad request - the secret could not be decrypted with this key") }
    let known = secrets.values[name]
    secrets.values[name] = ScopedSecrets.Secret(
      value: String(decoding: value, as: UTF8.self), createdAt: known?.createdAt ?? now, updatedAt: now)
    self.secrets[scope] = secrets
    return known == nil ? .json(201, .object([:])) : ServerResponse(status: 204)
  }

  /// GitHub replaces its keys now and then.
  mutating func replaceKeys() {
    for scope in secrets.keys {
      guard let pair = SealedBox.keyPair() else { continue }
      let id = String(mint())
      secrets[scope]?.keyID = id
      secrets[scope]?.publicKey = pair.publicKey
      secrets[scope]?.secretKey = pair.secretKey
    }
  }

  /// The secrets of a scope, which has a key from the first question on.
  private mutating func opened(_ scope: GitHubScope) throws(GitHubProblem) -> ScopedSecrets {
    if let known = secrets[scope] { return known }
    guard let pair = SealedBox.keyPair() else { throw GitHubProblem(500, "there is no randomness") }
    let made = ScopedSecrets(
      keyID: String(mint()), publicKey: pair.publicKey, secretKey: pair.secretKey)
    secrets[scope] = made
    return made
  }

  /// Rows of the control surface: what a job would be given.
  var secretsOverview: JSON {
    let rows = secrets.flatMap { scope, secrets in
      secrets.values.map { name, secret -> (String, JSON) in
        let place = "\(scope.repository) \(scope.environment ?? "") \(name)"
        return (
          place,
          [
            "repository": .string(scope.repository),
            "environment": scope.environment.map { .string($0) } ?? .null,
            "name": .string(name), "value": .string(secret.value), "updated": .string(secret.updatedAt),
          ]
        )
      }
    }
    return .array(rows.sorted { $0.0 < $1.0 }.map(\.1))
  }
}
