package import Concurrency

/// One difference between what a platform has and what shipit last wrote or recorded there: somebody's work by hand.
package struct DriftChange: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable {
    case setting, variable, domain
    /// The platform deploys pushes by itself again.
    case automaticDeploys = "automatic-deploys"
    /// What serves is not what any release put there.
    case deployment
  }

  /// What the next deploy does about it.
  package enum Outlook: String, Sendable, Hashable, Codable {
    /// The file names it: it is written back.
    case putBack = "put-back"
    /// The file does not name it: it stays, and counts as known from the next release of the service on.
    case stays
  }

  package var kind: Kind
  package var name: String
  /// What shipit recorded; nil: nothing was there. For a value that may be secret, its keyed fingerprint.
  package var recorded: String?
  /// What is there now; nil: nothing.
  package var observed: String?
  /// The texts are keyed fingerprints; empty ones are of values that cannot be read.
  package var isFingerprint: Bool
  package var outlook: Outlook
  /// When it was changed, by the platform's own clock, where it tells.
  package var at: Timestamp?

  package init(
    _ kind: Kind, _ name: String, recorded: String?, observed: String?, isFingerprint: Bool = false,
    outlook: Outlook = .putBack, at: Timestamp? = nil
  ) {
    self.kind = kind
    self.name = name
    self.recorded = recorded
    self.observed = observed
    self.isFingerprint = isFingerprint
    self.outlook = outlook
    self.at = at
  }
}

/// What was changed by hand at one service.
package struct ServiceDrift: Sendable, Hashable {
  package var service: ServiceName
  package var platform: PlatformName
  /// The name on the platform.
  package var name: String
  package var changes: [DriftChange]

  package init(service: ServiceName, platform: PlatformName, name: String, changes: [DriftChange]) {
    self.service = service
    self.platform = platform
    self.name = name
    self.changes = changes
  }
}
