import Concurrency

/// What can be seen of a PromQL query without the grammar: what it calls, selects and looks back over.
struct QueryText {
  let text: String
  /// The query without the contents of its texts and without comments, runs of blanks as one.
  let code: String
  /// The texts that stood in it, in order.
  private let texts: [String]

  init(_ query: String) {
    text = query
    var (code, texts): (String, [String]) = ("", [])
    var rest = Array(query)[...]
    while let next = rest.popFirst() {
      switch next {
      case "\"", "'", "`":
        var inside = ""
        while let letter = rest.popFirst(), letter != next {
          inside.append(letter)
          if letter == "\\", next != "`", let escaped = rest.popFirst() { inside.append(escaped) }
        }
        texts.append(inside)
        code += "\"\""
      case "#": rest = rest.drop { !$0.isNewline }
      case _ where next.isWhitespace: if code.last != " " { code.append(" ") }
      default: code.append(next)
      }
    }
    self.code = code
    self.texts = texts
  }

  /// A share, a quantile or a mean: a number that chance moves when few requests stand behind it.
  var isRate: Bool {
    code.contains("/") || ["histogram_quantile", "quantile", "avg"].contains(where: calls)
  }

  var isAggregated: Bool {
    [
      "sum", "avg", "min", "max", "count", "quantile", "histogram_quantile", "scalar", "absent", "vector",
      "group",
    ]
    .contains(where: calls)
  }

  /// A matcher for statuses of failures: `=~"5.."`, `="500"`.
  var selectsFailures: Bool {
    guard code.contains("/") else { return false }
    for (piece, text) in zip(code.split(separator: "\"\"", omittingEmptySubsequences: false), texts) {
      let isMatched = piece.hasSuffix("=~") || (piece.hasSuffix("=") && !piece.hasSuffix("!="))
      if isMatched, text.count >= 3, text.drop(while: { "^(".contains($0) }).first == "5" { return true }
    }
    return false
  }

  /// Whether the function or aggregation is called, with or without `by (…)` before its argument.
  func calls(_ name: String) -> Bool {
    var rest = code[...]
    while let found = rest.firstRange(of: name) {
      let before = code[..<found.lowerBound].last
      let after = code[found.upperBound...].drop { $0 == " " }
      rest = rest[found.upperBound...]
      let isWhole = before.map { !Self.isWord($0) } ?? true
      if isWhole, after.hasPrefix("(") || after.hasPrefix("by") || after.hasPrefix("without") { return true }
    }
    return false
  }

  /// Whether each series of requests is matched by the label, and there is one.
  ///
  /// `!=` and `!~` do not count: they are about the others.
  func hasLabelEverywhere(_ label: String) -> Bool {
    // `up` speaks of instances, not of requests.
    let requests = QuerySelectors.all(in: code).filter { $0.name != "up" }
    return !requests.isEmpty
      && requests.allSatisfy { selector in
        selector.matchers.split(separator: ",").contains { matcher in
          let trimmed = matcher.drop { $0 == " " }
          let name = trimmed.prefix(while: Self.isWord)
          return name == label && trimmed.dropFirst(name.count).drop { $0 == " " }.hasPrefix("=")
        }
      }
  }

  /// The ranges that its numbers come from: `[5m]`. One behind `unless` only tells what is left out.
  var windows: [Duration] {
    var (windows, rest) = ([Duration](), code[...])
    while let start = rest.firstIndex(of: "[") {
      rest = rest[code.index(after: start)...]
      if isLeftOut(start) { continue }
      if let window = Self.duration(rest.prefix { $0 != "]" && $0 != ":" }) { windows.append(window) }
    }
    return windows
  }

  /// Whether the place lies in what stands to the right of an `unless`.
  private func isLeftOut(_ place: String.Index) -> Bool {
    guard let word = code[..<place].ranges(of: " unless ").last else { return false }
    var depth = 0
    for letter in code[word.upperBound..<place] {
      depth += letter == "(" ? 1 : letter == ")" ? -1 : 0
      if depth < 0 { return false }
    }
    return true
  }

  /// As PromQL writes it: `1h30m`, `500ms`.
  static func duration(_ text: some StringProtocol) -> Duration? {
    let units: [String: Int64] = [
      "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000,
    ]
    var (total, rest) = (Int64(0), text.drop { $0 == " " })
    guard !rest.isEmpty else { return nil }
    while let first = rest.first, first != " " {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let count = Int64(digits), count < 1_000_000, let width = units[String(unit)] else { return nil }
      total += count * width
    }
    return .milliseconds(total)
  }

  static func isWord(_ letter: Character) -> Bool {
    letter.isLetter || letter.isNumber || letter == "_" || letter == ":"
  }
}
