package import Concurrency
package import JSON

/// One rollout as the ledger keeps it: everything that the next round needs, on whatever machine it runs
/// (contract rollout-analysis §11). It holds no secret.
package struct RolloutRecord: Sendable, Hashable, Codable {
  package enum Status: String, Sendable, Hashable, Codable {
    /// Begun, and nobody has the feature yet: an approval or an open window is missing, or the flag is being set.
    case ready
    case running
    case completed
    case rolledBack = "rolled-back"
    /// Somebody else lowered the share or turned the flag off: the rollout is theirs.
    case halted

    package var isOver: Bool { self == .completed || self == .rolledBack || self == .halted }
  }

  /// The flag's key.
  package var key: String
  package var environment: String
  package var app: String
  /// Grows by one with every write: whoever writes says by it what they have read.
  package var version = 0
  /// How often this rollout was begun.
  package var attempt = 1
  /// The release whose numbers are judged.
  package var release: Int
  package var commit: String
  /// What the rollout's part of the environment file was: approvals are given for it.
  package var digest: String
  package var status = Status.ready
  /// A person wants it to begin anew, also where the flag serves more than the first share; nil: no.
  package var mayLower: Bool?
  package var by: String
  package var startedAt: Timestamp

  /// All shares, as the file had them when the last round ran.
  package var steps: [FlagShare]
  /// The share that the running step has set; nil before the first one.
  package var share: FlagShare?
  package var stepStartedAt: Timestamp?
  package var lastTickAt: Timestamp?
  /// The state of the rules for this step, which only they read; nil at a step's begin.
  package var progress: JSON?
  /// What the last round ended with, as the rules write it: `wait:bake`.
  package var lastAction: String?
  /// Good time earned in this step, and how much is wanted.
  package var credit = Duration.zero
  package var bake = Duration.zero
  package var metrics: [String: RolloutMetric] = [:]

  /// The flag as it was left or seen last.
  package var flag: FlagState?
  package var intent: RolloutIntent?
  package var pause: RolloutPause?
  package var foreign: RolloutForeignChange?
  /// What people want of the next round, the oldest first.
  package var orders: [RolloutOrder] = []
  package var approvals: [RolloutApproval] = []
  package var end: RolloutEnd?
  /// What came to pass, the newest last.
  package private(set) var events: [RolloutEvent] = []

  /// How many events are kept.
  package static let keptEvents = 50

  package init(
    key: String, environment: String, app: String, release: Int, commit: String, digest: String,
    steps: [FlagShare], by: String, startedAt: Timestamp
  ) {
    self.key = key
    self.environment = environment
    self.app = app
    self.release = release
    self.commit = commit
    self.digest = digest
    self.steps = steps
    self.by = by
    self.startedAt = startedAt
  }

  package mutating func note(_ text: String, by: String? = nil, at: Timestamp) {
    events.append(RolloutEvent(at: at, text: text, by: by))
    if events.count > Self.keptEvents { events.removeFirst(events.count - Self.keptEvents) }
  }

  /// Takes over what people said while this record was worked on: it stands in another version.
  package mutating func takeWords(of other: RolloutRecord) {
    orders = other.orders
    approvals = other.approvals
    let own = events.filter { !other.events.contains($0) }
    events = Array((other.events + own).suffix(Self.keptEvents))
  }

  /// A person wants it off, and no round has done so yet.
  package var abortOrder: RolloutOrder? { orders.first { $0.kind == .abort } }

  /// The share after the present one; nil after the last.
  package var nextShare: FlagShare? {
    guard let share else { return steps.first }
    return steps.first { $0 > share }
  }

  /// What `status` says of it; nil once it is over.
  package var note: String? {
    guard !status.isOver else { return nil }
    let how = pause.map { ", paused: \($0.reason ?? $0.why)" } ?? ""
    return
      "rollout \(key) \(share.map { "is at \($0)" } ?? "is not on yet")\(how): shipit rollout status \(environment)"
  }

  /// Names a step of this rollout among all of them, as the flag's store keeps it.
  package func marker(of step: String) -> String {
    "shipit/\(app)/\(environment)/rollout/\(key)/\(attempt)/\(step)"
  }
}

/// One metric of a rollout's running step.
package struct RolloutMetric: Sendable, Hashable, Codable {
  /// `running`, `failed`, `starved`, … (contract rollout-analysis §5).
  package var state: String
  package var lastReadAt: Timestamp?
  /// The newest last.
  package private(set) var readings: [RolloutReading] = []
  /// What a statistical test has counted in this step; nil without one.
  package var test: RolloutTest?

  /// How many readings are kept, for a line that shows how it went.
  package static let keptReadings = 48

  package init(state: String = "pending") { self.state = state }

  package mutating func add(_ reading: RolloutReading) {
    readings.append(reading)
    if readings.count > Self.keptReadings { readings.removeFirst(readings.count - Self.keptReadings) }
    lastReadAt = reading.at
  }
}

/// What a metric's store said at one moment, and what that means.
package struct RolloutReading: Sendable, Hashable, Codable {
  package var at: Timestamp
  package var value: Double?
  package var samples: Double?
  /// `pass`, `hold`, `breach`, `nodata`, `error`.
  package var outcome: String
  /// Why there is no value.
  package var reason: String?
  /// It was asked for later, from the store's history.
  package var isFilled: Bool?
  /// The same of those who do not have the feature, where it is compared with them.
  package var baseline: Double?
  /// What a test or a comparison says, where it decided.
  package var test: String?

  package init(
    at: Timestamp, value: Double?, samples: Double?, outcome: String, reason: String? = nil,
    isFilled: Bool? = nil
  ) {
    self.at = at
    self.value = value
    self.samples = samples
    self.outcome = outcome
    self.reason = reason
    self.isFilled = isFilled
  }
}

