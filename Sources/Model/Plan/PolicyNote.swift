/// What one rule of `protect` says of a plan, for people.
package struct PolicyNote: Sendable, Hashable, Codable {
  /// The rule's key: `branch`, `freeze`, `after`, `approval`.
  package var rule: String
  /// A deploy would not be stopped by it now.
  package var isMet: Bool
  package var words: String

  package init(rule: String, isMet: Bool, words: String) {
    self.rule = rule
    self.isMet = isMet
    self.words = words
  }
}
