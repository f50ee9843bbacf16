/// One declared target: the decoded `environments/NAME.yaml` over its `extends` base.
package struct Environment: Sendable, Hashable, Codable {
  package var name: String
  package var app: String
  package var state: StateStore
  package var platforms: Platforms
  package var provision: Provision
  package var protect: Protection
  package var secrets: SecretSettings
  /// In the order of the file.
  package var services: [Service]
  package var run: [CommandStep]
  package var checks: [Check]

  package init(
    name: String, app: String, state: StateStore = .local, platforms: Platforms = Platforms(),
    provision: Provision = .adopt, protect: Protection = Protection(),
    secrets: SecretSettings = SecretSettings(),
    services: [Service] = [], run: [CommandStep] = [], checks: [Check] = []
  ) {
    self.name = name
    self.app = app
    self.state = state
    self.platforms = platforms
    self.provision = provision
    self.protect = protect
    self.secrets = secrets
    self.services = services
    self.run = run
    self.checks = checks
  }

  package func service(_ name: ServiceName) -> Service? { services.first { $0.key == name } }
}

/// Where the ledger lives.
package enum StateStore: Sendable, Hashable, Codable {
  case local
  case git
  case postgres(urlSecret: String)
}

/// May missing things be made?
package enum Provision: String, Sendable, Hashable, Codable { case create, adopt, never }

/// Accounts and targets, per platform.
package struct Platforms: Sendable, Hashable, Codable {
  package var railway: RailwayTarget?

  package init(railway: RailwayTarget? = nil) { self.railway = railway }
}

/// Where on Railway the services live.
package struct RailwayTarget: Sendable, Hashable, Codable {
  package var workspace: String?
  /// Name or id.
  package var project: String
  /// Name or id; default: the environment's name is not assumed, `production` is Railway's own default.
  package var environment: String
  /// The name of the secret that holds the token.
  package var tokenSecret: String

  package init(workspace: String? = nil, project: String, environment: String, tokenSecret: String) {
    self.workspace = workspace
    self.project = project
    self.environment = environment
    self.tokenSecret = tokenSecret
  }
}

/// Rules every deploy must satisfy.
package struct Protection: Sendable, Hashable, Codable {
  /// Only commits of this branch.
  package var branch: String?
  /// The whole run's limit; default 30 minutes.
  package var deadline: Duration

  package init(branch: String? = nil, deadline: Duration = .seconds(1800)) {
    self.branch = branch
    self.deadline = deadline
  }
}

/// Where secret values come from; the first source that has a name wins.
package struct SecretSettings: Sendable, Hashable, Codable {
  package enum Source: Sendable, Hashable, Codable { case environment }
  package var sources: [Source]

  package init(sources: [Source] = [.environment]) { self.sources = sources }
}
