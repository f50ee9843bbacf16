import Model

/// Values that look like secrets although they stand in a file that everybody reads.
package enum LiteralSecret {
  private static var prefixes: [(prefix: String, what: String)] { SecretLooks.prefixes }

  /// What a text looks like, or nil.
  static func kind(of text: String) -> String? {
    // Every text of a file is judged, and hardly one is a secret: bytes are compared, not characters.
    if text.utf8.count < shortest { return nil }
    if text.holds("-----BEGIN") && text.holds("PRIVATE KEY") { return "a private key" }
    if text.holds("hooks.slack.com/services/") { return "a Slack webhook" }
    for (prefix, what) in prefixes
    where text.utf8.starts(with: prefix.utf8) && text.count >= prefix.count + 12 {
      if text.dropFirst(prefix.count).allSatisfy({ !$0.isWhitespace }) { return what }
    }
    return credentials(in: text) ? "an address with a password" : nil
  }

  /// `a://:b@`, in bytes.
  private static let shortest = 7

  /// What the text, or one of its words, looks like.
  package static func kind(within text: String) -> String? {
    if let kind = kind(of: text) { return kind }
    // Two words at least, one of them as long as a secret.
    if text.utf8.count < shortestWord + 1 { return nil }
    let scalars = Array(text.unicodeScalars)
    return words(in: text).first.flatMap { column, length in
      kind(of: String(String.UnicodeScalarView(scalars[(column - 1)..<(column - 1 + length)])))
    }
  }

  /// The text with dots in place of such words.
  static func masked(_ text: String) -> String {
    let found = words(in: text)
    guard !found.isEmpty else { return text }
    var scalars = Array(text.unicodeScalars)
    for (column, length) in found.reversed() {
      scalars.replaceSubrange((column - 1)..<(column - 1 + length), with: "•••".unicodeScalars)
    }
    return String(String.UnicodeScalarView(scalars))
  }

  private static let shortestWord = 9

  /// The words of a line that look like secrets: column from 1 and length, in Unicode scalars.
  static func words(in line: String) -> [(column: Int, length: Int)] {
    var found: [(column: Int, length: Int)] = []
    var word = String.UnicodeScalarView()
    var column = 1
    for scalar in Array(line.unicodeScalars) + ["\n"] {
      if scalar.properties.isWhitespace || "\"'`{}[],".unicodeScalars.contains(scalar) {
        // Shorter ones are never secrets, and most are shorter.
        if word.count >= shortestWord, kind(of: String(word)) != nil {
          found.append((column - word.count, word.count))
        }
        word = String.UnicodeScalarView()
      } else {
        word.append(scalar)
      }
      column += 1
    }
    return found
  }

  /// `scheme://user:password@host`
  private static func credentials(in text: String) -> Bool {
    guard text.holds("://"), text.utf8.contains(UInt8(ascii: "@")), let scheme = text.firstRange(of: "://")
    else {
      return false
    }
    let authority = text[scheme.upperBound...].prefix { !"/?#".contains($0) }
    guard let at = authority.lastIndex(of: "@") else { return false }
    let user = authority[..<at]
    guard let colon = user.firstIndex(of: ":") else { return false }
    let password = user[user.index(after: colon)...]
    // A reference is how it ought to be.
    return !password.isEmpty && !password.hasPrefix("${")
  }

  /// `$NAME`, `${NAME}` or `NAME`: somebody who meant a secret's name.
  static func variable(in text: String) -> String? {
    var name = text[...]
    if name.hasPrefix("${"), name.hasSuffix("}") { name = name.dropFirst(2).dropLast() }
    if name.hasPrefix("$") { name = name.dropFirst() }
    let isName =
      !name.isEmpty && name.count <= 64
      && name.allSatisfy { $0 == "_" || ($0.isASCII && ($0.isUppercase || $0.isNumber)) }
      && name.first?.isNumber == false && name.contains(where: \.isLetter)
    return isName && kind(of: String(name)) == nil ? String(name) : nil
  }
}

extension String {
  /// Whether these very bytes stand somewhere in it.
  fileprivate func holds(_ part: String) -> Bool {
    let part = Array(part.utf8)
    var text = self
    return text.withUTF8 { bytes in
      guard part.count <= bytes.count else { return false }
      return (0...(bytes.count - part.count)).contains { start in
        bytes[start] == part[0] && part.indices.allSatisfy { bytes[start + $0] == part[$0] }
      }
    }
  }
}
