extension Validator {
  /// Checks a literal against the type of its place.
  mutating func check(_ value: Document.Value, as type: TypeReference, hasDefault: Bool = false) {
    switch (value.kind, type) {
    case (.variable(let name), _):
      uses.variables.append(
        VariableUse(name: name, type: type, hasDefault: hasDefault, position: value.position))
    case (.null, .nonNull):
      report("Expected value of type \"\(type)\", found null.", value.position)
    case (_, .nonNull(let inner)):
      check(value, as: inner)
    case (.null, _):
      return
    case (.list(let elements), .list(let inner)):
      for element in elements { check(element, as: inner) }
    case (_, .list(let inner)):
      check(value, as: inner)
    case (_, .named(let name)):
      guard let definition = schema.types[name] else { return }
      switch definition.kind {
      case .enumeration: checkEnumeration(value, definition)
      case .input: checkObject(value, definition)
      default: checkScalar(value, name)
      }
    }
  }

  private mutating func checkEnumeration(_ value: Document.Value, _ type: Schema.Definition) {
    guard case .enumeration(let name) = value.kind else {
      report("Enum \"\(type.name)\" cannot represent non-enum value: \(value.shown).", value.position)
      noteVariables(value)
      return
    }
    if !type.values.contains(name) {
      report("Value \"\(name)\" does not exist in \"\(type.name)\" enum.", value.position)
    }
  }

  private mutating func checkScalar(_ value: Document.Value, _ name: String) {
    let fits =
      switch (name, value.kind) {
      case ("Int", .int(let text)): Int32(text) != nil
      case ("Float", .int), ("Float", .float): true
      case ("String", .string), ("Boolean", .boolean), ("ID", .string), ("ID", .int): true
      case ("Int", _), ("Float", _), ("String", _), ("Boolean", _), ("ID", _): false
      default: true
      }
    if !fits { report("\(name) cannot represent \(value.shown).", value.position) }
    noteVariables(value)
  }

  private mutating func checkObject(_ value: Document.Value, _ type: Schema.Definition) {
    guard case .object(let members) = value.kind else {
      report("Expected value of type \"\(type.name)\", found \(value.shown).", value.position)
      noteVariables(value)
      return
    }
    var seen: Set<String> = []
    for member in members {
      if !seen.insert(member.name).inserted {
        report("There can be only one input field named \"\(member.name)\".", member.position)
      }
      if let input = type.inputs[member.name] {
        check(member.value, as: input.type, hasDefault: input.defaultValue != nil)
      } else {
        report("Field \"\(member.name)\" is not defined by type \"\(type.name)\".", member.position)
        noteVariables(member.value)
      }
    }
    for input in type.inputs.values.sorted(by: { $0.name < $1.name })
    where input.isRequired && !seen.contains(input.name) {
      report(
        "Field \"\(type.name).\(input.name)\" of required type \"\(input.type)\" was not provided.",
        value.position)
    }
    if type.isOneOf { checkOneOf(value, members, type) }
  }

  private mutating func checkOneOf(
    _ value: Document.Value, _ members: [Document.Argument], _ type: Schema.Definition
  ) {
    guard members.count == 1, let only = members.first else {
      report("Exactly one field must be given for \"\(type.name)\".", value.position)
      return
    }
    if case .null = only.value.kind {
      report("Field \"\(type.name).\(only.name)\" must be non-null.", only.position)
    } else if case .variable(let name) = only.value.kind, let type = type.inputs[only.name]?.type {
      // The chosen field cannot be left out, so its variable may not be nullable.
      uses.variables.append(
        VariableUse(name: name, type: .nonNull(type.nullable), hasDefault: false, position: only.position))
    }
  }

  /// Counts variables as used where nothing is known about the type of their place.
  mutating func noteVariables(_ value: Document.Value) {
    switch value.kind {
    case .list(let elements): elements.forEach { noteVariables($0) }
    case .object(let members): members.forEach { noteVariables($0.value) }
    case .variable(let name):
      uses.variables.append(
        VariableUse(name: name, type: .named(""), hasDefault: false, position: value.position))
    default: return
    }
  }

  /// As above for all below a field that does not exist, so that one mistake gives one message.
  mutating func noteVariables(_ field: Document.Field) {
    field.arguments.forEach { noteVariables($0.value) }
    noteVariables(field.selections)
  }

  private mutating func noteVariables(_ selections: [Document.Selection]) {
    for selection in selections {
      switch selection {
      case .field(let field): noteVariables(field)
      case .spread(let spread): uses.spreads.append(spread)
      case .inline(let inline): noteVariables(inline.selections)
      }
    }
  }

  /// Checks the declarations of an operation's variables and every place they are used at.
  mutating func checkVariables(of operation: Document.Operation, uses all: Uses) {
    var declared: [String: Document.Variable] = [:]
    for variable in operation.variables {
      if declared.updateValue(variable, forKey: variable.name) != nil {
        report("There can be only one variable named \"$\(variable.name)\".", variable.position)
      }
      guard let type = schema.types[variable.type.name] else {
        report("Unknown type \"\(variable.type.name)\".", variable.position)
        continue
      }
      guard type.isInput else {
        report(
          "Variable \"$\(variable.name)\" cannot be non-input type \"\(variable.type)\".", variable.position)
        continue
      }
      if let value = variable.defaultValue { check(value, as: variable.type) }
    }
    let byWhom = operation.name.map { " by operation \"\($0)\"" } ?? ""
    for use in all.variables {
      guard let variable = declared[use.name] else {
        report("Variable \"$\(use.name)\" is not defined\(byWhom).", use.position)
        continue
      }
      if !use.type.name.isEmpty, schema.types[variable.type.name]?.isInput == true,
        !allowed(variable, at: use)
      {
        report(
          "Variable \"$\(use.name)\" of type \"\(variable.type)\" used in position expecting type \"\(use.type)\".",
          use.position)
      }
    }
    let used = Set(all.variables.map(\.name))
    for variable in operation.variables where !used.contains(variable.name) {
      report(
        "Variable \"$\(variable.name)\" is never used\(operation.name.map { " in operation \"\($0)\"" } ?? "").",
        variable.position)
    }
  }

  /// A nullable variable may stand at a non-null place only if one of the two has a default.
  private func allowed(_ variable: Document.Variable, at use: VariableUse) -> Bool {
    guard case .nonNull(let wanted) = use.type, !variable.type.isNonNull else {
      return variable.type.fits(use.type)
    }
    var hasOwnDefault = false
    if let value = variable.defaultValue {
      if case .null = value.kind { hasOwnDefault = false } else { hasOwnDefault = true }
    }
    return (hasOwnDefault || use.hasDefault) && variable.type.fits(wanted)
  }
}

extension Document.Value {
  /// The sort of literal in words.
  fileprivate var shown: String {
    switch kind {
    case .variable(let name): "variable $\(name)"
    case .int: "an integer literal"
    case .float: "a float literal"
    case .string: "a string literal"
    case .boolean: "a boolean literal"
    case .null: "null"
    case .enumeration(let name): "enum value \(name)"
    case .list: "a list literal"
    case .object: "an object literal"
    }
  }
}
