/// Finds out what names stand for.
package protocol NameLookup: Sendable {
  /// The addresses of a name as any program of this machine would get them, in numbers, each once.
  /// - Throws: `NameError`.
  func addresses(of name: String, within timeout: Duration) async throws(NameError) -> [String]

  /// What the name's own CNAME record points to, without the last dot; nil when it has none.
  /// - Throws: `NameError`.
  func alias(of name: String, within timeout: Duration) async throws(NameError) -> String?
}

/// Why a name stands for nothing.
package struct NameError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: String, Sendable, Hashable {
    /// There is no such name, or nothing of the wanted kind.
    case notFound
    /// No name server answered, or the time is over.
    case noAnswer
    case cancelled
    case other
  }

  package var code: Code
  package var message: String

  package init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}
