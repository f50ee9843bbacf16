package import JSON

/// What a resolver answers with: plain JSON, or a tree in which single fields are computed when asked for.
package enum GraphQLNode: Sendable {
  case json(JSON)
  case object([String: GraphQLNode])
  case list([GraphQLNode])
  /// Computed only when the field is selected, with the arguments of that field, defaults filled in.
  case field(@Sendable (_ arguments: [String: JSON]) async throws -> GraphQLNode)

  /// The member of an object, plain or not; nil when there is none.
  subscript(key: String) -> GraphQLNode? {
    switch self {
    case .json(let json): json[key].map(GraphQLNode.json)
    case .object(let members): members[key]
    case .list, .field: nil
    }
  }

  /// The elements, when this is a list.
  var elements: [GraphQLNode]? {
    switch self {
    case .json(let json): json.array?.map(GraphQLNode.json)
    case .list(let elements): elements
    case .object, .field: nil
    }
  }

  var isNull: Bool { if case .json(.null) = self { true } else { false } }

  var isObject: Bool {
    switch self {
    case .json(let json): json.object != nil
    case .object: true
    case .list, .field: false
    }
  }
}
