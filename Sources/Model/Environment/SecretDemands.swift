/// What an environment asks of its secrets besides where they come from: `secrets.required` and `secrets.rules`.
package struct SecretDemands: Sendable, Hashable, Codable {
  /// In the order of the list, or of the file that was read for them.
  package var required: [RequiredSecret]
  /// By the secret's name.
  package var rules: [String: SecretRule]

  package init(required: [RequiredSecret] = [], rules: [String: SecretRule] = [:]) {
    self.required = required
    self.rules = rules
  }

  package var isEmpty: Bool { required.isEmpty && rules.isEmpty }

  /// No source need have it: the platforms of the services that use it keep it.
  package func isKept(_ name: String) -> Bool { rules[name]?.keep == .platform }
}

/// A place in a file, for messages alone: a line added above it changes nothing that is deployed, so all places are
/// equal, and none is recorded.
package struct WrittenPlace: Sendable, Hashable, CustomStringConvertible {
  /// `file:line:column`, or `file:line`.
  package var description: String

  package init(_ description: String = "") { self.description = description }

  package static func == (left: WrittenPlace, right: WrittenPlace) -> Bool { true }
  package func hash(into hasher: inout Hasher) {}
}

/// A name that must have a value before anything is touched.
package struct RequiredSecret: Sendable, Hashable, Codable {
  package var name: String
  /// Where the name is written: in the environment file, or in the example file that lists it.
  package var place = WrittenPlace()

  private enum CodingKeys: CodingKey { case name }

  package init(_ name: String, place: WrittenPlace = WrittenPlace()) {
    self.name = name
    self.place = place
  }
}

/// What a value must be like.
package struct SecretRule: Sendable, Hashable, Codable {
  /// Where a value is kept that no source has.
  package enum Keep: String, Sendable, Hashable, Codable {
    /// On the platforms of the services that use it.
    case platform
  }

  /// A regular expression that must be found in it.
  package var pattern: String?
  /// In characters.
  package var atLeast: Int?
  /// In characters.
  package var atMost: Int?
  /// A text such as `changeme` is accepted too.
  package var allowsPlaceholder: Bool
  /// Environments that must have another value.
  package var differsFrom: [String]
  /// It may be missing where it is required by name.
  package var isOptional: Bool
  /// How old a value may become.
  package var rotation: Duration?
  /// nil: in a source.
  package var keep: Keep?
  package var place = WrittenPlace()

  private enum CodingKeys: CodingKey {
    case pattern, atLeast, atMost, allowsPlaceholder, differsFrom, isOptional, rotation, keep
  }

  package init(
    pattern: String? = nil, atLeast: Int? = nil, atMost: Int? = nil, allowsPlaceholder: Bool = false,
    differsFrom: [String] = [], isOptional: Bool = false, rotation: Duration? = nil, keep: Keep? = nil,
    place: WrittenPlace = WrittenPlace()
  ) {
    self.pattern = pattern
    self.atLeast = atLeast
    self.atMost = atMost
    self.allowsPlaceholder = allowsPlaceholder
    self.differsFrom = differsFrom
    self.isOptional = isOptional
    self.rotation = rotation
    self.keep = keep
    self.place = place
  }
}

/// Records of ledgers that were written before there were demands lack them, and an environment without any is
/// recorded as it always was: saved plans and approvals of it stay what they are.
extension KeyedDecodingContainer {
  func decode(_ type: SecretDemands.Type, forKey key: Key) throws -> SecretDemands {
    try decodeIfPresent(type, forKey: key) ?? SecretDemands()
  }
}

extension KeyedEncodingContainer {
  mutating func encode(_ demands: SecretDemands, forKey key: Key) throws {
    try encodeIfPresent(demands.isEmpty ? nil : demands, forKey: key)
  }
}
