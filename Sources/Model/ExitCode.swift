/// What the process ends with; documented in docs/exit-codes.md and promised to scripts.
package enum ExitCode: Int32, Sendable, Hashable, Codable, CaseIterable {
  case done = 0
  /// A defect of shipit itself.
  case internalError = 1
  /// Usage or configuration.
  case usage = 2
  /// `plan --detailed-exitcode` or `drift` found changes.
  case changesFound = 3
  /// Authentication or permission.
  case authentication = 4
  /// Somebody else holds the environment.
  case leaseHeld = 5
  /// Older commit, moved plan, foreign deployment, or this holder was fenced out.
  case stale = 6
  /// Failed; the previous release is live and verified.
  case failedClean = 7
  /// Failed; the state is mixed or there is no previous release. A person is needed.
  case failedMixed = 8
  /// Waits for a person.
  case waiting = 9
  /// An explicit rollback failed.
  case rollbackFailed = 10
  /// Deadline passed; the previous release is live.
  case deadline = 11
  /// Freeze, hold, No-Go.
  case policy = 12
  /// The metric store is blind.
  case blind = 13
  case hangup = 129
  case interrupted = 130
  case terminated = 143

  /// The order in which codes win when several apply (DESIGN §9): 10 > 8 > interrupted > 11 > 7.
  private var weight: Int {
    switch self {
    case .rollbackFailed: 5
    case .failedMixed: 4
    case .hangup, .interrupted, .terminated: 3
    case .deadline: 2
    case .failedClean: 1
    default: 0
    }
  }

  /// Of two codes that both apply, the one to end with.
  package func combined(with other: ExitCode) -> ExitCode {
    weight >= other.weight ? self : other
  }
}
