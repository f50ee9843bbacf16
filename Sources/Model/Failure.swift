/// What went wrong, as data: what happened, where, why, and the next command to type.
package struct Failure: Error, Sendable, Hashable, Codable, CustomStringConvertible {
  /// The class of a failure, which decides the exit code when nothing has been changed yet.
  package enum Kind: String, Sendable, Hashable, Codable {
    case configuration, authentication, policy, stale, leaseHeld, waiting
    /// The platform, a check or a command said no.
    case failed
    /// A limit ran out.
    case timeout
    /// It is not known whether the effect took place.
    case unknown
    case cancelled
    case internalError
  }

  package var kind: Kind
  /// One sentence: what happened and to what.
  package var message: String
  /// Step, file:line:col, platform operation or URL.
  package var place: String?
  /// Why, in the words of whoever said it; already redacted.
  package var cause: String?
  /// The next command to type, or what to change.
  package var hint: String?

  package init(
    _ kind: Kind, _ message: String, place: String? = nil, cause: String? = nil, hint: String? = nil
  ) {
    self.kind = kind
    self.message = message
    self.place = place
    self.cause = cause
    self.hint = hint
  }

  package var description: String {
    [message, cause.map { "because: \($0)" }, hint.map { "next: \($0)" }].compactMap(\.self)
      .joined(separator: "\n  ")
  }

  /// The exit code when this failure ended a command before anything was changed.
  package var exitCode: ExitCode {
    switch kind {
    case .configuration: .usage
    case .authentication: .authentication
    case .policy: .policy
    case .stale: .stale
    case .leaseHeld: .leaseHeld
    case .waiting: .waiting
    case .failed, .timeout: .failedClean
    case .unknown: .failedMixed
    case .cancelled: .interrupted
    case .internalError: .internalError
    }
  }
}
