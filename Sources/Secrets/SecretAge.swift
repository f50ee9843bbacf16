package import Concurrency
package import Model

/// Since when a secret has had its value, as far as releases tell.
package enum SecretAge {
  /// The end of the first release, counted back from the newest without a gap, that recorded this fingerprint.
  /// - Parameter releases: newest first.
  /// - Returns: nil when the newest release that has the secret has another value of it, or none has it.
  package static func since(
    _ name: String, fingerprint: String, in releases: [Release]
  ) -> Timestamp? {
    var since: Timestamp?
    for release in releases where release.isGood {
      let recorded = recorded(name, in: release)
      if recorded.isEmpty { continue }
      guard recorded.allSatisfy({ $0 == fingerprint }) else { return since }
      since = release.endedAt
    }
    return since
  }

  /// What is older than its rule allows, by the newest value that was recorded; needs no value at hand.
  /// - Parameter releases: newest first.
  package static func due(
    _ rules: [String: SecretRule], in releases: [Release], now: Timestamp
  ) -> [(name: String, due: Timestamp)] {
    rules.sorted { $0.key < $1.key }.compactMap { name, rule in
      guard let every = rule.rotation,
        let fingerprint = releases.lazy.filter(\.isGood).compactMap({ recorded(name, in: $0).first }).first,
        let since = since(name, fingerprint: fingerprint, in: releases), since + every <= now
      else { return nil }
      return (name, since + every)
    }
  }

  /// The fingerprints that a release has under a secret's name.
  static func recorded(_ name: String, in release: Release) -> [String] {
    release.services.values.flatMap(\.variables.values).compactMap { value in
      if case .secret(name, let fingerprint) = value { fingerprint } else { nil }
    }
  }
}
