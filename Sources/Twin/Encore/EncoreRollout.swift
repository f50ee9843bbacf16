package import Concurrency
package import JSON

/// One rollout, from its trigger to its conclusion (contract §4).
package struct EncoreRollout: Sendable {
  /// With its prefix `roll_`.
  package var id: String
  package var key: EncoreEnvironmentKey
  package var commit: EncoreCommit
  package var branch: String?
  package var skipsTests = false
  package var forcesRebuild = false
  package var trigger: Trigger
  package var createdAt: Timestamp
  package var queuedAt: Timestamp?
  package var startedAt: Timestamp?
  package var completedAt: Timestamp?
  package var step = Step.pending
  package var conclusion: Conclusion?
  package var build: Phase?
  package var infra: Phase?
  package var deploy: Phase?
  /// What will happen to it by itself, and when.
  package var alarms: [Alarm: Timestamp] = [:]
  package var behaviour: EncoreBehaviour?
  /// Why it failed: shown by the dashboard, which here is the control surface; no API tells it.
  package var reason: String?
  package var lines: [String] = []
  /// The build came to a good end, though the step may last longer.
  package var isBuilt = false
  /// Its process answers requests.
  package var isReady = false
  package var hasProcess = false
  /// Its process is no longer wanted.
  package var isRetired = false

  /// Who asked for it.
  package enum Trigger: String, Sendable {
    case api, cli, foreign, seed
  }

  /// Where in the state machine it is.
  package enum Step: String, Sendable {
    case pending, queued, building, proposed, provisioning, migrating, starting, completed
  }

  package enum Alarm: Int, Sendable, CaseIterable {
    /// The end of the present step.
    case step
    /// The longest that a new process may take.
    case startLimit
    case crash, restart, foreign
    /// Of a process that was told to end.
    case kill
  }

  package enum Conclusion: String, Sendable {
    case canceled, failure, success, rejected
  }

  /// Build, infrastructure or deploy.
  package struct Phase: Sendable {
    package var id: String
    package var status: String
    package var conclusion: Conclusion?
    package var queuedAt: Timestamp
    package var startedAt: Timestamp?
    package var completedAt: Timestamp?

    /// As the API tells it.
    package var json: JSON {
      [
        "id": .string(id), "status": .string(status),
        "conclusion": .string(conclusion?.rawValue ?? "unknown"), "queued_at": .string(queuedAt.iso8601),
        "started_at": startedAt.asJSON, "completed_at": completedAt.asJSON,
      ]
    }
  }

  package var status: String {
    switch step {
    case .pending: "pending"
    case .queued: "queued"
    case .completed: "completed"
    default: "running"
    }
  }

  /// The id as the CLI and the applications' TypeScript runtime show it.
  package var shortID: String { String(id.dropFirst("roll_".count)) }

  /// The revision that its application reports.
  package var revision: String {
    if case .wrongRevision(let revision) = behaviour { revision } else { commit.sha }
  }

  /// As the public API tells it; phases that have not begun are null.
  package var json: JSON {
    [
      "id": .string(id), "status": .string(status),
      // `rejected` is a conclusion of the infrastructure phase only.
      "conclusion": .string(conclusion == .rejected ? "failure" : conclusion?.rawValue ?? "pending"),
      "queued_at": queuedAt.asJSON, "started_at": startedAt.asJSON, "completed_at": completedAt.asJSON,
      "build": build?.json ?? .null, "infra": infra?.json ?? .null, "deploy": deploy?.json ?? .null,
    ]
  }
}

extension Optional<Timestamp> {
  var asJSON: JSON { map { .string($0.iso8601) } ?? .null }
}
