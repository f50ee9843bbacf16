package import JSON
import YAML

extension Grammar {
  /// The language as JSON Schema, draft 2020-12. Editors read YAML through it: a text may be written as a number.
  /// A whole environment is held to every rule; a base, or a file over one, may leave things out and write null.
  package static func jsonSchema() -> JSON {
    let structure = SchemaGenerator()
    guard case .object(var schema) = structure.schema(of: environment) else { return .null }
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "shipit environment"
    schema["description"] = "environments/NAME.yaml of shipit"
    schema["if"] = ["required": ["environment"], "not": ["required": ["extends"]]]
    schema["then"] = ["$ref": "#/$defs/whole"]
    schema["$defs"] = [
      "whole": structure.demands(of: .object(environment)) ?? true,
      "secret": [
        "type": ["object", "null"], "additionalProperties": false, "required": ["secret"],
        "description": "The name of a secret; its value comes from the sources.",
        "properties": [
          "secret": ["type": "string", "pattern": .string("^(?:\(TextRule.secret.pattern ?? ""))$")]
        ],
      ],
      "duration": [
        "type": ["string", "null"], "pattern": #"^(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$"#,
        "description": "A duration such as 90s, 5m, 4h, 500ms or 1h30m.",
      ],
      "size": [
        "type": ["string", "null"], "pattern": #"^\d+(B|[KMGT]B|[KMGT]iB)$"#,
        "description": "A size such as 512MB (powers of 1000) or 1GiB (powers of 1024).",
      ],
    ]
    return .object(schema)
  }
}

/// JSON Schema from shapes, in two parts: what every file has to look like, null being allowed wherever it could
/// remove something of a base; and what is demanded of a whole file besides.
private struct SchemaGenerator {
  func schema(of shape: ObjectShape) -> JSON {
    [
      "type": ["object", "null"], "additionalProperties": false, "patternProperties": ["^x-": true],
      "properties": .object(
        Dictionary(shape.keys.map { ($0.name, schema(of: $0)) }, uniquingKeysWith: { first, _ in first })),
    ]
  }

  private func schema(of key: Key) -> JSON {
    guard case .object(var members) = schema(of: key.shape) else { return true }
    members["description"] = .string(key.doc + (key.support == .later ? " (not supported yet)" : ""))
    if let standard = key.standard.flatMap(parsed) { members["default"] = standard }
    if let example = key.example.flatMap(parsed) { members["examples"] = [example] }
    return .object(members)
  }

