package import YAML

/// One finding about an environment file.
package struct Diagnostic: Sendable, Hashable {
  package enum Severity: String, Sendable, Hashable, CaseIterable {
    /// The file has no meaning as it stands.
    case error
    /// It has one, but probably not the wanted one.
    case warning
    /// Worth knowing; `not-supported` is one until something is to be done with the file.
    case note
  }

  /// The stable word for a kind of finding, printed in brackets.
  package enum Code: String, Sendable, Hashable, CaseIterable {
    // The text itself.
    case syntax, encoding
    case tooLarge = "too-large"
    case tooDeep = "too-deep"
    case aliasBomb = "alias-bomb"
    case duplicateKey = "duplicate-key"
    case unknownAlias = "unknown-alias"
    case severalDocuments = "several-documents"
    case unsupportedYAML = "unsupported-yaml"
    case unreadableFile = "unreadable-file"
    // Keys.
    case unknownKey = "unknown-key"
    case missingKey = "missing-key"
    case conflictingKeys = "conflicting-keys"
    case wrongPlatform = "wrong-platform"
    case noValue = "no-value"
    case nothingRemoved = "nothing-removed"
    // Values.
    case wrongType = "wrong-type"
    case notABoolean = "not-a-boolean"
    case badNumber = "bad-number"
    case badDuration = "bad-duration"
    case badSize = "bad-size"
    case badText = "bad-text"
    case badName = "bad-name"
    case unknownWord = "unknown-word"
    case emptyList = "empty-list"
    case outOfRange = "out-of-range"
    case notASecret = "not-a-secret"
    case literalSecret = "literal-secret"
    case unknownTimezone = "unknown-timezone"
    // References.
    case unknownReference = "unknown-reference"
    case foreignReference = "foreign-reference"
    case unclosedReference = "unclosed-reference"
    case misplacedReference = "misplaced-reference"
    // What the parts say of each other.
    case unknownService = "unknown-service"
    case unknownNeed = "unknown-need"
    case cycle
    case duplicateName = "duplicate-name"
    case undeclaredPlatform = "undeclared-platform"
    case identityWithoutPath = "identity-without-path"
    case contradiction
    case inventedCommand = "invented-command"
    case wrongEnvironment = "wrong-environment"
    // Bases.
    case extendsCycle = "extends-cycle"
    case extendsOutside = "extends-outside"
    case missingFile = "missing-file"
    case unknownEnvironment = "unknown-environment"
    // What no room acts on yet.
    case notSupported = "not-supported"
  }

  /// A second place that belongs to the finding, with what stands there.
  package struct Related: Sendable, Hashable {
    package var mark: Mark
    package var message: String

    package init(mark: Mark, message: String) {
      self.mark = mark
      self.message = message
    }
  }

  package var severity: Severity
  package var code: Code
  package var message: String
  package var mark: Mark
  /// The dotted path of the key or value, such as `services.api.health.within`.
  package var path: String
  package var help: String?
  package var related: [Related]
  /// Whether what stands at the mark must not be printed.
  package var conceals: Bool

  package init(
    _ severity: Severity, _ code: Code, _ message: String, at mark: Mark, path: String = "",
    help: String? = nil, related: [Related] = [], conceals: Bool = false
  ) {
    self.severity = severity
    self.code = code
    self.message = message
    self.mark = mark
    self.path = path
    self.help = help
    self.related = related
    self.conceals = conceals
  }

  /// A problem of the YAML itself; always an error.
  package init(_ problem: Problem) {
    let code: Code =
      switch problem.code {
      case .syntax: .syntax
      case .encoding: .encoding
      case .tooLarge: .tooLarge
      case .tooDeep: .tooDeep
      case .aliasBomb: .aliasBomb
      case .duplicateKey: .duplicateKey
      case .unknownAlias: .unknownAlias
      case .severalDocuments: .severalDocuments
      case .unsupported: .unsupportedYAML
      }
    self.init(
      .error, code, problem.message, at: problem.mark, help: problem.help,
      related: problem.related.map { [Related(mark: $0.mark, message: $0.message)] } ?? [])
  }
}

extension Diagnostic: Comparable {
  /// By place; at one place errors come first.
  package static func < (left: Self, right: Self) -> Bool {
    if left.mark != right.mark { return left.mark < right.mark }
    if left.severity != right.severity { return left.severity.rank < right.severity.rank }
    return (left.code.rawValue, left.message) < (right.code.rawValue, right.message)
  }
}

extension Diagnostic.Severity {
  fileprivate var rank: Int {
    switch self {
    case .error: 0
    case .warning: 1
    case .note: 2
    }
  }
}
