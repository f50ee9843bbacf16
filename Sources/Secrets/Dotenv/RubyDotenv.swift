/// As the Ruby gem dotenv 2.4 reads, line by line; what it would run is refused.
enum RubyDotenv {
  static func read(_ text: String) throws(Dotenv.Mistake) -> [(String, String)] {
    let form =
      /\A\s*(?:export\s+)?([\w.]+)(?:\s*=\s*|:\s+?)('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|[^#\n]+)?\s*(?:#.*)?\z/
      .matchingSemantics(.unicodeScalar)
    var found: [(String, String)] = []
    for (index, line) in text.replacing("\r\n", with: "\n").split(
      separator: "\n", omittingEmptySubsequences: false
    ).enumerated() {
      guard let match = String(line).wholeMatch(of: form) else { continue }
      let raw = String(match.2 ?? "").trimmedBlanks
      let quote = raw.first
      let isQuoted = raw.count > 1 && (quote == "'" || quote == "\"") && raw.last == quote
      var value = isQuoted ? String(raw.dropFirst().dropLast()) : raw
      if isQuoted, quote == "\"" {
        value = value.replacing("\\n", with: "\n").replacing("\\r", with: "\r")
        value = value.replacing(/\\([^$])/) { String($0.1) }
      }
      if !(isQuoted && quote == "'") {
        guard !value.contains("$(") else { throw .command(index + 1, String(match.1)) }
        value = expanded(value, found)
      }
      found.append((String(match.1), value))
    }
    return found
  }

  private static func expanded(_ value: String, _ known: [(String, String)]) -> String {
    value.replacing(/(\\)?\$(?!\()\{?([A-Za-z0-9_]+)?\}?/) { match in
      if match.1 != nil { return String(match.0.dropFirst()) }
      guard let name = match.2 else { return String(match.0) }
      return known.last { $0.0 == String(name) }?.1 ?? ""
    }
  }
}

extension String {
  var trimmedBlanks: String {
    DotenvCursor.string(
      unicodeScalars.drop(while: \.isBlank).reversed().drop(while: \.isBlank).reversed())
  }
}

extension Dotenv.Mistake {
  /// A value that its own parser takes from a program's output.
  static func command(_ line: Int, _ name: String) -> Dotenv.Mistake {
    Dotenv.Mistake(
      line: line,
      message: "the value of \(name) would be the output of a command; shipit runs nothing from a file",
      help: "write the value itself, or name the program as a source: {command: [PROGRAM, …]}")
  }
}
