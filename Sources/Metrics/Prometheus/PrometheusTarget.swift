package import Model

/// Where the query API of Prometheus, or of a store that speaks it, is reached, and as whom (contract metrics §2.1).
package struct PrometheusTarget: Sendable {
  package enum Access: Sendable {
    case none
    case bearer(Sensitive)
    /// Grafana Cloud: the instance's id, and a token with `metrics:read`.
    case basic(user: String, password: Sensitive)
  }

  /// What stands before `/api/v1`, without a slash at the end.
  package let url: String
  package let host: String
  package let access: Access
  /// `X-Scope-OrgID`, for Mimir and Cortex.
  package let tenant: String?
  /// For one question with all its attempts.
  package let timeout: Duration

  /// - Throws: `Failure` of kind `.configuration`: an address that is none, with a user inside, with the API's own
  ///   path, or one over which credentials would travel readable.
  package init(
    url written: String, access: Access = .none, tenant: String? = nil, timeout: Duration = .seconds(10)
  ) throws(Failure) {
    var url = written
    while url.hasSuffix("/") { url.removeLast() }
    func refuse(_ what: String, _ hint: String) -> Failure {
      Failure(.configuration, "the metric store's url \(what)", place: "store", hint: hint)
    }
    let isSecure = url.hasPrefix("https://")
    guard isSecure || url.hasPrefix("http://"), !url.utf8.contains(where: { $0 <= 32 || $0 == 127 }) else {
      throw refuse("is no http or https address", "write it as https://HOST/PREFIX")
    }
    let authority = url.dropFirst(isSecure ? 8 : 7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.contains("@") else {
      // Not repeated: what stands before the @ may be a password.
      throw refuse("has a user in it", "write it without, and name the secret under `auth`")
    }
    guard !authority.isEmpty, !url.contains("?"), !url.contains("#") else {
      throw refuse("has a query or no host", "write it as https://HOST/PREFIX")
    }
    if url.hasSuffix("/api/v1") || url.contains("/api/v1/") {
      throw refuse("names the API's own path", "end it before /api/v1: shipit adds that itself")
    }
    let bare =
      authority.hasPrefix("[")
      ? String(authority.dropFirst().prefix { $0 != "]" }) : String(authority.prefix { $0 != ":" })
    if case .none = access {
    } else if !isSecure, !Self.isLoopback(bare.lowercased()) {
      throw refuse("is not https, and credentials would be readable on the way", "use https")
    }
    if case .basic(let user, _) = access, user.contains(":") {
      throw Failure(
        .configuration, "the user of the metric store has a colon, which basic authentication cannot carry",
        place: "store", hint: "use the instance's id, or a bearer token")
    }
    self.url = url
    host = String(authority)
    self.access = access
    self.tenant = tenant
    self.timeout = timeout
  }

  private static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }
}
