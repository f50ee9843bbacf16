package import Concurrency

/// Everything the emulated Railway knows: a value, so that an older copy can answer stale reads.
///
/// Nothing in it waits. Time comes in through ``advance(to:)`` and what happened outside through
/// ``handle(_:of:at:)``; both append to ``effects`` what a ``ServiceRuntime`` has to do.
package struct World: Sendable {
  package var workspaces: [String: Workspace] = [:]
  package var projects: [String: Project] = [:]
  package var environments: [String: Environment] = [:]
  package var services: [String: Service] = [:]
  package var instances: [InstanceKey: ServiceInstance] = [:]
  package var volumes: [String: Volume] = [:]
  package var workflows: [String: Workflow] = [:]
  /// Names whose DNS leads where it should, with all below them.
  package var dns: Set<String> = []
  package var tokens: [String: Token] = [:]
  package var deployments: [String: Deployment] = [:]
  /// Deployment ids in the order of their creation.
  package var deploymentOrder: [String] = []
  /// Deployments that are promised but not there yet: rollbacks and foreign pushes.
  package var promised: [PromisedDeployment] = []
  package var sources = SourceMap()
  package var platform = Platform()
  package var switches = Switches()
  package var durations = StepDurations()
  /// Behaviours waiting for the deployments they apply to.
  package var behaviours: [BehaviourRule] = []
  /// What the runtime has to do, oldest first; emptied by whoever performs it.
  package var effects: [Effect] = []
  package var now: Timestamp
  var identifiers = IdentifierSource()

  package init(now: Timestamp) {
    self.now = now
  }

  package struct Workspace: Sendable {
    package var id: String
    package var name: String
    package var plan: Plan
    package var createdAt: Timestamp
  }

  /// The plans of Railway, with how long an image outlives its deployment.
  package enum Plan: String, Sendable {
    case free, trial, hobby, pro

    var retention: Duration {
      switch self {
      case .free, .trial: .seconds(24 * 3600)
      case .hobby: .seconds(72 * 3600)
      case .pro: .seconds(120 * 3600)
      }
    }
  }

  package struct Project: Sendable {
    package var id: String
    package var name: String
    package var description: String?
    package var workspace: String
    package var createdAt: Timestamp
    package var deletedAt: Timestamp?
  }

  package struct Environment: Sendable {
    package var id: String
    package var name: String
    package var project: String
    package var createdAt: Timestamp
    package var canAccess = true
    package var isEphemeral = false
    /// Shared variables, raw.
    package var shared: [String: StoredVariable] = [:]
    package var unmergedChanges = 0
    package var staged: StagedPatch?
    /// Counts committed changes; `configEtag` is made of it.
    package var revision = 1
  }

  package struct Service: Sendable {
    package var id: String
    package var name: String
    package var project: String
    package var createdAt: Timestamp
    package var deletedAt: Timestamp?
  }

  /// A volume with its one instance in an environment. Its content lies outside every deployment.
  package struct Volume: Sendable {
    package var id: String
    package var instanceID: String
    package var name: String
    package var key: InstanceKey
    package var project: String
    package var mountPath: String
    package var sizeMB = 5000
    /// Of its content.
    package var usedMB = 1
    package var createdAt: Timestamp
    /// The oldest first; each is listed once its workflow is complete.
    package var backups: [Backup] = []
    /// Kinds of the schedules it is copied on.
    package var schedules: [String] = []

    package struct Backup: Sendable {
      package var id: String
      package var name: String?
      package var workflow: String
      package var createdAt: Timestamp
      package var readyAt: Timestamp
    }
  }

  /// Who may call.
  package struct Token: Sendable {
    package enum Kind: String, Sendable { case account, workspace, project }
    package var id: String
    package var name: String
    package var kind: Kind
    /// The workspace of a workspace token.
    package var workspace: String?
    /// The project and environment of a project token.
    package var project: String?
    package var environment: String?
    package var createdAt: Timestamp
    package var isRevoked = false
  }

  /// The state of the platform itself.
  package struct Platform: Sendable {
    package var isStable = true
    package var incident: String?
  }
}

