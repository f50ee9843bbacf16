package import Concurrency
package import Model

/// How long a lease lasts from each renewal, and how often its holder renews it.
package struct LeaseTiming: Sendable, Hashable {
  package var duration: Duration
  package var heartbeat: Duration

  package init(duration: Duration = .seconds(15), heartbeat: Duration = .seconds(5)) {
    self.duration = duration
    self.heartbeat = heartbeat
  }
}

/// The rules of the lease, without storage: who may take it, extend it, write under it.
package struct LeaseState: Sendable, Equatable {
  /// The newest fence ever given out; it only grows.
  package var fence: Int64 = 0
  /// As recorded last; nil when it was given back or never taken.
  package var lease: Lease?

  package init(fence: Int64 = 0, lease: Lease? = nil) {
    self.fence = fence
    self.lease = lease
  }

  /// Who holds the lease at `now`.
  /// - Parameter isDead: true when it is certain that the holder's process is gone.
  package func current(at now: Timestamp, isDead: (Lease) -> Bool) -> Lease? {
    guard let lease, lease.expires > now, !isDead(lease) else { return nil }
    return lease
  }

  /// Takes the lease under a new fence.
  /// - Throws: `leaseHeld` while somebody alive has it.
  package mutating func acquire(
    _ holder: Holder, timing: LeaseTiming, at now: Timestamp, environment: String, isDead: (Lease) -> Bool
  ) throws(Failure) -> Lease {
    if let other = current(at: now, isDead: isDead) {
      throw .held(other, environment: environment, at: now)
    }
    fence += 1
    let taken = Lease(
      holder: holder, fence: fence, since: now, expires: now + timing.duration, duration: timing.duration,
      heartbeat: timing.heartbeat)
    lease = taken
    return taken
  }

  /// Extends the lease from `now`. One that has expired and that nobody took is still the holder's.
  package mutating func renew(_ mine: Lease, at now: Timestamp, environment: String) throws(Failure) -> Lease
  {
    try verify(mine, environment: environment)
    var renewed = mine
    renewed.expires = now + mine.duration
    renewed.cancel = lease?.cancel
    lease = renewed
    return renewed
  }

  /// Notes with the lease that its holder is asked to stop.
  /// - Returns: the lease; nil when nobody holds it.
  mutating func requestCancel(
    _ request: CancelRequest, at now: Timestamp, isDead: (Lease) -> Bool
  ) -> Lease? {
    guard var asked = current(at: now, isDead: isDead) else { return nil }
    asked.cancel = asked.cancel ?? request
    lease = asked
    return asked
  }

  /// Takes the lease from whoever was seen to have it, under a new fence.
  /// - Throws: `stale`, `leaseHeld`.
  mutating func expel(
    _ seen: Lease, evenIfRenewed: Bool, at now: Timestamp, environment: String
  ) throws(Failure) {
    guard isHeld(by: seen), let lease else { throw .notAnyMore(seen, now: lease, environment: environment) }
    guard evenIfRenewed || lease.expires == seen.expires else {
      throw .held(lease, environment: environment, at: now)
    }
    fence += 1
    self.lease = nil
  }

  /// Gives the lease back; nothing happens when it is somebody else's by now.
  package mutating func release(_ mine: Lease) {
    if isHeld(by: mine) { lease = nil }
  }

  /// Refuses whoever was fenced out. Expiry alone refuses nobody: nobody else can have acted yet.
  /// - Throws: `stale`.
  package func verify(_ mine: Lease, environment: String) throws(Failure) {
    guard isHeld(by: mine) else { throw .fencedOut(mine, by: lease, environment: environment) }
  }

  private func isHeld(by mine: Lease) -> Bool {
    lease?.fence == mine.fence && lease?.holder.nonce == mine.holder.nonce
  }
}

extension Failure {
  /// Somebody else works on the environment: who, at what, since when.
  static func held(_ lease: Lease, environment: String, at now: Timestamp) -> Failure {
    let seconds = max(0, (now - lease.since).wholeMilliseconds / 1000)
    let left = max(1, ((lease.expires - now).wholeMilliseconds + 999) / 1000)
    return Failure(
      .leaseHeld, "\(environment) is held by \(lease.holder.name): \(lease.holder.purpose)",
      cause:
        "since \(lease.since.iso8601) (\(seconds) s), process \(lease.holder.process), fence \(lease.fence)",
      hint: "follow it with `shipit status \(environment)` and try again when it has ended; "
        + "if that process is gone, the environment is free in \(left) s at the latest")
  }

  /// Who was to be expelled does not hold the lease any more.
  static func notAnyMore(_ seen: Lease, now other: Lease?, environment: String) -> Failure {
    Failure(
      .stale, "\(seen.holder.name) does not hold \(environment) any more",
      cause: other.map { "\($0.holder.name) has it now: \($0.holder.purpose)" } ?? "it was given back",
      hint: "look again: `shipit status \(environment)`")
  }

  /// This process lost the lease and must not act any more.
  static func fencedOut(_ mine: Lease, by other: Lease?, environment: String) -> Failure {
    let taker =
      if let other {
        "\(other.holder.name) (\(other.holder.purpose)) took it at \(other.since.iso8601), fence \(other.fence)"
      } else {
        "it was given back, or freed with `shipit unlock`"
      }
    return Failure(
      .stale, "\(mine.holder.name) no longer holds the lease of \(environment), fence \(mine.fence)",
      cause: taker, hint: "see what is live with `shipit status \(environment)`")
  }
}
