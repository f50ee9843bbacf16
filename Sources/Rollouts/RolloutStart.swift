import Concurrency
package import Model

/// `rollout start`, and what a deploy does once its release is proven: begins a rollout, or lets a running one begin its
/// step anew, for the numbers now speak of other code.
package struct RolloutStart: Sendable {
  package struct Wanted: Sendable {
    package var app: String
    package var environment: String
    package var release: Int
    package var commit: String
    /// Begin anew what is over, also downwards.
    package var again: Bool

    package init(app: String, environment: String, release: Int, commit: String, again: Bool = false) {
      self.app = app
      self.environment = environment
      self.release = release
      self.commit = commit
      self.again = again
    }
  }

  private let parts: RolloutParts
  private let hold: RolloutHold

  package init(_ parts: RolloutParts, under hold: RolloutHold) {
    self.parts = parts
    self.hold = hold
  }

  /// - Throws: `policy` when only `--again` begins it; `stale`; what the ledger says.
  package func run(_ wanted: Wanted) async throws(Failure) -> RolloutResult {
    for _ in 0..<RolloutRound.tries {
      let found = try await parts.ledger.rollout(parts.target.key)
      let now = parts.clock.now
      var record: RolloutRecord
      let (change, reason) = RolloutRecord.change(
        found, release: wanted.release, commit: wanted.commit, again: wanted.again)
      switch change {
      case .leave, .off: return try await RolloutRound(parts, under: hold).run()
      case .refuse:
        throw Failure(
          .policy, "rollout \(parts.target.key) is not begun: \(reason ?? "it is over")",
          hint: "shipit rollout start \(wanted.environment) \(parts.target.key) --again")
      case .begin:
        record = RolloutRecord(
          key: parts.target.key, environment: wanted.environment, app: wanted.app, release: wanted.release,
          commit: wanted.commit, digest: parts.digest, steps: parts.target.steps.map(\.share), by: parts.by,
          startedAt: now)
        record.attempt = (found?.attempt ?? 0) + 1
        record.version = found?.version ?? 0
        record.approvals = found.map { $0.status.isOver ? [] : $0.approvals } ?? []
        record.mayLower = wanted.again ? true : nil
        record.note("begun for release \(wanted.release)", by: parts.by, at: now)
      case .restart:
        guard let running = found else { continue }
        record = running
        record.release = wanted.release
        record.commit = wanted.commit
        if let share = record.share {
          var sitting = RolloutSitting(parts: parts, hold: hold, record: record)
          let paused = record.pause
          sitting.beginStep(share, at: now)
          record = sitting.record
          // A person who paused it did not mean the release.
          if let paused, paused.why == "person" {
            record.orders.append(
              RolloutOrder(.pause, by: paused.by ?? parts.by, at: now, reason: paused.reason))
          }
        }
        record.note("the step begins anew: release \(wanted.release)", by: parts.by, at: now)
      }
      record.version += 1
      if try await parts.ledger.write(record, lease: hold.lease()) {
        return try await RolloutRound(parts, under: hold).run()
      }
    }
    throw .alwaysSecond(parts.target.key)
  }
}
