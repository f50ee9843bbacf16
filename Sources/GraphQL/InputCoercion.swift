import JSON

/// Brings JSON into the shape an input type wants: defaults filled in, single values wrapped into lists.
struct InputCoercion {
  let schema: Schema
  /// What was wrong, each with the place inside the value in front.
  private(set) var problems: [String] = []

  init(schema: Schema) { self.schema = schema }

  /// The value as `type` wants it; null, and a problem, where it does not fit.
  mutating func coerce(_ value: JSON, as type: TypeReference, path: [String]) -> JSON {
    switch type {
    case .nonNull(let inner):
      if value.isNull {
        report("Expected non-nullable type \"\(type)\" not to be null.", path)
        return .null
      }
      return coerce(value, as: inner, path: path)
    case _ where value.isNull:
      return .null
    case .list(let inner):
      guard case .array(let elements) = value else {
        return .array([coerce(value, as: inner, path: path)])
      }
      var result: [JSON] = []
      for (index, element) in elements.enumerated() {
        result.append(coerce(element, as: inner, path: path + ["\(index)"]))
      }
      return .array(result)
    case .named(let name):
      guard let definition = schema.types[name], definition.isInput else {
        report("\"\(name)\" is not an input type.", path)
        return .null
      }
      switch definition.kind {
      case .enumeration: return enumeration(value, definition, path)
      case .input: return object(value, definition, path)
      default: return scalar(value, name, path)
      }
    }
  }

  private mutating func report(_ problem: String, _ path: [String]) {
    problems.append(path.isEmpty ? problem : "at \"\(path.joined(separator: "."))\": \(problem)")
  }

  private mutating func enumeration(_ value: JSON, _ type: Schema.Definition, _ path: [String]) -> JSON {
    guard case .string(let text) = value else {
      report("Enum \"\(type.name)\" cannot represent \(value.kindShown).", path)
      return .null
    }
    if !type.values.contains(text) {
      report("Value \"\(text)\" does not exist in \"\(type.name)\" enum.", path)
    }
    return value
  }

  private mutating func scalar(_ value: JSON, _ name: String, _ path: [String]) -> JSON {
    let fitting: JSON? =
      switch name {
      case "Int": value.int.flatMap(Int32.init(exactly:)).map { .int(Int64($0)) }
      case "Float": value.double.map { _ in value }
      case "String": value.string.map { _ in value }
      case "Boolean": value.bool.map { _ in value }
      case "ID": value.string.map { _ in value } ?? value.int.map { .string(String($0)) }
      default: value
      }
    guard let fitting else {
      report("\(name) cannot represent \(value.kindShown).", path)
      return .null
    }
    return fitting
  }

  private mutating func object(_ value: JSON, _ type: Schema.Definition, _ path: [String]) -> JSON {
    guard case .object(let members) = value else {
      report("Expected type \"\(type.name)\" to be an object, not \(value.kindShown).", path)
      return .null
    }
    var result: [String: JSON] = [:]
    for input in type.inputs.values.sorted(by: { $0.name < $1.name }) {
      if let member = members[input.name] {
        result[input.name] = coerce(member, as: input.type, path: path + [input.name])
      } else if let defaultValue = input.defaultValue {
        result[input.name] = coerce(defaultValue, as: input.type, path: path + [input.name])
      } else if input.isRequired {
        report("Field \"\(input.name)\" of required type \"\(input.type)\" was not provided.", path)
      }
    }
    for name in members.keys.sorted() where type.inputs[name] == nil {
      report("Field \"\(name)\" is not defined by type \"\(type.name)\".", path)
    }
    if type.isOneOf, members.count != 1 || members.values.contains(.null) {
      report("Exactly one field must be given for \"\(type.name)\", and not null.", path)
    }
    return .object(result)
  }
}

extension JSON {
  /// The sort of value in words; never the value, which may be secret.
  var kindShown: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .int: "an integer"
    case .double: "a number with a fraction"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
