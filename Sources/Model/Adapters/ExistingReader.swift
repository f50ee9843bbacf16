/// What stands on a platform already, for an environment file that is written from it. Names of variables alone are
/// told, and never a value.
package struct ExistingProject: Sendable, Hashable {
  /// The account: Railway's workspace where a token sees several, Vercel's team. Nil where none has to be named.
  package var account: String?
  /// Railway's project; on Vercel nil, where each service is a project of its own.
  package var project: String?
  package var environment: String?
  package var services: [ExistingService]
  /// What a person should know.
  package var notes: [String]

  package init(
    account: String? = nil, project: String? = nil, environment: String? = nil,
    services: [ExistingService] = [], notes: [String] = []
  ) {
    self.account = account
    self.project = project
    self.environment = environment
    self.services = services
    self.notes = notes
  }
}

/// A service that stands there.
package struct ExistingService: Sendable, Hashable {
  package var name: String
  package var settings: ServiceSettings
  package var variables: Set<String>
  /// Variables that refer to another service's on the same platform, as `SERVICE.NAME`.
  package var references: [String: String]
  package var domains: [String]
  /// `acme/api`, in the platform's words.
  package var repository: String?
  package var image: String?
  package var hasVolume: Bool
  /// Pushes are deployed by the platform itself.
  package var deploysPushes: Bool

  package init(
    name: String, settings: ServiceSettings = ServiceSettings(), variables: Set<String> = [],
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

/// What is looked for.
package struct ExistingQuery: Sendable, Hashable {
  /// Railway's project, by its name or id.
  package var project: String
  package var environment: String
  /// Names that a service of this repository may have.
  package var names: Set<String>
  /// `acme/shop`, of the remote; nil where there is none.
  package var repository: String?
  /// The secret that holds the token.
  package var tokenSecret: String

  package init(
    project: String, environment: String, names: Set<String>, repository: String?, tokenSecret: String
  ) {
    self.project = project
    self.environment = environment
    self.names = names
    self.repository = repository
    self.tokenSecret = tokenSecret
  }
}

package enum ExistingAnswer: Sendable, Hashable {
  case found(ExistingProject)
  /// None of that name, or several: these there are.
  case choose([String])
}

/// Tells what stands on a platform. Changes nothing.
package protocol ExistingReader: Sendable {
  /// - Throws: `Failure` of kind authentication when the token is refused or of a kind that cannot look.
  func existing(_ query: ExistingQuery) async throws(Failure) -> ExistingAnswer
}
