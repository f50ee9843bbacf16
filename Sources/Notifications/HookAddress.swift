import Model

/// The address of a webhook, which is a secret: it is named nowhere.
struct HookAddress: Sendable {
  let url: String
  let host: String

  /// - Returns: nil unless it is https, or http on this machine.
  init?(_ secret: Sensitive) {
    let text = secret.reveal()
    guard !text.utf8.contains(where: { $0 <= 32 || $0 == 127 }) else { return nil }
    let isSecure = text.hasPrefix("https://")
    guard isSecure || text.hasPrefix("http://") else { return nil }
    let authority = text.dropFirst(isSecure ? 8 : 7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.isEmpty, !authority.contains("@") else { return nil }
    let bare =
      authority.hasPrefix("[") ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
    host = bare.lowercased()
    guard isSecure || HookAddress.isLoopback(host) else { return nil }
    url = text
  }

  var isLoopback: Bool { HookAddress.isLoopback(host) }

  private static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }

  /// What `doctor` says of an address.
  /// - Parameter usual: whose hosts such an address has; others pass, for proxies exist.
  static func examine(_ name: String, _ secret: Sensitive, usual: [String], path: String) -> Examination {
    guard let address = HookAddress(secret) else {
      return Examination(
        name, .bad, "its secret is no https address", hint: "copy the webhook's whole address into it",
        because: .configuration)
    }
    if address.host == "webhook.office.com" || address.host.hasSuffix(".webhook.office.com") {
      return Examination(
        name, .bad, "an Office 365 connector, which Microsoft has retired",
        hint: "name a receiver that exists", because: .configuration)
    }
    if !usual.isEmpty, !address.isLoopback, !usual.contains(address.host) {
      return Examination(name, .warning, "its host is not \(usual[0])", hint: "look whether that is meant")
    }
    if !path.isEmpty, !address.url.contains(path) {
      return Examination(
        name, .bad, "its address has no \(path), as such webhooks have",
        hint: "copy the webhook's whole address into it", because: .configuration)
    }
    return Examination(name, .good, "an address; nothing was sent")
  }
}
