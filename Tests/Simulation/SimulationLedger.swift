import Concurrency
import Ledgers
import Model

/// The shared ledger of a simulation: the rules of the real ones, without storage.
struct SimulationLedger {
  private(set) var state = LeaseState()
  private(set) var journal: [JournalEntry] = []
  /// The run's result, once it is closed.
  private(set) var result: RunResult?
  /// The holder is known to be gone: its kernel lock is free.
  var isHolderDead = false
  /// A broken ledger accepts the writes of everybody.
  var ignoresFence = false
  static let timing = LeaseTiming()

  /// Nobody alive holds the lease; asked first, for a refusal is a long text.
  func isFree(at now: Timestamp) -> Bool { isHolderDead || state.current(at: now) { _ in false } == nil }

  /// - Throws: `leaseHeld`.
  mutating func acquire(_ name: String, nonce: Int, at now: Timestamp) throws(Failure) -> Lease {
    let isDead = isHolderDead
    let lease = try state.acquire(
      Holder(name: name, purpose: "deploy", process: 1, nonce: "\(nonce)"), timing: Self.timing, at: now,
      environment: "prod"
    ) { _ in isDead }
    isHolderDead = false
    return lease
  }

  /// - Throws: `stale`.
  mutating func renew(_ lease: Lease, at now: Timestamp) throws(Failure) -> Lease {
    if ignoresFence, state.lease?.fence != lease.fence { return lease }
    return try state.renew(lease, at: now, environment: "prod")
  }

  mutating func release(_ lease: Lease) { state.release(lease) }

  /// - Throws: `stale`, or what contradicts the journal.
  mutating func append(_ entries: [JournalEntry], under lease: Lease) throws(Failure) {
    if !ignoresFence { try state.verify(lease, environment: "prod") }
    if !ignoresFence {
      try RunRules.checkAppending(
        entries, to: Make.facts.id, after: journal.last?.sequence ?? 0, isOpen: result == nil)
    }
    journal += entries
  }

  mutating func close(_ result: RunResult, under lease: Lease) throws(Failure) {
    try state.verify(lease, environment: "prod")
    self.result = result
  }
}
