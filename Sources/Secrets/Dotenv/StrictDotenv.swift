/// Only what has one meaning: where parsers read two different values, the line is refused and both are told.
enum StrictDotenv {
  static func read(_ text: String) throws(Dotenv.Mistake) -> [(String, String)] {
    var cursor = DotenvCursor(text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text)
    var found: [(String, String)] = []
    while !cursor.isAtEnd {
      cursor.skipBlanks()
      if cursor.isAtLineEnd || cursor.next == "#" {
        cursor.skipLine()
        continue
      }
      let name = try name(&cursor)
      cursor.skipBlanks()
      let value = try value(&cursor, name)
      found.append((name, value))
      try end(&cursor, name)
    }
    return found
  }

  private static func name(_ cursor: inout DotenvCursor) throws(Dotenv.Mistake) -> String {
    if cursor.starts(with: "export"), cursor.peek(6) == " " || cursor.peek(6) == "\t" {
      cursor.place += 6
      cursor.skipBlanks()
    }
    let line = cursor.line
    let name = cursor.take { $0.isNamePart || $0 == "." || $0 == "-" }
    guard let first = name.unicodeScalars.first, first.isNameStart else {
      throw Dotenv.Mistake(
        line: line, message: "no name stands before the value",
        help: "write NAME=value; a name begins with a letter or an underscore")
    }
    cursor.skipBlanks()
    guard cursor.take("=") else {
      let isColon = cursor.next == ":"
      throw Dotenv.Mistake(
        line: line,
        message: isColon
          ? "\(name) is followed by a colon: some parsers take that for `=`, others drop the line"
          : "\(name) has no `=`: some parsers take the value from the process, others drop the line",
        help: "write \(name)=value, or \(name)= for an empty value")
    }
    return name
  }

  private static func value(_ cursor: inout DotenvCursor, _ name: String) throws(Dotenv.Mistake) -> String {
    switch cursor.next {
    case "'": try singleQuoted(&cursor, name)
    case "\"": try doubleQuoted(&cursor, name)
    case "`":
      throw disagreement(
        cursor.line, name, "a backtick", "node and npm take it for a quote", "a shell runs what it holds")
    default: try unquoted(&cursor, name)
    }
  }

  private static func unquoted(_ cursor: inout DotenvCursor, _ name: String) throws(Dotenv.Mistake) -> String
  {
    var value: [Unicode.Scalar] = []
    while let scalar = cursor.next, !cursor.isAtLineEnd {
      if scalar == "#" {
        // After a blank, or where nothing stands before it, it begins a comment for everybody.
        guard value.last?.isBlank ?? true else {
          throw disagreement(
            cursor.line, name, "`#` without a blank before it", "node, npm and ruby end the value there",
            "python, go and a shell keep it")
        }
        _ = cursor.take { $0 != "\n" && $0 != "\r" }
        break
      }
      if scalar == "\\" {
        throw disagreement(
          cursor.line, name, "a backslash outside quotes", "a shell drops it", "the others keep it")
      }
      if scalar == "\"", !value.isEmpty, !value.contains(" "), !value.contains("{") {
        throw disagreement(
          cursor.line, name, "a quote within the value", "a shell drops it", "the others keep it")
      }
      if scalar == "$" { try refuseReference(cursor, name) }
      if scalar == "`" {
        throw disagreement(
          cursor.line, name, "a backtick", "a shell runs what it holds", "the others keep it")
      }
      value.append(scalar)
      cursor.place += 1
    }
    while let last = value.last, last.isBlank { value.removeLast() }
    return DotenvCursor.string(value)
  }

  private static func singleQuoted(_ cursor: inout DotenvCursor, _ name: String) throws(Dotenv.Mistake)
    -> String
  {
    let line = cursor.line
    cursor.place += 1
    var value: [Unicode.Scalar] = []
    while let scalar = cursor.next {
      cursor.place += 1
      if scalar == "'" { return DotenvCursor.string(value) }
      if scalar == "\\", cursor.next == "'" || cursor.next == "\\" {
        throw disagreement(
          cursor.line, name, "a backslash before a quote or another backslash in single quotes",
          "python drops it", "the others keep it or end the value there")
      }
      // A line end is one line feed, as everywhere in the file.
      if scalar == "\r", cursor.next == "\n" { continue }
      value.append(scalar)
    }
    throw unterminated(line, name)
  }

  private static func doubleQuoted(_ cursor: inout DotenvCursor, _ name: String) throws(Dotenv.Mistake)
    -> String
  {
    let line = cursor.line
    cursor.place += 1
    var value: [Unicode.Scalar] = []
    while let scalar = cursor.next {
      if scalar == "$" { try refuseReference(cursor, name) }
      if scalar == "`" {
        throw disagreement(
          cursor.line, name, "a backtick in double quotes", "a shell runs what it holds", "the others keep it"
        )
      }
      cursor.place += 1
      if scalar == "\"" { return DotenvCursor.string(value) }
      if scalar == "\r", cursor.next == "\n" { continue }
      guard scalar == "\\" else {
        value.append(scalar)
        continue
      }
      let escapes: [Unicode.Scalar: Unicode.Scalar] = [
        "n": "\n", "r": "\r", "t": "\t", "\"": "\"", "\\": "\\", "$": "$",
      ]
      guard let escaped = cursor.next, let meant = escapes[escaped] else {
        throw disagreement(
          cursor.line, name, "a backslash that begins no escape known to all", "some drop it",
          "others keep it")
      }
      cursor.place += 1
      value.append(meant)
    }
    throw unterminated(line, name)
  }

  private static func end(_ cursor: inout DotenvCursor, _ name: String) throws(Dotenv.Mistake) {
    cursor.skipBlanks()
    if cursor.next == "#" { _ = cursor.take { $0 != "\n" && $0 != "\r" } }
    guard cursor.isAtLineEnd else {
      throw disagreement(
        cursor.line, name, "text after the closing quote", "node ends the value at the quote",
        "others take all of it, or refuse it")
    }
    cursor.skipLine()
  }

  /// A dollar that some parser takes for the begin of a reference.
  private static func refuseReference(_ cursor: DotenvCursor, _ name: String) throws(Dotenv.Mistake) {
    guard let next = cursor.peek(1), next.isNamePart || next == "{" || next == "(" || next == "$" else {
      return
    }
    throw disagreement(
      cursor.line, name, "`$`", "some put another variable's value there", "others keep it as it stands")
  }

  private static func disagreement(
    _ line: Int, _ name: String, _ what: String, _ one: String, _ other: String
  ) -> Dotenv.Mistake {
    Dotenv.Mistake(
      line: line, message: "the value of \(name) holds \(what): \(one), \(other)",
      help:
        "put the value in single quotes, or say whose reading is meant: dialect: python, node, npm, compose, "
        + "shell, ruby or go")
  }

  private static func unterminated(_ line: Int, _ name: String) -> Dotenv.Mistake {
    Dotenv.Mistake(
      line: line, message: "the quoted value of \(name) has no end",
      help: "close the quote; what follows would become part of the value")
  }
}
