package import Concurrency
package import Model

/// What `status` says: what is live, how proven, what is under way, and what blocks the next deploy.
package struct StatusReport: Report {
  package static let kind = "status"

  /// The one sentence that must be true after anything that can happen to a run.
  package enum Truth: String, Codable, Sendable, Hashable {
    /// No release was ever live.
    case nothing
    /// The newest run's release is live.
    case released
    /// The newest run failed, and the release before it is live.
    case previous
    case mixed
    /// A run is going on under a lease that somebody holds.
    case running
    /// A run stopped in the middle, and nobody has settled it.
    case inFlight = "in-flight"
  }

  /// What the last good release has of a service.
  package struct Expected: Codable, Sendable, Hashable {
    package var release: Int
    package var commit: String
    package var proof: Proof
    /// Under which it ran: as the release recorded it, and as later runs put it back.
    package var deployments: [String]
  }

  package struct ServiceLine: Codable, Sendable, Hashable {
    package var service: ServiceName
    package var platform: PlatformName
    /// Empty when no release has recorded the service.
    package var commit: String
    package var deployment: String?
    package var address: String?
    /// How the release was proven when it went live.
    package var proof: Proof
    /// The release whose code this is: after a rollback, the one that was restored.
    package var release: Int?
    /// Nil when no release has recorded it.
    package var cutOver: CutOver?
    /// Nil when the last good release does not have it.
    package var expected: Expected?
    /// What the platform says now; nil until it has answered.
    package var live: LiveColumn?
    /// Why the platform could not say.
    package var trouble: String?
  }

  package struct LiveColumn: Codable, Sendable, Hashable {
    /// The platform's own word.
    package var status: String
    package var deployment: String?
    package var commit: String?
    package var instances: [String: Int]
    /// What is live is what the last good release has; after a mixed end, what was recorded last.
    package var matches: Bool
    /// A newer attempt that is not live: its word.
    package var newest: String?
    /// What the platform has to say beside it: a pin, a rolling release.
    package var notes: [String]
  }

  package struct Running: Codable, Sendable, Hashable {
    package var run: RunID
    package var release: Int
    package var action: Plan.Kind
    package var commit: String
    package var by: String
    package var startedAt: Moment
    /// Titles of steps that began and whose end is not known.
    package var open: [String]
    /// Titles of steps that moved what users see and have ended well.
    package var moved: [String]
  }

  package struct Last: Codable, Sendable, Hashable {
    package var run: RunID
    package var release: Int
    package var state: RunResult.State
    package var exit: ExitCode
    package var commit: String
    package var endedAt: Moment?
    package var failure: Failure?
    package var unattended: [String]
  }

  package struct BadMark: Codable, Sendable, Hashable {
    package var commit: String
    package var release: Int
  }

  package struct LeaseLine: Codable, Sendable, Hashable {
    package var holder: String
    package var purpose: String
    package var process: Int32
    package var since: Moment
    package var expires: Moment
    /// Who asked the holder to stop, and why.
    package var cancel: String?
  }

  package struct HoldLine: Codable, Sendable, Hashable {
    package var reason: String
    package var by: String
    package var at: Moment
  }

  /// A plan that waits until somebody approves it.
  package struct ApprovalLine: Codable, Sendable, Hashable {
    package var commit: String
    package var subject: String
    package var digest: String
    /// Who asked for it.
    package var by: String
    package var at: Moment
    /// How many more are needed; none: whoever deploys may go on.
    package var missing: Int
    /// `1 of 2 given, by ann`.
    package var words: String

    package init(_ wanted: Decision, missing: Int, words: String) {
      commit = wanted.commit ?? ""
      subject = wanted.subject ?? ""
      digest = wanted.digest ?? ""
      by = wanted.by
      at = Moment(wanted.at)
      self.missing = missing
      self.words = words
    }
  }

  package var app: String
  package var environment: String
  package var truth: Truth
  package var now: Moment
  package var release: ReleaseHead?
  package var isDirty: Bool
  package var by: String?
  package var since: Moment?
  package var restores: Int?
  package var reason: String?
  package var services: [ServiceLine]
  package var running: Running?
  package var last: Last?
  package var lease: LeaseLine?
  package var hold: HoldLine?
  /// Newest first.
  package var approvals: [ApprovalLine]
  package var bad: [BadMark]
  /// The last good release is itself of different commits.
  package var isMix: Bool
  /// Says that services run different commits, as after a rollback in part; nil: they agree.
  package var mix: String?
  /// The release whose record stands for an environment file that was not found.
  package var record: Int?
  package var overrides: [Override]
  package var notes: [String]
  /// The platforms are not asked: the answer is the ledger's alone.
  package var isOffline = false

  /// Reads the truth out of what the ledger has.
  /// - Parameters:
  ///   - releases: Newest first.
  ///   - runs: Newest first, the open one included.
  ///   - journal: Of the open run.
  ///   - lease: Held now.
  ///   - declared: The environment's services: each gets a row, recorded or not.
  ///   - approvals: Of plans that wait.
  package init(
    app: String, environment: String, now: Timestamp, releases: [Release] = [], runs: [RunRecord] = [],
    journal: [JournalEntry] = [], lease: Lease? = nil, hold: Hold? = nil, bad: [String: Int] = [:],
    overrides: [Override] = [], notes: [String] = [], declared: [Service] = [],
    approvals: [ApprovalLine] = []
  ) {
    self.app = app
    self.environment = environment
    self.now = Moment(now)
    let good = releases.first(where: \.isGood)
    release = good.map(ReleaseHead.init)
    isDirty = good?.isDirty ?? false
    by = good?.by
    since = (good?.endedAt).map { Moment($0) }
    restores = good?.restores
    reason = good?.reason
    let recorded = releases.first { !$0.services.isEmpty } ?? good
    services = StatusReport.rows(releases, good: good, recorded: recorded, declared)
    mix = recorded.flatMap(StatusReport.mix)
    isMix = good.flatMap(StatusReport.mix) != nil
    let open = runs.first { $0.result == nil }
    running = open.map { Running($0, journal: journal) }
    let closed = runs.first { $0.result != nil }
    last = closed.flatMap(Last.init)
    // Until the platforms are asked, what the last run saw is the newest that is known.
    for (name, foreign) in closed?.result?.foreign ?? [:] {
      guard let run = closed?.id, let index = services.firstIndex(where: { $0.service == name }) else {
        continue
      }
      let commit = foreign.commit.map { " of \(short($0))" } ?? ""
      services[index].trouble = "run \(run) found somebody else's deployment \(foreign.id)\(commit) there"
    }
    self.lease = lease.map {
      LeaseLine(
        holder: $0.holder.name, purpose: $0.holder.purpose, process: $0.holder.process,
        since: Moment($0.since), expires: Moment($0.expires),
        cancel: $0.cancel.map { "\($0.by): \($0.reason)" })
    }
    self.hold = hold.map { HoldLine(reason: $0.reason, by: $0.by, at: Moment($0.at)) }
    self.bad = bad.map { BadMark(commit: $0.key, release: $0.value) }.sorted {
      ($1.release, $0.commit) < ($0.release, $1.commit)
    }
    self.overrides = overrides
    self.notes = notes
    self.approvals = approvals
    // A run that was settled and not continued tells nothing by itself: the one before it does.
    let telling = runs.first { $0.result != nil && $0.result?.state != .abandoned }
    truth =
      if open != nil {
        lease != nil ? .running : .inFlight
      } else {
        switch telling?.result?.state {
        case .mixed: .mixed
        case .inFlight: .inFlight
        case .rolledBack, .unchanged: good == nil ? .nothing : .previous
        case .released, .restored, .abandoned, nil: good == nil ? .nothing : .released
        }
      }
    // One that was settled half-way may have left part of it live: its record says so.
    if open == nil, closed?.result?.state == .abandoned, let left = releases.first, left.run == closed?.id,
      left.services.contains(where: {
        $0.value.deployment != nil && $0.value.commit != good?.services[$0.key]?.commit
      })
    {
      truth = .mixed
    }
  }

  /// What runs of different commits at once; an image names none by itself.
  static func mix(_ release: Release) -> String? {
    let built = release.services.filter { if case .image = $0.value.source { false } else { true } }
    guard Set(built.values.map(\.commit)).count > 1 else { return nil }
    let parts = built.sorted { $0.key < $1.key }.map { "\($0.key) at \(short($0.value.commit))" }
    return "services of different commits run together: \(list(parts))"
  }

  /// Services of which the platform says something else than the release.
  package var differing: [ServiceName] {
    services.filter { $0.live?.matches == false }.map(\.service)
  }

  /// Services of which it is not known what runs.
  package var unknown: [ServiceName] {
    services.filter { $0.live == nil && $0.trouble != nil }.map(\.service)
  }

  /// Says for a platform's services why their live columns stay empty.
  package mutating func fail(_ platform: PlatformName, _ failure: Failure) {
    for index in services.indices where services[index].platform == platform {
      services[index].trouble = failure.message
    }
    // Without a row there is no other place for it.
    if !services.contains(where: { $0.platform == platform }) {
      notes.append("\(platform.title): live state not known: \(failure.message)")
    }
  }
}

