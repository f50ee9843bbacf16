extension MetricThresholds {
  /// From how many requests on a bound on a share, in percent, does not pass by chance: a healthy service, whose true
  /// share is that of `pass`, is not taken for a bad one in more than one of a hundred rollouts, however it is looked
  /// at 48 times (contract rollout-analysis §9.1, where 2000 of 1 % against 2 % gave one of a thousand).
  ///
  /// Nil where the bounds are no shares, or do not lie apart.
  package var enoughSamples: Double? {
    guard let pass, let abort, (0...100).contains(pass.bound), (0...100).contains(abort.bound) else {
      return nil
    }
    // Of successes the failures are what is rare.
    let (healthy, bad) =
      abort.bound > pass.bound
      ? (pass.bound / 100, abort.bound / 100) : (1 - pass.bound / 100, 1 - abort.bound / 100)
    guard healthy < bad else { return nil }
    // 4.5 standard deviations of a share; never so few that a single failure is a share of its own.
    let apart = (bad - healthy) * (bad - healthy)
    let samples = 4.5 * 4.5 * max(healthy * (1 - healthy), 0.0001) / apart
    return (max(samples, 10 / bad) / 50).rounded(.up) * 50
  }
}
