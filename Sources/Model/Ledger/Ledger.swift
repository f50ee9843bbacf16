package import Concurrency

/// The shared history of releases, the journal and the lock of one environment.
///
/// Every write carries the lease's fence and is refused when it is not the newest. All methods throw
/// `Failure`: leaseHeld, stale (fenced out), or failed (unreadable, full, foreign).
package protocol Ledger: Sendable {
  /// Takes the lease, or says who holds it.
  func acquire(holder: Holder) async throws(Failure) -> Lease
  /// Extends the lease. Throws `stale` when somebody else has it.
  func renew(_ lease: Lease) async throws(Failure) -> Lease
  /// Gives the lease back; harmless when it is already lost.
  func release(_ lease: Lease) async
  /// Who holds the lease now; nil when nobody does.
  func holder() async throws(Failure) -> Lease?
  /// Records that somebody wants the present holder to stop; it finds that with its next renewal. Who asked first
  /// stands.
  /// - Returns: the lease whose holder is asked, with what is asked of it; nil when nobody holds it.
  func requestCancel(_ request: CancelRequest) async throws(Failure) -> Lease?
  /// Takes the lease from a holder that may be dead, and fences it out.
  /// - Parameters:
  ///   - seen: the lease as `holder` gave it.
  ///   - evenIfRenewed: also where the holder has renewed it since it was seen.
  /// - Throws: `stale` when somebody else has it by now, or nobody; `leaseHeld` when it was renewed since.
  func expel(_ seen: Lease, evenIfRenewed: Bool) async throws(Failure)

  /// Opens a run under the lease, numbering run and release.
  func open(_ plan: Plan, by: String, at: Timestamp, lease: Lease) async throws(Failure) -> RunRecord
  /// Appends entries; durable on return.
  func append(_ entries: [JournalEntry], to run: RunID, lease: Lease) async throws(Failure)
  /// Closes a run, with its release where it made or tried to make one, in one transaction.
  func close(_ run: RunID, result: RunResult, release: Release?, lease: Lease) async throws(Failure)

  /// The run that was opened and not closed, if any.
  func openRun() async throws(Failure) -> RunRecord?
  func run(_ id: RunID) async throws(Failure) -> RunRecord?
  /// The newest runs first.
  func runs(limit: Int) async throws(Failure) -> [RunRecord]
  func journal(of run: RunID) async throws(Failure) -> [JournalEntry]

  /// The newest releases first.
  func releases(limit: Int) async throws(Failure) -> [Release]
  func release(number: Int) async throws(Failure) -> Release?

  /// The reason that blocks deploys, if any.
  func hold() async throws(Failure) -> Hold?
  /// - Parameter lease: of a run that leaves or lifts the hold; refused when it is stale. Nil for a person's word, which
  ///   counts at once, whoever holds the lease: it concerns the next deploy.
  func setHold(_ hold: Hold?, lease: Lease?) async throws(Failure)
  /// Commits refused because a release of theirs was rolled back by itself, with the release's number.
  func badCommits() async throws(Failure) -> [String: Int]
  func markBad(_ commit: String, release: Int, lease: Lease) async throws(Failure)
  func clearBad(_ commit: String, lease: Lease) async throws(Failure)

  /// What people decided beside the runs, newest first: approvals, holds and their lifting.
  func decisions(limit: Int) async throws(Failure) -> [Decision]
  /// Adds a decision. It needs no lease: it is a person's word, and no holder relies on its absence.
  func record(_ decision: Decision) async throws(Failure)

  /// The rollouts of this environment, by their keys.
  func rollouts() async throws(Failure) -> [RolloutRecord]
  /// One rollout, as it is at this moment: also a holder of the lease finds what others wrote meanwhile.
  func rollout(_ key: String) async throws(Failure) -> RolloutRecord?
  /// Puts a record in the place of the one before it: the stored version must be one less than the record's, 0 where
  /// there is none.
  /// - Parameter lease: of a round; refused when it is stale. Nil for a person's word, which counts at once.
  /// - Returns: false when somebody else has written since; then nothing was written.
  func write(_ rollout: RolloutRecord, lease: Lease?) async throws(Failure) -> Bool

  /// The key of this environment's fingerprints; made once.
  func fingerprintKey() async throws(Failure) -> [UInt8]
}

extension Ledger {
  /// The newest releases, newest first, as far back as is needed to know what was good: many failed deploys in a
  /// row must not hide what is live, nor what can be gone back to.
  package func recentReleases() async throws(Failure) -> [Release] {
    var limit = 50
    while true {
      let releases = try await releases(limit: limit)
      if releases.count < limit || limit >= 5000 || releases.count(where: \.isGood) >= 5 { return releases }
      limit *= 10
    }
  }
}

/// Who wants or has the lease.
package struct Holder: Sendable, Hashable, Codable {
  /// `ann@laptop`.
  package var name: String
  /// What they do: "deploy 1a2b3c4".
  package var purpose: String
  package var process: Int32
  /// Different for every process, whatever its id.
  package var nonce: String
  /// Where the number of the process means something: one boot of one machine, one space of process numbers.
  package var machine: String?

  package init(name: String, purpose: String, process: Int32, nonce: String, machine: String? = nil) {
    self.name = name
    self.purpose = purpose
    self.process = process
    self.nonce = nonce
    self.machine = machine
  }
}

/// The lock, which expires unless renewed, and the fence, a number that only grows.
package struct Lease: Sendable, Hashable, Codable {
  package var holder: Holder
  package var fence: Int64
  package var since: Timestamp
  package var expires: Timestamp
  /// How long it lasts from each renewal.
  package var duration: Duration
  package var heartbeat: Duration
  /// Somebody wants the holder to stop.
  package var cancel: CancelRequest?

  package init(
    holder: Holder, fence: Int64, since: Timestamp, expires: Timestamp, duration: Duration,
    heartbeat: Duration, cancel: CancelRequest? = nil
  ) {
    self.cancel = cancel
    self.holder = holder
    self.fence = fence
    self.since = since
    self.expires = expires
    self.duration = duration
    self.heartbeat = heartbeat
  }
}

extension Lease {
  /// When it was taken or renewed last, by the clock that `expires` is told by.
  package var renewedAt: Timestamp { expires - duration }
}

/// A reason that blocks deploys until lifted.
package struct Hold: Sendable, Hashable, Codable {
  package var reason: String
  package var by: String
  package var at: Timestamp

  package init(reason: String, by: String, at: Timestamp) {
    self.reason = reason
    self.by = by
    self.at = at
  }
}

/// One run as the ledger keeps it.
package struct RunRecord: Sendable, Hashable, Codable {
  package var id: RunID
  package var release: Int
  package var plan: Plan
  package var by: String
  package var startedAt: Timestamp
  /// Nil while it is open.
  package var result: RunResult?
  package var endedAt: Timestamp?

  package init(
    id: RunID, release: Int, plan: Plan, by: String, startedAt: Timestamp, result: RunResult? = nil,
    endedAt: Timestamp? = nil
  ) {
    self.id = id
    self.release = release
    self.plan = plan
    self.by = by
    self.startedAt = startedAt
    self.result = result
    self.endedAt = endedAt
  }

  package var facts: RunFacts {
    RunFacts(
      id: id, release: release, app: plan.app, environment: plan.environment, commit: plan.commit,
      startedAt: startedAt)
  }
}
