/// A metric that a simulation leaves out.
package struct RolloutReplayGap: Sendable, Hashable, Codable {
  package var metric: String
  /// Whose source keeps no history.
  package var source: String

  package init(metric: String, source: String) {
    self.metric = metric
    self.source = source
  }
}

/// How many rollouts of a healthy service the same rules would have rolled back by chance.
package struct HealthyRollouts: Sendable, Hashable, Codable {
  /// The true share of failures that is assumed of a metric, in percent.
  package struct Assumption: Sendable, Hashable, Codable {
    package var metric: String
    package var failing: Double
    /// It is the share of the time that was played; else the bound of `pass`.
    package var isSeen: Bool
    /// Requests a reading, in the middle.
    package var requests: Double

    package init(metric: String, failing: Double, isSeen: Bool, requests: Double) {
      self.metric = metric
      self.failing = failing
      self.isSeen = isSeen
      self.requests = requests
    }
  }

  package var rollouts: Int
  package var rolledBack: Int
  package var assumptions: [Assumption]
  /// Metrics that are no share of failures: they count as good.
  package var left: [String]

  package init(rollouts: Int, rolledBack: Int, assumptions: [Assumption], left: [String]) {
    self.rollouts = rollouts
    self.rolledBack = rolledBack
    self.assumptions = assumptions
    self.left = left
  }
}
