extension Validator {
  /// Selections with the type they are made on.
  typealias Level = [(type: String, selections: [Document.Selection])]

  /// A field and the type it is selected on.
  private typealias Occurrence = (type: String, field: Document.Field)

  /// The fields of one level by their key in the answer, fragments opened.
  func collect(_ level: Level) -> [String: [(type: String, field: Document.Field)]] {
    var result: [String: [(type: String, field: Document.Field)]] = [:]
    var seen: Set<String> = []
    func visit(_ type: String, _ selections: [Document.Selection]) {
      for selection in selections {
        switch selection {
        case .field(let field): result[field.responseKey, default: []].append((type, field))
        case .inline(let inline): visit(inline.type ?? type, inline.selections)
        case .spread(let spread):
          if let fragment = fragments[spread.name], seen.insert(spread.name).inserted {
            visit(fragment.type, fragment.selections)
          }
        }
      }
    }
    for (type, selections) in level { visit(type, selections) }
    return result
  }

  /// Reports fields that would put different things under the same key. Fragments must be free of cycles.
  mutating func checkConflicts(_ level: Level) {
    for (key, occurrences) in collect(level).sorted(by: { $0.key < $1.key }) {
      if occurrences.count > 1, let reason = conflict(occurrences) {
        report(
          "Fields \"\(key)\" conflict because \(reason). Use different aliases on the fields to fetch both.",
          occurrences[occurrences.count - 1].field.position)
        continue
      }
      var next: Level = []
      for (type, field) in occurrences {
        guard let definition = schema.types[type], let declared = schema.field(field.name, of: definition),
          !field.selections.isEmpty
        else { continue }
        next.append((declared.type.name, field.selections))
      }
      if !next.isEmpty { checkConflicts(next) }
    }
  }

  private func conflict(_ occurrences: [Occurrence]) -> String? {
    for (index, first) in occurrences.enumerated() {
      for second in occurrences.dropFirst(index + 1) {
        if let reason = conflict(first, second) { return reason }
      }
    }
    return nil
  }

  private func conflict(_ first: Occurrence, _ second: Occurrence) -> String? {
    if canMeet(first.type, second.type) {
      if first.field.name != second.field.name {
        return "\"\(first.field.name)\" and \"\(second.field.name)\" are different fields"
      }
      if canonical(first.field.arguments) != canonical(second.field.arguments) {
        return "they have differing arguments"
      }
    }
    if let one = shape(first), let other = shape(second), one != other {
      return "they return conflicting types \"\(one)\" and \"\(other)\""
    }
    return nil
  }

  /// Whether one object can have both types, so that both fields would be answered.
  private func canMeet(_ first: String, _ second: String) -> Bool {
    !schema.possibleTypes(of: first).isDisjoint(with: schema.possibleTypes(of: second))
  }

  private func canonical(_ arguments: [Document.Argument]) -> [String] {
    arguments.map { "\($0.name):\($0.value.canonical)" }.sorted()
  }

  /// The type of a field as far as it fixes the form of the answer: objects count as alike.
  private func shape(_ occurrence: Occurrence) -> TypeReference? {
    guard let definition = schema.types[occurrence.type],
      let type = schema.field(occurrence.field.name, of: definition)?.type
    else { return nil }
    func replace(_ type: TypeReference) -> TypeReference {
      switch type {
      case .nonNull(let inner): .nonNull(replace(inner))
      case .list(let inner): .list(replace(inner))
      case .named(let name): schema.types[name]?.isComposite == true ? .named("{}") : type
      }
    }
    return replace(type)
  }
}
