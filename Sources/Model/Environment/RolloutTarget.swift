/// A feature flag that is raised step by step, as the environment file has it (contract rollout-analysis §2).
package struct RolloutTarget: Sendable, Hashable, Codable {
  /// The name of the rollout, and the flag's key in its store.
  package var key: String
  package var flag: FlagTarget
  /// Nil only without metrics.
  package var store: MetricStoreTarget?
  /// Rising, the last is everybody.
  package var steps: [RolloutStep]
  /// Between two readings of a metric.
  package var interval: Duration = .seconds(300)
  /// From a step's begin to its first reading.
  package var initialDelay: Duration = .seconds(300)
  /// So many last readings of every gate must be good.
  package var settle = 3
  /// Usable readings needed per gate and step.
  package var minReadings = 3
  /// The most bake time that one gap may earn; nil: twice the interval.
  package var maxCredit: Duration?
  /// After how long a step that does not end is paused; nil: three times its bake.
  package var maxStep: Duration?
  package var onError = OnStoreError.pause
  /// After the flag went off: how long the triggers may go on firing before the code is rolled back too; nil: the code
  /// stays.
  package var cureWithin: Duration?
  package var windows: RolloutWindows?
  /// Times without raising.
  package var freezes: [Freeze] = []
  package var metrics: [MetricTarget]

  package init(
    key: String, flag: FlagTarget, store: MetricStoreTarget?, steps: [RolloutStep], metrics: [MetricTarget]
  ) {
    self.key = key
    self.flag = flag
    self.store = store
    self.steps = steps
    self.metrics = metrics
  }

  /// What is done when the metric store cannot be read.
  package enum OnStoreError: String, Sendable, Hashable, Codable { case pause, rollback }

  /// The names of the secrets by which shipit acts; what is deployed does not depend on them.
  package var secretNames: Set<String> {
    Set([flag.tokenSecret, store?.tokenSecret, store?.passwordSecret].compactMap(\.self))
  }
}

extension RolloutTarget {
  /// A metric is of Railway's edge.
  package var asksRailway: Bool {
    metrics.contains { if case .railway = $0.question { true } else { false } }
  }
}

/// One share, and what leads on from it.
package struct RolloutStep: Sendable, Hashable, Codable {
  package var share: FlagShare
  /// Good time to be earned.
  package var bake: Duration
  /// A person must release what comes after the step before: the share is not raised to this one without.
  package var needsApproval: Bool

  package init(share: FlagShare, bake: Duration, needsApproval: Bool = false) {
    self.share = share
    self.bake = bake
    self.needsApproval = needsApproval
  }
}

/// Which flag, and where it is kept.
package struct FlagTarget: Sendable, Hashable, Codable {
  package enum Store: Sendable, Hashable, Codable {
    /// - Parameter url: of one's own instance; nil: LaunchDarkly's.
    case launchDarkly(project: String, environment: String, url: String?)
    /// A file of the project.
    case flagd(file: String)
    /// All or nobody.
    case variable(service: ServiceName, name: String)
  }

  package var store: Store
  /// The name of the secret that holds the store's token.
  package var tokenSecret: String?
  /// The variation that is rolled out, as text: `true`.
  package var serve: String
  /// The kind of context whose key is bucketed.
  package var context: String

  package init(_ store: Store, tokenSecret: String? = nil, serve: String = "true", context: String = "user") {
    self.store = store
    self.tokenSecret = tokenSecret
    self.serve = serve
    self.context = context
  }
}

/// Where metrics are read.
package struct MetricStoreTarget: Sendable, Hashable, Codable {
  /// Of what speaks Prometheus' API.
  package var url: String
  /// The names of the secrets of a bearer token, or of a user's password.
  package var tokenSecret: String?
  package var user: String?
  package var passwordSecret: String?

  package init(
    url: String, tokenSecret: String? = nil, user: String? = nil, passwordSecret: String? = nil
  ) {
    self.url = url
    self.tokenSecret = tokenSecret
    self.user = user
    self.passwordSecret = passwordSecret
  }
}

/// Weekly times in which steps are raised (contract rollout-analysis §12).
package struct RolloutWindows: Sendable, Hashable, Codable {
  package struct Window: Sendable, Hashable, Codable {
    /// From 0, Monday.
    package var weekdays: [Int]
    /// Minutes of the day; `from` belongs to it, `to` does not. One that ends no later than it begins runs past midnight.
    package var from: Int
    package var to: Int

    package init(weekdays: [Int], from: Int, to: Int) {
      self.weekdays = weekdays
      self.from = from
      self.to = to
    }
  }

  package var timezone: String
  package var open: [Window]

  package init(timezone: String = "UTC", open: [Window]) {
    self.timezone = timezone
    self.open = open
  }
}

/// What decides whether a rollout goes on.
package struct MetricTarget: Sendable, Hashable, Codable {
  /// A label of a store's series with its value.
  package struct Label: Sendable, Hashable, Codable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package enum Question: Sendable, Hashable, Codable {
    /// `http-success`, `http-errors` or `http-p95` over the series with these labels.
    case template(String, labels: [Label], window: Duration)
    case written(query: String, samples: String?)
    /// A program of the project that prints a number.
    case command([String])
    /// shipit's own requests to an address: `success` or `p95`.
    case probe(url: String, measure: String, samples: Int)
    /// What Railway's edge counts for a service: `success`, `errors` or `p95`.
    case railway(service: ServiceName, measure: String, window: Duration)
  }

  package var name: String
  package var question: Question
  /// `> 95`: good enough to go on.
  package var pass: String?
  /// `< 90`: bad enough to go back.
  package var abort: String?
  /// Fewer say nothing.
  package var minSamples: Int
  /// Tells who has the feature; nil: the numbers are everybody's, which the file accepts by name.
  package var variant: Label?
  /// Read also before the initial delay.
  package var isCritical = false
  /// Recorded only.
  package var isObserved = false
  /// Nil: the rollout's.
  package var interval: Duration?
  /// Of one question.
  package var timeout: Duration = .seconds(10)
  package var limits = Limits()
  /// The chance of a false alarm that a statistical test of the metric may have; nil: the bounds decide alone.
  package var alpha: Double?
  /// Compared with those who do not have the feature; nil: with the bounds alone.
  package var versus: Comparison?

  package init(
    name: String, question: Question, pass: String? = nil, abort: String? = nil, minSamples: Int = 0,
    variant: Label? = nil
  ) {
    self.name = name
    self.question = question
    self.pass = pass
    self.abort = abort
    self.minSamples = minSamples
    self.variant = variant
  }

  /// How far from those who do not have the feature it may be (contract rollout-analysis §9.3).
  package struct Comparison: Sendable, Hashable, Codable {
    /// The variant's label of those who do not have it; nil: any other value.
    package var baseline: String?
    /// By how many percent of theirs it may be worse.
    package var maxIncrease: Double?
    /// In the metric's unit: a smaller difference counts for nothing.
    package var minDelta: Double?

    package init(baseline: String? = nil, maxIncrease: Double? = nil, minDelta: Double? = nil) {
      self.baseline = baseline
      self.maxIncrease = maxIncrease
      self.minDelta = minDelta
    }
  }

  /// What is tolerated within one step (contract rollout-analysis §5); nil where nothing is written.
  package struct Limits: Sendable, Hashable, Codable {
    package var failures: Int?
    package var consecutiveFailures: Int?
    package var consecutiveErrors: Int?
    package var consecutiveSuccesses: Int?
    package var inconclusive: Int?
    package var noData: Int?
    package var count: Int?

    package init() {}
  }
}