/// A service in an environment: what settings, variables, domains and deployments hang on.
package struct InstanceKey: Hashable, Sendable {
  package var service: String
  package var environment: String

  package init(service: String, environment: String) {
    self.service = service
    self.environment = environment
  }
}

/// A variable as it was written.
package struct StoredVariable: Sendable {
  package var id: String
  package var value: String
  package var isSealed = false
  package var createdAt: Timestamp
  package var updatedAt: Timestamp
}

/// Behaviour on which sources disagree, or which tests need off by default.
package struct Switches: Sendable {
  /// `serviceInstanceUpdate` without `numReplicas` sets it to 1 (one report from the field).
  package var updateResetsReplicas = true
  /// Sealed variables read as null instead of being left out.
  package var sealedReadAsNull = false
  /// Reads answer from a state this old.
  package var staleness: Duration = .zero
  /// `deployment(id)` is not found for this long after creation.
  package var hidesNewDeployments: Duration = .zero
  /// A user agent of a library or none at all is refused with 403.
  package var refusesDefaultAgents = false
  /// Longest upload accepted, in bytes.
  package var uploadLimit = 256 << 20
  /// Image references that the source map does not know are treated as present.
  package var acceptsAnyImage = false

  package init() {}
}

/// Where image references and commits of repositories come from: directories that stand in for them.
package struct SourceMap: Sendable {
  package struct Commit: Sendable {
    package var sha: String
    package var directory: String
    package var message: String?
  }

  /// Image reference → directory.
  package var images: [String: String] = [:]
  /// `owner/name` → its commits, oldest first.
  package var repositories: [String: [Commit]] = [:]

  package init() {}

  /// The commit that `sha` (full, or a prefix of at least seven) names.
  func commit(_ sha: String, of repository: String) -> Commit? {
    repositories[repository]?.first { $0.sha == sha || (sha.count >= 7 && $0.sha.hasPrefix(sha)) }
  }
}

/// How long the platform's own steps take; health budgets, overlap and drain are the service's settings.
package struct StepDurations: Sendable {
  package var snapshot: Duration = .milliseconds(1500)
  /// At least this long in `BUILDING`, when there is something to build.
  package var build: Duration = .seconds(4)
  package var create: Duration = .seconds(2)
  /// From `deploymentRollback` to the new deployment's appearance.
  package var rollback: Duration = .seconds(3)
  /// From `volumeInstanceBackupCreate` to the backup's appearance.
  package var backup: Duration = .seconds(3)
  /// From `serviceCreate` to the instance's appearance.
  package var instance: Duration = .seconds(3)
  /// From `templateDeployV2` to the end of its workflow.
  package var template: Duration = .seconds(8)
  /// The first wait before a restart; it doubles up to sixteen times this.
  package var restart: Duration = .milliseconds(500)

  package init() {}

  /// All of them divided by `speed`.
  package func scaled(by speed: Double) -> StepDurations {
    var result = self
    for path in [\StepDurations.snapshot, \.build, \.create, \.rollback, \.instance, \.template, \.restart] {
      result[keyPath: path] = .milliseconds(Int64(self[keyPath: path].inSeconds * 1000 / speed))
    }
    return result
  }
}

/// Identifiers in the form of version 4 UUIDs, the same ones in every run of the same calls.
struct IdentifierSource: Sendable {
  private var state: UInt64 = 0x5DEE_CE66_D1CE_CAFE

  mutating func next() -> String {
    let digits = Array((hexadecimal(step()) + hexadecimal(step())).utf8)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if [8, 12, 16, 20].contains(index) { text += "-" }
      switch index {
      case 12: text += "4"
      case 16: text += "a"
      default: text.unicodeScalars.append(Unicode.Scalar(digit))
      }
    }
    return text
  }

  // SplitMix64.
  private mutating func step() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
