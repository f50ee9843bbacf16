package import Analysis
package import Concurrency
package import Model

/// What a round came to.
package struct RolloutResult: Sendable {
  package enum Outcome: Sendable, Hashable {
    /// There is no record: it was never begun.
    case notBegun
    /// It had ended before.
    case over
    /// The clock went back by more than a minute.
    case skippedClock
    case waits(TickAction.Wait)
    /// The flag's store wants a person's approval for the change.
    case waitsForStore
    case raised(from: FlagShare?, to: FlagShare)
    case completed
    case paused(TickAction.Pause)
    case rolledBack
    case halted
    /// After a rollback the metric is good again.
    case cured
    /// It is not: the code has to go back too.
    case notCured
    /// Something outside did not do its part; the next round tries again.
    case troubled
  }

  package var key: String
  package var outcome: Outcome
  package var record: RolloutRecord?
  /// What went wrong beside it, or instead of it.
  package var failure: Failure?
  /// For people, a line each.
  package var notes: [String]
  /// When the next round has something to do; nil when none has.
  package var next: Timestamp?

  package init(
    _ key: String, _ outcome: Outcome, _ record: RolloutRecord?, failure: Failure? = nil,
    notes: [String] = [], next: Timestamp? = nil
  ) {
    self.key = key
    self.outcome = outcome
    self.record = record
    self.failure = failure
    self.notes = notes
    self.next = next
  }

  /// DESIGN §9: a wait ends with 0; what a schedule has to call a person for does not.
  package var exit: ExitCode {
    if let failure { return failure.exitCode }
    switch outcome {
    case .notBegun, .over, .skippedClock, .waits, .raised, .completed, .cured: return .done
    case .waitsForStore: return .waiting
    case .paused(.blind): return .blind
    case .paused(let why): return why == .person || why == .noData ? .done : .waiting
    case .rolledBack, .halted: return .failedClean
    case .notCured: return .failedMixed
    case .troubled: return .failedClean
    }
  }

  /// What a person has to be called for, also where this round found it so; nil: nothing.
  package var wantsPerson: ExitCode? {
    if exit != .done { return exit }
    switch outcome {
    case .waits(.paused): return record?.pause?.why == TickAction.Pause.blind.rawValue ? .blind : .waiting
    case .waits(.approval), .paused: return .waiting
    default: return nil
    }
  }

  /// Whether nobody has the feature by it any more.
  package var isOff: Bool { outcome == .rolledBack || outcome == .notBegun || outcome == .over }

  /// Whether further rounds can change anything without a person.
  package var isSettled: Bool {
    switch outcome {
    case .notBegun, .over, .completed, .cured, .notCured, .halted: return true
    case .rolledBack: return record?.end?.cure == nil
    default: return false
    }
  }
}

/// Why a round stopped before its end.
enum RoundStop: Error {
  /// Somebody else has written the record since it was read: the round begins anew.
  case lost
  case failed(Failure)
}
