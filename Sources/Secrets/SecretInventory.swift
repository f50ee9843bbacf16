package import Concurrency
package import Model

/// Every secret of an environment with what is known of it besides its value.
package struct SecretInventory: Sendable {
  package struct Entry: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
      case account, variable, database, notification, required, github
    }

    package var name: String
    package var kind: Kind
    /// The source that has it, in words; nil: none has.
    package var source: String?
    package var version: String?
    package var fingerprint: String?
    /// Places in the environment file.
    package var usedBy: [String]
    package var platforms: [PlatformName]
    /// The end of the first release that recorded this value.
    package var since: Timestamp?
    package var due: Timestamp?
  }

  /// By name.
  package let entries: [Entry]

  /// - Parameters:
  ///   - key: the ledger's key of fingerprints.
  ///   - releases: newest first.
  package init(_ environment: Environment, _ pool: SecretPool, key: [UInt8], releases: [Release]) {
    let uses = SecretUses(environment)
    entries = uses.all.sorted().map { name in
      let places = (uses.withActions[name] ?? []) + (uses.notices[name] ?? [])
      let value = pool[name].flatMap { $0.isEmpty ? nil : $0 }
      let fingerprint = value.map { Fingerprint.of($0, key: key) }
      let since = fingerprint.flatMap { SecretAge.since(name, fingerprint: $0, in: releases) }
      let rotation = environment.demands.rules[name]?.rotation
      let platforms = environment.services.filter { $0.variables.values.contains(.secret(name)) }
        .map(\.platform)
      return Entry(
        name: name, kind: SecretInventory.kind(places),
        source: value == nil
          ? environment.demands.isKept(name) ? "the platforms of its services" : nil
          : pool.origin(of: name)?.source,
        version: pool.origin(of: name)?.version, fingerprint: fingerprint, usedBy: places,
        platforms: Set(platforms).sorted { $0.rawValue < $1.rawValue }, since: since,
        due: rotation.flatMap { every in since.map { $0 + every } })
    }
  }

  private static func kind(_ places: [String]) -> Entry.Kind {
    func has(_ prefix: String) -> Bool { places.contains { $0.hasPrefix(prefix) } }
    if has("services.") { return .variable }
    if has("databases.") { return .database }
    if has("platforms.") || has("state.") { return .account }
    if has("secrets.github.") { return .github }
    return has("notify[") ? .notification : .required
  }
}
