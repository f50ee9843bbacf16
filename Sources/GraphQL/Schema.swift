package import JSON

/// The types of a GraphQL service.
package struct Schema: Sendable {
  package let types: [String: Definition]
  package let directives: [String: Directive]
  package let query: String
  package let mutation: String?
  package let subscription: String?
  /// Object types by the interface or union they belong to.
  let members: [String: Set<String>]

  /// Puts a schema together and checks that it holds together.
  init(
    definitions: [Definition], directives: [Directive], query: String, mutation: String?,
    subscription: String?
  ) throws(GraphQLError) {
    var types = Self.builtInScalars
    for definition in definitions {
      if types.updateValue(definition, forKey: definition.name) != nil,
        Self.builtInScalars[definition.name] == nil
      {
        throw GraphQLError("The schema defines type \"\(definition.name)\" twice.")
      }
    }
    var members: [String: Set<String>] = [:]
    for definition in types.values where definition.kind == .object {
      for interface in definition.interfaces { members[interface, default: []].insert(definition.name) }
    }
    for definition in types.values where definition.kind == .union {
      members[definition.name] = Set(definition.members)
    }
    self.types = types
    self.directives = Self.builtInDirectives.merging(
      directives.map { ($0.name, $0) }, uniquingKeysWith: { _, own in own })
    self.query = query
    self.mutation = mutation
    self.subscription = subscription
    self.members = members
    try check()
  }

  /// The root type of a kind of operation, when the schema has one.
  package func root(of kind: Document.OperationKind) -> Definition? {
    let name: String? =
      switch kind {
      case .query: query
      case .mutation: mutation
      case .subscription: subscription
      }
    return name.flatMap { types[$0] }
  }

  /// The object types that a value of this type can have.
  func possibleTypes(of name: String) -> Set<String> {
    types[name]?.kind == .object ? [name] : members[name] ?? []
  }

  /// The declaration of a field, `__typename` included.
  func field(_ name: String, of type: Definition) -> Field? {
    name == "__typename" ? Self.typeName : type.fields[name]
  }

  static let typeName = Field(name: "__typename", type: .nonNull(.named("String")), arguments: [:])

  private static let builtInScalars: [String: Definition] = Dictionary(
    uniqueKeysWithValues: ["Int", "Float", "String", "Boolean", "ID"].map {
      ($0, Definition(name: $0, kind: .scalar))
    })

  private static let builtInDirectives: [String: Directive] = Dictionary(
    uniqueKeysWithValues: ["skip", "include"].map {
      let condition = Input(name: "if", type: .nonNull(.named("Boolean")), defaultValue: nil)
      return (
        $0,
        Directive(
          name: $0, arguments: ["if": condition],
          locations: ["FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"])
      )
    })
}

extension Schema {
  /// What sort of type a definition is.
  package enum Kind: String, Sendable {
    case scalar = "SCALAR"
    case object = "OBJECT"
    case interface = "INTERFACE"
    case union = "UNION"
    case enumeration = "ENUM"
    case input = "INPUT_OBJECT"
  }

  /// A named type; only the members that its kind has are filled.
  package struct Definition: Sendable {
    package var name: String
    package var kind: Kind
    package var description: String?
    /// Of objects and interfaces.
    package var fields: [String: Field] = [:]
    /// Of objects and interfaces: the interfaces they implement.
    package var interfaces: [String] = []
    /// Of unions.
    package var members: [String] = []
    /// Of enums.
    package var values: [String] = []
    /// Of input objects.
    package var inputs: [String: Input] = [:]
    /// Of input objects: exactly one field must be given.
    package var isOneOf = false

    var isComposite: Bool { kind == .object || kind == .interface || kind == .union }
    var isLeaf: Bool { kind == .scalar || kind == .enumeration }
    var isInput: Bool { isLeaf || kind == .input }
  }

  /// A field of an object or interface.
  package struct Field: Sendable {
    package var name: String
    package var type: TypeReference
    package var arguments: [String: Input]
    package var description: String?
  }

  /// An argument, or a field of an input object.
  package struct Input: Sendable {
    package var name: String
    package var type: TypeReference
    /// The default as JSON, enum values as strings; nil when there is none.
    package var defaultValue: JSON?

    /// Whether a value must be given.
    package var isRequired: Bool { type.isNonNull && defaultValue == nil }
  }

  /// A directive and the places where it may stand.
  package struct Directive: Sendable {
    package var name: String
    package var arguments: [String: Input]
    package var locations: Set<String>
    package var isRepeatable = false
  }
}
