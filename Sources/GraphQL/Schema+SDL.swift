import JSON

extension Schema {
  /// Reads a schema from the schema definition language.
  ///
  /// Directives on definitions are read and, but for `@oneOf`, without effect. `extend` is not supported.
  /// - Throws: a syntax error with its position, or what does not hold together.
  package init(sdl: String) throws(GraphQLError) {
    var parser = try Parser(sdl)
    var definitions: [Definition] = []
    var directives: [Directive] = []
    var roots: [String: String]?
    while !parser.isAtEnd {
      let description = try parser.description()
      switch parser.token.kind {
      case .name("schema"):
        if roots != nil { throw GraphQLError("A second \"schema\" definition.", at: parser.position) }
        roots = try parser.roots()
      case .name("directive"): directives.append(try parser.directiveDefinition())
      default:
        var definition = try parser.definition()
        definition.description = description
        definitions.append(definition)
      }
    }
    let conventional = Set(definitions.map(\.name))
    func root(_ kind: Document.OperationKind, _ name: String) -> String? {
      if let roots { return roots[kind.rawValue] }
      return conventional.contains(name) ? name : nil
    }
    try self.init(
      definitions: definitions, directives: directives, query: root(.query, "Query") ?? "Query",
      mutation: root(.mutation, "Mutation"), subscription: root(.subscription, "Subscription"))
  }
}

extension Parser {
  fileprivate mutating func description() throws(GraphQLError) -> String? {
    guard case .string(let text) = token.kind else { return nil }
    try advance()
    return text
  }

  fileprivate mutating func roots() throws(GraphQLError) -> [String: String] {
    try expect(word: "schema")
    _ = try directives(constant: true)
    let entries = try entries("{", "}") { (parser: inout Parser) throws(GraphQLError) in
      let start = parser.position
      let kind = try parser.name()
      guard Document.OperationKind(rawValue: kind) != nil else {
        throw GraphQLError("Syntax Error: \"\(kind)\" is no kind of operation.", at: start)
      }
      try parser.expect(":")
      return (kind, try parser.name("a type"), start)
    }
    return try unique(entries.map { ($0.0, $0.1, $0.2) }, "root")
  }

  fileprivate mutating func directiveDefinition() throws(GraphQLError) -> Schema.Directive {
    try expect(word: "directive")
    try expect("@")
    let name = try name()
    let arguments = sees("(") ? try inputs("(", ")") : [:]
    let isRepeatable = try skip(word: "repeatable")
    try expect(word: "on")
    let locations = try names(separatedBy: "|")
    return Schema.Directive(
      name: name, arguments: arguments, locations: Set(locations), isRepeatable: isRepeatable)
  }

  fileprivate mutating func definition() throws(GraphQLError) -> Schema.Definition {
    let start = position
    guard case .name(let keyword) = token.kind else { throw unexpected("a definition") }
    let kinds: [String: Schema.Kind] = [
      "scalar": .scalar, "type": .object, "interface": .interface, "union": .union, "enum": .enumeration,
      "input": .input,
    ]
    guard let kind = kinds[keyword] else { throw unexpected("type, input, enum, interface, union or scalar") }
    try advance()
    var definition = Schema.Definition(name: try name(), kind: kind)
    if definition.name.hasPrefix("__") {
      throw GraphQLError("Names that begin with \"__\" are reserved.", at: start)
    }
    if kind == .object || kind == .interface, try skip(word: "implements") {
      definition.interfaces = try names(separatedBy: "&")
    }
    definition.isOneOf = try directives(constant: true).contains { $0.name == "oneOf" }
    switch kind {
    case .scalar: break
    case .union:
      try expect("=")
      definition.members = try names(separatedBy: "|")
    case .enumeration: definition.values = try enumValues()
    case .input: definition.inputs = try inputs("{", "}")
    case .object, .interface: definition.fields = try fields()
    }
    return definition
  }

  private mutating func names(separatedBy separator: String) throws(GraphQLError) -> [String] {
    _ = try skip(separator)
    var names = [try name()]
    while try skip(separator) { names.append(try name()) }
    return names
  }

  private mutating func enumValues() throws(GraphQLError) -> [String] {
    let values = try entries("{", "}") { (parser: inout Parser) throws(GraphQLError) in
      _ = try parser.description()
      let start = parser.position
      let name = try parser.name()
      _ = try parser.directives(constant: true)
      return (name, name, start)
    }
    _ = try unique(values, "enum value")
    return values.map(\.0)
  }

  private mutating func fields() throws(GraphQLError) -> [String: Schema.Field] {
    let fields = try entries("{", "}") { (parser: inout Parser) throws(GraphQLError) in
      let description = try parser.description()
      let start = parser.position
      let name = try parser.name()
      let arguments = parser.sees("(") ? try parser.inputs("(", ")") : [:]
      try parser.expect(":")
      let type = try parser.type()
      _ = try parser.directives(constant: true)
      return (
        name, Schema.Field(name: name, type: type, arguments: arguments, description: description), start
      )
    }
    return try unique(fields, "field")
  }

  private mutating func inputs(
    _ open: String, _ close: String
  ) throws(GraphQLError) -> [String: Schema.Input] {
    let inputs = try entries(open, close) { (parser: inout Parser) throws(GraphQLError) in
      _ = try parser.description()
      let start = parser.position
      let name = try parser.name()
      try parser.expect(":")
      let type = try parser.type()
      let defaultValue = try parser.skip("=") ? try parser.value(constant: true).json() : nil
      _ = try parser.directives(constant: true)
      return (name, Schema.Input(name: name, type: type, defaultValue: defaultValue), start)
    }
    return try unique(inputs, "input")
  }

  private func unique<Entry>(
    _ entries: [(String, Entry, TextPosition)], _ what: String
  ) throws(GraphQLError) -> [String: Entry] {
    var result: [String: Entry] = [:]
    for (name, entry, position) in entries where result.updateValue(entry, forKey: name) != nil {
      throw GraphQLError("The \(what) \"\(name)\" is defined twice.", at: position)
    }
    return result
  }
}
