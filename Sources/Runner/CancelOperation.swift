package import Concurrency
package import Model

/// What became of a holder that was asked to stop.
package struct Cancellation: Sendable {
  package enum Outcome: Sendable, Hashable {
    /// Nobody held the environment.
    case nobody
    /// The holder gave the lease back.
    case stopped
    /// The lease ran out unanswered: the holder is gone.
    case vanished
    /// It still holds the environment when the time to wait is over.
    case stillHeld
  }

  package var outcome: Outcome
  /// The lease as it was when the holder was asked.
  package var lease: Lease?
  /// The run that is or was the holder's; nil when it had none.
  package var run: RunRecord?
  /// How that run ended, also where it was left open.
  package var result: RunResult?
  /// It takes back what it moved, which is not stopped.
  package var takesBack: Bool
  package var waited: Duration

  package init(
    outcome: Outcome, lease: Lease? = nil, run: RunRecord? = nil, result: RunResult? = nil,
    takesBack: Bool = false, waited: Duration = .zero
  ) {
    self.outcome = outcome
    self.lease = lease
    self.run = run
    self.result = result
    self.takesBack = takesBack
    self.waited = waited
  }
}

/// `shipit cancel`: asks whoever holds an environment to stop, from anywhere, and waits for what becomes of it.
package struct CancelOperation: Sendable {
  private let ledger: any Ledger
  private let clock: any TimeSource
  private let request: CancelRequest
  private let limit: Duration?
  private let tell: @Sendable (Lease, Duration) -> Void

  /// - Parameters:
  ///   - limit: how long to wait; nil: until the lease has run out if nobody renews it.
  ///   - tell: told when the request is recorded: whom it goes to and how long is waited.
  package init(
    _ ledger: any Ledger, clock: any TimeSource, request: CancelRequest, limit: Duration? = nil,
    tell: @escaping @Sendable (Lease, Duration) -> Void = { _, _ in }
  ) {
    self.ledger = ledger
    self.clock = clock
    self.request = request
    self.limit = limit
    self.tell = tell
  }

  /// - Throws: what the ledger says.
  package func run() async throws(Failure) -> Cancellation {
    let start = clock.now
    let open = try await ledger.openRun()
    guard let lease = try await ledger.requestCancel(request) else {
      return Cancellation(outcome: .nobody, run: open)
    }
    let limit = limit ?? lease.duration + .seconds(10)
    tell(lease, limit)
    var latest = lease
    while let held = try await ledger.holder(), isSame(held, lease) {
      latest = held
      guard clock.now - start < limit else {
        return try await found(.stillHeld, lease, open, since: start)
      }
      do { try await clock.sleep(for: min(.seconds(2), max(.milliseconds(100), lease.heartbeat / 20))) } catch
      {
        throw Failure(
          .cancelled, "stopped waiting; the request to \(lease.holder.name) stands",
          hint: "shipit status, for what becomes of it")
      }
    }
    // A lease that was given back was so before it ran out. Whoever was killed before it was asked has less than a
    // whole lease left.
    let isOver = clock.now >= latest.expires || clock.now - start >= latest.duration
    let hasRunOut = try await ledger.holder() == nil && isOver
    // It may have begun its run only after it was asked.
    var run = open
    if run == nil { run = try await ledger.openRun() }
    return try await found(hasRunOut ? .vanished : .stopped, lease, run, since: start)
  }

  private func isSame(_ held: Lease, _ asked: Lease) -> Bool {
    held.fence == asked.fence && held.holder.nonce == asked.holder.nonce
  }

  private func found(
    _ outcome: Cancellation.Outcome, _ lease: Lease, _ run: RunRecord?, since start: Timestamp
  ) async throws(Failure) -> Cancellation {
    var found = Cancellation(outcome: outcome, lease: lease, waited: clock.now - start)
    guard let id = run?.id, let record = try await ledger.run(id) else { return found }
    found.run = record
    let journal = try await ledger.journal(of: id)
    found.result = record.result
    if found.result == nil, case .finished(let result)? = journal.last?.fact { found.result = result }
    found.takesBack =
      record.plan.kind == .deploy
      && journal.contains { if case .turned = $0.fact { true } else { false } }
    // What ended and said so did not vanish, however late it was seen.
    if found.outcome == .vanished, found.result != nil { found.outcome = .stopped }
    return found
  }
}
