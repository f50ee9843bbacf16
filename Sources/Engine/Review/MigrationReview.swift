package import Model

/// Judges a migration by its SQL: what it means for the code that runs before it, which lock it takes, and the
/// safer way (contract migrations §5.1, §5.3). Pure; it knows no sizes, so what blocks is said of every table
/// but those that the file itself makes.
package struct MigrationReview: Sendable, Hashable {
  /// The worst of its statements, or what a comment of the file says.
  package var effect: MigrationEffect
  package var isTagged: Bool
  /// Of the statements about which there is something to say, in their order.
  package var findings: [MigrationFinding]

  package init(_ text: String) {
    let script = SQLScript(text)
    var made: Set<String> = []
    var findings: [MigrationFinding] = []
    var effects: [MigrationEffect] = []
    for statement in script.statements {
      var review = StatementReview(statement, made: made)
      review.judge()
      made.formUnion(review.makes)
      effects += review.findings.map(\.effect)
      findings += review.findings.filter { $0.effect != .expand || $0.blocks || $0.lock != nil }
    }
    let tag = script.tags.lazy.compactMap { MigrationEffect(rawValue: $0) }.first
    effect = tag ?? effects.max() ?? .expand
    isTagged = tag != nil
    self.findings = findings
  }
}

/// Reads the tokens of one statement.
struct TokenReader {
  let tokens: [SQLScript.Token]
  private(set) var place = 0

  init(_ tokens: [SQLScript.Token]) { self.tokens = tokens }

  var rest: ArraySlice<SQLScript.Token> { tokens[min(place, tokens.count)...] }

  /// Steps over the words when they come next, all of them.
  mutating func take(_ words: String...) -> Bool {
    guard place + words.count <= tokens.count else { return false }
    for (index, word) in words.enumerated() where tokens[place + index] != .word(word) { return false }
    place += words.count
    return true
  }

  /// Steps over whichever of the words comes next.
  mutating func takeAny(_ words: String...) -> String? {
    guard place < tokens.count, case .word(let word) = tokens[place], words.contains(word) else { return nil }
    place += 1
    return word
  }

  /// A name, with its schema where it has one.
  mutating func name() -> String? {
    guard place < tokens.count, var name = tokens[place].identifier else { return nil }
    place += 1
    while place + 1 < tokens.count, tokens[place] == .symbol("."), let next = tokens[place + 1].identifier {
      name = next
      place += 2
    }
    return name
  }

  mutating func symbol(_ character: Character) -> Bool {
    guard place < tokens.count, tokens[place] == .symbol(character) else { return false }
    place += 1
    return true
  }

  func has(_ words: String...) -> Bool {
    guard words.count <= rest.count else { return false }
    for start in rest.indices where start + words.count <= tokens.count {
      if words.indices.allSatisfy({ tokens[start + $0] == .word(words[$0]) }) { return true }
    }
    return false
  }

  /// The parts of what is left, separated by commas outside of brackets.
  var parts: [TokenReader] {
    var parts: [[SQLScript.Token]] = [[]]
    var depth = 0
    for token in rest {
      if token == .symbol("(") { depth += 1 }
      if token == .symbol(")") { depth -= 1 }
      if token == .symbol(","), depth == 0 { parts.append([]) } else { parts[parts.count - 1].append(token) }
    }
    return parts.map { TokenReader($0) }
  }
}
