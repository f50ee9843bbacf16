package import Concurrency

/// A lease as its holder counts it, on the holder's own clock, which runs through sleep (DESIGN §7).
package struct HeldLease: Sendable, Hashable {
  package private(set) var lease: Lease
  /// When the last renewal that was confirmed had been asked for: the ledger counts from later on.
  private let confirmedAt: Timestamp

  package init(_ lease: Lease, askedAt: Timestamp) {
    self.lease = lease
    confirmedAt = askedAt
  }

  /// Until when side effects may begin: two thirds of the lease.
  package var actUntil: Timestamp { confirmedAt + lease.duration * 2 / 3 }

  /// Whether a renewal that was refused or not answered ends it. A ledger that does not answer leaves the lease as
  /// it is, until it has run out.
  package func isLost(by failure: Failure, at now: Timestamp) -> Bool {
    failure.kind == .stale || now - confirmedAt >= lease.duration
  }
}
