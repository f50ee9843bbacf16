import JSON

extension Schema {
  /// How this schema differs from one it claims to be a part of; empty when it is a part.
  ///
  /// Everything declared here must exist there with exactly the same type and default. Also listed is what
  /// the other *requires* and this one lacks, since a request that is right there would be refused here.
  package func isSubset(of other: Schema) -> [String] {
    var differences: [String] = []
    let roots = [
      ("query", query, other.query), ("mutation", mutation, other.mutation),
      ("subscription", subscription, other.subscription),
    ]
    for (role, mine, theirs) in roots where mine != nil && mine != theirs {
      differences.append("\(role) type is \(mine ?? "none"), there \(theirs ?? "none")")
    }
    for type in types.values.sorted(by: { $0.name < $1.name }) {
      guard let counterpart = other.types[type.name] else {
        differences.append("\(type.name) is missing there")
        continue
      }
      guard type.kind == counterpart.kind else {
        differences.append("\(type.name) is \(type.kind.rawValue), there \(counterpart.kind.rawValue)")
        continue
      }
      differences += Self.differences(type, counterpart)
    }
    return differences
  }

  private static func differences(_ mine: Definition, _ theirs: Definition) -> [String] {
    var result: [String] = []
    for field in mine.fields.values.sorted(by: { $0.name < $1.name }) {
      let place = "\(mine.name).\(field.name)"
      guard let counterpart = theirs.fields[field.name] else {
        result.append("\(place) is missing there")
        continue
      }
      if field.type != counterpart.type {
        result.append("\(place) is \(field.type), there \(counterpart.type)")
      }
      result += differences(field.arguments, counterpart.arguments) { "\(place)(\($0):)" }
    }
    result += differences(mine.inputs, theirs.inputs) { "\(mine.name).\($0)" }
    for value in mine.values where !theirs.values.contains(value) {
      result.append("\(mine.name).\(value) is missing there")
    }
    for member in mine.members where !theirs.members.contains(member) {
      result.append("\(mine.name) has member \(member), not so there")
    }
    for interface in mine.interfaces where !theirs.interfaces.contains(interface) {
      result.append("\(mine.name) implements \(interface), not so there")
    }
    if mine.isOneOf != theirs.isOneOf { result.append("\(mine.name) differs in @oneOf") }
    return result
  }

  private static func differences(
    _ mine: [String: Input], _ theirs: [String: Input], _ place: (String) -> String
  ) -> [String] {
    var result: [String] = []
    for input in mine.values.sorted(by: { $0.name < $1.name }) {
      guard let counterpart = theirs[input.name] else {
        result.append("\(place(input.name)) is missing there")
        continue
      }
      if input.type != counterpart.type {
        result.append("\(place(input.name)) is \(input.type), there \(counterpart.type)")
      }
      if input.defaultValue != counterpart.defaultValue {
        let shown = [input, counterpart].map { $0.defaultValue?.serialized() ?? "none" }
        result.append("\(place(input.name)) has default \(shown[0]), there \(shown[1])")
      }
    }
    for input in theirs.values.sorted(by: { $0.name < $1.name })
    where input.isRequired && mine[input.name] == nil {
      result.append("\(place(input.name)) is required there and missing here")
    }
    return result
  }
}
