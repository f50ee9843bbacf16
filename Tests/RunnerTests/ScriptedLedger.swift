import Concurrency
import Ledgers
import Model

/// A ledger in memory whose disk and network fail when told to.
final class ScriptedLedger: Ledger {
  struct Faults {
    /// How many appends still succeed; nil: all.
    var appendsLeft: Int?
    /// The next failing appends heal by themselves after one.
    var appendHeals = false
    var renewal: Failure?
    var isClosingBroken = false
    /// What goes on while the lease is asked for, as when a dead holder is watched.
    var watch: (@Sendable () async -> Void)?
  }

  let memory: MemoryLedger
  let faults = Locked(Faults())

  init(_ memory: MemoryLedger) { self.memory = memory }

  func acquire(holder: Holder) async throws(Failure) -> Lease {
    await faults.withLock { $0.watch }?()
    return try await memory.acquire(holder: holder)
  }

  func release(_ lease: Lease) async { await memory.release(lease) }
  func holder() async throws(Failure) -> Lease? { await memory.holder() }

  func requestCancel(_ request: CancelRequest) async throws(Failure) -> Lease? {
    await memory.requestCancel(request)
  }

  func expel(_ seen: Lease, evenIfRenewed: Bool) async throws(Failure) {
    try await memory.expel(seen, evenIfRenewed: evenIfRenewed)
  }

  func renew(_ lease: Lease) async throws(Failure) -> Lease {
    if let failure = faults.withLock({ $0.renewal }) { throw failure }
    return try await memory.renew(lease)
  }

  func open(_ plan: Plan, by: String, at: Timestamp, lease: Lease) async throws(Failure) -> RunRecord {
    try await memory.open(plan, by: by, at: at, lease: lease)
  }

  func append(_ entries: [JournalEntry], to run: RunID, lease: Lease) async throws(Failure) {
    let fails = faults.withLock { faults -> Bool in
      guard let left = faults.appendsLeft else { return false }
      if left == 0 {
        if faults.appendHeals { faults.appendsLeft = nil }
        return true
      }
      faults.appendsLeft = left - 1
      return false
    }
    if fails { throw Failure(.failed, "the disk is full") }
    try await memory.append(entries, to: run, lease: lease)
  }

  func close(_ run: RunID, result: RunResult, release: Release?, lease: Lease) async throws(Failure) {
    if faults.withLock({ $0.isClosingBroken }) { throw Failure(.failed, "killed before the run was closed") }
    try await memory.close(run, result: result, release: release, lease: lease)
  }

  func openRun() async throws(Failure) -> RunRecord? { await memory.openRun() }
  func run(_ id: RunID) async throws(Failure) -> RunRecord? { await memory.run(id) }
  func runs(limit: Int) async throws(Failure) -> [RunRecord] { await memory.runs(limit: limit) }
  func journal(of run: RunID) async throws(Failure) -> [JournalEntry] { await memory.journal(of: run) }
  func releases(limit: Int) async throws(Failure) -> [Release] { await memory.releases(limit: limit) }
  func release(number: Int) async throws(Failure) -> Release? { await memory.release(number: number) }
  func hold() async throws(Failure) -> Hold? { await memory.hold() }

  func setHold(_ hold: Hold?, lease: Lease?) async throws(Failure) {
    try await memory.setHold(hold, lease: lease)
  }

  func badCommits() async throws(Failure) -> [String: Int] { await memory.badCommits() }

  func markBad(_ commit: String, release: Int, lease: Lease) async throws(Failure) {
    try await memory.markBad(commit, release: release, lease: lease)
  }

  func clearBad(_ commit: String, lease: Lease) async throws(Failure) {
    try await memory.clearBad(commit, lease: lease)
  }

  func decisions(limit: Int) async throws(Failure) -> [Decision] { await memory.decisions(limit: limit) }
  func record(_ decision: Decision) async throws(Failure) { await memory.record(decision) }

  func rollouts() async throws(Failure) -> [RolloutRecord] { await memory.rollouts() }
  func rollout(_ key: String) async throws(Failure) -> RolloutRecord? { await memory.rollout(key) }
  func write(_ rollout: RolloutRecord, lease: Lease?) async throws(Failure) -> Bool {
    try await memory.write(rollout, lease: lease)
  }
  func fingerprintKey() async throws(Failure) -> [UInt8] { await memory.fingerprintKey() }
}
