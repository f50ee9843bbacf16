import Language
import Model

/// Texts that must not be copied anywhere.
enum Sensitive {
  /// Whether a text has something in it that looks like a secret: a known token, a password in an address, a long
  /// run of letters and digits, a value given to a name or an option of a secret.
  static func looksSecret(_ text: String) -> Bool {
    LiteralSecret.kind(within: text) != nil || SecretLooks.text(text)
  }

  /// A command as it may be shown: what looks secret becomes dots.
  static func shown(_ text: String) -> String {
    let masked = SecretLooks.masked(text)
    guard LiteralSecret.kind(within: masked) != nil else { return masked }
    return masked.split(separator: " ")
      .map { LiteralSecret.kind(within: String($0)) == nil ? String($0) : "•••" }.joined(separator: " ")
  }
}
