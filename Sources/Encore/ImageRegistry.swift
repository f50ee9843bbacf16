import Concurrency
import Crypto
import HTTP
import JSON
import Model

/// Asks a registry for the digest behind a tag (OCI distribution API), with the token flow it asks for.
struct ImageRegistry: Sendable {
  let http: any HTTPTransport
  /// User and password for a registry, from Docker's own configuration; nil: none is stored.
  let credentials: @Sendable (String) async -> RegistryCredentials?
  /// Told of tokens as they are given.
  var hide: @Sendable (String, Sensitive) -> Void = { _, _ in }

  private static let accepted = [
    "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
  ].joined(separator: ", ")

  /// The digest behind a tag; nil when there is no such tag.
  /// - Throws: `Failure` when the registry does not say.
  func digest(of image: ImageReference) async throws(Failure) -> String? {
    var authorization: Sensitive?
    for attempt in 0..<2 {
      let response = try await ask(image, authorization)
      switch response.status {
      case 200..<300:
        if let digest = response.header("docker-content-digest"), digest.hasPrefix("sha256:") {
          return digest
        }
        return "sha256:" + SHA256.digest(of: response.body).hex
      case 404: return nil
      case 401 where attempt == 0:
        authorization = try await authorize(response.header("www-authenticate") ?? "", image)
      case 401, 403:
        throw Failure(
          .authentication, "the registry \(image.registry) does not show \(image.name):\(image.tag)",
          place: "\(image.baseURL)/v2/\(image.name)/manifests/\(image.tag)", cause: "HTTP \(response.status)",
          hint: "docker login \(image.registry), with a token that may read and write packages")
      default:
        throw Failure(
          .failed, "the registry \(image.registry) does not say what \(image.name):\(image.tag) is",
          place: "\(image.baseURL)/v2/\(image.name)/manifests/\(image.tag)",
          cause: "HTTP \(response.status): \(response.text.prefix(200))", hint: "run the command again")
      }
    }
    return nil
  }

  private func ask(_ image: ImageReference, _ authorization: Sensitive?) async throws(Failure) -> HTTPResponse
  {
    var headers: [(name: String, value: String)] = [("Accept", Self.accepted), ("User-Agent", "shipit")]
    if let authorization { headers.append(("Authorization", authorization.reveal())) }
    return try await send(
      HTTPRequest(
        url: "\(image.baseURL)/v2/\(image.name)/manifests/\(image.tag)", headers: headers,
        timeout: .seconds(30),
        bodyLimit: 8 << 20), image)
  }

  /// Answers a challenge: `Bearer realm="…",service="…",scope="…"`, or `Basic`.
  private func authorize(_ challenge: String, _ image: ImageReference) async throws(Failure) -> Sensitive? {
    let stored = await credentials(image.registry)
    guard challenge.lowercased().hasPrefix("bearer") else { return stored?.basic }
    let fields = Self.fields(challenge)
    guard let realm = fields["realm"],
      realm.hasPrefix("https://") || (image.isLoopback && ImageReference.isLoopback(url: realm))
    else {
      throw Failure(
        .failed, "the registry \(image.registry) names no place for tokens that can be trusted",
        place: image.baseURL, cause: "WWW-Authenticate: \(challenge.prefix(200))")
    }
    var query: [String] = []
    if let service = fields["service"] { query.append("service=" + percentEncoded(service)) }
    query.append("scope=" + percentEncoded(fields["scope"] ?? "repository:\(image.name):pull"))
    var headers: [(name: String, value: String)] = [("Accept", "application/json"), ("User-Agent", "shipit")]
    if let stored { headers.append(("Authorization", stored.basic.reveal())) }
    let response = try await send(
      HTTPRequest(
        url: realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&"), headers: headers,
        timeout: .seconds(30)), image)
    let answer = try? JSON(parsing: response.body)
    guard (200..<300).contains(response.status),
      let token = answer?["token"]?.string ?? answer?["access_token"]?.string
    else {
      throw Failure(
        .authentication, "the registry \(image.registry) gives no token for \(image.name)",
        place: realm, cause: "HTTP \(response.status)", hint: "docker login \(image.registry)")
    }
    hide("registry token", Sensitive(token))
    return Sensitive("Bearer " + token)
  }

  private func send(_ request: HTTPRequest, _ image: ImageReference) async throws(Failure) -> HTTPResponse {
    do { return try await http.send(request) } catch {
      throw Failure(
        error.code == .cancelled ? .cancelled : .failed, "the registry \(image.registry) cannot be reached",
        place: image.baseURL, cause: error.message, hint: "check the network, then run the command again")
    }
  }

  /// `key="value"` pairs of a challenge.
  static func fields(_ challenge: String) -> [String: String] {
    var fields: [String: String] = [:]
    var rest = challenge.drop { $0 != " " }
    while true {
      rest = rest.drop { " ,".contains($0) }
      guard let equals = rest.firstIndex(of: "=") else { return fields }
      let name = rest[..<equals].lowercased()
      rest = rest[rest.index(after: equals)...]
      let value: Substring
      if rest.first == "\"" {
        value = rest.dropFirst().prefix { $0 != "\"" }
        rest = rest[value.endIndex...].dropFirst()
      } else {
        value = rest.prefix { $0 != "," }
        rest = rest[value.endIndex...]
      }
      fields[name] = String(value)
    }
  }
}

extension ImageReference {
  static func isLoopback(url: String) -> Bool {
    guard url.hasPrefix("http://") else { return false }
    let host = url.dropFirst(7).prefix { $0 != "/" && $0 != ":" }
    return host == "localhost" || host.hasPrefix("127.")
  }
}

/// What Docker has stored for a registry.
struct RegistryCredentials: Sendable {
  var user: String
  var password: Sensitive

  var basic: Sensitive {
    Sensitive("Basic " + Base64.encode(Array("\(user):\(password.reveal())".utf8)))
  }
}
