/// One node of a plan.
package struct Step: Sendable, Hashable, Codable {
  package var id: StepID
  /// What it does, for people: "deploy api".
  package var title: String
  package var service: ServiceName?
  /// Steps that must have ended well before this one begins.
  package var needs: [StepID]
  package var action: StepAction
  /// Its own limit, from begin to end.
  package var limit: Duration
  /// New code answers users when it has ended well; the ledger is written before it begins.
  package var isCutOver: Bool
  /// Safe to perform again without a probe: it reads, or its effect is the same when repeated.
  package var isRepeatable: Bool
  /// Steps sharing a lane run at most as many at once as the lane allows; nil: unbounded.
  package var lane: Lane?
  /// What takes the effect back, in order, when the run is rolled back and the effect (or part) took place.
  package var undo: [Step]
  /// What proves that the previous state still holds when the step was begun but moved nothing.
  package var affirm: [Step]
  /// Expected duration, for the order of starts (critical path first) and for display.
  package var expected: Duration

  package init(
    id: StepID, title: String, service: ServiceName? = nil, needs: [StepID] = [], action: StepAction,
    limit: Duration, isCutOver: Bool = false, isRepeatable: Bool = false, lane: Lane? = nil,
    undo: [Step] = [], affirm: [Step] = [], expected: Duration = .seconds(1)
  ) {
    self.id = id
    self.title = title
    self.service = service
    self.needs = needs
    self.action = action
    self.limit = limit
    self.isCutOver = isCutOver
    self.isRepeatable = isRepeatable
    self.lane = lane
    self.undo = undo
    self.affirm = affirm
    self.expected = expected
  }
}

extension Step {
  /// What it does cannot simply be done again or left: every ledger has to know of its begin before it begins
  /// (DESIGN §7).
  package var isPointOfNoReturn: Bool {
    switch action {
    case .migrate, .restoreDatabase: true
    default: isCutOver
    }
  }
}

/// What bounds how many steps run at once.
package enum Lane: String, Sendable, Hashable, Codable {
  case railway, vercel, encore, commands

  /// How many steps of the lane run at once.
  package var width: Int {
    switch self {
    case .railway, .vercel: 8
    case .encore: 4
    // As many as Terraform runs by default; `needs` narrows it.
    case .commands: 10
    }
  }
}

extension PlatformName {
  /// What bounds the platform's steps.
  package var lane: Lane {
    switch self {
    case .railway: .railway
    case .vercel: .vercel
    case .encore: .encore
    }
  }
}

/// What a step does. Payloads hold no secret value: only names and fingerprints.
package enum StepAction: Sendable, Hashable, Codable {
  case settings(SettingsWrite)
  case variables(VariablesWrite)
  case deploy(Deployment.Request)
  case restore(Restore)
  case promote(Promotion)
  case buildImage(ImageBuild)
  case prove(ProofRequest)
  case soak(ProofRequest)
  case command(CommandStep)
  case check(Check, addresses: [String: String])
  case migrate(SchemaChange)
  case scripts(ScriptRun)
  case backup(BackupRequest)
  case restoreDatabase(DatabaseRestore)
  case actionsSecrets(ActionsSecretsWrite)
  case create(Creation)

  /// Which kind of performer carries it out.
  package var performer: PerformerKind {
    switch self {
    case .settings(let write): .platform(write.target.platform)
    case .variables(let write): .platform(write.target.platform)
    case .deploy(let request): .platform(request.target.platform)
    case .restore(let restore): .platform(restore.target.platform)
    case .promote(let promotion): .platform(promotion.target.platform)
    case .buildImage: .images
    case .prove, .soak: .probing
    case .command: .commands
    case .migrate, .scripts: .databases
    case .backup, .restoreDatabase: .backups
    case .actionsSecrets: .actionsSecrets
    case .create(let creation): .platform(creation.account.platform)
    case .check(let check, _):
      switch check.kind {
      case .http, .websocket, .tcp, .tls, .dns: .probing
      case .command: .commands
      }
    }
  }
}

extension Step {
  /// It asks what is served and changes nothing, here or elsewhere.
  package var onlyLooks: Bool { action.performer == .probing }
}

/// Who carries a step out.
package enum PerformerKind: Sendable, Hashable {
  case platform(PlatformName)
  case probing
  case commands
  /// Builds images here, for a platform to pull.
  case images
  /// Changes the schemas of databases.
  case databases
  /// Copies databases, and puts copies in their place.
  case backups
  /// Writes secrets of GitHub Actions.
  case actionsSecrets
}

/// A service on its platform, resolved to ids.
package struct ServiceTarget: Sendable, Hashable, Codable {
  package var service: ServiceName
  package var platform: PlatformName
  /// The name on the platform, for messages.
  package var name: String
  /// The platform's ids by the adapter's own names, such as `service`, `environment`, `project`.
  package var ids: [String: String]

  package init(service: ServiceName, platform: PlatformName, name: String, ids: [String: String]) {
    self.service = service
    self.platform = platform
    self.name = name
    self.ids = ids
  }
}

