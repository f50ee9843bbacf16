/// One declared target: the decoded `environments/NAME.yaml` over its `extends` base.
package struct Environment: Sendable, Hashable, Codable {
  package var name: String
  package var app: String
  package var state: StateStore
  package var platforms: Platforms
  package var provision: Provision
  package var protect: Protection
  package var secrets: SecretSettings
  package var demands: SecretDemands
  /// In the order of the file.
  package var services: [Service]
  /// In the order of the file.
  package var databases: [DatabaseTarget]
  package var run: [CommandStep]
  package var checks: [Check]
  package var notify: [NotificationTarget]
  /// In the order of the file; nil in records of earlier releases, which knew none.
  package var rollouts: [RolloutTarget]?
  /// In the order of the file; nil in records of earlier releases, which knew none.
  package var marks: [MarkTarget]?
  /// What its previews have of their own; nil: nothing.
  package var preview: PreviewSettings?
  /// Which environment's preview it is; nil: none's.
  package var previewOf: PreviewOrigin?

  package init(
    name: String, app: String, state: StateStore = .local, platforms: Platforms = Platforms(),
    provision: Provision = .adopt, protect: Protection = Protection(),
    secrets: SecretSettings = SecretSettings(), demands: SecretDemands = SecretDemands(),
    services: [Service] = [], databases: [DatabaseTarget] = [], run: [CommandStep] = [], checks: [Check] = [],
    notify: [NotificationTarget] = [], rollouts: [RolloutTarget]? = nil,
    marks: [MarkTarget]? = nil
  ) {
    self.name = name
    self.app = app
    self.state = state
    self.platforms = platforms
    self.provision = provision
    self.protect = protect
    self.secrets = secrets
    self.demands = demands
    self.services = services
    self.databases = databases
    self.run = run
    self.checks = checks
    self.notify = notify
    self.rollouts = rollouts
    self.marks = marks
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
  package var vercel: VercelTarget?
  package var encore: EncoreTarget?

  package init(
    railway: RailwayTarget? = nil, vercel: VercelTarget? = nil, encore: EncoreTarget? = nil
  ) {
    self.railway = railway
    self.vercel = vercel
    self.encore = encore
  }
}

extension Platforms {
  /// The names of the secrets by which shipit acts on the accounts; what is deployed does not depend on them.
  package var secretNames: Set<String> {
    Set(
      [
        railway?.tokenSecret, vercel?.tokenSecret, encore?.clientIDSecret, encore?.clientSecretSecret,
        encore?.keySecret,
      ].compactMap(\.self))
  }
}

/// Whose projects on Vercel the services are.
package struct VercelTarget: Sendable, Hashable, Codable {
  /// Slug or id; nil: the token's personal scope.
  package var team: String?
  /// The name of the secret that holds the token.
  package var tokenSecret: String

  package init(team: String? = nil, tokenSecret: String) {
    self.team = team
    self.tokenSecret = tokenSecret
  }
}

/// Which application and environment of Encore Cloud a service stands for.
package struct EncoreTarget: Sendable, Hashable, Codable {
  /// The application's id, as in `encore.app`.
  package var app: String
  package var environment: String
  /// The names of the secrets that hold the OAuth client's id and secret (contract encore §2.1).
  package var clientIDSecret: String
  package var clientSecretSecret: String
  /// The name of the secret that holds an auth key; needed to write secrets and to list environments.
  package var keySecret: String?
  /// How long proposed infrastructure may wait for a person.
  package var approval: Duration

  package init(
    app: String, environment: String, clientIDSecret: String, clientSecretSecret: String,
    keySecret: String? = nil, approval: Duration = .seconds(1800)
  ) {
    self.app = app
    self.environment = environment
    self.clientIDSecret = clientIDSecret
    self.clientSecretSecret = clientSecretSecret
    self.keySecret = keySecret
    self.approval = approval
  }
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
  /// Made out of another environment; nil: it stands for itself.
  package var fork: RailwayFork?

  package init(workspace: String? = nil, project: String, environment: String, tokenSecret: String) {
    self.workspace = workspace
    self.project = project
    self.environment = environment
    self.tokenSecret = tokenSecret
  }
}