extension StatusReport.Running {
  init(_ record: RunRecord, journal: [JournalEntry]) {
    run = record.id
    release = record.release
    action = record.plan.kind
    commit = record.plan.commit
    by = record.by
    startedAt = Moment(record.startedAt)
    var steps: [StepID: Step] = [:]
    for step in record.plan.steps { steps[step.id] = step }
    var began: [StepID] = []
    var done: [StepID] = []
    for entry in journal {
      switch entry.fact {
      case .began(let id, _, _): if !began.contains(id) { began.append(id) }
      case .ended(let id, _, .done), .probed(let id, .done), .abandoned(let id, .tookEffect):
        began.removeAll { $0 == id }
        done.append(id)
      case .ended(let id, _, .failed), .ended(let id, _, .cancelled), .ended(let id, _, .retry),
        .probed(let id, .failed), .probed(let id, .absent), .abandoned(let id, .cancelled):
        began.removeAll { $0 == id }
      case .turned(_, _, let undo): for step in undo { steps[step.id] = step }
      case .identified, .ended, .probed, .abandoned, .interrupted, .cancelAsked, .lines, .resumed,
        .finished:
        break
      }
    }
    open = began.map { steps[$0]?.title ?? $0.rawValue }
    moved = done.filter { steps[$0]?.isCutOver == true }.map { steps[$0]?.title ?? $0.rawValue }
  }
}

extension StatusReport.Last {
  init?(_ record: RunRecord) {
    guard let result = record.result else { return nil }
    run = record.id
    release = record.release
    state = result.state
    exit = result.exit
    commit = record.plan.commit
    endedAt = record.endedAt.map { Moment($0) }
    failure = result.failure
    unattended = result.unattended.map { record.plan.step($0)?.title ?? $0.rawValue }
  }
}
