import Analysis
package import Concurrency
import JSON
package import Model

/// What can be said of a rollout's future: when a round has something to do, and when the next share is possible at the
/// earliest.
package struct RolloutOutlook: Sendable, Hashable {
  /// Nil when no round can do anything by itself.
  package let nextRound: Timestamp?
  /// If every reading until then is good; nil while it is paused, not begun or over.
  package let earliestRaise: Timestamp?
  /// What the next share still wants of a person; nil: nothing.
  package let wantsApproval: FlagShare?
  /// No round has looked for three intervals, though somebody has the feature.
  package let isOverdue: Bool

  package init(_ record: RolloutRecord, _ target: RolloutTarget, _ calendar: RaiseCalendar, now: Timestamp) {
    let next = record.share.map { target.step(after: $0) } ?? target.steps.first
    wantsApproval = next.flatMap { step in
      step.needsApproval && !record.status.isOver
        && !record.approvals.contains { $0.share == step.share && $0.digest == record.digest }
        ? step.share : nil
    }
    guard record.status == .running, let began = record.stepStartedAt, let share = record.share else {
      earliestRaise = record.status == .ready ? calendar.nextOpen(from: now) : nil
      switch record.status {
      case .ready: nextRound = wantsApproval == nil ? calendar.nextOpen(from: now) : nil
      case .rolledBack:
        nextRound = record.end?.cure.flatMap { $0.state == .awaited ? $0.until : nil }
      default: nextRound = nil
      }
      isOverdue = false
      return
    }
    let dues = target.metrics.compactMap { record.due($0, target, since: began) }
    let clockwise = (record.lastTickAt ?? began) + target.interval
    nextRound = record.intent == nil ? dues.min() ?? clockwise : now
    isOverdue = now - (record.lastTickAt ?? began) > target.interval * 3
    guard record.pause == nil else {
      earliestRaise = nil
      return
    }
    let progress = record.progress.flatMap { try? $0.decoded(as: StepProgress.self) } ?? StepProgress()
    let rules = target.rules(at: share, isApproved: true)
    let from = max(record.lastTickAt ?? began, began + target.initialDelay)
    var earliest = max(from + max(rules.bake - record.credit, .zero), now)
    for metric in target.metrics where !metric.isObserved {
      guard let due = record.due(metric, target, since: began) else { continue }
      let tally = progress.tallies[metric.name] ?? MetricTally()
      let missing = max(target.minReadings - tally.usable, target.settle - tally.passesInARow, 0)
      let interval = metric.interval ?? target.interval
      if missing > 0 { earliest = max(earliest, due + interval * (missing - 1)) }
      // Credit is earned by readings alone.
      guard interval > .zero, earliest > due else {
        earliest = max(earliest, due)
        continue
      }
      let steps =
        ((earliest - due).wholeMilliseconds + interval.wholeMilliseconds - 1) / interval.wholeMilliseconds
      earliest = due + interval * Int(steps)
    }
    earliestRaise = calendar.nextOpen(from: earliest)
  }
}
