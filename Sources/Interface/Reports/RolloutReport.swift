package import Concurrency
package import Model

/// What `rollout status` says, and the other words of `rollout` in the end: how far each rollout is, and what is next.
package struct RolloutReport: Report {
  package static let kind = "rollout"

  package struct MetricLine: Codable, Sendable, Hashable {
    package var name: String
    package var state: String
    package var pass: String?
    package var abort: String?
    package var isObserved: Bool
    /// The oldest first.
    package var readings: [RolloutReading]
    /// What its statistical test has counted in this step, and says; nil without one.
    package var test: RolloutTest?
  }

  package struct RolloutLine: Codable, Sendable, Hashable {
    package var key: String
    package var status: RolloutRecord.Status?
    package var flag: String
    package var steps: [FlagShare]
    package var share: FlagShare?
    /// What the flag's store says now; nil when it was not asked.
    package var served: String?
    package var release: Int?
    package var commit: String?
    package var startedAt: Moment?
    package var stepStartedAt: Moment?
    package var lastTickAt: Moment?
    package var lastAction: String?
    package var credit: Seconds
    package var bake: Seconds
    package var metrics: [MetricLine]
    package var pause: RolloutPause?
    package var orders: [RolloutOrder]
    package var wantsApproval: FlagShare?
    package var nextRound: Moment?
    package var earliestRaise: Moment?
    package var isOverdue: Bool
    package var end: RolloutEnd?
    package var summary: String?
    /// What the round that was just made came to, in words.
    package var outcome: String?
    package var notes: [String]
    package var failure: Failure?
    package var events: [RolloutEvent]
  }

  package var app: String
  package var environment: String
  package var now: Moment
  package var rollouts: [RolloutLine]
  package var exit: ExitCode

  package init(
    app: String, environment: String, now: Timestamp, rollouts: [RolloutLine], exit: ExitCode = .done
  ) {
    self.app = app
    self.environment = environment
    self.now = Moment(now)
    self.rollouts = rollouts
    self.exit = exit
  }
}

extension RolloutReport.RolloutLine {
  /// - Parameter record: nil: it was never begun.
  package init(
    _ target: RolloutTarget, _ record: RolloutRecord?, served: String? = nil, nextRound: Timestamp? = nil,
    earliestRaise: Timestamp? = nil, wantsApproval: FlagShare? = nil, isOverdue: Bool = false,
    outcome: String? = nil, notes: [String] = [], failure: Failure? = nil
  ) {
    key = target.key
    status = record?.status
    flag = target.flag.words
    steps = target.steps.map(\.share)
    share = record?.share
    self.served = served
    release = record?.release
    commit = record?.commit
    startedAt = (record?.startedAt).map(Moment.init)
    stepStartedAt = (record?.stepStartedAt).map(Moment.init)
    lastTickAt = (record?.lastTickAt).map(Moment.init)
    lastAction = record?.lastAction
    credit = Seconds(record?.credit ?? .zero)
    bake = Seconds(record?.bake ?? .zero)
    metrics = target.metrics.map { metric in
      let kept = record?.metrics[metric.name]
      return .init(
        name: metric.name, state: kept?.state ?? "pending", pass: metric.pass, abort: metric.abort,
        isObserved: metric.isObserved, readings: kept?.readings ?? [], test: kept?.test)
    }
    pause = record?.pause
    orders = record?.orders ?? []
    self.wantsApproval = wantsApproval
    self.nextRound = nextRound.map(Moment.init)
    self.earliestRaise = earliestRaise.map(Moment.init)
    self.isOverdue = isOverdue
    end = record?.end
    summary = record?.end?.summary
    self.outcome = outcome
    self.notes = notes
    self.failure = failure
    events = Array((record?.events ?? []).suffix(10))
  }
}
