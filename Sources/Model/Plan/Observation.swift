package import Concurrency

/// What runs now, read from one platform.
package struct Observation: Sendable, Hashable {
  package var services: [ServiceName: ObservedService]
  /// What a person should know: an incident, an unusual token, staged changes of others.
  package var notes: [String]
  /// What is left for a person, as far as it is looked for.
  package var manual: [ManualTask]

  package init(
    services: [ServiceName: ObservedService] = [:], notes: [String] = [], manual: [ManualTask] = []
  ) {
    self.services = services
    self.notes = notes
    self.manual = manual
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
  /// When each stored variable was last written, by the platform's own clock; where the platform tells.
  package var variableTimes: [String: Timestamp]
  /// What a rollback of the next deploy could not do, in words: a plan's limit, a migrator's refusal.
  package var restoreNote: String?
  /// Declared domains that the platform does not serve for this service yet.
  package var missingDomains: [String]
  /// Its own domains on the platform; nil: the platform does not tell.
  package var domains: [String]?

  package init(
    target: ServiceTarget, address: String? = nil, settings: ServiceSettings = ServiceSettings(),
    variables: [String: Sensitive?] = [:], live: Deployment? = nil, newest: Deployment? = nil,
    cutOver: CutOver = .gated, autoDeploys: Bool = false, restoreMode: Restore.Mode? = nil,
    connectedSource: String? = nil, variableTimes: [String: Timestamp] = [:], restoreNote: String? = nil,
    missingDomains: [String] = [], domains: [String]? = nil
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
    self.variableTimes = variableTimes
    self.restoreNote = restoreNote
    self.missingDomains = missingDomains
    self.domains = domains
  }
}
