import JSON

/// Takes from a resolver's answer what an operation selects, and checks it against the schema's types.
///
/// Throughout, nil means: an error is recorded and the value must become null at the nearest nullable parent.
struct Projection {
  private let schema: Schema
  private let variables: [String: JSON]
  private let fragments: [String: Document.Fragment]
  private(set) var errors: [GraphQLError] = []

  init(schema: Schema, prepared: PreparedOperation) {
    self.schema = schema
    variables = prepared.variables
    fragments = Dictionary(
      prepared.document.fragments.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// One object with what is selected on it.
  mutating func object(
    _ node: GraphQLNode, _ type: Schema.Definition, _ selections: [[Document.Selection]], path: [JSON]
  ) async -> JSON? {
    var result: [String: JSON] = [:]
    for fields in collect(selections, on: type) {
      let first = fields[0]
      let path = path + [.string(first.responseKey)]
      guard let declared = schema.field(first.name, of: type) else { continue }
      if first.name == Schema.typeName.name {
        result[first.responseKey] = .string(type.name)
        continue
      }
      guard let value = await member(node[first.name], declared, fields, owner: type.name, path: path) else {
        return nil
      }
      result[first.responseKey] = value
    }
    return .object(result)
  }

  /// The fields of a level, those with the same key together, in the order written.
  private func collect(_ selections: [[Document.Selection]], on type: Schema.Definition) -> [[Document.Field]]
  {
    var groups: [[Document.Field]] = []
    var indices: [String: Int] = [:]
    var seen: Set<String> = []
    func visit(_ selections: [Document.Selection]) {
      for selection in selections {
        switch selection {
        case .field(let field) where isIncluded(field.directives):
          if let index = indices[field.responseKey] {
            groups[index].append(field)
          } else {
            indices[field.responseKey] = groups.count
            groups.append([field])
          }
        case .inline(let inline)
        where isIncluded(inline.directives) && applies(inline.type ?? type.name, to: type):
          visit(inline.selections)
        case .spread(let spread) where isIncluded(spread.directives):
          guard let fragment = fragments[spread.name], applies(fragment.type, to: type),
            seen.insert(spread.name).inserted
          else { continue }
          visit(fragment.selections)
        default: continue
        }
      }
    }
    selections.forEach(visit)
    return groups
  }

  private func applies(_ condition: String, to type: Schema.Definition) -> Bool {
    schema.possibleTypes(of: condition).contains(type.name)
  }

  private func isIncluded(_ directives: [Document.Directive]) -> Bool {
    directives.allSatisfy { directive in
      let condition = directive.arguments.first { $0.name == "if" }?.value.json(variables: variables)?.bool
      return switch directive.name {
      case "skip": condition != true
      case "include": condition != false
      default: true
      }
    }
  }

  private mutating func member(
    _ node: GraphQLNode?, _ declared: Schema.Field, _ fields: [Document.Field], owner: String, path: [JSON]
  ) async -> JSON? {
    let field = fields[0]
    let place = Place(
      name: "\(owner).\(field.name)", arguments: field.arguments, declared: declared.arguments,
      selections: fields.map(\.selections), position: field.position)
    return await complete(node ?? .json(.null), declared.type, place, path: path)
  }

  /// The field whose value is being completed.
  private struct Place {
    var name: String
    var arguments: [Document.Argument]
    var declared: [String: Schema.Input]
    var selections: [[Document.Selection]]
    var position: TextPosition
  }

  private mutating func fail(_ message: String, _ place: Place, _ path: [JSON]) -> JSON? {
    errors.append(
      GraphQLError(
        message, at: place.position, path: path, extensions: ["code": "INTERNAL_SERVER_ERROR"]))
    return nil
  }

  private mutating func complete(
    _ node: GraphQLNode, _ type: TypeReference, _ place: Place, path: [JSON]
  ) async -> JSON? {
    guard case .nonNull(let inner) = type else {
      return await completeNullable(node, type, place, path: path) ?? .null
    }
    let value = await completeNullable(node, inner, place, path: path)
    if value == .null {
      return fail("Cannot return null for non-nullable field \(place.name).", place, path)
    }
    return value
  }

  private mutating func completeNullable(
    _ node: GraphQLNode, _ type: TypeReference, _ place: Place, path: [JSON]
  ) async -> JSON? {
    guard let node = await computed(node, place, path: path) else { return nil }
    if node.isNull { return .null }
    switch type {
    case .nonNull: return await complete(node, type, place, path: path)
    case .list(let inner):
      guard let elements = node.elements else {
        return fail("Expected a list for field \"\(place.name)\".", place, path)
      }
      var result: [JSON] = []
      for (index, element) in elements.enumerated() {
        guard let value = await complete(element, inner, place, path: path + [.int(Int64(index))]) else {
          return nil
        }
        result.append(value)
      }
      return .array(result)
    case .named(let name):
      guard let definition = schema.types[name] else { return nil }
      guard definition.isComposite else { return leaf(node, definition, place, path: path) }
      guard node.isObject else {
        return fail("Expected an object for field \"\(place.name)\" of type \"\(name)\".", place, path)
      }
      guard let concrete = concreteType(of: node, definition) else {
        return fail(
          "Field \"\(place.name)\" of type \"\(name)\" needs \"__typename\" of one of its object types.",
          place, path)
      }
      return await object(node, concrete, place.selections, path: path)
    }
  }

  /// Runs a closure, also one that a closure returned, and records what it throws.
  private mutating func computed(_ node: GraphQLNode, _ place: Place, path: [JSON]) async -> GraphQLNode? {
    var node = node
    while case .field(let compute) = node {
      do {
        let arguments = try schema.arguments(place.arguments, of: place.declared, variables: variables)
        node = try await compute(arguments)
      } catch let error as ResolverError {
        var extensions = error.extensions
        if let code = error.code { extensions["code"] = .string(code) }
        errors.append(
          GraphQLError(error.message, at: place.position, path: path, extensions: extensions))
        return nil
      } catch {
        _ = fail(String(describing: error), place, path)
        return nil
      }
    }
    return node
  }

  private func concreteType(of node: GraphQLNode, _ type: Schema.Definition) -> Schema.Definition? {
    let possible = schema.possibleTypes(of: type.name)
    if case .json(.string(let name))? = node[Schema.typeName.name] {
      return possible.contains(name) ? schema.types[name] : nil
    }
    return possible.count == 1 ? possible.first.flatMap { schema.types[$0] } : nil
  }

  private mutating func leaf(
    _ node: GraphQLNode, _ type: Schema.Definition, _ place: Place, path: [JSON]
  ) -> JSON? {
    let value = node.plain
    if type.kind == .enumeration {
      guard case .string(let text)? = value else {
        return fail("Field \"\(place.name)\": enum \"\(type.name)\" wants a string.", place, path)
      }
      guard type.values.contains(text) else {
        return fail(
          "Field \"\(place.name)\": value \"\(text)\" does not exist in \"\(type.name)\" enum.", place, path)
      }
      return value
    }
    let fitting: JSON? =
      switch type.name {
      case "Int": value?.int.flatMap(Int32.init(exactly:)).map { .int(Int64($0)) }
      case "Float": value?.double?.isFinite == true ? value : nil
      case "String": value?.string.map(JSON.string)
      case "Boolean": value?.bool.map(JSON.bool)
      case "ID": value?.string.map(JSON.string) ?? value?.int.map { .string(String($0)) }
      default: value
      }
    return fitting
      ?? fail(
        "Field \"\(place.name)\": \(type.name) cannot represent \(value?.kindShown ?? "a lazy value").",
        place, path)
  }
}

extension GraphQLNode {
  /// The whole tree as JSON; nil when a part of it is still to be computed.
  fileprivate var plain: JSON? {
    switch self {
    case .json(let json): return json
    case .field: return nil
    case .list(let elements):
      let plain = elements.compactMap(\.plain)
      return plain.count == elements.count ? .array(plain) : nil
    case .object(let members):
      let plain = members.compactMapValues(\.plain)
      return plain.count == members.count ? .object(plain) : nil
    }
  }
}
