import JSON

extension Document.Value {
  /// The literal as JSON, with variables put in; nil when it is a variable that has no value.
  ///
  /// Members whose variable has no value are left out, elements become null.
  func json(variables: [String: JSON] = [:]) -> JSON? {
    switch kind {
    case .variable(let name): return variables[name]
    case .int(let text): return Int64(text).map(JSON.int) ?? Double(text).map(JSON.double) ?? .null
    case .float(let text): return Double(text).map(JSON.double) ?? .null
    case .string(let text), .enumeration(let text): return .string(text)
    case .boolean(let value): return .bool(value)
    case .null: return .null
    case .list(let elements): return .array(elements.map { $0.json(variables: variables) ?? .null })
    case .object(let members):
      var object: [String: JSON] = [:]
      for member in members {
        if let value = member.value.json(variables: variables) { object[member.name] = value }
      }
      return .object(object)
    }
  }

  /// The literal as text, for comparing two of them.
  var canonical: String {
    switch kind {
    case .variable(let name): "$\(name)"
    case .int(let text), .float(let text), .enumeration(let text): text
    case .string(let text): JSON.string(text).serialized()
    case .boolean(let value): value ? "true" : "false"
    case .null: "null"
    case .list(let elements): "[\(elements.map(\.canonical).joined(separator: ","))]"
    case .object(let members):
      "{\(members.map { "\($0.name):\($0.value.canonical)" }.sorted().joined(separator: ","))}"
    }
  }
}
