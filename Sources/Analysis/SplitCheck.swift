#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Whether the arms are split as the flag's share says (sample ratio mismatch, contract rollout-analysis §9.3). When
/// they are not, the numbers compare different crowds.
package struct SplitCheck: Sendable, Hashable {
  package let chiSquare: Double
  package let p: Double
  package var isMismatch: Bool { p < 0.001 }

  /// - Parameter share: of the treatment, in thousandths of a percent.
  /// - Returns: nil when nobody was seen, or at a share of nothing or everything.
  package init?(treatment: Double, control: Double, share: Int) {
    let all = treatment + control
    guard treatment >= 0, control >= 0, all > 0, all.isFinite, 0 < share, share < 100_000 else { return nil }
    let expected = all * Double(share) / 100_000
    let rest = all - expected
    chiSquare =
      (treatment - expected) * (treatment - expected) / expected + (control - rest) * (control - rest) / rest
    // One degree of freedom: the tail of a squared normal variable.
    p = erfc((chiSquare / 2).squareRoot())
  }
}
