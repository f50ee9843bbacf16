/// Looks through an `infra.config.json`, which may have comments and trailing commas (contract §8).
struct InfraConfiguration: Sendable, Hashable {
  /// One `{"$env": "NAME"}`.
  struct Use: Sendable, Hashable {
    var name: String
    var line: Int
    var column: Int
  }

  /// In the order of the file.
  var uses: [Use] = []
  /// Names of the databases that servers are configured for.
  var databases: [String] = []

  /// Why a file cannot be read, and where.
  struct Fault: Error, Hashable {
    var what: String
    var line: Int
    var column: Int
  }

  private enum Token: Hashable {
    case text(String)
    case mark(Character)
    case word
  }

  init(_ text: String) throws(Fault) {
    var tokens: [(token: Token, line: Int, column: Int)] = []
    var reader = Reader(text: Array(text.unicodeScalars))
    while let next = try reader.next() { tokens.append(next) }
    var open: [Character] = []
    // The key under which each open bracket stands.
    var keys: [String] = []
    var key = ""
    for (index, entry) in tokens.enumerated() {
      if case .text(let text) = entry.token, index + 1 < tokens.count, tokens[index + 1].token == .mark(":") {
        key = text
        if open == ["{", "[", "{", "{"], keys[1] == "sql_servers", keys[3] == "databases" {
          databases.append(text)
        }
      }
      if case .mark(let mark) = entry.token {
        if mark == "{" || mark == "[" {
          keys.append(key)
          key = ""
        } else if mark == "}" || mark == "]" {
          _ = keys.popLast()
        }
      }
      switch entry.token {
      case .mark(let mark) where mark == "{" || mark == "[": open.append(mark)
      case .mark(let mark) where mark == "}" || mark == "]":
        guard open.popLast() == (mark == "}" ? "{" : "[") else {
          throw Fault(what: "`\(mark)` closes nothing", line: entry.line, column: entry.column)
        }
      case .text("$env") where index + 2 < tokens.count && tokens[index + 1].token == .mark(":"):
        guard case .text(let name) = tokens[index + 2].token, !name.isEmpty else {
          throw Fault(
            what: "`$env` names no variable", line: tokens[index + 2].line, column: tokens[index + 2].column)
        }
        uses.append(Use(name: name, line: tokens[index + 2].line, column: tokens[index + 2].column))
      default: break
      }
    }
    guard open.isEmpty, tokens.first?.token == .mark("{") else {
      throw Fault(
        what: open.isEmpty ? "it is no object" : "`\(open[open.count - 1])` is never closed",
        line: tokens.last?.line ?? 1, column: tokens.last?.column ?? 1)
    }
  }

  private struct Reader {
    let text: [Unicode.Scalar]
    var place = 0
    var line = 1
    var column = 1

    private var current: Unicode.Scalar? { place < text.count ? text[place] : nil }

    private mutating func step() {
      if current == "\n" { (line, column) = (line + 1, 1) } else { column += 1 }
      place += 1
    }

    private mutating func skip() throws(Fault) {
      while let scalar = current {
        if scalar.properties.isWhitespace || scalar == "\u{feff}" {
          step()
        } else if scalar == "/", place + 1 < text.count, text[place + 1] == "/" {
          while let scalar = current, scalar != "\n" { step() }
        } else if scalar == "/", place + 1 < text.count, text[place + 1] == "*" {
          let (startLine, startColumn) = (line, column)
          step()
          step()
          while place + 1 < text.count, text[place] != "*" || text[place + 1] != "/" { step() }
          guard place + 1 < text.count else {
            throw Fault(what: "a comment is never closed", line: startLine, column: startColumn)
          }
          step()
          step()
        } else {
          return
        }
      }
    }

    mutating func next() throws(Fault) -> (token: Token, line: Int, column: Int)? {
      try skip()
      guard let scalar = current else { return nil }
      let (startLine, startColumn) = (line, column)
      if "{}[]:,".unicodeScalars.contains(scalar) {
        step()
        return (.mark(Character(scalar)), startLine, startColumn)
      }
      guard scalar == "\"" else {
        while let scalar = current, !"{}[]:,\"/".unicodeScalars.contains(scalar),
          !scalar.properties.isWhitespace
        {
          step()
        }
        if place == text.count || line != startLine || column != startColumn {
          return (.word, startLine, startColumn)
        }
        throw Fault(what: "`\(scalar)` does not belong here", line: startLine, column: startColumn)
      }
      step()
      var value = ""
      while let scalar = current, scalar != "\"" {
        if scalar == "\\" { step() }
        guard let taken = current, taken != "\n" else { break }
        value.unicodeScalars.append(taken)
        step()
      }
      guard current == "\"" else {
        throw Fault(what: "a text is never closed", line: startLine, column: startColumn)
      }
      step()
      return (.text(value), startLine, startColumn)
    }
  }
}
