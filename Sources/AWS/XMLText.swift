/// Reads the answers of AWS, whose elements have neither attributes that matter nor elements of the same name within.
enum XMLText {
  /// The text of the first element of a name; nil: there is none.
  static func first(_ name: String, in text: String) -> String? {
    inner(name, in: text[...]).map { unescaped($0.text) }
  }

  /// What stands within each element of a name, as it is written.
  static func all(_ name: String, in text: String) -> [String] {
    var found: [String] = []
    var rest = text[...]
    while let next = inner(name, in: rest) {
      found.append(String(next.text))
      rest = next.rest
    }
    return found
  }

  private static func inner(_ name: String, in text: Substring) -> (text: Substring, rest: Substring)? {
    guard let start = text.firstRange(of: "<\(name)>"),
      let end = text[start.upperBound...].firstRange(of: "</\(name)>")
    else { return nil }
    return (text[start.upperBound..<end.lowerBound], text[end.upperBound...])
  }

  private static func unescaped(_ text: Substring) -> String {
    var value = String(text)
    for (entity, sign) in [
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&apos;", "'"), ("&amp;", "&"),
    ] {
      value = value.replacing(entity, with: sign)
    }
    while let last = value.last, last.isWhitespace { value.removeLast() }
    while let first = value.first, first.isWhitespace { value.removeFirst() }
    return value
  }
}
