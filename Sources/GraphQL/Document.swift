/// A parsed request document: operations and named fragments, in the order written.
package struct Document: Sendable {
  package var operations: [Operation] = []
  package var fragments: [Fragment] = []

  /// The operation that a request means.
  /// - Throws: when there is none of that name, or several and no name was given.
  package func operation(named name: String?) throws(GraphQLError) -> Operation {
    if let name {
      guard let found = operations.first(where: { $0.name == name }) else {
        throw GraphQLError("Unknown operation named \"\(name)\".")
      }
      return found
    }
    guard let first = operations.first else { throw GraphQLError("The document holds no operation.") }
    guard operations.count == 1 else {
      throw GraphQLError("Must provide operation name if query contains multiple operations.")
    }
    return first
  }
}

extension Document {
  /// What an operation does; the raw value is its keyword.
  package enum OperationKind: String, Sendable { case query, mutation, subscription }

  /// One operation.
  package struct Operation: Sendable {
    package var kind: OperationKind
    package var name: String?
    package var variables: [Variable]
    package var directives: [Directive]
    package var selections: [Selection]
    package var position: TextPosition
  }

  /// A declared variable, its name without the `$`.
  package struct Variable: Sendable {
    package var name: String
    package var type: TypeReference
    package var defaultValue: Value?
    package var directives: [Directive]
    package var position: TextPosition
  }

  /// A named fragment.
  package struct Fragment: Sendable {
    package var name: String
    package var type: String
    package var directives: [Directive]
    package var selections: [Selection]
    package var position: TextPosition
  }

  /// One entry between the braces.
  package enum Selection: Sendable {
    case field(Field)
    case spread(Spread)
    case inline(InlineFragment)
  }

  /// A field that is asked for; no selections means that none were written.
  package struct Field: Sendable {
    package var alias: String?
    package var name: String
    package var arguments: [Argument]
    package var directives: [Directive]
    package var selections: [Selection]
    package var position: TextPosition

    /// The key of this field in the answer.
    package var responseKey: String { alias ?? name }
  }

  /// `...Name`
  package struct Spread: Sendable {
    package var name: String
    package var directives: [Directive]
    package var position: TextPosition
  }

  /// `... on Type { }`, or `... { }` without a type.
  package struct InlineFragment: Sendable {
    package var type: String?
    package var directives: [Directive]
    package var selections: [Selection]
    package var position: TextPosition
  }

  /// A named value: an argument, or the field of an input object literal.
  package struct Argument: Sendable {
    package var name: String
    package var value: Value
    package var position: TextPosition
  }

  /// `@name(arguments)`
  package struct Directive: Sendable {
    package var name: String
    package var arguments: [Argument]
    package var position: TextPosition
  }

  /// A value as written.
  package struct Value: Sendable {
    package var kind: Kind
    package var position: TextPosition

    /// The kinds of literal; numbers keep their text.
    package indirect enum Kind: Sendable {
      case variable(String)
      case int(String)
      case float(String)
      case string(String)
      case boolean(Bool)
      case null
      case enumeration(String)
      case list([Value])
      case object([Argument])
    }
  }
}
