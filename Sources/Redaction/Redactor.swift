/// Masks the values of secrets in text, in the forms in which they usually leak.
///
/// Masked are the value itself, its base64 (wherever it lies in what was encoded, both alphabets, padded or
/// not, broken into lines or not), its hexadecimal, percent-encoded, JSON-escaped, shell-quoted and HTML-escaped forms;
/// for values of several lines also each line, and all of them with other line ends; for addresses also the password;
/// for JSON documents also each text in them.
/// Where matches overlap the whole stretch becomes one replacement, named after the longest of them.
package struct Redactor: Sendable {
  /// What stands in place of a value.
  package enum Style: Sendable {
    /// `[secret NAME]`
    case named
    /// `***`
    case stars
  }

  /// Names of the values that are too short to be masked without spoiling ordinary text.
  package let unmaskable: [String]

  /// Shorter values, in bytes, cannot be masked without spoiling ordinary text.
  package static let shortest = 4

  let automaton: Automaton
  let replacements: [[UInt8]]
  /// Whether any form masks the byte before its first.
  let reachesBack: Bool

  /// - Parameters:
  ///   - secrets: where two have the same value, the first gives its name.
  ///   - minimumLength: shorter values, in bytes, are not masked but listed in `unmaskable`.
  package init(
    secrets: [(name: String, value: String)], style: Style = .named, minimumLength: Int = Redactor.shortest
  ) {
    var unmaskable: [String] = []
    var builder = AutomatonBuilder()
    var reachesBack = false
    for (index, secret) in secrets.enumerated() {
      let forms = SecretForms(secret.value, minimumLength: max(1, minimumLength))
      if forms.isTooShort { unmaskable.append(secret.name) }
      for form in forms.all {
        builder.add(form, secret: index)
        reachesBack = reachesBack || form.reachesBack
      }
    }
    self.unmaskable = unmaskable
    self.reachesBack = reachesBack
    automaton = builder.build()
    replacements = secrets.map { secret in
      switch style {
      case .named: Array("[secret \(secret.name)]".utf8)
      case .stars: Array("***".utf8)
      }
    }
  }

  /// The text without the values.
  package func redact(_ text: String) -> String {
    var text = text
    var isClean = true
    text.withUTF8 { _ = automaton.scan($0, from: Automaton.start) { _, _ in isClean = false } }
    if isClean { return text }
    var stream = RedactionStream(self)
    var safe = stream.feed(Array(text.utf8))
    safe += stream.finish()
    return String(decoding: safe, as: UTF8.self)
  }
}
