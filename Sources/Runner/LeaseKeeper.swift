package import Concurrency
package import Model

/// Keeps the lease alive from the moment it is taken, and tells when it is confirmed or lost.
package actor LeaseKeeper {
  /// What the keeper has to tell a run.
  package enum News: Sendable {
    /// Side effects may begin before this moment.
    case confirmed(actUntil: Timestamp)
    case lost(Failure)
    /// Somebody elsewhere wants the holder to stop.
    case cancelAsked(CancelRequest)
  }

  /// As confirmed last; for those who cannot wait for the actor.
  package nonisolated var lease: Lease { latest.withLock { $0 } }
  private nonisolated let latest: Locked<Lease>
  private var held: HeldLease {
    didSet {
      limit.withLock { $0 = held.actUntil }
      latest.withLock { $0 = held.lease }
    }
  }
  /// `actUntil`, for those who cannot wait for the actor.
  private nonisolated let limit: Locked<Timestamp>
  private let ledger: any Ledger
  private nonisolated let clock: any TimeSource
  private let spawn: Spawner
  private var heart: Task<Void, Never>?
  private var listener: (@Sendable (News) -> Void)?
  private var lost: Failure?
  private let onCancel: @Sendable (CancelRequest) -> Void

  private init(
    ledger: any Ledger, lease: Lease, clock: any TimeSource, spawn: Spawner, askedAt: Timestamp,
    onCancel: @escaping @Sendable (CancelRequest) -> Void
  ) {
    self.onCancel = onCancel
    self.ledger = ledger
    self.clock = clock
    self.spawn = spawn
    held = HeldLease(lease, askedAt: askedAt)
    limit = Locked(held.actUntil)
    latest = Locked(lease)
  }

  /// Takes the lease and starts to renew it.
  /// - Parameters:
  ///   - onCancel: told once, when somebody elsewhere wants the holder to stop and no run goes on.
  ///   - taking: takes the lease instead of `acquire`.
  /// - Throws: `Failure` of kind leaseHeld, or what the ledger says.
  package static func acquire(
    from ledger: any Ledger, holder: Holder, clock: any TimeSource, spawn: Spawner,
    onCancel: @escaping @Sendable (CancelRequest) -> Void = { _ in },
    taking: ((Holder) async throws(Failure) -> Lease)? = nil
  ) async throws(Failure) -> LeaseKeeper {
    var askedAt = clock.now
    var lease: Lease
    if let taking {
      lease = try await taking(holder)
    } else {
      lease = try await ledger.acquire(holder: holder)
    }
    // Where a dead holder had to be watched, the asking lies long ago: what is confirmed begins with a renewal.
    if clock.now - askedAt > lease.heartbeat {
      askedAt = clock.now
      do throws(Failure) {
        lease = try await ledger.renew(lease)
      } catch {
        await ledger.release(lease)
        throw error
      }
    }
    let keeper = LeaseKeeper(
      ledger: ledger, lease: lease, clock: clock, spawn: spawn, askedAt: askedAt, onCancel: onCancel)
    await keeper.beat()
    return keeper
  }

  /// Until when side effects may begin: two thirds of the lease after the last confirmed renewal.
  package var actUntil: Timestamp {
    lost == nil ? held.actUntil : Timestamp(milliseconds: 0)
  }

  /// Asked just before a side effect.
  package nonisolated var gate: @Sendable () -> Bool {
    let (limit, clock) = (limit, clock)
    return { clock.now < limit.withLock { $0 } }
  }

  /// Somebody else has taken the lease, as far as the ledger says.
  var isFencedOut: Bool {
    get async {
      guard let holder = try? await ledger.holder() else { return true }
      return holder.fence != lease.fence
    }
  }

  /// Sends news to a run, beginning with how things stand.
  package func listen(_ listener: @escaping @Sendable (News) -> Void) {
    self.listener = listener
    if let lost { listener(.lost(lost)) } else { listener(.confirmed(actUntil: actUntil)) }
    if let request = lease.cancel { listener(.cancelAsked(request)) }
  }

  /// Stops renewing and gives the lease back.
  package func release() async {
    heart?.cancel()
    heart = nil
    listener = nil
    if lost == nil { await ledger.release(lease) }
  }

  private func beat() {
    heart = spawn { [weak self] in
      while !Task.isCancelled {
        guard let pause = await self?.pause else { return }
        do { try await pause() } catch { return }
        guard await self?.renew() ?? false else { return }
      }
    }
  }

  private var pause: @Sendable () async throws -> Void {
    let clock = clock
    let heartbeat = lease.heartbeat
    return { try await clock.sleep(for: heartbeat) }
  }

  /// One renewal. False when the lease is lost.
  private func renew() async -> Bool {
    let askedAt = clock.now
    do throws(Failure) {
      let renewed = try await ledger.renew(lease)
      let isNews = lease.cancel == nil
      held = HeldLease(renewed, askedAt: askedAt)
      listener?(.confirmed(actUntil: actUntil))
      if isNews, let request = renewed.cancel {
        onCancel(request)
        listener?(.cancelAsked(request))
      }
      return true
    } catch {
      guard held.isLost(by: error, at: clock.now) else { return true }
      lost = error
      limit.withLock { $0 = Timestamp(milliseconds: 0) }
      listener?(.lost(error))
      return false
    }
  }
}
