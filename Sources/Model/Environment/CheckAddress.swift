/// Where a check looks, read from the text it was given once its references are replaced.
package enum CheckAddress {
  /// Why a text is no address of its kind, and what to write instead.
  package struct Mistake: Error, Sendable, Hashable {
    package var message: String
    package var help: String
  }

  /// Host and port.
  package struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// Without the brackets of an IPv6 address.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
      self.host = host
      self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
  }

  /// An address of http or https.
  package static func http(_ text: String) throws(Mistake) -> String {
    guard text.hasPrefix("https://") || text.hasPrefix("http://") else {
      throw Mistake(
        message: "is not an address", help: "begin it with https:// or with ${services.NAME.url}")
    }
    return text
  }

  /// An address of wss, or of ws on this machine; a service's https or http address is taken for its like.
  package static func websocket(_ text: String) throws(Mistake) -> String {
    var url = text
    for (scheme, like) in [("https://", "wss://"), ("http://", "ws://")] where text.hasPrefix(scheme) {
      url = like + text.dropFirst(scheme.count)
    }
    if url.hasPrefix("ws://") {
      let authority = url.dropFirst(5).prefix { !"/?#".contains($0) }
      guard isLoopback(try endpoint(String(authority), standardPort: 80).host) else {
        throw Mistake(
          message: "is not encrypted", help: "begin it with wss://; ws:// is for this machine alone")
      }
      return url
    }
    guard url.hasPrefix("wss://"), url.count > 6 else {
      throw Mistake(
        message: "is not the address of a WebSocket",
        help: "begin it with wss:// or with ${services.NAME.url}")
    }
    return url
  }

  /// `HOST:PORT`, or an address whose scheme tells the port.
  /// - Parameter standardPort: where none is written; nil: one must be.
  package static func endpoint(_ text: String, standardPort: Int?) throws(Mistake) -> Endpoint {
    var rest = text[...]
    var port = standardPort
    for (scheme, its) in [("https://", 443), ("http://", 80), ("wss://", 443), ("ws://", 80)]
    where rest.hasPrefix(scheme) {
      rest = rest.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
      port = its
    }
    let form = "write HOST:PORT, such as db.example.com:5432"
    let host: Substring
    let tail: Substring
    if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
      host = rest[rest.index(after: rest.startIndex)..<end]
      tail = rest[rest.index(after: end)...]
    } else {
      host = rest.prefix { $0 != ":" }
      tail = rest.dropFirst(host.count)
    }
    if tail.hasPrefix(":") {
      guard let number = Int(tail.dropFirst()), (1...65535).contains(number) else {
        throw Mistake(message: "has no port that could be", help: form)
      }
      port = number
    } else if !tail.isEmpty {
      throw Mistake(message: "is not a host and a port", help: form)
    }
    guard !host.isEmpty, host.allSatisfy({ !$0.isWhitespace && !"/@?#[]".contains($0) }) else {
      throw Mistake(message: "is not a host and a port", help: form)
    }
    guard let port else { throw Mistake(message: "has no port", help: form) }
    return Endpoint(host: String(host), port: port)
  }

  /// A name of the domain name system; scheme, port and path of a service's address are left out.
  package static func name(_ text: String) throws(Mistake) -> String {
    let host = try? endpoint(text, standardPort: 53).host
    guard let host, host.utf8.count <= 253, !host.contains(":"),
      host.wholeMatch(of: /([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_-]{1,63}\.?/) != nil
    else {
      throw Mistake(message: "is not a name", help: "write the name alone, such as api.example.com")
    }
    return host
  }

  /// Whether a host is this machine.
  package static func isLoopback(_ host: String) -> Bool {
    let host = host.lowercased()
    if host == "localhost" || host.hasSuffix(".localhost") || host == "::1" { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }
}

extension Check.Kind {
  /// Why a rendered address cannot be looked at; nil when it can.
  package func mistake(in address: String) -> CheckAddress.Mistake? {
    do throws(CheckAddress.Mistake) {
      switch self {
      case .http: _ = try CheckAddress.http(address)
      case .websocket: _ = try CheckAddress.websocket(address)
      case .tcp: _ = try CheckAddress.endpoint(address, standardPort: nil)
      case .tls: _ = try CheckAddress.endpoint(address, standardPort: 443)
      case .dns: _ = try CheckAddress.name(address)
      case .command: break
      }
      return nil
    } catch { return error }
  }
}
