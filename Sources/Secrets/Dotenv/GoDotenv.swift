/// As godotenv 1.5 reads, and, with `isCompose`, the copy of it that Docker Compose has made its own.
enum GoDotenv {
  static func read(_ text: String, isCompose: Bool) throws(Dotenv.Mistake) -> [(String, String)] {
    var start = text.replacing("\r\n", with: "\n")
    if isCompose, start.hasPrefix("\u{FEFF}") { start = String(start.unicodeScalars.dropFirst()) }
    var cursor = DotenvCursor(start)
    var found: [(String, String)] = []
    while true {
      _ = cursor.take { $0.isBlank || $0 == "\n" || $0 == "\r" }
      guard let next = cursor.next else { return found }
      if next == "#" {
        cursor.skipLine()
        continue
      }
      guard let name = try name(&cursor, isCompose) else { continue }
      cursor.skipBlanks()
      found.append((name, try value(&cursor, name, found, isCompose)))
    }
  }

  /// - Returns: nil for a name alone, which Compose takes from the process: it has no value here.
  private static func name(_ cursor: inout DotenvCursor, _ isCompose: Bool) throws(Dotenv.Mistake) -> String?
  {
    if cursor.starts(with: "export"), cursor.peek(6)?.isBlank == true {
      cursor.place += 6
      cursor.skipBlanks()
    }
    let line = cursor.line
    let name = cursor.take {
      $0 == "_" || $0 == "." || (isCompose && $0 == "-") || $0.properties.isAlphabetic
        || $0.properties.numericType != nil
    }
    cursor.skipBlanks()
    if cursor.take("=") || cursor.take(":") { return name }
    if isCompose, cursor.isAtLineEnd { return nil }
    throw Dotenv.Mistake(
      line: line, message: "a character that godotenv does not take in a name", help: "write NAME=value")
  }

  private static func value(
    _ cursor: inout DotenvCursor, _ name: String, _ known: [(String, String)], _ isCompose: Bool
  ) throws(Dotenv.Mistake) -> String {
    guard let quote = cursor.next, quote == "'" || quote == "\"" else {
      let line = Array(cursor.take { $0 != "\n" && $0 != "\r" }.unicodeScalars)
      let comment = line.indices.last { $0 > 0 && line[$0] == "#" && line[$0 - 1].isBlank }
      return try expanded(
        DotenvCursor.string(line[..<(comment ?? line.count)]).trimmedBlanks, known, isCompose, cursor.line,
        name)
    }
    let line = cursor.line
    let from = cursor.place + 1
    var place = from
    while place < cursor.text.count {
      if cursor.text[place] == quote, cursor.text[place - 1] != "\\" || place == from { break }
      place += 1
    }
    guard place < cursor.text.count else {
      throw Dotenv.Mistake(
        line: line, message: "the quoted value of \(name) has no end", help: "close the quote")
    }
    cursor.place = place + 1
    let raw = DotenvCursor.string(cursor.text[from..<place])
    guard quote == "\"" else { return isCompose ? raw.replacing("\\'", with: "'") : raw }
    return try expanded(unescaped(raw, isCompose), known, isCompose, line, name)
  }

  private static func unescaped(_ raw: String, _ isCompose: Bool) -> String {
    var text = raw.replacing(/\\./.dotMatchesNewlines()) { match in
      switch match.0 {
      case #"\n"#: "\n"
      case #"\r"#: "\r"
      case #"\t"# where isCompose: "\t"
      default: String(match.0)
      }
    }
    text = text.replacing(/\\([^$])/.dotMatchesNewlines()) { String($0.1) }
    return text
  }

  private static func expanded(
    _ value: String, _ known: [(String, String)], _ isCompose: Bool, _ line: Int, _ name: String
  ) throws(Dotenv.Mistake) -> String {
    let lookUp = { (name: Substring) in known.last { $0.0 == String(name) }?.1 }
    guard isCompose else {
      return value.replacing(/(\\)?\$(\()?\{?([A-Z0-9_]+)?\}?/) { match in
        if match.1 != nil { return String(match.0.dropFirst()) }
        guard let name = match.3 else { return String(match.0) }
        return lookUp(name) ?? ""
      }
    }
    // What Compose does with `$(` is not known: better refused than guessed.
    guard !value.contains("$(") else { throw .command(line, name) }
    return value.replacing(
      /(\\)?\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))/
    ) {
      match in
      if match.1 != nil { return String(match.0) }
      if match.2 != nil { return "$" }
      let found = (match.3 ?? match.5).flatMap(lookUp)
      return found ?? match.4.map(String.init) ?? ""
    }
  }
}
