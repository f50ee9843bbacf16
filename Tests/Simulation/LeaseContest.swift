import Concurrency
import Ledgers
import Model

/// Two or more holders contend for one lease by the ledgers' rules, on machines whose clocks drift, while some are
/// killed, put to sleep or cut off.
///
/// Single-threaded and drawn from a seed. Two kinds: the ledger's own clock decides (local, postgres), or each
/// contender watches the reference stand still on its own (git).
package struct LeaseContest {
  /// What a contest showed.
  package struct Result: Sendable {
    /// How often the lease was taken.
    package var taken = 0
    package var acts = 0
    package var refusedWrites = 0
    package var killed = 0
    /// The longest wait for a lease whose holder was gone, beyond the lease itself.
    package var longestWait = Duration.zero
  }

  private struct Holder {
    var clockRate: Int64
    var offset: Duration
    var held: HeldLease?
    var watch = LeaseWatch()
    var sleepsUntil: Timestamp?
    var isCutOffUntil: Timestamp?
    var holdsUntil = Timestamp(milliseconds: 0)
    var nonce = 0

    func clock(_ now: Timestamp) -> Timestamp {
      now + offset + .milliseconds((now - Make.startedAt).wholeMilliseconds * clockRate / 1_000_000)
    }
  }

  private var random: SeededRandom
  private let isWatched: Bool
  private let mutation: Mutation?
  private let timing: LeaseTiming
  private var state = LeaseState()
  /// Grows with every write: the tip of the reference.
  private var tip = 0
  private var holders: [Holder] = []
  private var now = Make.startedAt
  private var newestActing: Int64 = 0
  /// Since when the lease belongs to a process that is gone.
  private var orphanedAt: Timestamp?
  private var firstLooked = Make.startedAt
  private var result = Result()

  package init(seed: UInt64, mutation: Mutation? = nil) {
    random = SeededRandom(seed: seed ^ 0xC047)
    self.mutation = mutation
    isWatched = random.chance(400)
    timing =
      isWatched ? LeaseTiming(duration: .seconds(90), heartbeat: .seconds(20)) : LeaseTiming()
    for _ in 0..<random.number(2...5) {
      holders.append(
        Holder(
          clockRate: Int64(random.number(-1000...1000)), offset: .seconds(random.number(-300...300))))
    }
  }

  /// Plays one contest: until the lease was taken often enough.
  /// - Throws: `Violation` of the third promise.
  package mutating func play() throws -> Result {
    let wanted = random.number(3...8)
    var turns = 0
    while result.taken < wanted {
      turns += 1
      guard turns < 200_000 else { throw Violation(.oneHolder, "nobody gets the lease any more") }
      now = now + .milliseconds(random.number(5...400))
      // The first is always awake and reaches the ledger: a killed holder may keep it waiting for the lease alone.
      if now - firstLooked > .milliseconds(400) {
        firstLooked = now
        try turn(of: 0)
      }
      try turn(of: random.number(0...holders.count - 1))
      if let orphanedAt, now - orphanedAt > timing.duration + .seconds(1) {
        throw Violation(.oneHolder, "the lease of a killed holder is not free after \(now - orphanedAt)")
      }
    }
    return result
  }

  private mutating func turn(of index: Int) throws(Violation) {
    var holder = holders[index]
    defer { holders[index] = holder }
    if let until = holder.sleepsUntil, now < until { return }
    let isCutOff = holder.isCutOffUntil.map { now < $0 } ?? false
    let clock = holder.clock(now)
    guard let held = holder.held else {
      guard !isCutOff else { return }
      return try take(&holder, clock)
    }
    if clock < held.actUntil || mutation == .leaseIgnored { try act(held.lease) }
    let isDue = clock >= held.actUntil - timing.duration * 2 / 3 + timing.heartbeat
    if isDue {
      do throws(Failure) {
        if isCutOff { throw Failure(.failed, "the ledger does not answer") }
        holder.held = HeldLease(try renew(held.lease), askedAt: clock)
        tip += 1
      } catch {
        if held.isLost(by: error, at: clock), mutation != .leaseIgnored {
          holder.held = nil
          try writeLate(held.lease, isCutOff)
          return
        }
      }
    }
    if now >= holder.holdsUntil, !isCutOff {
      state.release(held.lease)
      tip += 1
      holder.held = nil
      return
    }
    guard index > 0 else { return }
    switch random.number(0...299) {
    case 0:
      // Killed: another process begins in its place.
      if state.lease?.fence == held.lease.fence { orphanedAt = now }
      result.killed += 1
      holder.held = nil
    case 1: holder.sleepsUntil = now + .milliseconds(random.number(100...200_000))
    case 2: holder.isCutOffUntil = now + .milliseconds(random.number(100...200_000))
    default: break
    }
  }

  private mutating func take(_ holder: inout Holder, _ clock: Timestamp) throws(Violation) {
    holder.watch.see(state.lease == nil ? nil : "\(tip)", at: clock)
    let watch = holder.watch
    var seen = state
    // Elsewhere clocks say nothing: the lease is believed as long as it was watched.
    if isWatched { seen.lease = seen.lease.map { watch.believed($0) } }
    let at = isWatched ? clock : now
    guard seen.current(at: at, isDead: { _ in false }) == nil else { return }
    holder.nonce += 1
    let lease: Lease
    do throws(Failure) {
      lease = try seen.acquire(
        Model.Holder(name: "h", purpose: "contend", process: 1, nonce: "\(holder.nonce)-\(now.milliseconds)"),
        timing: timing, at: at, environment: "prod"
      ) { _ in false }
    } catch { return }
    state = seen
    tip += 1
    result.taken += 1
    if let since = orphanedAt {
      result.longestWait = max(result.longestWait, now - since - timing.duration)
      orphanedAt = nil
    }
    holder.held = HeldLease(lease, askedAt: clock)
    holder.holdsUntil = now + .milliseconds(random.number(50...120_000))
  }

  private mutating func renew(_ lease: Lease) throws(Failure) -> Lease {
    if mutation == .fenceIgnored, state.lease?.fence != lease.fence { return lease }
    return try state.renew(lease, at: now, environment: "prod")
  }

  private mutating func act(_ lease: Lease) throws(Violation) {
    result.acts += 1
    guard lease.fence >= newestActing, lease.fence == state.fence else {
      throw Violation(.oneHolder, "fence \(lease.fence) acts after \(max(newestActing, state.fence))")
    }
    newestActing = lease.fence
  }

  /// What a holder that was superseded writes is refused.
  private mutating func writeLate(_ lease: Lease, _ isCutOff: Bool) throws(Violation) {
    guard !isCutOff, state.lease?.fence != lease.fence else { return }
    do throws(Failure) {
      try state.verify(lease, environment: "prod")
      throw Failure(.internalError, "accepted")
    } catch {
      guard error.kind == .stale else {
        throw Violation(.oneHolder, "a write under fence \(lease.fence) was accepted after \(state.fence)")
      }
      result.refusedWrites += 1
    }
  }
}
