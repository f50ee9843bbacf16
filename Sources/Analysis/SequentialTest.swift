#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// One-sided sequential probability ratio test on errors among requests, over a whole step (contract rollout-analysis
/// §9.2; A. Wald, Sequential Analysis). For every true rate up to `healthy` the chance of ever crossing is at most
/// `alpha`, however often one looks. It aborts early; it never passes anything.
package struct SequentialTest: Sendable, Hashable {
  /// The error share up to which a service counts as healthy.
  package let healthy: Double
  /// The error share that is to be found.
  package let bad: Double
  /// The bound of false alarms.
  package let alpha: Double
  /// The sum of the evidence so far: above `threshold` the service is not healthy.
  package private(set) var logLikelihoodRatio = 0.0

  /// - Returns: nil unless 0 < healthy < bad < 1 and 0 < alpha < 1.
  package init?(healthy: Double, bad: Double, alpha: Double = 0.01, evidence: Double = 0) {
    guard 0 < healthy, healthy < bad, bad < 1, 0 < alpha, alpha < 1, evidence.isFinite else { return nil }
    self.healthy = healthy
    self.bad = bad
    self.alpha = alpha
    logLikelihoodRatio = evidence
  }

  package var threshold: Double { log(1 / alpha) }
  package var isCrossed: Bool { logLikelihoodRatio >= threshold }

  /// Adds a batch. Counts that cannot be, such as more errors than requests, are cut to what can.
  package mutating func add(requests: Double, errors: Double) {
    guard requests.isFinite, errors.isFinite, requests > 0 else { return }
    let errors = min(max(errors, 0), requests)
    logLikelihoodRatio += errors * log(bad / healthy) + (requests - errors) * log((1 - bad) / (1 - healthy))
  }
}
