import JSON

/// The part of JSON Schema draft 2020-12 that our schema uses; an unknown keyword fails the test that meets it.
struct SchemaCheck {
  let root: JSON

  /// Why a value does not fit, each with its place; empty when it fits.
  func mistakes(in value: JSON) -> [String] { check(value, root, "") }

  private static let silent: Set<String> = [
    "$schema", "$defs", "title", "description", "default", "examples",
  ]

  private func check(_ value: JSON, _ schema: JSON, _ path: String) -> [String] {
    if case .bool(let isAllowed) = schema { return isAllowed ? [] : ["\(path): not allowed"] }
    guard let members = schema.object else { return ["\(path): no schema"] }
    var mistakes: [String] = []
    for (keyword, rule) in members where !Self.silent.contains(keyword) {
      mistakes += check(value, keyword, rule, members, path)
    }
    return mistakes
  }

  private func check(
    _ value: JSON, _ keyword: String, _ rule: JSON, _ schema: [String: JSON], _ path: String
  ) -> [String] {
    func unless(_ isGood: Bool) -> [String] { isGood ? [] : ["\(path): \(keyword) \(rule.serialized())"] }
    switch keyword {
    case "$ref":
      let name = rule.string?.split(separator: "/").last.map(String.init) ?? ""
      return check(value, root["$defs"]?[name] ?? .null, path)
    case "type":
      return unless((rule.array ?? [rule]).contains { has(value, $0.string ?? "") })
    case "enum": return unless(rule.array?.contains(value) == true)
    case "minimum": return unless(value.double.map { $0 >= rule.double ?? 0 } ?? true)
    case "maximum": return unless(value.double.map { $0 <= rule.double ?? 0 } ?? true)
    case "minLength":
      return unless(value.string.map { $0.unicodeScalars.count >= Int(rule.int ?? 0) } ?? true)
    case "minItems": return unless(value.array.map { $0.count >= Int(rule.int ?? 0) } ?? true)
    case "pattern":
      guard let text = value.string else { return [] }
      guard let regex = try? Regex(rule.string ?? "(").matchingSemantics(.unicodeScalar) else {
        return ["bad pattern"]
      }
      return unless(text.contains(regex))
    case "required":
      return unless(
        value.object.map { object in (rule.array ?? []).allSatisfy { object[$0.string ?? ""] != nil } }
          ?? true)
    case "dependentRequired":
      guard let object = value.object else { return [] }
      return (rule.object ?? [:]).filter { object[$0.key] != nil }.flatMap { _, needs in
        unless((needs.array ?? []).allSatisfy { object[$0.string ?? ""] != nil })
      }
    case "properties":
      return (value.object ?? [:]).flatMap { key, member in
        rule[key].map { check(member, $0, "\(path).\(key)") } ?? []
      }
    case "patternProperties": return []
    case "additionalProperties":
      return (value.object ?? [:]).flatMap { key, member -> [String] in
        if schema["properties"]?[key] != nil { return [] }
        if schema["patternProperties"]?["^x-"] != nil, key.hasPrefix("x-") { return [] }
        return check(member, rule, "\(path).\(key)")
      }
    case "propertyNames":
      return (value.object ?? [:]).keys.flatMap { check(.string($0), rule, "\(path).\($0)") }
    case "items":
      return (value.array ?? []).enumerated().flatMap { check($1, rule, "\(path)[\($0)]") }
    case "allOf": return (rule.array ?? []).flatMap { check(value, $0, path) }
    case "anyOf": return unless((rule.array ?? []).contains { check(value, $0, path).isEmpty })
    case "oneOf": return unless((rule.array ?? []).count { check(value, $0, path).isEmpty } == 1)
    case "not": return unless(!check(value, rule, path).isEmpty)
    case "if":
      let branch = check(value, rule, path).isEmpty ? schema["then"] : schema["else"]
      return branch.map { check(value, $0, path) } ?? []
    case "then", "else": return []
    default: return ["\(path): the keyword \(keyword) is not known here"]
    }
  }

  private func has(_ value: JSON, _ type: String) -> Bool {
    switch type {
    case "object": value.object != nil
    case "array": value.array != nil
    case "string": value.string != nil
    case "integer": value.int != nil
    case "number": value.double != nil
    case "boolean": value.bool != nil
    case "null": value.isNull
    default: false
    }
  }
}
