/// A lexical unit of GraphQL text.
struct Token: Equatable {
  enum Kind: Equatable {
    case symbol(String)
    case name(String)
    case int(String)
    case float(String)
    case string(String)
    case end
  }

  var kind: Kind
  var position: TextPosition

  /// The token as an error message shows it.
  var shown: String {
    switch kind {
    case .symbol(let text): "\"\(text)\""
    case .name(let name): "name \"\(name)\""
    case .int, .float: "a number"
    case .string: "a string"
    case .end: "the end of the text"
    }
  }
}

/// Cuts GraphQL text into tokens, one at a time.
struct Lexer {
  private let text: [Unicode.Scalar]
  private var index = 0
  private var line = 1
  private var lineStart = 0

  init(_ text: String) { self.text = Array(text.unicodeScalars) }

  private var position: TextPosition { TextPosition(line: line, column: index - lineStart + 1) }

  private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
    index + ahead < text.count ? text[index + ahead] : nil
  }

  /// The next token; `.end` again and again at the end.
  mutating func next() throws(GraphQLError) -> Token {
    skipIgnored()
    let start = position
    guard let scalar = peek() else { return Token(kind: .end, position: start) }
    switch scalar {
    case "!", "$", "&", "(", ")", ":", "=", "@", "[", "]", "{", "|", "}":
      index += 1
      return Token(kind: .symbol(String(scalar)), position: start)
    case ".":
      guard peek(1) == ".", peek(2) == "." else {
        throw GraphQLError("Syntax Error: a single \".\" stands for nothing; write \"...\".", at: start)
      }
      index += 3
      return Token(kind: .symbol("..."), position: start)
    case "\"":
      let isBlock = peek(1) == "\"" && peek(2) == "\""
      return Token(kind: .string(isBlock ? try blockString() : try quotedString()), position: start)
    case "-", "0"..."9":
      return Token(kind: try number(), position: start)
    case _ where isNameStart(scalar):
      let from = index
      while let next = peek(), isNameStart(next) || isDigit(next) { index += 1 }
      return Token(kind: .name(slice(from, index)), position: start)
    default:
      throw GraphQLError("Syntax Error: unexpected character \(shown(scalar)).", at: start)
    }
  }

  private mutating func skipIgnored() {
    while let scalar = peek() {
      switch scalar {
      case " ", "\t", ",", "\u{FEFF}": index += 1
      case "\n", "\r": newline()
      case "#": while let next = peek(), next != "\n", next != "\r" { index += 1 }
      default: return
      }
    }
  }

  /// Steps over a line end; CR LF counts as one.
  private mutating func newline() {
    index += peek() == "\r" && peek(1) == "\n" ? 2 : 1
    line += 1
    lineStart = index
  }

  private mutating func number() throws(GraphQLError) -> Token.Kind {
    let from = index
    var isFloat = false
    if peek() == "-" { index += 1 }
    if peek() == "0" {
      index += 1
      if let next = peek(), isDigit(next) {
        throw GraphQLError("Syntax Error: a number cannot begin with a zero.", at: position)
      }
    } else {
      try digits()
    }
    if peek() == "." {
      isFloat = true
      index += 1
      try digits()
    }
    if peek() == "e" || peek() == "E" {
      isFloat = true
      index += 1
      if peek() == "+" || peek() == "-" { index += 1 }
      try digits()
    }
    if let next = peek(), next == "." || isNameStart(next) {
      throw GraphQLError("Syntax Error: a number cannot go on with \(shown(next)).", at: position)
    }
    return isFloat ? .float(slice(from, index)) : .int(slice(from, index))
  }

  private mutating func digits() throws(GraphQLError) {
    guard let first = peek(), isDigit(first) else {
      throw GraphQLError("Syntax Error: a digit is missing in the number.", at: position)
    }
    while let next = peek(), isDigit(next) { index += 1 }
  }

  private mutating func quotedString() throws(GraphQLError) -> String {
    var result = String.UnicodeScalarView()
    index += 1
    while let scalar = peek() {
      switch scalar {
      case "\"":
        index += 1
        return String(result)
      case "\n", "\r":
        throw GraphQLError("Syntax Error: the string is not closed on its line.", at: position)
      case "\\":
        result.append(try escape())
      case _ where scalar.value < 0x20 && scalar != "\t":
        throw GraphQLError("Syntax Error: control character \(shown(scalar)) in a string.", at: position)
      default:
        result.append(scalar)
        index += 1
      }
    }
    throw GraphQLError("Syntax Error: the string is not closed.", at: position)
  }

  private mutating func escape() throws(GraphQLError) -> Unicode.Scalar {
    let start = position
    defer { index += 2 }
    switch peek(1) {
    case "\"": return "\""
    case "\\": return "\\"
    case "/": return "/"
    case "b": return "\u{8}"
    case "f": return "\u{C}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u": return try unicodeEscape(start)
    default: throw GraphQLError("Syntax Error: unknown escape in a string.", at: start)
    }
  }

  /// `\u0041`, `\u{1F600}`, or two halves of a surrogate pair; leaves the index two short of its end.
  private mutating func unicodeEscape(_ start: TextPosition) throws(GraphQLError) -> Unicode.Scalar {
    let wrong = GraphQLError("Syntax Error: the \\u escape is not a Unicode scalar.", at: start)
    if peek(2) == "{" {
      var length = 0
      while let next = peek(3 + length), next != "}", length < 8 { length += 1 }
      guard peek(3 + length) == "}",
        let scalar = UInt32(slice(index + 3, index + 3 + length), radix: 16).flatMap(Unicode.Scalar.init)
      else { throw wrong }
      index += length + 2
      return scalar
    }
    guard let high = hexadecimal(at: index + 2) else { throw wrong }
    index += 4
    guard (0xD800..<0xDC00).contains(high) else {
      guard let scalar = Unicode.Scalar(high) else { throw wrong }
      return scalar
    }
    guard peek(2) == "\\", peek(3) == "u", let low = hexadecimal(at: index + 4),
      (0xDC00..<0xE000).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    else { throw wrong }
    index += 6
    return scalar
  }

  private func hexadecimal(at from: Int) -> UInt32? {
    guard from + 4 <= text.count, text[from..<from + 4].allSatisfy({ $0.properties.isASCIIHexDigit }) else {
      return nil
    }
    return UInt32(slice(from, from + 4), radix: 16)
  }

  private mutating func blockString() throws(GraphQLError) -> String {
    index += 3
    var lines: [[Unicode.Scalar]] = [[]]
    while let scalar = peek() {
      if scalar == "\"", peek(1) == "\"", peek(2) == "\"" {
        index += 3
        return Self.withoutIndentation(lines)
      }
      if scalar == "\\", peek(1) == "\"", peek(2) == "\"", peek(3) == "\"" {
        lines[lines.count - 1] += ["\"", "\"", "\""]
        index += 4
      } else if scalar == "\n" || scalar == "\r" {
        newline()
        lines.append([])
      } else {
        lines[lines.count - 1].append(scalar)
        index += 1
      }
    }
    throw GraphQLError("Syntax Error: the block string is not closed.", at: position)
  }

  /// Takes off the indentation that all lines but the first share, then blank lines at both ends.
  private static func withoutIndentation(_ lines: [[Unicode.Scalar]]) -> String {
    func isBlank(_ line: [Unicode.Scalar]) -> Bool { line.allSatisfy { $0 == " " || $0 == "\t" } }
    let shared =
      lines.dropFirst().filter { !isBlank($0) }
      .map { line in line.prefix { $0 == " " || $0 == "\t" }.count }.min() ?? 0
    var result = lines.prefix(1) + lines.dropFirst().map { Array($0.dropFirst(shared)) }
    while let first = result.first, isBlank(first) { result.removeFirst() }
    while let last = result.last, isBlank(last) { result.removeLast() }
    var joined = String.UnicodeScalarView()
    joined.append(contentsOf: result.joined(separator: ["\n"]))
    return String(joined)
  }

  private func slice(_ from: Int, _ to: Int) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: text[from..<to])
    return String(view)
  }

  private func shown(_ scalar: Unicode.Scalar) -> String {
    scalar.value < 0x20 ? "U+\(String(scalar.value, radix: 16, uppercase: true))" : "\"\(scalar)\""
  }

  private func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  private func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
  }
}
