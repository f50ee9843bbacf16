internal import CCurl

/// The parts of a request's address that decide how it is sent, checked before anything is sent.
struct HTTPTarget: Sendable {
  /// The address as libcurl is given it.
  let url: String
  /// `host:port`, the only part of an address that errors name.
  let place: String
  let secure: Bool
  /// True when the host is this machine: such requests never go through a proxy.
  let loopback: Bool

  /// - Throws: `HTTPError` with `badURL` unless the text is an http or https address without credentials.
  init(_ url: String) throws(HTTPError) {
    func refuse(_ why: String) -> HTTPError {
      HTTPError(code: .badURL, message: why, nothingSent: true)
    }
    guard !url.utf8.contains(where: { $0 <= 32 || $0 == 127 }), let parts = curl_url() else {
      throw refuse("the address contains a space or a control character")
    }
    defer { curl_url_cleanup(parts) }
    // Any scheme is read here so that a foreign one can be named; libcurl itself is held to http and https.
    let flags = UInt32(CURLU_NON_SUPPORT_SCHEME)
    let status = curl_url_set(parts, CURLUPART_URL, url, flags)
    guard status == CURLUE_OK else {
      throw refuse("the address cannot be read: \(String(cString: curl_url_strerror(status)))")
    }
    func part(_ which: CURLUPart, _ flags: UInt32 = 0) -> String? {
      var text: UnsafeMutablePointer<CChar>?
      guard curl_url_get(parts, which, &text, flags) == CURLUE_OK, let text else { return nil }
      defer { curl_free(text) }
      return String(cString: text)
    }
    let scheme = part(CURLUPART_SCHEME)?.lowercased() ?? ""
    guard scheme == "http" || scheme == "https" else {
      throw refuse("the address must begin with http:// or https://, not \(scheme):")
    }
    guard let host = part(CURLUPART_HOST)?.lowercased(), !host.isEmpty else {
      throw refuse("the address names no host")
    }
    guard part(CURLUPART_USER) == nil, part(CURLUPART_PASSWORD) == nil else {
      throw refuse("the address for \(host) contains credentials; send them in a header")
    }
    self.url = url
    place = "\(host):\(part(CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)) ?? "")"
    secure = scheme == "https"
    loopback = HTTPTarget.isLoopback(host)
  }

  /// Whether a host, in lower case and with the brackets of an IPv6 address, is this machine.
  static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]" { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }
}
