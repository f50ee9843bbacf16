extension Schema {
  /// Finds references to nothing and members of the wrong sort.
  func check() throws(GraphQLError) {
    for (role, name) in [("query", query), ("mutation", mutation), ("subscription", subscription)] {
      guard let name else { continue }
      guard types[name]?.kind == .object else {
        throw GraphQLError("The schema's \(role) type \"\(name)\" is not an object type it defines.")
      }
    }
    for definition in types.values.sorted(by: { $0.name < $1.name }) { try check(definition) }
    for directive in directives.values {
      try check(directive.arguments, of: "@\(directive.name)")
    }
  }

  private func check(_ definition: Definition) throws(GraphQLError) {
    let name = definition.name
    switch definition.kind {
    case .scalar: return
    case .enumeration:
      if definition.values.isEmpty { throw GraphQLError("Enum \"\(name)\" has no values.") }
    case .union:
      if definition.members.isEmpty { throw GraphQLError("Union \"\(name)\" has no members.") }
      for member in definition.members where types[member]?.kind != .object {
        throw GraphQLError("Member \"\(member)\" of union \"\(name)\" is not an object type.")
      }
    case .input:
      if definition.inputs.isEmpty { throw GraphQLError("Input \"\(name)\" has no fields.") }
      try check(definition.inputs, of: name)
    case .object, .interface:
      if definition.fields.isEmpty { throw GraphQLError("Type \"\(name)\" has no fields.") }
      for field in definition.fields.values {
        guard let type = types[field.type.name] else {
          throw GraphQLError("Field \"\(name).\(field.name)\" has the unknown type \"\(field.type.name)\".")
        }
        guard type.kind != .input else {
          throw GraphQLError("Field \"\(name).\(field.name)\" has the input type \"\(type.name)\".")
        }
        try check(field.arguments, of: "\(name).\(field.name)")
      }
      for interface in definition.interfaces { try check(definition, implements: interface) }
    }
  }

  private func check(_ inputs: [String: Input], of owner: String) throws(GraphQLError) {
    for input in inputs.values {
      guard let type = types[input.type.name] else {
        throw GraphQLError(
          "Input \"\(input.name)\" of \"\(owner)\" has the unknown type \"\(input.type.name)\".")
      }
      guard type.isInput else {
        throw GraphQLError("Input \"\(input.name)\" of \"\(owner)\" has the output type \"\(type.name)\".")
      }
      if let value = input.defaultValue {
        var coercion = InputCoercion(schema: self)
        _ = coercion.coerce(value, as: input.type, path: [])
        if let first = coercion.problems.first {
          throw GraphQLError("The default of \"\(input.name)\" of \"\(owner)\": \(first)")
        }
      }
    }
  }

  private func check(_ definition: Definition, implements interface: String) throws(GraphQLError) {
    guard let wanted = types[interface], wanted.kind == .interface else {
      throw GraphQLError("Type \"\(definition.name)\" implements \"\(interface)\", which is no interface.")
    }
    for field in wanted.fields.values {
      guard let own = definition.fields[field.name] else {
        throw GraphQLError("Type \"\(definition.name)\" lacks field \"\(field.name)\" of \"\(interface)\".")
      }
      guard isSubtype(own.type, of: field.type) else {
        throw GraphQLError(
          "Field \"\(definition.name).\(field.name)\" is \(own.type), but \(field.type) in \"\(interface)\".")
      }
      for argument in field.arguments.values where own.arguments[argument.name]?.type != argument.type {
        throw GraphQLError(
          "Field \"\(definition.name).\(field.name)\" lacks argument \"\(argument.name)\" of \"\(interface)\"."
        )
      }
    }
  }

  /// Whether an output of one type may stand where the other is promised.
  private func isSubtype(_ type: TypeReference, of other: TypeReference) -> Bool {
    switch (type, other) {
    case (.nonNull(let mine), .nonNull(let theirs)): isSubtype(mine, of: theirs)
    case (.nonNull(let mine), _): isSubtype(mine, of: other)
    case (.list(let mine), .list(let theirs)): isSubtype(mine, of: theirs)
    case (.named(let mine), .named(let theirs)):
      mine == theirs || members[theirs]?.contains(mine) == true
        || types[mine]?.interfaces.contains(theirs) == true
    default: false
    }
  }
}
