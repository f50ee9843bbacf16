package import Concurrency
package import Model

/// A ledger in memory: the same rules, nothing durable. For simulation and tests, and for the way back when the
/// real one is lost.
package actor MemoryLedger: Ledger {
  private let environment: String
  private let time: any TimeSource
  private let timing: LeaseTiming
  private let key: [UInt8]
  private let firstRun: Int
  private var lease = LeaseState()
  /// Fences up to this one belong to processes that are gone.
  private var deadFence: Int64 = 0
  private var records: [RunRecord] = []
  private var journals: [RunID: [JournalEntry]] = [:]
  private var recorded: [Release] = []
  private var held: Hold?
  private var bad: [String: Int] = [:]
  private var decided: [Decision] = []
  private var rolled: [String: RolloutRecord] = [:]

  /// - Parameters:
  ///   - key: the key of fingerprints, given so that a simulation repeats exactly.
  ///   - firstRun: the number of the first run. Beside a real ledger it must be none of that one's, or what an
  ///     old run made would count as made by this one.
  package init(
    environment: String, time: any TimeSource, timing: LeaseTiming = LeaseTiming(),
    key: [UInt8] = Array(repeating: 7, count: 32), firstRun: Int = 1
  ) {
    self.firstRun = firstRun
    self.environment = environment
    self.time = time
    self.timing = timing
    self.key = key
  }

  // MARK: Lease

  package func acquire(holder: Holder) throws(Failure) -> Lease {
    try lease.acquire(holder, timing: timing, at: time.now, environment: environment) {
      $0.fence <= deadFence
    }
  }

  package func renew(_ mine: Lease) throws(Failure) -> Lease {
    try lease.renew(mine, at: time.now, environment: environment)
  }

  package func release(_ mine: Lease) { lease.release(mine) }

  package func holder() -> Lease? { lease.current(at: time.now) { $0.fence <= deadFence } }

  package func requestCancel(_ request: CancelRequest) -> Lease? {
    lease.requestCancel(request, at: time.now) { $0.fence <= deadFence }
  }

  package func expel(_ seen: Lease, evenIfRenewed: Bool) throws(Failure) {
    try lease.expel(seen, evenIfRenewed: evenIfRenewed, at: time.now, environment: environment)
  }

  /// Simulates that the holder's process was killed: the lease is free at once, the record stays.
  package func killHolder() { deadFence = lease.fence }

  // MARK: Runs

  package func open(_ plan: Plan, by: String, at: Timestamp, lease mine: Lease) throws(Failure) -> RunRecord {
    try lease.verify(mine, environment: environment)
    try RunRules.checkOpening(openRun: openRun()?.id, environment: environment)
    let record = RunRecord(
      id: RunID(records.count + firstRun), release: (records.last?.release ?? 0) + 1, plan: plan, by: by,
      startedAt: at)
    records.append(record)
    return record
  }

  package func append(_ entries: [JournalEntry], to run: RunID, lease mine: Lease) throws(Failure) {
    try lease.verify(mine, environment: environment)
    try RunRules.checkAppending(
      entries, to: run, after: journals[run]?.last?.sequence ?? 0, isOpen: isOpen(run))
    journals[run, default: []] += entries
  }

  package func close(_ run: RunID, result: RunResult, release: Release?, lease mine: Lease) throws(Failure) {
    try lease.verify(mine, environment: environment)
    let index = records.firstIndex { $0.id == run }
    try RunRules.checkClosing(
      run, isOpen: isOpen(run), number: index.map { records[$0].release }, release: release)
    guard let index else { return }
    records[index].result = result
    records[index].endedAt = release?.endedAt ?? time.now
    if let release { recorded.append(release) }
  }

  private func isOpen(_ run: RunID) -> Bool? { records.first { $0.id == run }.map { $0.result == nil } }

  package func openRun() -> RunRecord? { records.last { $0.result == nil } }
  package func run(_ id: RunID) -> RunRecord? { records.first { $0.id == id } }
  package func runs(limit: Int) -> [RunRecord] { Array(records.reversed().prefix(max(0, limit))) }
  package func journal(of run: RunID) -> [JournalEntry] { journals[run] ?? [] }

  // MARK: Releases, hold, bad commits

  package func releases(limit: Int) -> [Release] { Array(recorded.reversed().prefix(max(0, limit))) }
  package func release(number: Int) -> Release? { recorded.first { $0.number == number } }

  package func hold() -> Hold? { held }

  package func setHold(_ hold: Hold?, lease mine: Lease?) throws(Failure) {
    if let mine { try lease.verify(mine, environment: environment) }
    held = hold
  }

  package func badCommits() -> [String: Int] { bad }

  package func markBad(_ commit: String, release: Int, lease mine: Lease) throws(Failure) {
    try lease.verify(mine, environment: environment)
    bad[commit] = release
  }

  package func clearBad(_ commit: String, lease mine: Lease) throws(Failure) {
    try lease.verify(mine, environment: environment)
    bad[commit] = nil
  }

  package func decisions(limit: Int) -> [Decision] { Array(decided.reversed().prefix(max(0, limit))) }
  package func record(_ decision: Decision) { decided.append(decision) }

  package func rollouts() -> [RolloutRecord] { rolled.values.sorted { $0.key < $1.key } }
  package func rollout(_ key: String) -> RolloutRecord? { rolled[key] }

  package func write(_ rollout: RolloutRecord, lease mine: Lease?) throws(Failure) -> Bool {
    if let mine { try lease.verify(mine, environment: environment) }
    guard rollout.version == (rolled[rollout.key]?.version ?? 0) + 1 else { return false }
    rolled[rollout.key] = rollout
    return true
  }

  package func fingerprintKey() -> [UInt8] { key }
}
