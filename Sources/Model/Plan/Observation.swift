/// What runs now, read from one platform.
package struct Observation: Sendable, Hashable {
  package var services: [ServiceName: ObservedService]
  /// What a person should know: an incident, an unusual token, staged changes of others.
  package var notes: [String]

  package init(services: [ServiceName: ObservedService] = [:], notes: [String] = []) {
    self.services = services
    self.notes = notes
  }
}

/// One service as its platform has it.
package struct ObservedService: Sendable, Hashable {
  package var target: ServiceTarget
  /// The service's address: scheme, host and port; nil when it has none.
  package var address: String?
  package var settings: ServiceSettings
  /// Stored variables, unrendered; a nil value exists but cannot be read.
  package var variables: [String: Sensitive?]
  /// What serves traffic.
  package var live: Deployment?
  /// The newest attempt.
  package var newest: Deployment?
  package var cutOver: CutOver
  /// The platform deploys pushes by itself.
  package var autoDeploys: Bool
  /// How the live deployment could be restored later.
  package var restoreMode: Restore.Mode?
  /// Repository or image the instance is connected to, in the platform's words.
  package var connectedSource: String?

  package init(
    target: ServiceTarget, address: String? = nil, settings: ServiceSettings = ServiceSettings(),
    variables: [String: Sensitive?] = [:], live: Deployment? = nil, newest: Deployment? = nil,
    cutOver: CutOver = .gated, autoDeploys: Bool = false, restoreMode: Restore.Mode? = nil,
    connectedSource: String? = nil
  ) {
    self.target = target
    self.address = address
    self.settings = settings
    self.variables = variables
    self.live = live
    self.newest = newest
    self.cutOver = cutOver
    self.autoDeploys = autoDeploys
    self.restoreMode = restoreMode
    self.connectedSource = connectedSource
  }
}
