/// Reads tokens into syntax: what documents and schemas have in common.
struct Parser {
  /// Nesting beyond this is refused, so that hostile text cannot exhaust the stack.
  private static let deepest = 100

  private var lexer: Lexer
  private(set) var token: Token
  private var depth = 0

  init(_ text: String) throws(GraphQLError) {
    lexer = Lexer(text)
    token = try lexer.next()
  }

  var position: TextPosition { token.position }
  var isAtEnd: Bool { token.kind == .end }

  mutating func advance() throws(GraphQLError) { token = try lexer.next() }

  func unexpected(_ wanted: String) -> GraphQLError {
    GraphQLError("Syntax Error: expected \(wanted), found \(token.shown).", at: position)
  }

  func sees(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }
  func sees(word: String) -> Bool { token.kind == .name(word) }

  /// Steps over the symbol if it is next, and says whether it was.
  mutating func skip(_ symbol: String) throws(GraphQLError) -> Bool {
    guard sees(symbol) else { return false }
    try advance()
    return true
  }

  mutating func skip(word: String) throws(GraphQLError) -> Bool {
    guard sees(word: word) else { return false }
    try advance()
    return true
  }

  mutating func expect(_ symbol: String) throws(GraphQLError) {
    guard try skip(symbol) else { throw unexpected("\"\(symbol)\"") }
  }

  mutating func expect(word: String) throws(GraphQLError) {
    guard try skip(word: word) else { throw unexpected("\"\(word)\"") }
  }

  mutating func name(_ wanted: String = "a name") throws(GraphQLError) -> String {
    guard case .name(let name) = token.kind else { throw unexpected(wanted) }
    try advance()
    return name
  }

  /// Runs one level of nesting.
  mutating func nested<Result>(
    _ body: (inout Parser) throws(GraphQLError) -> Result
  ) throws(GraphQLError) -> Result {
    guard depth < Self.deepest else {
      throw GraphQLError("Syntax Error: nested deeper than \(Self.deepest) levels.", at: position)
    }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  /// One or more entries between two symbols.
  mutating func entries<Entry>(
    _ open: String, _ close: String, _ entry: (inout Parser) throws(GraphQLError) -> Entry
  ) throws(GraphQLError) -> [Entry] {
    try expect(open)
    var result: [Entry] = []
    repeat { result.append(try entry(&self)) } while try !skip(close)
    return result
  }

  mutating func type() throws(GraphQLError) -> TypeReference {
    try nested { (parser: inout Parser) throws(GraphQLError) -> TypeReference in
      let bare: TypeReference
      if try parser.skip("[") {
        bare = .list(try parser.type())
        try parser.expect("]")
      } else {
        bare = .named(try parser.name("a type"))
      }
      return try parser.skip("!") ? .nonNull(bare) : bare
    }
  }

  mutating func directives(constant: Bool) throws(GraphQLError) -> [Document.Directive] {
    var result: [Document.Directive] = []
    while sees("@") {
      let start = position
      try advance()
      let name = try name()
      result.append(
        Document.Directive(name: name, arguments: try arguments(constant: constant), position: start))
    }
    return result
  }

  mutating func arguments(constant: Bool) throws(GraphQLError) -> [Document.Argument] {
    guard sees("(") else { return [] }
    return try entries("(", ")") { (parser: inout Parser) throws(GraphQLError) in
      try parser.argument(constant: constant)
    }
  }

  private mutating func argument(constant: Bool) throws(GraphQLError) -> Document.Argument {
    let start = position
    let name = try name()
    try expect(":")
    return Document.Argument(name: name, value: try value(constant: constant), position: start)
  }

  /// A value; where it must be constant, variables are refused.
  mutating func value(constant: Bool) throws(GraphQLError) -> Document.Value {
    try nested { (parser: inout Parser) throws(GraphQLError) -> Document.Value in
      let start = parser.position
      return Document.Value(kind: try parser.valueKind(constant: constant), position: start)
    }
  }

  private mutating func valueKind(constant: Bool) throws(GraphQLError) -> Document.Value.Kind {
    let kind: Document.Value.Kind
    switch token.kind {
    case .int(let text): kind = .int(text)
    case .float(let text): kind = .float(text)
    case .string(let text): kind = .string(text)
    case .name("true"): kind = .boolean(true)
    case .name("false"): kind = .boolean(false)
    case .name("null"): kind = .null
    case .name(let name): kind = .enumeration(name)
    case .symbol("$") where !constant:
      try advance()
      return .variable(try name())
    case .symbol("["):
      try advance()
      var elements: [Document.Value] = []
      while try !skip("]") { elements.append(try value(constant: constant)) }
      return .list(elements)
    case .symbol("{"):
      try advance()
      var members: [Document.Argument] = []
      while try !skip("}") { members.append(try argument(constant: constant)) }
      return .object(members)
    default: throw unexpected(constant ? "a constant value" : "a value")
    }
    try advance()
    return kind
  }
}
