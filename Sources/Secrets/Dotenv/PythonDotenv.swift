/// As python-dotenv 1.2 reads: what it cannot read it leaves out.
enum PythonDotenv {
  static func read(_ text: String) -> [(String, String)] {
    var cursor = DotenvCursor(text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text)
    var found: [(String, String)] = []
    while !cursor.isAtEnd {
      _ = cursor.take { $0.isBlank || $0 == "\n" || $0 == "\r" }
      if cursor.isAtEnd { break }
      if let (name, value) = binding(&cursor) {
        // A name without a value has none.
        if let value { found.append((name, expanded(value, found))) }
      } else {
        // One wrong line is left out.
        _ = cursor.take { $0 != "\n" && $0 != "\r" }
      }
    }
    return found
  }

  private static func binding(_ cursor: inout DotenvCursor) -> (String, String?)? {
    if cursor.next == "#" { return nil }
    if cursor.starts(with: "export"), cursor.peek(6)?.isBlank == true {
      cursor.place += 6
      cursor.skipBlanks()
    }
    let name: String
    if cursor.next == "'" {
      guard let quoted = quoted(&cursor, "'") else { return nil }
      name = quoted
    } else {
      name = cursor.take { $0 != "=" && $0 != "#" && !$0.isBlank && $0 != "\n" && $0 != "\r" }
    }
    guard !name.isEmpty else { return nil }
    cursor.skipBlanks()
    guard cursor.take("=") else { return ends(&cursor) ? (name, nil) : nil }
    cursor.skipBlanks()
    let value: String
    switch cursor.next {
    case "'":
      guard let raw = quoted(&cursor, "'") else { return nil }
      value = unescaped(raw, ["\\": "\\", "'": "'"])
    case "\"":
      guard let raw = quoted(&cursor, "\"") else { return nil }
      value = unescaped(
        raw,
        [
          "\\": "\\", "'": "'", "\"": "\"", "a": "\u{07}", "b": "\u{08}", "f": "\u{0C}", "n": "\n", "r": "\r",
          "t": "\t", "v": "\u{0B}",
        ])
    default:
      let line = Array(cursor.take { $0 != "\n" && $0 != "\r" }.unicodeScalars)
      let comment = line.indices.first { $0 > 0 && line[$0] == "#" && line[$0 - 1].isBlank }
      value = trimmedEnd(line[..<(comment ?? line.count)])
    }
    return ends(&cursor) ? (name, value) : nil
  }

  /// The raw text between two quotes; nil without an end.
  private static func quoted(_ cursor: inout DotenvCursor, _ quote: Unicode.Scalar) -> String? {
    let from = cursor.place + 1
    var place = from
    while place < cursor.text.count {
      if cursor.text[place] == "\\", place + 1 < cursor.text.count, cursor.text[place + 1] == quote {
        place += 2
      } else if cursor.text[place] == quote {
        cursor.place = place + 1
        return DotenvCursor.string(cursor.text[from..<place])
      } else {
        place += 1
      }
    }
    return nil
  }

  private static func ends(_ cursor: inout DotenvCursor) -> Bool {
    cursor.skipBlanks()
    if cursor.next == "#" { _ = cursor.take { $0 != "\n" && $0 != "\r" } }
    return cursor.isAtLineEnd
  }

  private static func unescaped(_ raw: String, _ escapes: [Unicode.Scalar: Unicode.Scalar]) -> String {
    let scalars = Array(raw.unicodeScalars)
    var text: [Unicode.Scalar] = []
    var place = 0
    while place < scalars.count {
      if scalars[place] == "\\", place + 1 < scalars.count, let meant = escapes[scalars[place + 1]] {
        text.append(meant)
        place += 2
      } else {
        text.append(scalars[place])
        place += 1
      }
    }
    return DotenvCursor.string(text)
  }

  private static func trimmedEnd(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    DotenvCursor.string(scalars.reversed().drop(while: \.isBlank).reversed())
  }

  /// `${NAME}` and `${NAME:-default}`, wherever they stand.
  private static func expanded(_ value: String, _ known: [(String, String)]) -> String {
    value.replacing(/\$\{([^}:]*)(?::-([^}]*))?\}/) { match in
      known.last { $0.0 == String(match.1) }?.1 ?? String(match.2 ?? "")
    }
  }
}
