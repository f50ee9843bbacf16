/// As a POSIX shell would set variables from the file. Whatever it would run is refused.
enum ShellDotenv {
  static func read(_ text: String) throws(Dotenv.Mistake) -> [(String, String)] {
    var cursor = DotenvCursor(text)
    var found: [(String, String)] = []
    while !cursor.isAtEnd {
      cursor.skipBlanks()
      if cursor.next == nil { break }
      if cursor.next == "\n" || cursor.next == "#" {
        cursor.skipLine()
        continue
      }
      if cursor.starts(with: "export"), cursor.peek(6)?.isBlank == true {
        cursor.place += 6
        cursor.skipBlanks()
      }
      let line = cursor.line
      let name = cursor.take(while: \.isNamePart)
      guard name.unicodeScalars.first?.isNameStart == true, cursor.take("=") else { throw runs(line) }
      found.append((name, try word(&cursor, name, found)))
      cursor.skipBlanks()
      if cursor.next == "#" { _ = cursor.take { $0 != "\n" } }
      guard cursor.next == nil || cursor.next == "\n" || cursor.take(";") else { throw runs(line) }
    }
    return found
  }

  private static func word(_ cursor: inout DotenvCursor, _ name: String, _ known: [(String, String)])
    throws(Dotenv.Mistake) -> String
  {
    var value: [Unicode.Scalar] = []
    let line = cursor.line
    while let scalar = cursor.next {
      switch scalar {
      case " ", "\t", "\n", ";": return DotenvCursor.string(value)
      case "'":
        cursor.place += 1
        value += cursor.take { $0 != "'" }.unicodeScalars
        guard cursor.take("'") else { throw unterminated(line, name) }
      case "\"":
        cursor.place += 1
        while let inner = cursor.next, inner != "\"" {
          if inner == "\\", let escaped = cursor.peek(1), ["\\", "\"", "$", "`", "\n"].contains(escaped) {
            cursor.place += 2
            if escaped != "\n" { value.append(escaped) }
          } else if inner == "$" || inner == "`" {
            value += try reference(&cursor, name, known).unicodeScalars
          } else {
            value.append(inner)
            cursor.place += 1
          }
        }
        guard cursor.take("\"") else { throw unterminated(line, name) }
      case "\\":
        cursor.place += 1
        if let escaped = cursor.next {
          if escaped != "\n" { value.append(escaped) }
          cursor.place += 1
        }
      case "$", "`": value += try reference(&cursor, name, known).unicodeScalars
      case "&", "|", "<", ">", "(", ")": throw runs(cursor.line)
      default:
        value.append(scalar)
        cursor.place += 1
      }
    }
    return DotenvCursor.string(value)
  }

  private static func reference(_ cursor: inout DotenvCursor, _ name: String, _ known: [(String, String)])
    throws(Dotenv.Mistake) -> String
  {
    let lookUp = { (name: String) in known.last { $0.0 == name }?.1 ?? "" }
    guard cursor.next == "$", let next = cursor.peek(1), next != "(" else {
      if cursor.next == "$", cursor.peek(1) == nil {
        cursor.place += 1
        return "$"
      }
      throw .command(cursor.line, name)
    }
    if next.isNameStart {
      cursor.place += 1
      return lookUp(cursor.take(while: \.isNamePart))
    }
    guard next == "{" else {
      // `$$`, `$?`, `$1` are the shell's own.
      guard next.isNamePart || "$?!#@*-".unicodeScalars.contains(next) else {
        cursor.place += 1
        return "$"
      }
      throw Dotenv.Mistake(
        line: cursor.line, message: "the value of \(name) holds a parameter of the shell itself",
        help: "put the value in single quotes")
    }
    cursor.place += 2
    let other = cursor.take(while: \.isNamePart)
    let found = lookUp(other)
    if cursor.take("}") { return found }
    guard cursor.take(":"), cursor.take("-") else {
      throw Dotenv.Mistake(
        line: cursor.line, message: "the value of \(name) holds an expansion that shipit does not know",
        help: "write the value itself; ${NAME} and ${NAME:-default} are known")
    }
    let standard = cursor.take { $0 != "}" && $0 != "\n" }
    guard cursor.take("}"), !standard.contains("$"), !standard.contains("`") else {
      throw unterminated(cursor.line, name)
    }
    return found.isEmpty ? standard : found
  }

  private static func runs(_ line: Int) -> Dotenv.Mistake {
    Dotenv.Mistake(
      line: line, message: "a shell would run this line as a command; shipit runs nothing from a file",
      help: "write NAME=value without blanks around `=`, and quote values with blanks")
  }

  private static func unterminated(_ line: Int, _ name: String) -> Dotenv.Mistake {
    Dotenv.Mistake(line: line, message: "the quoted value of \(name) has no end", help: "close it")
  }
}
