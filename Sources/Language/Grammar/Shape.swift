/// What a value of the environment file may look like. Decoding, JSON Schema, the reference page and `explain`
/// all read this, and nothing else says what the language is.
package indirect enum Shape: Sendable {
  /// Text in which no reference may stand.
  case text(TextRule)
  /// Text in which the given references may stand.
  case template(Set<ReferenceKind>)
  case bool
  case int(ClosedRange<Int>)
  case number(ClosedRange<Double>)
  /// At least so long.
  case duration(atLeast: Duration)
  case size
  case word([Word])
  /// `{secret: NAME}`
  case secret
  case list(Shape, atLeast: Int = 0)
  /// Keys of the file's own choice.
  case map(TextRule, Shape)
  case object(ObjectShape)
  /// One of several shapes that differ as scalar, list and mapping.
  case either([Shape])
  /// Anything; not looked into.
  case any
}

/// One of the words a key accepts.
package struct Word: Sendable {
  package var text: String
  package var doc: String
  package var support: Support

  init(_ text: String, _ doc: String, _ support: Support = .now) {
    self.text = text
    self.doc = doc
    self.support = support
  }
}

/// Whether some room acts on what is written.
package enum Support: Sendable, Hashable {
  case now
  /// Declared and checked, but a plan with it is refused.
  case later
}

/// What `${…}` may name in a place.
package enum ReferenceKind: String, Sendable, Hashable, CaseIterable {
  case commit = "${commit}"
  case release = "${release}"
  case environment = "${environment}"
  case serviceURL = "${services.NAME.url}"
  case serviceHost = "${services.NAME.host}"
  case railwayVariable = "${railway.SERVICE.VARIABLE}"
}

/// A mapping with declared keys.
package struct ObjectShape: Sendable {
  /// With its article, for messages: `a service`.
  package var noun: String
  package var keys: [Key]
  /// Exactly one of these keys must be there.
  package var exactlyOne: [String]
  /// At least one of these keys must be there.
  package var atLeastOne: [String]
  /// A key → the key it makes sense with only.
  package var onlyWith: [String: String]
  /// A key → the key beside which it means nothing.
  package var neverWith: [String: String]

  init(
    _ noun: String, exactlyOne: [String] = [], atLeastOne: [String] = [],
    onlyWith: [String: String] = [:], neverWith: [String: String] = [:], _ keys: [Key]
  ) {
    self.noun = noun
    self.keys = keys
    self.exactlyOne = exactlyOne
    self.atLeastOne = atLeastOne
    self.onlyWith = onlyWith
    self.neverWith = neverWith
  }

  package func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}

/// One declared key.
package struct Key: Sendable {
  package var name: String
  package var shape: Shape
  /// Markdown; the first sentence says it all.
  package var doc: String
  package var isRequired: Bool
  /// As it would be written.
  package var standard: String?
  /// A value, as it would be written.
  package var example: String?
  package var support: Support
  /// The platforms on which it means something; nil: all.
  package var platforms: [String]?
  /// What other tools call it, to lead their users here.
  package var elsewhere: [String]

  init(
    _ name: String, _ shape: Shape, _ doc: String, required: Bool = false, standard: String? = nil,
    example: String? = nil, _ support: Support = .now, platforms: [String]? = nil, elsewhere: [String] = []
  ) {
    self.name = name
    self.shape = shape
    self.doc = doc
    isRequired = required
    self.standard = standard
    self.example = example
    self.support = support
    self.platforms = platforms
    self.elsewhere = elsewhere
  }
}

extension Shape {
  /// What is wanted, for messages: `text`, `a list of texts`.
  package var noun: String {
    switch self {
    case .text(let rule): rule.noun
    case .template: "text"
    case .bool: "true or false"
    case .int: "a whole number"
    case .number: "a number"
    case .duration: "a duration such as 90s or 5m"
    case .size: "a size such as 512MB or 1GB"
    case .word(let words): Shape.alternatives(words.map { "`\($0.text)`" })
    case .secret: "`{secret: NAME}`"
    case .list: "a list"
    case .map, .object: "a mapping"
    case .either(let shapes): Shape.alternatives(shapes.flatMap(\.forms))
    case .any: "anything"
    }
  }

  /// What may be written, each on its own: every word, every `{key: …}` of a choice.
  private var forms: [String] {
    switch self {
    case .word(let words): words.map { "`\($0.text)`" }
    case .object(let shape) where !shape.exactlyOne.isEmpty: shape.exactlyOne.map { "`{\($0): …}`" }
    default: [noun]
    }
  }

  /// `a, b or c`.
  static func alternatives(_ words: [String]) -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "nothing" }
    return words.dropLast().joined(separator: ", ") + " or " + last
  }

  /// The declared keys that may follow a key of this shape in a dotted path; lists and free keys are stepped over.
  var objects: [ObjectShape] {
    switch self {
    case .object(let shape): [shape]
    case .list(let element, _): element.objects
    case .map(_, let value): value.objects
    case .either(let shapes): shapes.flatMap(\.objects)
    default: []
    }
  }
}
