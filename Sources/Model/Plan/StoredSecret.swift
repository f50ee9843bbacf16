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
}

/// One secret as a variable of a service.
package struct StoredSecret: Sendable, Hashable {
  package var service: ServiceName
  package var platform: PlatformName
  package var variable: String
  package var secret: String
  package var state: StoredSecretState

  package init(
    service: ServiceName, platform: PlatformName, variable: String, secret: String, state: StoredSecretState
  ) {
    self.service = service
    self.platform = platform
    self.variable = variable
    self.secret = secret
    self.state = state
  }
}