/// Writes settings and limits; nothing is deployed by it.
package struct SettingsWrite: Sendable, Hashable, Codable {
  package var target: ServiceTarget
  /// Only managed fields are set.
  package var settings: ServiceSettings
  package var changes: [SettingChange]
  /// Settings to be emptied on the platform, by the names of `changes`.
  package var clear: [String]
  /// Turn the platform's own deploys of pushes off or on; nil leaves them.
  package var autoDeploys: Bool?
  /// Domains to add to the service; none is ever taken away.
  package var domains: [String]

  package init(
    target: ServiceTarget, settings: ServiceSettings, changes: [SettingChange], clear: [String] = [],
    autoDeploys: Bool? = nil, domains: [String] = []
  ) {
    self.target = target
    self.settings = settings
    self.changes = changes
    self.clear = clear
    self.autoDeploys = autoDeploys
    self.domains = domains
  }
}

/// Writes variables with deploys suppressed; unknown remote ones are kept.
package struct VariablesWrite: Sendable, Hashable, Codable {
  package var target: ServiceTarget
  package var set: [String: PlannedValue]
  package var remove: [String]

  package init(target: ServiceTarget, set: [String: PlannedValue], remove: [String] = []) {
    self.target = target
    self.set = set
    self.remove = remove
  }
}

/// The value a variable is to get.
package enum PlannedValue: Sendable, Hashable, Codable {
  /// The platform's own text, references already in its syntax.
  case text(String)
  /// The named secret's value; the keyed fingerprint tells whether it is still the planned one.
  case secret(name: String, fingerprint: String)
  /// The value that a deployment ran with, read from the platform's own copy.
  case deployment(id: String)
}

/// Takes a service back to a deployment it had.
package struct Restore: Sendable, Hashable, Codable {
  package enum Mode: String, Sendable, Hashable, Codable {
    /// The old image with the old variables.
    case codeAndVariables
    /// The old image with today's variables.
    case codeOnly
    /// The image has expired: the old source is built again.
    case rebuild
    /// The platform has no rollback: the old commit is rolled out again, with today's variables.
    case redeploy
  }

  package var target: ServiceTarget
  /// The old, good deployment.
  package var deployment: String
  package var commit: String?
  package var mode: Mode
  package var limit: Duration

  package init(target: ServiceTarget, deployment: String, commit: String?, mode: Mode, limit: Duration) {
    self.target = target
    self.deployment = deployment
    self.commit = commit
    self.mode = mode
    self.limit = limit
  }
}

/// Gives users a deployment that was proven dark.
package struct Promotion: Sendable, Hashable, Codable {
  package var target: ServiceTarget
  /// The step whose result names the deployment.
  package var deploymentStep: StepID
  /// What served when the plan was made; when something else does just before, somebody else deployed.
  package var expected: String?
  package var commit: String

  package init(target: ServiceTarget, deploymentStep: StepID, expected: String?, commit: String) {
    self.target = target
    self.deploymentStep = deploymentStep
    self.expected = expected
    self.commit = commit
  }
}

/// Builds a container image of an Encore application here and pushes it (contract encore §8).
package struct ImageBuild: Sendable, Hashable, Codable {
  package var service: ServiceName
  /// The application's directory, relative to the project.
  package var path: String
  /// The reference to push, with an immutable tag.
  package var image: String
  /// The infrastructure configuration, relative to the project.
  package var configuration: String?
  /// The full commit; the image must report it.
  package var commit: String
  /// Names of the variables the service will have: every `$env` of the configuration must be among them.
  package var variables: [String]

  package init(
    service: ServiceName, path: String, image: String, configuration: String?, commit: String,
    variables: [String]
  ) {
    self.service = service
    self.path = path
    self.image = image
    self.configuration = configuration
    self.commit = commit
    self.variables = variables
  }
}

/// Proves that a service answers, and with which revision.
package struct ProofRequest: Sendable, Hashable, Codable {
  package var target: ServiceTarget
  /// Scheme, host and port; nil when there is nothing to ask.
  package var address: String?
  package var health: Health
  /// The full commit that must answer; nil when it is not known.
  package var commit: String?
  /// The step whose result names the deployment to watch, or a deployment known beforehand.
  package var deploymentStep: StepID?
  package var deployment: String?
  /// The deployment is asked at its own address, the fact `address` of `deploymentStep`, with the platform's
  /// access headers: the public does not get it yet.
  package var isDark: Bool

  package init(
    target: ServiceTarget, address: String?, health: Health, commit: String?, deploymentStep: StepID? = nil,
    deployment: String? = nil, isDark: Bool = false
  ) {
    self.target = target
    self.address = address
    self.health = health
    self.commit = commit
    self.deploymentStep = deploymentStep
    self.deployment = deployment
    self.isDark = isDark
  }
}
