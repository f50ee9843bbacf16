import Analysis
package import Concurrency
import Metrics
package import Model

/// Plays what a store kept of some time through the rules, as if a rollout had begun then. Approvals count as given;
/// nothing is changed.
package struct RolloutReplay: Sendable {
  private let parts: RolloutParts

  package init(_ parts: RolloutParts) { self.parts = parts }

  /// - Parameter record: whose release the queries name.
  /// - Returns: what would have come to pass.
  /// - Throws: `configuration` without metrics, or with a source that has no history.
  package func run(
    _ record: RolloutRecord, from: Timestamp, to: Timestamp
  ) async throws(Failure) -> [RolloutEvent] {
    let target = parts.target
    guard let first = target.steps.first, !target.metrics.isEmpty, from < to else {
      throw Failure(
        .configuration, "there is nothing to simulate for rollout \(target.key)",
        hint: "it needs metrics, and a --from that lies before --to")
    }
    let kept = try await kept(record, from: from, to: to)
    var events = [RolloutEvent(at: from, text: "\(first.share)")]
    var (share, began, progress) = (first.share, from, StepProgress())
    var last: [String: RolloutReading] = [:]
    for moment in moments(from, to) {
      let readings = (kept[moment] ?? [:])
      for (name, reading) in readings { last[name] = reading.kept }
      let tick = Tick(
        at: moment - began, readings: readings.mapValues(\.outcome), window: parts.calendar.window(at: moment)
      )
      let pausedBefore = progress.paused
      switch progress.tick(tick, target.rules(at: share, isApproved: true)) {
      case .advance:
        guard let next = target.step(after: share) else {
          return events + [RolloutEvent(at: moment, text: "complete")]
        }
        (share, began, progress) = (next.share, moment, StepProgress())
        events.append(RolloutEvent(at: moment, text: "\(share)"))
      case .rollback(let why):
        return events + [RolloutEvent(at: moment, text: "off: \(words(why, progress, last, record))")]
      case .pause(let why):
        events.append(RolloutEvent(at: moment, text: "paused: \(why.rawValue)"))
        guard why.endsByItself else {
          return events + [RolloutEvent(at: moment, text: "a person would have had to look")]
        }
      case .wait(.resumed) where pausedBefore != nil: events.append(RolloutEvent(at: moment, text: "goes on"))
      default: break
      }
    }
    let credit = progress.credit.wholeMilliseconds / 1000
    let bake = (target.step(at: share)?.bake ?? .zero).wholeMilliseconds / 1000
    return events + [RolloutEvent(at: to, text: "still at \(share): \(credit) s of \(bake) s earned")]
  }

  private func moments(_ from: Timestamp, _ to: Timestamp) -> [Timestamp] {
    stride(
      from: from.milliseconds, through: to.milliseconds,
      by: Int(max(parts.target.interval.wholeMilliseconds, 1000))
    ).map { Timestamp(milliseconds: $0) }
  }

  private func kept(
    _ record: RolloutRecord, from: Timestamp, to: Timestamp
  ) async throws(Failure) -> [Timestamp: [String: Harvest.Reading]] {
    var kept: [Timestamp: [String: Harvest.Reading]] = [:]
    for measure in try parts.measures(record) {
      guard measure.source.hasHistory else {
        throw Failure(
          .configuration, "\(measure.source.name) keeps no history of \(measure.target.name)",
          place: "rollouts.\(record.key)")
      }
      let answers: [(at: Timestamp, reading: MetricReading)]
      do throws(CancellationError) { answers = try await measure.source.history(at: moments(from, to)) } catch
      {
        throw Failure(.cancelled, "stopped while \(measure.target.name) was read")
      }
      for (at, reading) in answers {
        kept[at, default: [:]][measure.target.name] = measure.judged(reading, at: at, isFilled: true)
      }
    }
    return kept
  }

  private func words(
    _ why: TickAction.Rollback, _ progress: StepProgress, _ last: [String: RolloutReading],
    _ record: RolloutRecord
  ) -> String {
    guard why == .metric, let measures = try? parts.measures(record) else { return why.rawValue }
    let failed = measures.first { progress.tallies[$0.target.name]?.state == .failed }
    guard let failed, let reading = last[failed.target.name] else { return why.rawValue }
    return failed.evidence(reading).words
  }
}
