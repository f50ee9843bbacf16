import Language

/// Texts that must not be copied anywhere.
enum Sensitive {
  /// Whether a text has something in it that looks like a secret: a known token, a password in an address, a long
  /// run of letters and digits.
  static func looksSecret(_ text: String) -> Bool {
    if LiteralSecret.kind(within: text) != nil { return true }
    return text.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "+" && $0 != "_" }).contains {
      word in
      word.count >= 24 && word.contains(where: \.isNumber) && word.contains(where: \.isLetter)
        && !isIdentifier(word)
    }
  }

  /// Hexadecimal digests name images and commits.
  private static func isIdentifier(_ word: Substring) -> Bool {
    (word.count == 40 || word.count == 64) && word.allSatisfy(\.isHexDigit)
  }

  /// A command as it may be shown: what looks secret becomes dots.
  static func shown(_ text: String) -> String {
    looksSecret(text)
      ? text.split(separator: " ").map { looksSecret(String($0)) ? "•••" : String($0) }.joined(separator: " ")
      : text
  }
}
