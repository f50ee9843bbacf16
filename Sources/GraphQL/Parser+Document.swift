extension Document {
  /// Reads a request document.
  /// - Throws: the first syntax error, with its position.
  package static func parse(_ text: String) throws(GraphQLError) -> Document {
    var parser = try Parser(text)
    var document = Document()
    if parser.isAtEnd { throw parser.unexpected("an operation") }
    while !parser.isAtEnd {
      if parser.sees(word: "fragment") {
        document.fragments.append(try parser.fragment())
      } else {
        document.operations.append(try parser.operation())
      }
    }
    return document
  }

  /// Reads a single constant value, as introspection gives the default of an argument.
  static func parseConstant(_ text: String) throws(GraphQLError) -> Value {
    var parser = try Parser(text)
    let value = try parser.value(constant: true)
    guard parser.isAtEnd else { throw parser.unexpected("the end of the value") }
    return value
  }
}

extension Parser {
  fileprivate mutating func operation() throws(GraphQLError) -> Document.Operation {
    let start = position
    if sees("{") {
      return Document.Operation(
        kind: .query, name: nil, variables: [], directives: [], selections: try selections(), position: start)
    }
    guard case .name(let keyword) = token.kind, let kind = Document.OperationKind(rawValue: keyword) else {
      throw unexpected("query, mutation, subscription or fragment")
    }
    try advance()
    var name: String?
    if case .name = token.kind { name = try self.name() }
    var variables: [Document.Variable] = []
    if sees("(") {
      variables = try entries("(", ")") { (parser: inout Parser) throws(GraphQLError) in
        try parser.variable()
      }
    }
    let directives = try directives(constant: false)
    return Document.Operation(
      kind: kind, name: name, variables: variables, directives: directives, selections: try selections(),
      position: start)
  }

  private mutating func variable() throws(GraphQLError) -> Document.Variable {
    let start = position
    try expect("$")
    let name = try name()
    try expect(":")
    let type = try type()
    let defaultValue = try skip("=") ? try value(constant: true) : nil
    return Document.Variable(
      name: name, type: type, defaultValue: defaultValue, directives: try directives(constant: true),
      position: start)
  }

  fileprivate mutating func fragment() throws(GraphQLError) -> Document.Fragment {
    let start = position
    try expect(word: "fragment")
    if sees(word: "on") { throw unexpected("the name of the fragment") }
    let name = try name()
    try expect(word: "on")
    let type = try self.name("a type")
    let directives = try directives(constant: false)
    return Document.Fragment(
      name: name, type: type, directives: directives, selections: try selections(), position: start)
  }

  private mutating func selections() throws(GraphQLError) -> [Document.Selection] {
    try nested { (parser: inout Parser) throws(GraphQLError) in
      try parser.entries("{", "}") { (parser: inout Parser) throws(GraphQLError) in
        try parser.selection()
      }
    }
  }

  private mutating func selection() throws(GraphQLError) -> Document.Selection {
    let start = position
    guard try skip("...") else { return .field(try field()) }
    if case .name(let name) = token.kind, name != "on" {
      try advance()
      return .spread(
        Document.Spread(name: name, directives: try directives(constant: false), position: start))
    }
    let type = try skip(word: "on") ? try name("a type") : nil
    let directives = try directives(constant: false)
    return .inline(
      Document.InlineFragment(
        type: type, directives: directives, selections: try selections(), position: start))
  }

  private mutating func field() throws(GraphQLError) -> Document.Field {
    let start = position
    let first = try name("a field")
    let second = try skip(":") ? try name("a field") : nil
    let arguments = try arguments(constant: false)
    let directives = try directives(constant: false)
    return Document.Field(
      alias: second == nil ? nil : first, name: second ?? first, arguments: arguments,
      directives: directives, selections: sees("{") ? try selections() : [], position: start)
  }
}
