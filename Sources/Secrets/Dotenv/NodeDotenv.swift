/// As Node's `util.parseEnv` reads: a line without `=` becomes part of the next name.
enum NodeDotenv {
  static func read(_ text: String) -> [(String, String)] {
    var cursor = DotenvCursor(trimmed(text.replacing("\r\n", with: "\n")))
    var found: [(String, String)] = []
    while let first = cursor.next {
      if first == "\n" || first == "#" {
        cursor.skipLine()
        continue
      }
      let head = cursor.take { $0 != "=" }
      guard cursor.take("=") else { break }
      var name = trimmed(head)
      guard !name.isEmpty else { break }
      if name.hasPrefix("export ") { name.removeFirst(7) }
      found.append((name, value(&cursor)))
      _ = cursor.take { $0.isBlank || $0 == "\n" }
    }
    return found
  }

  private static func value(_ cursor: inout DotenvCursor) -> String {
    if cursor.isAtLineEnd { return "" }
    cursor.skipBlanks()
    if let quote = cursor.next, quote == "\"" || quote == "'" || quote == "`",
      let end = cursor.text[(cursor.place + 1)...].firstIndex(of: quote)
    {
      let raw = DotenvCursor.string(cursor.text[(cursor.place + 1)..<end])
      cursor.place = end + 1
      // What follows the quote on its line is dropped.
      _ = cursor.take { $0 != "\n" }
      return quote == "\"" ? raw.replacing("\\n", with: "\n") : raw
    }
    let isQuoted = cursor.next == "\"" || cursor.next == "'" || cursor.next == "`"
    let line = cursor.take { $0 != "\n" }
    if isQuoted { return line }
    return trimmed(String(line.prefix { $0 != "#" }))
  }

  private static func trimmed(_ text: String) -> String {
    let isSpace = { (scalar: Unicode.Scalar) in scalar.isBlank || scalar == "\n" || scalar == "\r" }
    return DotenvCursor.string(
      text.unicodeScalars.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}

/// As the npm package dotenv 17 reads, whose one expression decides.
enum NpmDotenv {
  static func read(_ text: String) -> [(String, String)] {
    let text = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
    let start = text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
    let line =
      /(?m)^\s*(?:export\s+)?([\w.\-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/
      .matchingSemantics(.unicodeScalar)
    return start.matches(of: line).map { match in
      (String(match.1), value(match.2.map(String.init) ?? ""))
    }
  }

  private static func value(_ raw: String) -> String {
    let isSpace = { (scalar: Unicode.Scalar) in scalar.isBlank || scalar == "\n" || scalar == "\r" }
    let text = DotenvCursor.string(
      raw.unicodeScalars.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    guard let quote = text.first, quote == "'" || quote == "\"" || quote == "`" else { return text }
    var inner = text
    if text.count > 1, text.last == quote { inner = String(text.dropFirst().dropLast()) }
    guard quote == "\"" else { return inner }
    return inner.replacing("\\n", with: "\n").replacing("\\r", with: "\r")
  }
}