  private func schema(of shape: Shape) -> JSON {
    switch shape {
    case .text(let rule): return text(rule)
    case .template:
      return ["type": ["string", "number", "boolean", "null"], "pattern": #"^(?![\s\S]*\$\{\{)"#]
    case .bool: return ["type": ["boolean", "null"]]
    case .int(let range):
      return [
        "type": ["integer", "null"], "minimum": .int(Int64(range.lowerBound)),
        "maximum": .int(Int64(range.upperBound)),
      ]
    case .number(let range):
      return [
        "type": ["number", "null"], "minimum": .double(range.lowerBound),
        "maximum": .double(range.upperBound),
      ]
    case .duration: return ["$ref": "#/$defs/duration"]
    case .size: return ["$ref": "#/$defs/size"]
    case .secret: return ["$ref": "#/$defs/secret"]
    case .word(let words): return ["enum": .array(words.map { .string($0.text) } + [.null])]
    case .list(let element, let minimum):
      var schema: [String: JSON] = ["type": ["array", "null"], "items": self.schema(of: element)]
      if minimum > 0 { schema["minItems"] = .int(Int64(minimum)) }
      return .object(schema)
    case .map(let rule, let value):
      var schema: [String: JSON] = [
        "type": ["object", "null"], "additionalProperties": self.schema(of: value),
      ]
      if value.isMapping { schema["patternProperties"] = ["^x-": true] }
      if let pattern = rule.pattern {
        let free = value.isMapping ? "x-.*|" : ""
        schema["propertyNames"] = ["pattern": .string("^(?:\(free)\(pattern))$")]
      }
      return .object(schema)
    case .object(let object): return self.schema(of: object)
    case .either(let shapes): return ["anyOf": .array(shapes.map { self.schema(of: $0) })]
    case .any: return [:]
    }
  }

  private func text(_ rule: TextRule) -> JSON {
    var types: [JSON] = ["string", "null"]
    // What the rule lets pass when it is written as a number or a truth value.
    if rule.mistake(in: "1") == nil { types.append("number") }
    if rule.mistake(in: "true") == nil { types.append("boolean") }
    var schema: [String: JSON] = ["type": .array(types), "minLength": 1]
    if let pattern = rule.pattern { schema["pattern"] = .string("^(?:\(pattern))$") }
    return .object(schema)
  }

  /// What a whole file must have; it says nothing of values of another kind. Nil when there is nothing.
  func demands(of shape: Shape) -> JSON? {
    switch shape {
    case .object(let object): return demands(of: object)
    case .list(let element, _): return ["items": notNull(and: demands(of: element))]
    case .map(_, let value):
      var schema: [String: JSON] = ["additionalProperties": notNull(and: demands(of: value))]
      if value.isMapping { schema["patternProperties"] = ["^x-": true] }
      return .object(schema)
    case .either(let shapes):
      let all = shapes.compactMap(demands)
      return all.count > 1 ? ["allOf": .array(all)] : all.first
    default: return nil
    }
  }

  private func demands(of object: ObjectShape) -> JSON {
    var schema: [String: JSON] = [
      "properties": .object(
        Dictionary(
          object.keys.map { ($0.name, notNull($0.shape, and: demands(of: $0.shape))) },
          uniquingKeysWith: { first, _ in first }))
    ]
    let required = object.keys.filter(\.isRequired).map { JSON.string($0.name) }
    if !required.isEmpty { schema["required"] = .array(required) }
    if !object.onlyWith.isEmpty {
      schema["dependentRequired"] = .object(object.onlyWith.mapValues { [.string($0)] })
    }
    if !object.neverWith.isEmpty {
      schema["allOf"] = .array(
        object.neverWith.sorted { $0.key < $1.key }.map { key, other in
          ["not": ["type": "object", "required": [.string(key), .string(other)]]]
        })
    }
    func choice(_ names: [String]) -> JSON { .array(names.map { ["required": [.string($0)]] }) }
    if !object.exactlyOne.isEmpty || !object.atLeastOne.isEmpty {
      var rules: [String: JSON] = [:]
      if !object.exactlyOne.isEmpty { rules["oneOf"] = choice(object.exactlyOne) }
      if !object.atLeastOne.isEmpty { rules["anyOf"] = choice(object.atLeastOne) }
      schema["if"] = ["type": "object"]
      schema["then"] = .object(rules)
    }
    return .object(schema)
  }

  private func notNull(_ shape: Shape = .bool, and demands: JSON?) -> JSON {
    if case .any = shape { return true }
    guard case .object(var members)? = demands else { return ["not": ["type": "null"]] }
    members["not"] = ["type": "null"]
    return .object(members)
  }

  private func parsed(_ text: String) -> JSON? {
    Document(bytes: Array(text.utf8), name: "").root.map(\.json)
  }
}

extension Node {
  /// The value as JSON.
  package var json: JSON {
    switch content {
    case .scalar(let scalar):
      switch scalar.value {
      case .null: .null
      case .bool(let value): .bool(value)
      case .int(let value): .int(value)
      case .float(let value): value.isFinite ? .double(value) : .string(scalar.text)
      case .text: .string(scalar.text)
      }
    case .sequence(let nodes): .array(nodes.map(\.json))
    case .mapping(let mapping):
      .object(
        Dictionary(mapping.entries.map { ($0.key, $0.value.json) }, uniquingKeysWith: { first, _ in first }))
    }
  }
}
