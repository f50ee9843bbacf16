/// What stands on a platform now, as adoption takes it up: told by whoever asked the platform, for nothing is asked here.
package struct LiveProject: Sendable, Hashable {
  package var host: Host
  /// The secret that holds the token it was asked with.
  package var token: String
  /// Railway's workspace, Vercel's team; nil where none has to be named.
  package var account: String?
  /// Railway's project.
  package var project: String?
  package var environment: String?
  package var services: [LiveService]

  package init(
    _ host: Host, token: String, account: String? = nil, project: String? = nil, environment: String? = nil,
    services: [LiveService] = []
  ) {
    self.host = host
    self.token = token
    self.account = account
    self.project = project
    self.environment = environment
    self.services = services
  }
}

package struct LiveService: Sendable, Hashable {
  package var name: String
  /// As the environment file would say them.
  package var settings: [SettingKey: String]
  /// Names alone.
  package var variables: Set<String>
  /// `SERVICE.NAME` of variables that refer to another service's.
  package var references: [String: String]
  package var domains: [String]
  package var repository: String?
  package var image: String?
  package var hasVolume: Bool
  package var deploysPushes: Bool

  package init(
    name: String, settings: [SettingKey: String] = [:], variables: Set<String> = [],
    references: [String: String] = [:], domains: [String] = [], repository: String? = nil,
    image: String? = nil, hasVolume: Bool = false, deploysPushes: Bool = false
  ) {
    self.name = name
    self.settings = settings
    self.variables = variables
    self.references = references
    self.domains = domains
    self.repository = repository
    self.image = image
    self.hasVolume = hasVolume
    self.deploysPushes = deploysPushes
  }
}

/// What was asked of the platforms, and what came of it.
package struct LiveFacts: Sendable, Hashable {
  package var projects: [LiveProject] = []
  /// For a person: what was looked at, and what could not be.
  package var notes: [String] = []
  /// Where a platform has several projects that may be meant.
  package var questions: [Question] = []

  package init() {}
}
