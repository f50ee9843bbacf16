/// libyaml's terse findings in words a reader of the file understands.
enum Explanation {
  /// A byte libyaml refuses to read at all.
  static func reader(_ problem: String, byte: Int, at mark: Mark) -> Problem {
    guard problem.contains("control characters") else {
      return Problem(.encoding, "this is not UTF-8 text", at: mark, help: "save the file as UTF-8")
    }
    let digits = String(byte, radix: 16, uppercase: true)
    let code = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return Problem(
      .syntax, "the control character U+\(code) is not allowed", at: mark,
      help: "remove it, or write it as an escape in a double-quoted text")
  }

  /// - Parameter start: where the construct that went wrong began.
  static func problem(
    _ problem: String, context: String, at mark: Mark, since start: Mark?, in source: SourceFile
  ) -> Problem {
    let line = source.line(mark.line) ?? ""
    let character = line.unicodeScalars.dropFirst(mark.column - 1).first
    let lead = line.unicodeScalars.prefix(while: { $0 == " " || $0 == "\t" })
    var place = mark
    place.endColumn = max(place.endColumn, place.column + 1)

    if lead.contains("\t") || problem.contains("tab character") {
      let column = (lead.firstIndex(of: "\t").map { lead.distance(from: lead.startIndex, to: $0) } ?? 0) + 1
      return Problem(
        .syntax, "this line is indented with a tab",
        at: Mark(
          file: mark.file, line: mark.line, column: column, endColumn: column + 1),
        help: "YAML indents with spaces only")
    }
    if context.contains("flow"), let opened = start ?? nil {
      let text = source.line(opened.line) ?? ""
      let written = text.unicodeScalars.dropFirst(opened.column - 1)
      let bracket = written.first.map { "`\(Character($0))`" } ?? "bracket"
      if line.contains("${") || text.contains("${") {
        return Problem(
          .syntax, "`{` cannot stand in an unquoted value between brackets", at: place,
          help: "quote the value: \"${…}\"",
          related: .init(mark: point(opened), message: "inside this \(bracket)"))
      }
      return Problem(
        .syntax, "a `,` or the closing bracket is missing here", at: place,
        related: .init(mark: point(opened), message: "for this \(bracket)"))
    }
    if problem.contains("unexpected end of stream"), let start {
      return Problem(
        .syntax, "this quotation is never closed", at: point(start), help: "add the closing quote")
    }
    if problem.contains("cannot start any token"), let character {
      return Problem(
        .syntax, "a plain value cannot start with `\(Character(character))`", at: place,
        help: "put the value in quotes")
    }
    switch problem {
    case "mapping values are not allowed in this context":
      return Problem(
        .syntax, "a second `: ` on this line, or an indentation that fits nothing above", at: place,
        help: "quote a value that contains `: `, and indent sister keys alike")
    case "did not find expected key":
      return Problem(
        .syntax, "this does not line up with the keys above", at: place,
        help: "indent it like its sister keys",
        related: start.map { .init(mark: point($0), message: "the mapping begins here") })
    case "did not find expected '-' indicator":
      return Problem(
        .syntax, "this does not line up with the list above", at: place,
        help: "begin each element with `- ` in the same column",
        related: start.map { .init(mark: point($0), message: "the list begins here") })
    case "could not find expected ':'":
      return Problem(
        .syntax, "this key has no `:`", at: start.map(point) ?? place,
        help: "write `key: value`, with a space after the colon")
    case "block sequence entries are not allowed in this context":
      return Problem(
        .syntax, "a list cannot begin here", at: place, help: "put its first `- ` on a line of its own")
    case "found unknown escape character":
      return Problem(
        .syntax, "this escape does not exist in double quotes", at: place,
        help: "write `\\\\` for a backslash, or use single quotes")
    case "did not find expected <document start>":
      return Problem(
        .syntax, "text after the end of the value", at: place,
        help: "indent it, or make it a key of the mapping")
    default:
      return Problem(.syntax, "this is not YAML: \(problem)", at: place)
    }
  }

  private static func point(_ mark: Mark) -> Mark {
    Mark(file: mark.file, line: mark.line, column: mark.column, endColumn: mark.column + 1)
  }
}
