package import Model
import _StringProcessing

/// Holds values against the rules of the environment file. What it says tells neither a value nor its length.
package enum SecretRuleCheck {
  /// - Returns: for each value that breaks a rule, its name, where the rule stands and what is wrong, by name.
  package static func violations(
    _ rules: [String: SecretRule], _ value: (String) -> Sensitive?
  ) -> [(name: String, place: WrittenPlace, problems: [String])] {
    rules.sorted { $0.key < $1.key }.compactMap { name, rule in
      guard let value = value(name), !value.isEmpty else { return nil }
      let problems = problems(of: value.reveal(), rule)
      return problems.isEmpty ? nil : (name, rule.place, problems)
    }
  }

  private static func problems(of value: String, _ rule: SecretRule) -> [String] {
    var problems: [String] = []
    if let least = rule.atLeast, value.count < least {
      problems.append("it has fewer than \(least) characters")
    }
    if let most = rule.atMost, value.count > most { problems.append("it has more than \(most) characters") }
    if let pattern = rule.pattern, let regex = try? Regex(pattern),
      (try? regex.firstMatch(in: value)) == nil
    {
      problems.append("it does not match \(pattern)")
    }
    if !rule.allowsPlaceholder, isPlaceholder(value) {
      problems.append("it is a placeholder, which somebody was to replace")
    }
    return problems
  }

  /// Whether a value was meant to be replaced before it is used.
  package static func isPlaceholder(_ value: String) -> Bool {
    let text = value.lowercased().filter { !$0.isWhitespace }
    let letters = text.filter { $0.isLetter || $0.isNumber }
    if Set(letters).count <= 1 { return true }
    if words.contains(letters) { return true }
    if parts.contains(where: letters.contains) { return true }
    // <your key>, {{ key }}, ${KEY}, %KEY%: nobody filled the template in.
    for (opening, closing) in [("<", ">"), ("{{", "}}"), ("${", "}"), ("[", "]"), ("%", "%")]
    where text.count > 2 && text.hasPrefix(opening) && text.hasSuffix(closing) {
      return true
    }
    return text.hasPrefix("your-") || text.hasPrefix("your_")
      || letters.hasPrefix("your") && letters.hasSuffix("here")
  }

  private static let words: Set = [
    "todo", "tbd", "fixme", "none", "null", "nil", "undefined", "secret", "password", "example", "dummy",
    "test",
    "testing", "sample", "default", "value", "foobar", "asdf", "qwerty", "abc123", "123456", "1234567890",
  ]
  private static let parts = [
    "changeme", "changethis", "replaceme", "replacethis", "placeholder", "insertyour", "enteryour", "putyour",
    "fillmein", "notasecret", "xxxxx",
  ]
}
