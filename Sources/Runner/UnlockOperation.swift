package import Concurrency
package import Model

/// `shipit unlock`: takes a lease from a holder that is most likely dead but cannot be proved so.
package struct UnlockOperation: Sendable {
  /// What was seen of the holder while it was watched.
  package enum Sighting: Sendable, Hashable {
    case nobody
    /// It renewed the lease: it lives.
    case renews(Lease)
    /// It missed a renewal.
    case silent(Lease)
  }

  private let ledger: any Ledger
  private let clock: any TimeSource

  package init(_ ledger: any Ledger, clock: any TimeSource) {
    self.ledger = ledger
    self.clock = clock
  }

  /// Looks whether the holder renews its lease: until it does, or has let one and a half heartbeats pass.
  /// - Parameter tell: told whom it watches and for how long at most.
  package func watch(tell: @Sendable (Lease, Duration) -> Void) async throws(Failure) -> Sighting {
    guard let seen = try await ledger.holder() else { return .nobody }
    let patience = seen.heartbeat * 3 / 2
    tell(seen, patience)
    let end = clock.now + patience
    while clock.now < end {
      do { try await clock.sleep(for: min(.seconds(1), max(.milliseconds(50), seen.heartbeat / 20))) } catch {
        throw Failure(.cancelled, "stopped watching \(seen.holder.name); nothing was changed")
      }
      guard let now = try await ledger.holder() else { return .nobody }
      guard now.fence == seen.fence, now.holder.nonce == seen.holder.nonce, now.expires == seen.expires else {
        return .renews(now)
      }
    }
    return .silent(seen)
  }

  /// Fences the holder out.
  /// - Throws: `leaseHeld` when it has renewed since it was seen, unless forced; `stale` when it has gone.
  package func free(_ seen: Lease, isForced: Bool) async throws(Failure) {
    try await ledger.expel(seen, evenIfRenewed: isForced)
  }
}
