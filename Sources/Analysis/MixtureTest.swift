#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Mixture sequential test of two error shares, valid at every look at once (contract rollout-analysis §9.3; R. Johari,
/// L. Pekelis, D. Walsh, Always valid inference).
package struct MixtureTest: Sendable, Hashable {
  /// One arm's counts, all of the step together.
  package struct Arm: Sendable, Hashable {
    package var requests: Double
    package var errors: Double

    package init(requests: Double, errors: Double) {
      self.requests = requests
      self.errors = errors
    }

    /// The variance is estimated: below this it says nothing.
    var isEnough: Bool { requests >= 100 && errors >= 5 && errors <= requests }
    var share: Double { errors / requests }
    var variance: Double { share * (1 - share) / requests }
  }

  /// What one look says.
  package struct Look: Sendable, Hashable {
    /// How much worse the canary's share is.
    package var delta: Double
    package var ratio: Double
    package var p: Double
    package var halfWidth: Double
    /// Worse by more than the margin, for certain enough.
    package var isBreach: Bool
  }

  package let alpha: Double
  /// The size of a change worth noticing.
  package let tau: Double
  /// How much worse is accepted.
  package let margin: Double
  /// Over all looks: the evidence, which never shrinks.
  package private(set) var largestRatio: Double

  /// - Parameter evidence: the largest ratio of the looks before.
  /// - Returns: nil unless 0 < alpha < 1 and tau > 0.
  package init?(alpha: Double = 0.01, tau: Double = 0.01, margin: Double = 0, evidence: Double = 0) {
    guard 0 < alpha, alpha < 1, tau > 0, tau.isFinite, margin.isFinite, evidence >= 0 else { return nil }
    largestRatio = evidence
    self.alpha = alpha
    self.tau = tau
    self.margin = margin
  }

  /// - Returns: nil while either arm has too little.
  package mutating func look(canary: Arm, baseline: Arm) -> Look? {
    guard canary.isEnough, baseline.isEnough else { return nil }
    let delta = canary.share - baseline.share
    let variance = canary.variance + baseline.variance
    guard variance > 0 else { return nil }
    let (width, sum) = (tau * tau, variance + tau * tau)
    let ratio = (variance / sum).squareRoot() * exp(width * delta * delta / (2 * variance * sum))
    largestRatio = max(largestRatio, ratio)
    let p = min(1, 1 / largestRatio)
    let halfWidth = (variance * sum / width * (2 * log(1 / alpha) + log(sum / variance))).squareRoot()
    return Look(
      delta: delta, ratio: ratio, p: p, halfWidth: halfWidth,
      isBreach: p <= alpha && delta - halfWidth > margin)
  }
}
