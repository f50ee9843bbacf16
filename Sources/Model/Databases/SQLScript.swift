/// A text of SQL taken apart into its statements, the way psql does it: quotes, dollar quotes, nested comments,
/// brackets and bodies of SQL functions are stepped over. Used to say where something stands, and to judge it;
/// what the server runs is always the text as it is.
package struct SQLScript: Sendable, Hashable {
  /// What a statement is made of; comments are left out.
  package enum Token: Sendable, Hashable {
    /// An unquoted word, in lower case.
    case word(String)
    /// A quoted identifier, as it is meant.
    case name(String)
    /// A literal text or number.
    case literal
    case symbol(Character)

    /// What a name would be, quoted or not.
    package var identifier: String? {
      switch self {
      case .word(let text), .name(let text): text
      case .literal, .symbol: nil
      }
    }
  }

  package struct Statement: Sendable, Hashable {
    /// As it stands in the text, without what surrounds it.
    package var text: String
    /// Of its first word, from 1.
    package var line: Int
    /// Where it ends, in Unicode scalars from the start of the text.
    package var end: Int
    package var tokens: [Token]

    /// Its first line, shortened for messages.
    package var excerpt: String {
      let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
      return line.count > 100 ? line.prefix(99) + "…" : line
    }
  }

  package private(set) var statements: [Statement] = []
  /// What comments of the form `-- shipit: WORD` say.
  package private(set) var tags: [String] = []

  package init(_ text: String) {
    var reader = SQLReader(text)
    reader.readAll()
    statements = reader.statements
    tags = reader.tags
  }

  /// The statement in which a character stands.
  /// - Parameter position: from 1, as PostgreSQL counts it.
  package func statement(at position: Int) -> Int? {
    statements.firstIndex { position <= $0.end }
  }

  /// The line of a character, from 1.
  package static func line(of position: Int, in text: String) -> Int {
    1 + text.unicodeScalars.prefix(max(0, position - 1)).count { $0 == "\n" }
  }
}

/// Goes through a text once.
private struct SQLReader {
  private let text: [Unicode.Scalar]
  private var place = 0
  private var line = 1
  private var start: (place: Int, line: Int)?
  private var lastEnd = 0
  private var tokens: [SQLScript.Token] = []
  private var brackets = 0
  private var bodies = 0
  var statements: [SQLScript.Statement] = []
  var tags: [String] = []

  init(_ text: String) { self.text = Array(text.unicodeScalars) }

  private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
    place + ahead < text.count ? text[place + ahead] : nil
  }

  private mutating func step() {
    if peek() == "\n" { line += 1 }
    place += 1
  }

  mutating func readAll() {
    while let scalar = peek() {
      if scalar.properties.isWhitespace || scalar == "\u{feff}" {
        step()
      } else if scalar == "-", peek(1) == "-" {
        comment(to: nil)
      } else if scalar == "/", peek(1) == "*" {
        comment(to: 1)
      } else if scalar == ";", brackets == 0, bodies == 0 {
        step()
        finish()
      } else {
        start = start ?? (place, line)
        token(scalar)
        lastEnd = place
      }
    }
    finish()
  }

  private mutating func finish() {
    defer { (start, tokens, brackets, bodies) = (nil, [], 0, 0) }
    guard let start else { return }
    statements.append(
      SQLScript.Statement(
        text: string(start.place..<lastEnd), line: start.line, end: place, tokens: tokens))
  }

  private func string(_ range: Range<Int>) -> String {
    String(String.UnicodeScalarView(text[range]))
  }

  private mutating func comment(to depth: Int?) {
    let from = place
    if var depth {
      place += 2
      while depth > 0, let scalar = peek() {
        if scalar == "/", peek(1) == "*" {
          depth += 1
          place += 2
        } else if scalar == "*", peek(1) == "/" {
          depth -= 1
          place += 2
        } else {
          step()
        }
      }
    } else {
      while let scalar = peek(), scalar != "\n" { place += 1 }
    }
    let words = string(from..<place).drop { "-/* \t".contains($0) }
    guard words.hasPrefix("shipit:") else { return }
    let word = words.dropFirst("shipit:".count).drop { $0 == " " }.prefix { $0.isLetter || $0 == "-" }
    if !word.isEmpty { tags.append(String(word)) }
  }

  private mutating func token(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "'":
      quoted("'", escapes: false)
      tokens.append(.literal)
    case "\"":
      let from = place
      quoted("\"", escapes: false)
      tokens.append(.name(String(string(from..<place).dropFirst().dropLast())))
    case "$":
      if !dollarQuoted() {
        step()
        tokens.append(.symbol("$"))
      }
    case "0"..."9":
      while let next = peek(), next.properties.isAlphabetic || ("0"..."9").contains(next) || next == "." {
        place += 1
      }
      tokens.append(.literal)
    default:
      if isWordStart(scalar) { word() } else { symbol(scalar) }
    }
  }

  private func isWordStart(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar.properties.isAlphabetic || scalar.value > 127
  }

  private mutating func word() {
    let from = place
    while let next = peek(), isWordStart(next) || ("0"..."9").contains(next) || next == "$" { place += 1 }
    let word = string(from..<place).lowercased()
    if peek() == "'", ["e", "b", "x", "n"].contains(word) {
      quoted("'", escapes: word == "e")
      tokens.append(.literal)
      return
    }
    // The body of a function of the SQL standard holds semicolons.
    let isRoutine =
      tokens.first == .word("create")
      && tokens.contains { $0 == .word("function") || $0 == .word("procedure") }
    if isRoutine {
      switch word {
      case "begin": bodies += 1
      case "case" where bodies > 0: bodies += 1
      case "end" where bodies > 0: bodies -= 1
      default: break
      }
    }
    tokens.append(.word(word))
  }

  private mutating func symbol(_ scalar: Unicode.Scalar) {
    if scalar == "(" { brackets += 1 }
    if scalar == ")", brackets > 0 { brackets -= 1 }
    step()
    tokens.append(.symbol(Character(scalar)))
  }

  private mutating func quoted(_ mark: Unicode.Scalar, escapes: Bool) {
    place += 1
    while let scalar = peek() {
      if escapes, scalar == "\\" {
        step()
        if peek() != nil { step() }
      } else if scalar == mark {
        place += 1
        guard peek() == mark else { return }
        place += 1
      } else {
        step()
      }
    }
  }

  private mutating func dollarQuoted() -> Bool {
    var end = place + 1
    while end < text.count, text[end] != "$" {
      guard isWordStart(text[end]) || (end > place + 1 && ("0"..."9").contains(text[end])) else {
        return false
      }
      end += 1
    }
    guard end < text.count else { return false }
    let mark = Array(text[place...end])
    place = end + 1
    while place < text.count {
      if text[place] == "$", place + mark.count <= text.count,
        text[place..<(place + mark.count)].elementsEqual(mark)
      {
        place += mark.count
        break
      }
      step()
    }
    tokens.append(.literal)
    return true
  }
}
