/// What is wrong with a text as YAML.
package struct Problem: Error, Sendable, Hashable {
  package enum Code: String, Sendable, Hashable {
    /// libyaml could not go on.
    case syntax
    case encoding
    case tooLarge = "too-large"
    case tooDeep = "too-deep"
    /// Aliases expand to too much.
    case aliasBomb = "alias-bomb"
    case duplicateKey = "duplicate-key"
    case unknownAlias = "unknown-alias"
    case severalDocuments = "several-documents"
    /// A mapping key that is no text, a merge of something else than mappings, a tag of somebody's own.
    case unsupported = "unsupported-yaml"
  }

  package var code: Code
  package var message: String
  package var mark: Mark
  package var help: String?
  /// A second place that belongs to the problem, with what it is.
  package var related: Related?

  package struct Related: Sendable, Hashable {
    package var mark: Mark
    package var message: String

    package init(mark: Mark, message: String) {
      self.mark = mark
      self.message = message
    }
  }

  package init(
    _ code: Code, _ message: String, at mark: Mark, help: String? = nil, related: Related? = nil
  ) {
    self.code = code
    self.message = message
    self.mark = mark
    self.help = help
    self.related = related
  }
}
