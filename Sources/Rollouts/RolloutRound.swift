import Concurrency
package import Model

/// `rollout tick`: one round of one rollout (contract rollout-analysis §7). It reads, decides by the rules of
/// **Analysis**, acts, and writes down what it did; whatever kills it, the next round goes on from the record.
package struct RolloutRound: Sendable {
  private let parts: RolloutParts
  private let hold: RolloutHold

  package init(_ parts: RolloutParts, under hold: RolloutHold) {
    self.parts = parts
    self.hold = hold
  }

  /// How often a round that came second begins anew.
  static let tries = 8

  /// - Throws: `stale` when the lease is somebody else's; what the ledger says.
  package func run() async throws(Failure) -> RolloutResult {
    for _ in 0..<Self.tries {
      guard let record = try await parts.ledger.rollout(parts.target.key) else {
        return RolloutResult(parts.target.key, .notBegun, nil)
      }
      var sitting = RolloutSitting(parts: parts, hold: hold, record: record)
      do throws(RoundStop) {
        let result = try await sitting.tick()
        return sitting.finished(result)
      } catch {
        if case .failed(let failure) = error { throw failure }
      }
    }
    throw .alwaysSecond(parts.target.key)
  }
}

extension RolloutRound {
  /// Switches a rollout off at a person's word, under the lease: what a rollback does first.
  package func switchOff(_ reason: String) async throws(Failure) -> RolloutResult {
    for _ in 0..<Self.tries {
      guard let record = try await parts.ledger.rollout(parts.target.key) else {
        return RolloutResult(parts.target.key, .notBegun, nil)
      }
      guard !record.status.isOver else { return RolloutResult(record.key, .over, record) }
      var sitting = RolloutSitting(parts: parts, hold: hold, record: record)
      let end = RolloutEnd(
        .aborted, at: parts.clock.now, by: parts.by, words: reason, share: record.share)
      do throws(RoundStop) {
        let result = try await sitting.switchOff(end)
        return sitting.finished(result)
      } catch {
        if case .failed(let failure) = error { throw failure }
      }
    }
    throw .alwaysSecond(parts.target.key)
  }
}

extension Failure {
  static func alwaysSecond(_ key: String) -> Failure {
    Failure(
      .failed, "the record of rollout \(key) could not be written: others always came first",
      hint: "the same command again")
  }
}

/// One attempt at a round, on the record as it was read.
struct RolloutSitting {
  let parts: RolloutParts
  let hold: RolloutHold
  var record: RolloutRecord
  var notes: [String] = []
  /// An interrupted round had begun to change the flag, and somebody else has touched it since.
  var isDoubtful = false

  var target: RolloutTarget { parts.target }

  /// Puts the record in the ledger, if nobody else has written since it was read.
  mutating func save() async throws(RoundStop) {
    record.version += 1
    let isWritten: Bool
    do throws(Failure) {
      isWritten = try await parts.ledger.write(record, lease: hold.lease())
    } catch { throw .failed(error) }
    guard isWritten else { throw .lost }
  }

  func result(_ outcome: RolloutResult.Outcome, _ failure: Failure? = nil) -> RolloutResult {
    RolloutResult(record.key, outcome, record, failure: failure)
  }

  func finished(_ result: RolloutResult) -> RolloutResult {
    var result = result
    result.notes = notes + result.notes
    result.next = RolloutOutlook(record, target, parts.calendar, now: parts.clock.now).nextRound
    return result
  }

  /// Tells those who look at graphs; whatever goes wrong with it stops nothing.
  mutating func mark(_ event: RolloutMark.Event, reason: String? = nil) async {
    let mark = RolloutMark(
      app: record.app, environment: record.environment, rollout: record.key, event: event,
      share: record.share?.thousandths ?? 0, release: record.release, commit: record.commit,
      at: parts.clock.now, reason: reason)
    notes += await parts.mark(mark).map { "not marked: \($0.message)" }
  }

  func note(_ text: String) -> FlagNote {
    FlagNote(marker: record.marker(of: text), text: "\(text) (release \(record.release))")
  }
}
