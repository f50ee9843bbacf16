package import Concurrency

/// One deployment on a platform, as read from it.
package struct Deployment: Sendable, Hashable, Codable {
  /// What a platform's status means to one who waits.
  package enum Status: Sendable, Hashable, Codable {
    /// Accepted or waiting: for capacity, for CI.
    case queued
    case needsApproval
    case building
    /// Being started or checked by the platform.
    case starting
    case live
    /// Live but suspended until traffic comes.
    case sleeping
    case failed
    case crashed
    /// Nothing was deployed: watch paths untouched, or CI failed.
    case skipped
    case removing
    case removed
    case unknown(String)

    /// True when no more change is expected without anybody's doing.
    package var isSettled: Bool {
      switch self {
      case .live, .sleeping, .failed, .crashed, .skipped, .removed: true
      case .queued, .needsApproval, .building, .starting, .removing, .unknown: false
      }
    }
  }

  package var id: String
  package var status: Status
  /// The platform's own word.
  package var word: String
  package var createdAt: Timestamp
  package var commit: String?
  package var image: String?
  /// Of the image it runs, `sha256:…`, where the platform tells.
  package var digest: String?
  package var marker: Marker?
  package var canRollback: Bool
  /// The process ended: for a web service a failure, for a job normal.
  package var isStopped: Bool
  /// Instance states in the platform's words, counted.
  package var instances: [String: Int]

  package init(
    id: String, status: Status, word: String, createdAt: Timestamp, commit: String? = nil,
    image: String? = nil, marker: Marker? = nil, canRollback: Bool = false, isStopped: Bool = false,
    instances: [String: Int] = [:], digest: String? = nil
  ) {
    self.id = id
    self.status = status
    self.word = word
    self.createdAt = createdAt
    self.commit = commit
    self.image = image
    self.marker = marker
    self.canRollback = canRollback
    self.isStopped = isStopped
    self.instances = instances
    self.digest = digest
  }
}

extension Deployment {
  /// Asks for a new deployment of the present configuration.
  package struct Request: Sendable, Hashable, Codable {
    package var target: ServiceTarget
    package var source: PlannedSource
    /// The full revision, put beside the marker.
    package var commit: String
    /// What served when the plan was made.
    package var previous: String?
    package var cutOver: CutOver
    /// The declared variables, for a source that is built on this machine; nil for all others, whose platform
    /// has them stored.
    package var variables: [String: PlannedValue]?

    package init(
      target: ServiceTarget, source: PlannedSource, commit: String, previous: String?, cutOver: CutOver,
      variables: [String: PlannedValue]? = nil
    ) {
      self.variables = variables
      self.target = target
      self.source = source
      self.commit = commit
      self.previous = previous
      self.cutOver = cutOver
    }
  }
}

/// What is deployed, resolved.
package enum PlannedSource: Sendable, Hashable, Codable {
  /// The commit's tracked files under `path`, plus `include`; packed when the step begins.
  case directory(path: String, root: String?, include: [String])
  case image(String)
  case repository(name: String, commit: String)
  /// As `directory`, built here by the platform's own command line tool; the output is uploaded.
  case commandLineBuild(path: String, root: String?, include: [String])
  /// Build output below `path`, uploaded as it is.
  case prebuilt(path: String)

  /// The build runs on this machine and needs the variables here.
  package var isBuiltHere: Bool { if case .commandLineBuild = self { true } else { false } }
}

/// When users get the new code (DESIGN §6).
package enum CutOver: String, Sendable, Hashable, Codable {
  /// Deployed and proven dark, then promoted.
  case staged
  /// The platform switches after its own check.
  case gated
  /// The old one is stopped before the new one starts: downtime on each deploy.
  case stopFirst = "stop-first"
  /// It stands beside production at an address of its own: a preview, which nobody is led to.
  case beside
}
