package import Concurrency
package import Model

/// What a contender has seen of somebody else's lease, on its own clock.
///
/// Clocks of two machines say nothing about each other, so a git lease is dead only when its holder has not moved
/// the reference for the whole lease while we watched.
package struct LeaseWatch: Sendable, Equatable {
  private var beat: String?
  private var since = Timestamp(milliseconds: 0)

  package init() {}

  /// Takes note of the holder's last commit.
  /// - Parameter now: when the answer was here; it may have been true for less long.
  package mutating func see(_ beat: String?, at now: Timestamp) {
    guard beat != self.beat else { return }
    self.beat = beat
    since = now
  }

  /// The lease as it looks from here: its end is the moment until which it has to be believed.
  package func believed(_ lease: Lease) -> Lease {
    var seen = lease
    seen.expires = since + lease.duration
    return seen
  }
}
