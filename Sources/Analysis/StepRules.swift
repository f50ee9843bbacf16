/// What decides one step of a rollout (contract rollout-analysis §2, §7). Names as the environment file's.
package struct StepRules: Sendable, Hashable {
  package struct Metric: Sendable, Hashable {
    package var limits: MetricLimits
    /// Recorded and reported only.
    package var isObserved: Bool
    /// Read also before `initialDelay`.
    package var isCritical: Bool

    package init(_ limits: MetricLimits = MetricLimits(), isObserved: Bool = false, isCritical: Bool = false)
    {
      self.limits = limits
      self.isObserved = isObserved
      self.isCritical = isCritical
    }
  }

  /// Good time to be earned.
  package var bake: Duration
  package var initialDelay: Duration
  /// The last so many readings of every gate must be passes.
  package var settle: Int
  /// Usable readings needed per gate.
  package var minReadings: Int
  /// The most credit one gap may earn: nobody looked for longer.
  package var maxCredit: Duration
  /// After how long, pauses left out, a step that does not end asks a person.
  package var maxStep: Duration
  package var onError: OnError
  package var needsApproval: Bool
  /// The share the step set, in thousandths of a percent.
  package var share: Int
  package var metrics: [String: Metric]

  /// - Parameters:
  ///   - interval: between two readings; gives the standard `maxCredit`.
  ///   - maxCredit: standard: twice the interval.
  ///   - maxStep: standard: three times the bake.
  package init(
    bake: Duration, interval: Duration, initialDelay: Duration = .zero, settle: Int = 3, minReadings: Int = 3,
    maxCredit: Duration? = nil, maxStep: Duration? = nil, onError: OnError = .pause,
    needsApproval: Bool = false,
    share: Int, metrics: [String: Metric]
  ) {
    self.bake = bake
    self.initialDelay = initialDelay
    self.settle = settle
    self.minReadings = minReadings
    self.maxCredit = maxCredit ?? interval * 2
    self.maxStep = maxStep ?? bake * 3
    self.onError = onError
    self.needsApproval = needsApproval
    self.share = share
    self.metrics = metrics
  }

  /// The metrics that decide.
  package var gates: [String] { metrics.filter { !$0.value.isObserved }.keys.sorted() }
}

/// One round of `rollout tick`: what it saw. `at` counts from the step's begin.
package struct Tick: Sendable, Hashable {
  package enum Order: String, Sendable, Hashable { case approve, pause, resume, abort }

  /// Whether the share may be raised now (contract rollout-analysis §12).
  package enum Window: String, Sendable, Hashable { case open, closed, freeze }

  /// The flag as its store has it.
  package struct Flag: Sendable, Hashable {
    package var isOn: Bool
    /// Thousandths of a percent.
    package var share: Int
    /// Rule, salt, context kind or bucketing are not as they were left.
    package var isChanged: Bool

    package init(isOn: Bool, share: Int, isChanged: Bool = false) {
      self.isOn = isOn
      self.share = share
      self.isChanged = isChanged
    }
  }

  package var at: Duration
  /// The outcomes of the readings taken in this round.
  package var readings: [String: Outcome]
  package var order: Order?
  /// Nil: as it was left.
  package var flag: Flag?
  package var window: Window

  package init(
    at: Duration, readings: [String: Outcome] = [:], order: Order? = nil, flag: Flag? = nil,
    window: Window = .open
  ) {
    self.at = at
    self.readings = readings
    self.order = order
    self.flag = flag
    self.window = window
  }
}

/// What a round does, with why.
package enum TickAction: Sendable, Hashable {
  package enum Wait: String, Sendable, Hashable, Codable {
    case bake, approval, window, paused, resumed
    case initialDelay = "initial_delay"
  }

  package enum Pause: String, Sendable, Hashable, Codable {
    case person, drift, blind, inconclusive, deadline
    case noData = "no_data"

    /// Whether it ends by itself as soon as every gate has a usable reading again.
    package var endsByItself: Bool { self == .blind || self == .noData }
  }

  package enum Rollback: String, Sendable, Hashable, Codable { case metric, blind, `operator` }

  case noop
  /// The clock went back by more than a minute.
  case skipClock
  case wait(Wait)
  case advance
  case pause(Pause)
  case rollback(Rollback)
  /// Somebody lowered the share or turned the flag off: nothing is written, ever again.
  case haltExternal
}

extension TickAction {
  /// As the contract writes it: `wait:bake`.
  package var written: String {
    switch self {
    case .noop: "noop"
    case .skipClock: "skip:clock"
    case .wait(let why): "wait:\(why.rawValue)"
    case .advance: "advance"
    case .pause(let why): "pause:\(why.rawValue)"
    case .rollback(let why): "rollback:\(why.rawValue)"
    case .haltExternal: "halt:external"
    }
  }
}
