package import Model

/// The rotation of one secret in two phases (contract secrets §4): a new value beside the old one, which applications
/// accept as `NAME_PREVIOUS`; once the new one is released and proven, the old one is retired.
///
/// Where it stands is read from the source and from what releases recorded, so that a rotation that was interrupted
/// anywhere goes on with the same command: each phase is one write to the source.
package struct SecretRotation: Sendable, Hashable {
  package enum Phase: String, Sendable, Hashable, Codable {
    /// One value, which is released.
    case idle
    /// The source has a new value and the old one beside it; a deploy is next.
    case added
    /// The new value is released, and the old one is accepted still.
    case released
    /// The source has the old one no longer; a deploy is next.
    case retired
  }

  package var name: String
  package var phase: Phase
  /// A rollback would need the old value.
  package var isNeededByRollback: Bool

  /// The name under which applications find the old value.
  package static func previous(_ name: String) -> String { name + "_PREVIOUS" }

  /// - Parameters:
  ///   - value: of a name, as its source has it.
  ///   - key: of the ledger's fingerprints.
  ///   - releases: newest first.
  /// - Throws: `configuration` when the value was never released, or was changed in another way.
  package init(
    _ name: String, environment: String, _ value: (String) -> Sensitive?, key: [UInt8], releases: [Release]
  ) throws(Failure) {
    func fingerprint(_ name: String) -> String? {
      value(name).flatMap { $0.isEmpty ? nil : Fingerprint.of($0, key: key) }
    }
    let good = releases.filter(\.isGood)
    func recorded(_ name: String, _ place: Int) -> String? {
      good.indices.contains(place) ? SecretAge.recorded(name, in: good[place]).first : nil
    }
    self.name = name
    let other = SecretRotation.previous(name)
    let (current, previous) = (fingerprint(name), fingerprint(other))
    guard let current, let live = recorded(name, 0) else {
      throw Failure(
        .configuration, "\(name) was not released in \(environment) yet: there is nothing to rotate",
        hint: current == nil
          ? "shipit secrets generate \(environment) \(name)" : "shipit deploy \(environment)")
    }
    // The release before is what a rollback goes to.
    isNeededByRollback = previous != nil && previous != current && recorded(name, 1) == previous
    if current != live {
      guard previous == live else {
        throw Failure(
          .configuration,
          "\(name) has another value than the one that is released, and \(other) is not the released one",
          cause:
            "it was replaced in another way than by a rotation: what was issued under the old value ends with the next deploy",
          hint: "shipit deploy \(environment), or put the released value back into its source")
      }
      phase = .added
    } else if let previous, previous != current {
      phase = .released
    } else {
      phase = recorded(other, 0).map { $0 != live } ?? false ? .retired : .idle
    }
  }
}

extension SecretWriter {
  /// Writes what begins or ends a rotation, both names in one write, and reads it back.
  /// - Throws: `configuration` where the source of the secret cannot be written to; what it says; `failed` when it does
  ///   not give back what was written.
  /// - Returns: the source, in words.
  package func rotate(_ rotation: SecretRotation, to new: Sensitive?) async throws(Failure) -> String {
    let (name, other) = (rotation.name, SecretRotation.previous(rotation.name))
    guard let source = pool.source(of: name), let old = pool[name] else {
      throw Failure(.internalError, "the source of \(name) is not known")
    }
    if let holder = pool.origin(of: other)?.source, holder != source.description {
      throw Failure(
        .configuration, "\(other) comes from \(holder) and \(name) from \(source.description)",
        cause: "both are written together, or neither", hint: "move \(other) to \(source.description)")
    }
    // A new value takes the old one's place; at the end there is one.
    let values = new.map { [name: $0, other: old] } ?? [other: old]
    try await source.write(values)
    let back = try await source.read(Set(values.keys))
    guard values.allSatisfy({ back.readings[$0.key]?.value == $0.value }) else {
      throw Failure(
        .failed, "\(source.description) does not give back what was written to it",
        hint: "shipit secrets list \(environment), then look there by its own tools")
    }
    return source.description
  }
}
