import Model

/// Where a Redis server is: `redis://USER:PASSWORD@HOST:PORT/0`, or `rediss://` over TLS. Taken apart, for `redis-cli` would
/// show a whole address, with its password, to everybody on the machine (contract migrations §8).
struct RedisAddress: Sendable {
  let host: String
  let port: String
  let user: String?
  let password: Sensitive?
  let isSecure: Bool
  /// The password as it is written and decoded.
  let hidden: [String]

  /// Host and port.
  var place: String { "\(host):\(port)" }

  /// - Throws: `configuration` for a missing value and what is no address.
  init(_ database: DatabaseTarget, _ secrets: SecretValues) throws(Failure) {
    let place = database.addressPlace
    let text = try database.address(secrets)
    guard let address = RedisAddress(text) else {
      throw Failure(
        .configuration, "the address of the database \(database.key) cannot be read", place: place,
        hint: "write it like redis://USER:PASSWORD@HOST:6379, or rediss:// over TLS")
    }
    self = address
  }

  init?(_ text: String) {
    guard let scheme = ["redis://", "rediss://"].first(where: { text.hasPrefix($0) }) else { return nil }
    isSecure = scheme == "rediss://"
    let authority = text.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
    let at = authority.lastIndex(of: "@")
    let server = at.map { authority[authority.index(after: $0)...] } ?? authority
    let account = at.map { authority[..<$0] } ?? ""
    let halves = account.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    user = halves.first.flatMap { $0.isEmpty ? nil : RedisAddress.decoded($0) }
    let written = halves.count > 1 && !halves[1].isEmpty ? halves[1] : nil
    password = written.map { Sensitive(RedisAddress.decoded($0)) }
    hidden = written.map { [String($0), RedisAddress.decoded($0)] } ?? []
    let end = server.hasPrefix("[") ? server.firstIndex(of: "]") : nil
    let rest = end.map { server[server.index(after: $0)...] } ?? server[...].drop { $0 != ":" }
    host =
      end.map { String(server[server.index(after: server.startIndex)..<$0]) }
      ?? String(server.prefix { $0 != ":" })
    port = rest.hasPrefix(":") ? String(rest.dropFirst()) : "6379"
    guard !host.isEmpty, !host.hasPrefix("-"), UInt16(port) != nil else { return nil }
  }

  private static func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
