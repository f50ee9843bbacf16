package import Concurrency

/// The immutable record of what a run put live, and its result.
package struct Release: Sendable, Hashable, Codable {
  package var number: Int
  package var run: RunID
  package var kind: Plan.Kind
  package var app: String
  package var environment: String
  package var commit: String
  package var subject: String
  package var isDirty: Bool
  /// Who ran it and where: `ann@laptop`.
  package var by: String
  package var startedAt: Timestamp
  package var endedAt: Timestamp
  package var result: RunResult
  /// For a rollback, the release that was restored.
  package var restores: Int?
  package var reason: String?
  package var configurationDigest: String
  /// What every service of the environment runs after this release.
  package var services: [ServiceName: ReleasedService]
  /// Their go-live order.
  package var order: [ServiceName]
  /// The declared environment, resolved, so that a rollback needs no checkout; it holds no secret.
  package var configuration: Environment?
  /// Approvals, overrides and lifted holds that it relied upon; nil: none.
  package var decisions: [Decision]?
  /// What its run applied to databases, in order.
  package var migrations: [ReleasedMigration]
  /// What shipit has written into the secrets of GitHub Actions, by this run or before; nil: nothing is known.
  package var actions: WrittenActionsSecrets?

  package init(
    number: Int, run: RunID, kind: Plan.Kind, app: String, environment: String, commit: String,
    subject: String, isDirty: Bool, by: String, startedAt: Timestamp, endedAt: Timestamp, result: RunResult,
    restores: Int? = nil, reason: String? = nil, configurationDigest: String,
    services: [ServiceName: ReleasedService], order: [ServiceName] = [],
    configuration: Environment? = nil, decisions: [Decision]? = nil, migrations: [ReleasedMigration] = [],
    actions: WrittenActionsSecrets? = nil
  ) {
    self.number = number
    self.run = run
    self.kind = kind
    self.app = app
    self.environment = environment
    self.commit = commit
    self.subject = subject
    self.isDirty = isDirty
    self.by = by
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.result = result
    self.restores = restores
    self.reason = reason
    self.configurationDigest = configurationDigest
    self.services = services
    self.order = order
    self.configuration = configuration
    self.decisions = decisions
    self.migrations = migrations
    self.actions = actions
  }

  /// It was put live and stayed so by its own run.
  package var isGood: Bool { result.state == .released || result.state == .restored }
}

/// One service in a release: enough to restore it without a checkout, and no secret value.
package struct ReleasedService: Sendable, Hashable, Codable {
  package enum RecordedVariable: Sendable, Hashable, Codable {
    case text(String)
    case secret(name: String, fingerprint: String)
  }

  package var target: ServiceTarget
  package var source: PlannedSource
  package var commit: String
  /// The commit it reports where that is not `commit`: the same code with newer migration files kept.
  package var standIn: String?
  /// The platform's deployment; nil until it is live.
  package var deployment: String?
  package var address: String?
  package var settings: ServiceSettings
  package var variables: [String: RecordedVariable]
  package var health: Health
  package var cutOver: CutOver
  package var proof: Proof
  /// The deployment that served before.
  package var previous: String?
  /// What was built, where the platform names it: an image's digest.
  package var digest: String?
  /// When shipit last wrote each variable, by the platform's own clock; where the platform tells.
  package var variableTimes: [String: Timestamp]
  /// What stood beside what was declared; nil in records of earlier versions.
  package var baseline: ServiceBaseline?

  package init(
    target: ServiceTarget, source: PlannedSource, commit: String, deployment: String?, address: String?,
    settings: ServiceSettings, variables: [String: RecordedVariable], health: Health, cutOver: CutOver,
    proof: Proof = .no, previous: String?, digest: String? = nil, variableTimes: [String: Timestamp] = [:],
    standIn: String? = nil
  ) {
    self.target = target
    self.source = source
    self.commit = commit
    self.standIn = standIn
    self.deployment = deployment
    self.address = address
    self.settings = settings
    self.variables = variables
    self.health = health
    self.cutOver = cutOver
    self.proof = proof
    self.previous = previous
    self.digest = digest
    self.variableTimes = variableTimes
  }
}
