package import Concurrency
package import JSON

extension VercelTwin {
  /// One deployment, from its creation on; immutable for its users but for who is led to it.
  package struct Deployment: Sendable {
    package var id: String
    package var name: String
    package var project: String
    package var owner: String
    package var createdAt: Timestamp
    /// Host and port of its own address.
    package var url: String
    /// `production`, `staging`, or nil for a preview.
    package var target: String?
    /// The id of its custom environment.
    package var environmentID: String?
    /// `cli`, `git`, `redeploy`, `api-trigger-git-deploy`.
    package var source: String
    package var files: [SourceFile]
    /// Where the files of its commit lie.
    package var directory: String?
    package var gitSource: JSON?
    package var meta: [String: String]
    package var settings: Settings
    package var isPrebuilt = false
    package var isInstant = false
    /// Variables as they were when it was created (contract §6.2).
    package var variables: [String: String]
    package var variableNames: [String]
    package var buildVariableNames: [String]
    package var assignsDomains: Bool

    package var readyState = ReadyState.queued
    package var substate: Substate?
    package var aliasAssigned = false
    package var aliasError: JSON?
    package var failure: BuildFailure?
    package var stateReason: String?
    package var aliases: [String] = []
    package var automaticAliases: [String] = []
    package var userAliases: [String] = []
    package var bootedAt: Timestamp?
    package var buildingAt: Timestamp?
    package var readyAt: Timestamp?
    package var canceledAt: Timestamp?
    package var aliasAssignedAt: Timestamp?
    package var deletedAt: Timestamp?
    package var isSoftDeleted = false
    package var wasLive = false
    package var events: [Event] = []
    package var checkRuns: [CheckRun] = []
    /// What holds the domains back: `pending`, `failed`, `succeeded`.
    package var aliasCheck: (state: String, startedAt: Timestamp, completedAt: Timestamp?)?
    package var behaviour: Behaviour?

    /// The next change that time alone brings.
    var alarm: Timestamp?
    /// Someone cancels it then.
    var cancelAt: Timestamp?
    var isBuilt = false
    /// Waits for its aliases.
    var isAssigning = false
  }

  package enum ReadyState: String, Sendable {
    case queued = "QUEUED"
    case initializing = "INITIALIZING"
    case building = "BUILDING"
    case ready = "READY"
    case error = "ERROR"
    case canceled = "CANCELED"
    case blocked = "BLOCKED"

    /// It does not change by itself any more.
    package var isFinal: Bool { self == .ready || self == .error || self == .canceled }
  }

  package enum Substate: String, Sendable {
    case staged = "STAGED"
    case rolling = "ROLLING"
    case promoted = "PROMOTED"
  }

  /// A file of a deployment, its content known by SHA-1.
  package struct SourceFile: Sendable, Hashable {
    package var path: String
    package var digest: String
    package var size: Int
    package var mode: Int
  }

  /// Why a deployment ended in `ERROR`.
  package struct BuildFailure: Sendable, Equatable {
    package var code: String
    package var message: String
    package var step: String?
    package var link: String?

    package init(code: String, message: String, step: String? = nil, link: String? = nil) {
      self.code = code
      self.message = message
      self.step = step
      self.link = link
    }
  }

  package struct Event: Sendable {
    package var id: String
    /// `command`, `stdout`, `stderr`, `exit`, `deployment-state`, `alias-assigned`.
    package var kind: String
    package var text: String
    package var date: Timestamp
    package var serial: Int
  }

  package struct CheckRun: Sendable {
    package var id: String
    package var check: String
    package var name: String
    package var status: String
    package var conclusion: String?
    package var timeout: Int
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
  }

  /// How a scripted deployment goes astray.
  package enum Behaviour: Sendable, Equatable {
    case buildError(BuildFailure)
    /// It waits for a person (contract §3).
    case blocked(String)
    case aliasError(code: String, message: String)
    /// Its build takes this many seconds longer.
    case slow(Double)
    /// It stays in this state.
    case stuck(ReadyState)
    /// At this path it serves this text, whatever was built.
    case wrongContent(path: String, text: String)
    /// Its edge answers with this status, from this many seconds after `READY` on.
    case answers(status: Int, after: Double)
    /// Someone else cancels it this many seconds after its creation.
    case canceled(after: Double)
  }

  /// How a scripted promotion or rollback goes astray.
  package enum JobBehaviour: Sendable, Equatable {
    case fails
    case stuck
    case skipped
    /// The first alias moves, the others do not, and the job fails.
    case partial
    /// It takes this many seconds longer.
    case slow(Double)
  }

  /// A behaviour with the deployments it is meant for.
  package struct BehaviourRule: Sendable {
    package var behaviour: Behaviour
    /// Name or id; nil is any.
    package var project: String?
    /// `production`, `preview`; nil is any.
    package var target: String?
    package var skip: Int
    package var count: Int?

    package init(
      _ behaviour: Behaviour, project: String? = nil, target: String? = nil, nth: Int = 1, count: Int? = 1
    ) {
      self.behaviour = behaviour
      self.project = project
      self.target = target
      skip = nth - 1
      self.count = count
    }
  }

  /// A behaviour with the promotions and rollbacks it is meant for.
  package struct JobRule: Sendable {
    package var behaviour: JobBehaviour
    package var kind: AliasRequest.Kind?
    package var project: String?
    package var skip: Int
    package var count: Int?

    package init(
      _ behaviour: JobBehaviour, kind: AliasRequest.Kind? = nil, project: String? = nil, nth: Int = 1,
      count: Int? = 1
    ) {
      self.behaviour = behaviour
      self.kind = kind
      self.project = project
      skip = nth - 1
      self.count = count
    }
  }
}
