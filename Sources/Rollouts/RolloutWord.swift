package import Concurrency
package import Model

/// What people say of a rollout, from any machine and whoever holds the lease (contract rollout-analysis §10): the next
/// round obeys. An abort does not wait for it.
package struct RolloutWord: Sendable {
  private let ledger: any Ledger
  private let clock: any TimeSource
  private let by: String

  package init(_ ledger: any Ledger, clock: any TimeSource, by: String) {
    self.ledger = ledger
    self.clock = clock
    self.by = by
  }

  /// Pauses or resumes.
  package func say(
    _ kind: RolloutOrder.Kind, of key: String, reason: String?
  ) async throws(Failure) -> RolloutRecord {
    try await change(key) { record, now throws(Failure) in
      guard !record.status.isOver else { throw Self.isOver(record) }
      record.orders.append(RolloutOrder(kind, by: by, at: now, reason: reason))
      record.note("\(kind.rawValue) asked\(reason.map { ": \($0)" } ?? "")", by: by, at: now)
    }
  }

  /// Releases a step, for the configuration as it is now.
  /// - Parameter share: nil: the next one that wants it.
  package func approve(
    _ share: FlagShare?, of key: String, target: RolloutTarget, digest: String
  ) async throws(Failure) -> RolloutRecord {
    try await change(key) { record, now throws(Failure) in
      guard !record.status.isOver else { throw Self.isOver(record) }
      let open = target.steps.filter {
        $0.needsApproval && (record.share ?? .nobody) < $0.share
          && !record.isApproved($0.share, digest: digest)
      }.map(\.share)
      guard let wanted = share ?? open.first, open.contains(wanted) else {
        throw Failure(
          .configuration,
          share.map { "\($0) of rollout \(key) wants no approval" } ?? "rollout \(key) wants no approval now",
          hint: open.isEmpty
            ? "shipit rollout status \(record.environment)"
            : "it is wanted for \(open.map(\.description).joined(separator: ", "))")
      }
      record.approvals.append(RolloutApproval(share: wanted, by: by, at: now, digest: digest))
      record.note("\(wanted) approved", by: by, at: now)
    }
  }

  /// Switches the flag off now, whoever is at work, and writes it down before and after as far as the ledger allows.
  ///
  /// A round that was about to raise the flag may still do so after that: it is waited for, and the flag is looked at
  /// again, before this ends. Whatever has become of it, off stays off.
  /// - Parameters:
  ///   - isOff: told once the flag is off, with how long that took, and how long a round under way is waited for.
  /// - Returns: the record after it, and what could not be written.
  package func abort(
    _ key: String, flag provider: any FlagProvider, reason: String?,
    isOff: (Duration, Duration?) -> Void = { _, _ in }
  ) async throws(Failure) -> (record: RolloutRecord?, took: Duration, notes: [String]) {
    var notes: [String] = []
    var record: RolloutRecord?
    do throws(Failure) {
      record = try await change(key) { record, now throws(Failure) in
        guard record.status != .rolledBack else { return }
        record.orders.append(RolloutOrder(.abort, by: by, at: now, reason: reason))
        record.note("abort asked\(reason.map { ": \($0)" } ?? "")", by: by, at: now)
      }
    } catch {
      // It must work with nothing but the flag's store.
      notes.append("the ledger was not told first: \(error.message)")
    }
    let began = clock.now
    let marker = record?.marker(of: "off") ?? "shipit/rollout/\(key)/off"
    let note = FlagNote(marker: marker, text: "aborted by \(by)")
    var state: FlagState
    do throws(FlagRefusal) { state = try await provider.off(known: record?.flag, note: note) } catch {
      throw error.failure
    }
    let took = clock.now - began
    let raising = record?.intent.flatMap { $0.kind == .off ? nil : $0 }
    let patience = raising.map { max($0.latestEffect - $0.at, .zero) }
    isOff(took, patience)
    if let patience {
      await wait(for: key, atMost: patience, since: began)
      do throws(Failure) {
        let seen = try await provider.read()
        if seen.isOn {
          notes.append("a round under way had raised the flag to \(seen.share) meanwhile: it is off again")
          do throws(FlagRefusal) { state = try await provider.off(known: seen, note: note) } catch {
            throw error.failure
          }
        }
        record = try await ledger.rollout(key) ?? record
      } catch {
        throw Failure(
          error.kind, "the flag went off, and it is not known whether a round under way has raised it again",
          place: error.place, cause: error.message, hint: "the same command again")
      }
    }
    guard record.map({ $0.status != .rolledBack }) ?? false else { return (record, took, notes) }
    do throws(Failure) {
      record = try await change(key) { record, now throws(Failure) in
        guard record.status != .rolledBack else { return }
        var end = RolloutEnd(.aborted, at: now, by: by, words: reason, share: record.share)
        end.took = took
        record.ended(end, flag: state, at: now)
      }
      try await ledger.setHold(
        Hold(
          reason: "rollout \(key) was aborted: \(reason ?? "no reason was given")", by: by, at: clock.now),
        lease: nil)
    } catch { notes.append("the flag is off, and the ledger does not know all of it: \(error.message)") }
    return (record, took, notes)
  }

  /// Until the round that wanted to raise the flag has given up, or cannot act any more: it stops with its lease, which
  /// is as long on every clock.
  private func wait(for key: String, atMost patience: Duration, since began: Timestamp) async {
    let end = began + patience
    while clock.now < end {
      if let found = try? await ledger.rollout(key), found.status == .rolledBack { return }
      guard (try? await clock.sleep(until: min(clock.now + .seconds(1), end))) != nil else { return }
    }
  }

  /// Changes the newest record, however often somebody else comes first.
  private func change(
    _ key: String, _ body: (inout RolloutRecord, Timestamp) throws(Failure) -> Void
  ) async throws(Failure) -> RolloutRecord {
    for _ in 0..<RolloutRound.tries {
      guard var record = try await ledger.rollout(key) else {
        throw Failure(
          .configuration, "rollout \(key) was never begun",
          hint: "a deploy begins it, or shipit rollout start")
      }
      let before = record
      try body(&record, clock.now)
      if record == before { return record }
      record.version += 1
      if try await ledger.write(record, lease: nil) { return record }
    }
    throw .alwaysSecond(key)
  }

  private static func isOver(_ record: RolloutRecord) -> Failure {
    Failure(
      .policy, "rollout \(record.key) is over: \(record.end?.summary ?? record.status.rawValue)",
      hint: "shipit rollout start \(record.environment) \(record.key) --again")
  }
}
