package import Model

/// Finds values that another environment uses too. Only keyed fingerprints are compared: ours, made with the other
/// ledger's key, and those that its newest release recorded.
package enum SecretReuse {
  /// The environments that some rule wants another value than.
  package static func others(_ rules: [String: SecretRule]) -> [String] {
    Set(rules.values.flatMap(\.differsFrom)).sorted()
  }

  /// Secrets of this environment that have the same value there, by name.
  /// - Parameters:
  ///   - key: of the other ledger's fingerprints.
  ///   - releases: of the other environment, newest first.
  package static func names(
    _ rules: [String: SecretRule], _ values: SecretValues, in other: String, key: [UInt8], releases: [Release]
  ) -> [String] {
    guard let newest = releases.first(where: \.isGood) else { return [] }
    let recorded = Set(newest.services.values.flatMap(\.variables.values))
    return rules.filter { $0.value.differsFrom.contains(other) }.keys.sorted().filter { name in
      guard let value = values[name] else { return false }
      return recorded.contains(.secret(name: name, fingerprint: Fingerprint.of(value, key: key)))
    }
  }
}
