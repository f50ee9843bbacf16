/// A type as written at a field, an argument or a variable: `[String!]!`.
package indirect enum TypeReference: Sendable, Hashable, CustomStringConvertible {
  case named(String)
  case list(TypeReference)
  case nonNull(TypeReference)

  /// The name left when lists and `!` are taken off.
  package var name: String {
    switch self {
    case .named(let name): name
    case .list(let inner), .nonNull(let inner): inner.name
    }
  }

  /// The type without an outer `!`.
  package var nullable: TypeReference {
    if case .nonNull(let inner) = self { inner } else { self }
  }

  package var isNonNull: Bool { if case .nonNull = self { true } else { false } }

  package var description: String {
    switch self {
    case .named(let name): name
    case .list(let inner): "[\(inner)]"
    case .nonNull(let inner): "\(inner)!"
    }
  }

  /// Whether a value of this type may always stand where `other` is wanted (inputs, so without subtypes).
  func fits(_ other: TypeReference) -> Bool {
    switch (self, other) {
    case (.nonNull(let mine), .nonNull(let theirs)): mine.fits(theirs)
    case (.nonNull(let mine), _): mine.fits(other)
    case (_, .nonNull): false
    case (.list(let mine), .list(let theirs)): mine.fits(theirs)
    case (.named(let mine), .named(let theirs)): mine == theirs
    default: false
    }
  }
}
