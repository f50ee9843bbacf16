/// One series that a query selects: `http_requests_total{code="500"}`, or a name alone.
struct QuerySelector {
  /// Empty where the braces stand alone.
  var name: Substring
  /// What stands between the braces; empty without them.
  var matchers: Substring
}

/// Finds the series in the code of a query, which a name without braces is too.
enum QuerySelectors {
  /// Words that are followed by labels.
  private static let groupings: Set = ["by", "without", "on", "ignoring", "group_left", "group_right"]
  private static let words: Set = ["and", "or", "unless", "offset", "bool", "inf", "nan", "atan2"]

  /// - Parameter code: of a `QueryText`.
  static func all(in code: String) -> [QuerySelector] {
    var (found, rest): ([QuerySelector], Substring) = ([], code[...])
    while let next = rest.first {
      switch next {
      case "[": rest = behind("]", rest)
      case "$": rest = rest.dropFirst().first == "{" ? behind("}", rest) : rest.dropFirst()
      case "{":
        found.append(QuerySelector(name: "", matchers: inside(rest)))
        rest = behind("}", rest)
      case _ where next.isNumber:
        // 5m, 1.5e3
        rest = rest.drop { QueryText.isWord($0) || $0 == "." }
      case _ where QueryText.isWord(next):
        let name = rest.prefix(while: QueryText.isWord)
        rest = rest.dropFirst(name.count).drop { $0 == " " }
        let word = name.lowercased()
        if groupings.contains(word) {
          if rest.first == "(" { rest = behind(")", rest) }
        } else if rest.first == "{" {
          found.append(QuerySelector(name: name, matchers: inside(rest)))
          rest = behind("}", rest)
        } else if !words.contains(word), rest.first != "(", !isAggregation(rest) {
          found.append(QuerySelector(name: name, matchers: ""))
        }
      default: rest = rest.dropFirst()
      }
    }
    return found
  }

  /// `sum by (…) (…)`: what stands before `by` is no series.
  private static func isAggregation(_ rest: Substring) -> Bool {
    ["by", "without"].contains(rest.prefix(while: QueryText.isWord).lowercased())
  }

  private static func inside(_ braces: Substring) -> Substring { braces.dropFirst().prefix { $0 != "}" } }

  private static func behind(_ end: Character, _ rest: Substring) -> Substring {
    rest.drop { $0 != end }.dropFirst()
  }
}
