/// What a rollout's metrics say together (contract rollout-analysis §6): the worst counts.
package enum Verdict: String, Sendable, Hashable, Comparable, CaseIterable {
  case passed, running, pending, inconclusive, errored, failed

  /// - Parameter states: of the metrics that decide; those that are only observed are left out.
  package init(_ states: some Sequence<MetricState>) {
    self = states.map(Verdict.init).max() ?? .passed
  }

  private init(_ state: MetricState) {
    self =
      switch state {
      case .passed: .passed
      case .running: .running
      case .pending: .pending
      case .inconclusive, .starved: .inconclusive
      case .errored: .errored
      case .failed: .failed
      }
  }

  package static func < (one: Verdict, other: Verdict) -> Bool { one.rank < other.rank }

  private var rank: Int {
    switch self {
    case .passed: 0
    case .running: 1
    case .pending: 2
    case .inconclusive: 3
    case .errored: 4
    case .failed: 5
    }
  }
}

/// What is done when a metric store cannot be read.
package enum OnError: String, Sendable, Hashable, Codable { case pause, rollback }

/// What follows from a verdict alone.
package enum VerdictAction: String, Sendable, Hashable { case wait, advance, pause, rollback }

extension Verdict {
  package func action(onError: OnError) -> VerdictAction {
    switch self {
    case .passed: .advance
    case .running, .pending: .wait
    case .inconclusive: .pause
    case .errored: onError == .pause ? .pause : .rollback
    case .failed: .rollback
    }
  }
}
