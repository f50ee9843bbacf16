package import Concurrency

/// Everything the emulated Encore Cloud knows: a value that follows the twin's clock (contract §14).
///
/// Nothing in it waits. Time comes in through ``step(until:)`` and what happened outside through
/// ``handle(_:of:at:)``; both append to ``effects`` what a ``ServiceRuntime`` has to do.
package struct EncoreWorld: Sendable {
  /// By slug.
  package var apps: [String: App] = [:]
  package var environments: [EncoreEnvironmentKey: Environment] = [:]
  /// By id, `roll_` included.
  package var rollouts: [String: EncoreRollout] = [:]
  /// Ids of rollouts in the order of their creation.
  package var rolloutOrder: [String] = []
  /// Values of secrets, by group id.
  package var secretGroups: [String: SecretGroup] = [:]
  package var access = EncoreAccess()
  /// Behaviours waiting for the rollouts they apply to.
  package var behaviours: [EncoreBehaviourRule] = []
  package var durations = EncoreDurations()
  /// What the runtime has to do, oldest first; emptied by whoever performs it.
  package var effects: [Effect] = []
  package var now: Timestamp
  private var identifiers = IdentifierSource()

  package init(now: Timestamp) {
    self.now = now
  }

  /// An application.
  package struct App: Sendable {
    package var slug: String
    /// `eid`, which GraphQL wants.
    package var id: String
    /// `id`, which nothing wants any more.
    package var legacyID: String
    package var name: String
    package var mainBranch: String
    package var language: EncoreLanguage
    /// The git directory whose branches count as pushed.
    package var repository: String?
    /// Where in the repository the application lies.
    package var root = ""
    /// Pushed commits that stand for themselves, beside those of the repository.
    package var commits: [String: EncoreCommit] = [:]
    package var branches: [String: String] = [:]
    package var buildCommand: String?
    /// How its process is started; without it a scripted application answers.
    package var startCommand: String?
    /// Secrets that its code declares: without a value of each no rollout is deployed.
    package var requiredSecrets: [String] = []
    package var databases: [String: EncoreDatabase] = [:]
    /// Names of its health checks (Go only).
    package var checks: [String] = []
  }

  /// One environment of an application.
  package struct Environment: Sendable {
    package var id: String
    package var key: EncoreEnvironmentKey
    /// `production`, `development`, `preview` or `local`.
    package var type: String
    package var cloud: String
    /// Infrastructure changes wait for an admin.
    package var needsApproval = false
    /// Seconds for which old and new revision answer by turns after a cut-over.
    package var mixed: Double
    /// Seconds for which the old revision answers 503 by turns with the new one, after the mixed time.
    package var shutdown: Double
    /// The port wanted for its address; 0 lets the system choose.
    package var port: UInt16 = 0
    /// Host and port under which the application answers, the same for the environment's whole life.
    package var address = ""
    package var variables: [String: String] = [:]
    /// What each database has recorded in `schema_migrations`.
    package var applied: [String: [Int]] = [:]
    package var traffic = Traffic()
  }

  /// Who answers at an environment's address.
  package struct Traffic: Sendable {
    /// The rollout whose revision answers.
    package var live: String?
    /// The one before it, while it still answers a part of the requests.
    package var old: String?
    /// Until then the old revision answers every second request.
    package var mixedUntil: Timestamp?
    /// Until then the old revision answers every second request with 503.
    package var shutdownUntil: Timestamp?
    /// Counts requests, so that the turns are the same in each run.
    package var requests = 0
    /// A health check that fails now, with its error.
    package var failingCheck: (name: String, error: String)?
  }

  /// An identifier such as `roll_0f3c…`, the same ones in every run of the same calls.
  mutating func mint(_ prefix: String) -> String {
    prefix + "_" + identifiers.next().filter { $0 != "-" }.prefix(20)
  }
}

/// An environment of an application.
package struct EncoreEnvironmentKey: Hashable, Sendable {
  /// The application's slug.
  package var app: String
  package var name: String

  package init(app: String, name: String) {
    self.app = app
    self.name = name
  }

  /// As the runtime names what it runs.
  var instance: InstanceKey { InstanceKey(service: app, environment: name) }
}

/// The languages of Encore applications; health answers differ, contract §9.
package enum EncoreLanguage: String, Sendable {
  case go, typescript
}

/// How long the platform's own steps take.
package struct EncoreDurations: Sendable {
  package var pending: Duration = .milliseconds(400)
  package var queued: Duration = .milliseconds(800)
  package var build: Duration = .seconds(8)
  package var tests: Duration = .seconds(4)
  /// A build that is used again.
  package var reused: Duration = .seconds(1)
  package var infra: Duration = .seconds(3)
  package var migration: Duration = .seconds(1)
  /// At least this long from the process's start to the cut-over.
  package var start: Duration = .seconds(2)
  /// The longest a new process may take to answer.
  package var startLimit: Duration = .seconds(120)
  /// From a process's end to its restart.
  package var restart: Duration = .seconds(1)

  package init() {}

  /// All of them divided by `speed`; what waits for real processes keeps a second at least.
  package func scaled(by speed: Double) -> EncoreDurations {
    var result = self
    for path in [
      \EncoreDurations.pending, \.queued, \.build, \.tests, \.reused, \.infra, \.migration, \.start,
      \.startLimit,
      \.restart,
    ] {
      result[keyPath: path] = .milliseconds(Int64(self[keyPath: path].inSeconds * 1000 / speed))
    }
    result.startLimit = max(result.startLimit, .seconds(10))
    return result
  }
}
