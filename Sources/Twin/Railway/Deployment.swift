package import Concurrency
package import JSON

/// One deployment, from its creation to its place in history.
package struct Deployment: Sendable {
  package var id: String
  package var key: InstanceKey
  package var project: String
  package var trigger: Trigger
  package var createdAt: Timestamp
  package var updatedAt: Timestamp
  package var status = DeploymentStatus.initializing
  package var statusUpdatedAt: Timestamp
  package var phase = Phase.accepted
  /// What will happen to it by itself, and when.
  package var alarms: [Alarm: Timestamp] = [:]
  /// Settings, source and variables as they were when it was created.
  package var settings: InstanceSettings
  package var source: Source
  package var variables: [String: String]
  package var meta: [String: JSON]
  package var events: [Event] = []
  package var buildLogs: [LogLine] = []
  package var logs: [LogLine] = []
  package var instanceID: String
  package var instanceStatus: InstanceStatus?
  /// Set once it answered users.
  package var wasLive = false
  package var restarts = 0
  /// The build came to a good end, though the step may last longer.
  package var isBuilt = false
  package var hasProcess = false
  /// A person asked for a restart: the next end of the process is no failure.
  package var restartRequested = false
  /// The image it runs; a rollback reuses that of its target.
  package var image: String?
  package var imageExpired = false
  package var removedAt: Timestamp?
  package var behaviour: DeploymentBehaviour?
  package var vanished = false

  /// What created it.
  package enum Trigger: String, Sendable {
    case upload, deploy, redeploy, rollback, variables, foreign
  }

  /// Where its code comes from.
  package enum Source: Sendable, Equatable {
    /// An uploaded archive, kept by the runtime under this id.
    case archive(String)
    case image(String, directory: String?)
    case commit(String, repository: String, directory: String)
    /// A commit of a git directory on this machine; Encore's.
    case revision(String, repository: String)
  }

  /// Where in the state machine it is; `status` is what is told about it.
  package enum Phase: String, Sendable {
    case accepted, waiting, approval, snapshot, build, preDeploy, stopOld, create, health
    case live, backOff, finished, overlap, drain, ended
  }

  package enum Alarm: Int, Sendable, CaseIterable {
    case phase, restart, crash, foreign, vanish
  }

  package struct Event: Sendable {
    package var id: String
    package var step: String
    package var createdAt: Timestamp
    package var completedAt: Timestamp?
    package var error: String?
  }

  package struct LogLine: Sendable {
    package var time: Timestamp
    package var severity: String
    package var message: String
  }

  package enum InstanceStatus: String, Sendable {
    case created = "CREATED"
    case initializing = "INITIALIZING"
    case running = "RUNNING"
    case restarting = "RESTARTING"
    case crashed = "CRASHED"
    case exited = "EXITED"
    case stopped = "STOPPED"
    case removing = "REMOVING"
    case removed = "REMOVED"
  }

  /// True while a process, or what stands for one, exists.
  package var isStopped: Bool {
    switch instanceStatus {
    case .running, .restarting, .removing, .created, .initializing: false
    default: true
    }
  }

  /// On the way to being live.
  package var isInFlight: Bool {
    switch phase {
    case .accepted, .waiting, .approval, .snapshot, .build, .preDeploy, .stopOld, .create, .health: true
    default: false
    }
  }

  /// Answering, or about to answer again.
  package var isServing: Bool { phase == .live || phase == .backOff || phase == .finished }
}

/// All statuses of Railway.
package enum DeploymentStatus: String, Sendable, CaseIterable {
  case building = "BUILDING"
  case crashed = "CRASHED"
  case deploying = "DEPLOYING"
  case failed = "FAILED"
  case initializing = "INITIALIZING"
  case needsApproval = "NEEDS_APPROVAL"
  case queued = "QUEUED"
  case removed = "REMOVED"
  case removing = "REMOVING"
  case skipped = "SKIPPED"
  case sleeping = "SLEEPING"
  case success = "SUCCESS"
  case waiting = "WAITING"
}

/// A deployment that will appear at a moment.
package struct PromisedDeployment: Sendable {
  package var due: Timestamp
  package var request: DeploymentRequest
}

/// What a new deployment is made of.
package struct DeploymentRequest: Sendable {
  package var key: InstanceKey
  package var trigger: Deployment.Trigger
  package var source: Deployment.Source
  package var settings: InstanceSettings
  /// Rendered variables of an older deployment; nil renders the present ones.
  package var variables: [String: String]?
  /// The image to reuse without a build.
  package var image: String?
  package var meta: [String: JSON]
}
