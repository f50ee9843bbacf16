/// How a service proves that it answers, and which revision does.
package struct Health: Sendable, Hashable, Codable {
  /// The platform's own gate and what shipit asks; nil: no http health.
  package var path: String?
  /// Overrides the service's address: scheme, host and port, without path.
  package var url: String?
  /// Further paths that must answer 2xx.
  package var probes: [String]
  package var identity: Identity
  /// The budget from the platform's live report to `steady` good answers; also given to the platform's gate.
  package var within: Duration
  /// How many consecutive good answers over fresh connections.
  package var steady: Int
  /// The time after the platform's live report during which failures count as "not yet".
  package var grace: Duration
  /// How long restarts and the probe are watched after the switch.
  package var soak: Duration

  package init(
    path: String? = nil, url: String? = nil, probes: [String] = [], identity: Identity? = nil,
    within: Duration = .seconds(300), steady: Int = 3, grace: Duration = .seconds(20),
    soak: Duration = .seconds(30)
  ) {
    self.path = path
    self.url = url
    self.probes = probes
    self.identity = identity ?? (path == nil ? .platform : .none)
    self.within = within
    self.steady = steady
    self.grace = grace
    self.soak = soak
  }
}

/// Where the served application says which revision it is.
package enum Identity: Sendable, Hashable, Codable {
  /// A member of the JSON answer, dotted path.
  case json(String)
  case header(String)
  /// A regular expression whose first group is the revision.
  case text(String)
  /// The address belongs to the deployment: asked of Vercel's aliases.
  case vercel
  /// Encore's own health answer, `/__encore/healthz`, names the commit (contract encore §9).
  case encore
  /// The deployment's own status and instances: private services, workers, cron.
  case platform
  case none
}

/// How sure we are of what answers; printed by `status`.
package enum Proof: String, Sendable, Hashable, Codable { case served, platform, no }
