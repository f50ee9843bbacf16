/// A graph of steps: what will be done to make the environment as declared. A value: printed, compared, resumed.
package struct Plan: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable {
    case deploy, rollback
    /// The schemas of databases alone.
    case migrate
    /// Copies of databases.
    case backup
    /// A copy in the place of a database.
    case restore
    /// The stored values of secrets alone; what runs keeps the ones it was started with.
    case secrets
    /// What the file names and the platforms lack, before a deploy.
    case provision

    /// It changes the code or the configuration of services.
    package var isAboutServices: Bool {
      switch self {
      case .deploy, .rollback: true
      case .migrate, .backup, .restore, .secrets, .provision: false
      }
    }
  }

  package var kind: Kind
  package var app: String
  package var environment: String
  package var commit: String
  /// The commit's first line, for people.
  package var subject: String
  package var isDirty: Bool
  /// In an order in which every step comes after what it needs.
  package var steps: [Step]
  /// Per service, what changes and how it goes live.
  package var services: [PlannedService]
  /// What a person should know before agreeing.
  package var warnings: [String]
  package var deadline: Duration
  /// Binds configuration, commit and secret fingerprints, never observed ids: equal digests may be resumed.
  package var digest: String
  /// For a rollback: the release that is restored.
  package var restores: Int?
  /// For a rollback: why that one, in words; nil when it was guessed.
  package var choice: String?
  /// There was something live for every service before: a failure can be put back.
  package var hasPrevious: Bool
  package var reason: String?
  /// What every service of the environment runs before this plan, as far as it is recorded.
  package var before: [ServiceName: ReleasedService]
  /// Go-live order of all services.
  package var order: [ServiceName]
  /// The declared environment, resolved; it names secrets and holds none.
  package var configuration: Environment?
  /// What the digest is made of, so that it can be told what moved; nil in records of earlier versions.
  package var binding: PlanBinding?
  /// What people decided that this plan relies upon; nil: nothing.
  package var decisions: [Decision]?
  /// What it does to the secrets of GitHub Actions, and what is known of them; nil: shipit keeps none.
  package var actions: PlannedActionsSecrets?
  /// What goes with it and is no step of its run; nil: the environment has no rollouts.
  package var rollouts: [PlannedRollout]?
  /// What is left for a person; nil: nothing.
  package var manual: [ManualTask]?
  /// Of a plan that makes what is missing: the services that are deployed right after it, as far as that is known.
  package var then: [PlannedService]?

  package init(
    kind: Kind, app: String, environment: String, commit: String, subject: String = "", isDirty: Bool = false,
    steps: [Step], services: [PlannedService] = [], warnings: [String] = [], deadline: Duration,
    digest: String = "", restores: Int? = nil, hasPrevious: Bool = true, reason: String? = nil,
    before: [ServiceName: ReleasedService] = [:], order: [ServiceName] = [],
    configuration: Environment? = nil, binding: PlanBinding? = nil, decisions: [Decision]? = nil,
    rollouts: [PlannedRollout]? = nil
  ) {
    self.rollouts = rollouts
    self.kind = kind
    self.app = app
    self.environment = environment
    self.commit = commit
    self.subject = subject
    self.isDirty = isDirty
    self.steps = steps
    self.services = services
    self.warnings = warnings
    self.deadline = deadline
    self.digest = digest
    self.restores = restores
    self.hasPrevious = hasPrevious
    self.reason = reason
    self.before = before
    self.order = order
    self.configuration = configuration
    self.binding = binding
    self.decisions = decisions
  }

  /// Nothing has to be done.
  package var isEmpty: Bool { steps.isEmpty && !changesRollouts }

  /// A flag is set or switched off by it, or a rollout's step begins anew.
  package var changesRollouts: Bool {
    rollouts?.contains { $0.change == .begin || $0.change == .restart || $0.change == .off } ?? false
  }

  /// What it does to schemas, in the order of its steps.
  package var schemaChanges: [SchemaChange] {
    steps.compactMap { if case .migrate(let change) = $0.action { change } else { nil } }
  }

  package func step(_ id: StepID) -> Step? { steps.first { $0.id == id } }
}

/// What a plan does to one service.
package struct PlannedService: Sendable, Hashable, Codable {
  package var service: ServiceName
  package var platform: PlatformName
  package var cutOver: CutOver
  package var address: String?
  /// Why it is deployed; empty when it is not.
  package var reasons: [String]
  package var settings: [SettingChange]
  package var variables: [VariableChange]
  /// What is live now.
  package var previous: String?
  package var previousCommit: String?
  /// What a rollback of this run could not restore, in words; nil: everything.
  package var cannotRestore: String?
  /// What the release records about the service once it is live.
  package var record: ReleasedService

  package init(
    service: ServiceName, platform: PlatformName, cutOver: CutOver, address: String?, reasons: [String],
    settings: [SettingChange], variables: [VariableChange], previous: String?, previousCommit: String?,
    cannotRestore: String?, record: ReleasedService
  ) {
    self.service = service
    self.platform = platform
    self.cutOver = cutOver
    self.address = address
    self.reasons = reasons
    self.settings = settings
    self.variables = variables
    self.previous = previous
    self.previousCommit = previousCommit
    self.cannotRestore = cannotRestore
    self.record = record
  }
}

/// One variable that a plan changes; a secret shows no value.
package struct VariableChange: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable { case add, change, remove }
  package var name: String
  package var kind: Kind
  package var isSecret: Bool
  /// Values of text variables; nil for secrets and for values shipit did not write itself.
  package var from: String?
  package var to: String?
  /// Somebody has changed by hand what shipit had written; nil: nobody has.
  package var byHand: Bool?
  /// The text that shipit had written then; nil for secrets.
  package var recorded: String?

  package init(name: String, kind: Kind, isSecret: Bool, from: String? = nil, to: String? = nil) {
    self.name = name
    self.kind = kind
    self.isSecret = isSecret
    self.from = from
    self.to = to
  }
}