/// A change of the flag that is about to be made: written before it, so that whoever finds it looks at the flag first.
package struct RolloutIntent: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable { case raise, complete, off }

  package var kind: Kind
  /// The share before; nil: off.
  package var from: FlagShare?
  /// The share wanted; nil with `off`.
  package var to: FlagShare?
  package var at: Timestamp
  /// Until when the change can still take effect, whatever has become of whoever wanted it (DESIGN §7).
  package var latestEffect: Timestamp
  package var by: String
  /// How the rollout ends once the flag is off.
  package var end: RolloutEnd?

  package init(
    _ kind: Kind, from: FlagShare?, to: FlagShare?, at: Timestamp, latestEffect: Timestamp, by: String,
    end: RolloutEnd? = nil
  ) {
    self.latestEffect = latestEffect
    self.kind = kind
    self.from = from
    self.to = to
    self.at = at
    self.by = by
    self.end = end
  }
}

/// Why a rollout stands still.
package struct RolloutPause: Sendable, Hashable, Codable {
  /// `person`, `drift`, `blind`, `inconclusive`, `deadline`, `no_data` (contract rollout-analysis §7).
  package var why: String
  package var since: Timestamp
  /// Who, where it was a person.
  package var by: String?
  /// The numbers or words behind it.
  package var reason: String?

  package init(why: String, since: Timestamp, by: String? = nil, reason: String? = nil) {
    self.why = why
    self.since = since
    self.by = by
    self.reason = reason
  }
}

/// The flag was found otherwise than it was left.
package struct RolloutForeignChange: Sendable, Hashable, Codable {
  /// When it was seen.
  package var at: Timestamp
  /// Who and when, as far as the store tells.
  package var author: FlagAuthor?
  /// What it is now: `serves 40 %`.
  package var found: String

  package init(at: Timestamp, author: FlagAuthor?, found: String) {
    self.at = at
    self.author = author
    self.found = found
  }
}

/// What a person wants of the next round.
package struct RolloutOrder: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable { case pause, resume, abort }

  package var kind: Kind
  package var by: String
  package var at: Timestamp
  package var reason: String?

  package init(_ kind: Kind, by: String, at: Timestamp, reason: String? = nil) {
    self.kind = kind
    self.by = by
    self.at = at
    self.reason = reason
  }
}

/// A person released a step. It is void once the rollout's configuration changes.
package struct RolloutApproval: Sendable, Hashable, Codable {
  package var share: FlagShare
  package var by: String
  package var at: Timestamp
  /// Of the configuration that was approved.
  package var digest: String

  package init(share: FlagShare, by: String, at: Timestamp, digest: String) {
    self.share = share
    self.by = by
    self.at = at
    self.digest = digest
  }
}

/// How a rollout ended.
package struct RolloutEnd: Sendable, Hashable, Codable {
  package enum Reason: String, Sendable, Hashable, Codable {
    case completed
    /// A metric was bad.
    case metric
    /// The store could not be read, and the file says that this rolls back.
    case blind
    /// A person.
    case aborted
    /// Somebody else changed the flag.
    case halted
  }

  package var reason: Reason
  package var at: Timestamp
  /// Of an abort, or of a change outside of shipit.
  package var by: String?
  /// In the person's words.
  package var words: String?
  /// The share that was served when it ended.
  package var share: FlagShare?
  /// What decided.
  package var evidence: RolloutEvidence?
  /// How long the call took that switched the flag off.
  package var took: Duration?
  /// Whether the flag alone was the cure; nil where nobody asks.
  package var cure: RolloutCure?

  package init(
    _ reason: Reason, at: Timestamp, by: String? = nil, words: String? = nil, share: FlagShare? = nil,
    evidence: RolloutEvidence? = nil
  ) {
    self.reason = reason
    self.at = at
    self.by = by
    self.words = words
    self.share = share
    self.evidence = evidence
  }
}

/// The numbers that decided.
package struct RolloutEvidence: Sendable, Hashable, Codable {
  package var metric: String
  package var value: Double?
  /// As the file has it: `> 2`.
  package var threshold: String?
  /// Over how long was counted, where the file says so.
  package var window: Duration?
  package var samples: Double?
  package var at: Timestamp
  /// As the store was asked.
  package var query: String?
  /// What a test or a comparison said, where that decided and no bound.
  package var test: String?

  package init(
    metric: String, value: Double?, threshold: String?, window: Duration?, samples: Double?, at: Timestamp,
    query: String?, test: String? = nil
  ) {
    self.test = test
    self.metric = metric
    self.value = value
    self.threshold = threshold
    self.window = window
    self.samples = samples
    self.at = at
    self.query = query
  }
}

/// Whether what was bad got better once the flag was off.
package struct RolloutCure: Sendable, Hashable, Codable {
  package enum State: String, Sendable, Hashable, Codable {
    case awaited, cured
    /// The metric is still bad: the code has to go back too.
    case failed
    /// Nothing could be read when it was to be seen.
    case unknown
  }

  package var until: Timestamp
  package var state: State
  package var evidence: RolloutEvidence?

  package init(until: Timestamp, state: State = .awaited, evidence: RolloutEvidence? = nil) {
    self.until = until
    self.state = state
    self.evidence = evidence
  }
}

/// Something that came to pass.
package struct RolloutEvent: Sendable, Hashable, Codable {
  package var at: Timestamp
  package var text: String
  package var by: String?

  package init(at: Timestamp, text: String, by: String? = nil) {
    self.at = at
    self.text = text
    self.by = by
  }
}
