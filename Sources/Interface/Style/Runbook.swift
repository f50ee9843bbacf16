package import Model

/// The pages for 03:00, `runbooks/NAME.md`, which `shipit runbook NAME` prints.
package enum Runbook: String, Sendable, Hashable, CaseIterable {
  case deployFailed = "deploy-failed"
  case rollbackFailed = "rollback-failed"
  case mixedState = "mixed-state"
  case leaseHeld = "lease-held"
  case platformDown = "platform-down"

  /// The page for a failure that ended a command before anything began; nil when its own words are enough.
  package init?(_ failure: Failure) {
    let isDown = PlatformName.allCases.contains { platform in
      ["cannot be reached", "has trouble"].contains { failure.message.contains("\(platform.title) \($0)") }
    }
    if isDown {
      self = .platformDown
    } else if failure.kind == .leaseHeld {
      self = .leaseHeld
    } else {
      return nil
    }
  }

  /// The page for a run that did not end well; nil for one that did, or that was only interrupted.
  init?(_ summary: RunSummary) {
    switch (summary.state, summary.exit) {
    case (_, .done): return nil
    case (_, .rollbackFailed): self = .rollbackFailed
    case (.mixed, _), (_, .failedMixed): self = .mixedState
    case (.rolledBack, _), (.unchanged, _):
      guard summary.interruption == nil else { return nil }
      self = summary.failure.flatMap { Runbook($0) } ?? .deployFailed
    case (.released, _), (.restored, _), (.inFlight, _), (.abandoned, _): return nil
    }
  }

  var command: String { "shipit runbook \(rawValue)" }
}
