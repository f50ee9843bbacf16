/// Where the value of a secret was found.
package struct SecretOrigin: Sendable, Hashable, Codable {
  /// The source, in words for messages.
  package var source: String
  /// The source's own version of what it gave: Vault's number, the VersionId of AWS; nil where it has none.
  package var version: String?

  package init(source: String, version: String? = nil) {
    self.source = source
    self.version = version
  }
}

/// Secret values resolved for a run, in memory only.
package struct SecretValues: Sendable {
  private let values: [String: Sensitive]
  private let origins: [String: SecretOrigin]
  private let key: @Sendable (Sensitive) -> String

  /// - Parameter fingerprint: a keyed digest that tells equal values apart from different ones and nothing else.
  package init(
    values: [String: Sensitive] = [:], origins: [String: SecretOrigin] = [:],
    fingerprint: @escaping @Sendable (Sensitive) -> String = { _ in "" }
  ) {
    self.values = values
    self.origins = origins
    key = fingerprint
  }

  /// With one more value, which was made here.
  package func adding(_ name: String, _ value: Sensitive) -> SecretValues {
    SecretValues(
      values: values.merging([name: value]) { $1 }, origins: origins, fingerprint: key)
  }

  package subscript(name: String) -> Sensitive? { values[name] }
  package var names: [String] { values.keys.sorted() }

  /// Where a value was found; nil where nobody said.
  package func origin(of name: String) -> SecretOrigin? { origins[name] }

  /// The keyed fingerprint of a value.
  package func fingerprint(of value: Sensitive) -> String { key(value) }

  /// Name and value of each, for the redactor.
  package var all: [(name: String, value: Sensitive)] { values.map { ($0.key, $0.value) } }
}

/// Packs what a directory source deploys.
package protocol SourcePacker: Sendable {
  /// Writes the archive of a commit's directory to a private file.
  /// - Throws: `Failure` of kind configuration when something must not or cannot be packed.
  func pack(path: String, root: String?, include: [String], commit: String) async throws(Failure)
    -> PackedSource
}

/// A packed source on disk; whoever asked for it deletes it.
package struct PackedSource: Sendable, Hashable {
  /// A gzip-compressed tar, readable by the owner only.
  package var file: String
  package var bytes: Int
  package var files: Int
  /// SHA-256 of the unpacked tree.
  package var digest: String

  package init(file: String, bytes: Int, files: Int, digest: String) {
    self.file = file
    self.bytes = bytes
    self.files = files
    self.digest = digest
  }
}
