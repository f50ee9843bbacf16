/// The steps of a rollout as thousandths of a percent, as the flag stores count them (contract rollout-analysis §2).
package struct Percentages: Sendable, Hashable {
  package let thousandths: [Int]

  /// Why a list of steps is none.
  package enum Mistake: Error, Sendable, Hashable {
    case empty
    /// Only ever upwards: downwards would take the feature from people who have it.
    case notRising
    case outOfRange
    case tooFine
    case notEndingAtHundred
  }

  package init(_ steps: [Double]) throws(Mistake) {
    guard !steps.isEmpty else { throw .empty }
    var whole: [Int] = []
    for step in steps {
      guard step > 0, step <= 100 else { throw .outOfRange }
      let thousandths = (step * 1000).rounded()
      guard abs(step * 1000 - thousandths) < 1e-6 else { throw .tooFine }
      if let last = whole.last, Int(thousandths) <= last { throw .notRising }
      whole.append(Int(thousandths))
    }
    guard whole.last == 100_000 else { throw .notEndingAtHundred }
    thousandths = whole
  }
}
