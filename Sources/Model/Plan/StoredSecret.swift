/// How a stored value stands to its source.
package enum StoredSecretState: String, Sendable, Hashable, Codable {
  case same
  case differs
  /// The platform has no variable of that name.
  case missing
  /// The platform does not show it; shipit wrote this very value, and nobody wrote since, as far as it tells.
  case unreadable
  /// The platform does not show it, and its last write was not of this value or not shipit's.
  case unknown
  /// The platform keeps it, and no source has it.
  case kept
}

/// One secret, where it is kept for those that use it.
package struct StoredSecret: Sendable, Hashable {
  package enum Sink: Sendable, Hashable {
    /// A variable of a service.
    case service(ServiceName, PlatformName)
    /// A secret of GitHub Actions.
    case actions(ActionsSecretsPlace)
  }

  package var sink: Sink
  /// Its name there.
  package var variable: String
  package var secret: String
  package var state: StoredSecretState

  package init(sink: Sink, variable: String, secret: String, state: StoredSecretState) {
    self.sink = sink
    self.variable = variable
    self.secret = secret
    self.state = state
  }
}
