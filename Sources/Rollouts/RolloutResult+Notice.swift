import Analysis
package import Concurrency
package import Model

extension RolloutResult {
  /// What people who do not watch are told of this round; nil where it is nobody's news, or was told before.
  /// - Parameters:
  ///   - before: the record as the round found it.
  ///   - by: who ran the round.
  ///   - link: where its job can be read.
  package func notice(
    after before: RolloutRecord?, by: String, link: String?, at: Timestamp
  ) -> Notice? {
    guard let record, let (event, headline, next) = news(record, after: before) else { return nil }
    return Notice(
      event, app: record.app, environment: record.environment, release: record.release,
      headline: "rollout \(record.key) \(headline)", commit: record.commit, by: record.end?.by ?? by,
      problem: problem(record), reason: record.end?.words, next: next, link: link, at: at)
  }

  private func news(
    _ record: RolloutRecord, after before: RolloutRecord?
  ) -> (Notice.Event, headline: String, next: String)? {
    let status = "shipit rollout status \(record.environment)"
    let share = record.share.map { " at \($0)" } ?? ""
    // A wait goes on from round to round: it is news once.
    let isNew = before?.lastAction != record.lastAction
    switch outcome {
    case .rolledBack: return (.rolledBack, "is off again", status)
    case .halted: return (.failed, "ended: \(record.end?.summary ?? "the flag was changed")", status)
    case .paused:
      return (.paused, "is paused\(share)", "shipit rollout resume \(record.environment) \(record.key)")
    case .completed: return (.released, "is complete: everybody has it", status)
    case .notCured:
      // Not the rollback itself: whoever types it after the round has done it would go back one release more.
      let own = record.end?.cure?.state == .failed ? ": the round takes the code back, if it can" : ""
      return (.failed, "is off, and that is no cure\(own)", "shipit status \(record.environment)")
    case .waits(.approval) where isNew:
      guard let step = record.nextShare else { return nil }
      let percent = step.description.replacing(" %", with: "")
      return (
        .approval, "wants an approval for \(step)",
        "shipit rollout approve \(record.environment) \(record.key) --step \(percent)"
      )
    case .waitsForStore where isNew:
      return (.approval, "waits for an approval in the flag's store", failure?.hint ?? status)
    default: return nil
    }
  }

  private func problem(_ record: RolloutRecord) -> String? {
    switch outcome {
    case .rolledBack, .notCured:
      guard let evidence = outcome == .notCured ? record.end?.cure?.evidence : record.end?.evidence else {
        return failure?.message
      }
      return evidence.words
    case .paused: return record.pause?.reason
    case .waitsForStore: return failure?.message
    default: return nil
    }
  }
}
