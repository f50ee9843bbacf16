package import Concurrency

/// What the statistical test of one metric has counted within the running step, and what it says of it.
package struct RolloutTest: Sendable, Hashable, Codable {
  /// Up to when requests are counted: none counts twice, however often and over how long a metric is read.
  package var until: Timestamp
  /// Of those who have the feature.
  package var requests = 0.0
  package var failures = 0.0
  /// Of those who have not, where both are compared.
  package var baselineRequests = 0.0
  package var baselineFailures = 0.0
  /// How much speaks against the release so far, and from where on it is off.
  package var evidence = 0.0
  package var bound: Double
  /// Once crossed it stays so for the step.
  package var isCrossed = false
  /// A test that is made once has been made.
  package var isMade = false
  /// What it says, for people.
  package var words: String

  package init(until: Timestamp, bound: Double, words: String) {
    self.until = until
    self.bound = bound
    self.words = words
  }
}
