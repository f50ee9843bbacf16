package import Concurrency
package import Zones

/// When a share may be raised: weekdays with local times, in a named zone (contract rollout-analysis §12). Readings,
/// pauses and rollbacks ask for none of it.
package struct RaiseWindows: Sendable, Hashable {
  /// From inclusive, to exclusive, in minutes of the day. One that ends no later than it begins runs past midnight and
  /// belongs to the day it began.
  package struct Window: Sendable, Hashable {
    /// From 0, Monday.
    package var weekdays: Set<Int>
    package var from: Int
    package var to: Int

    package init(weekdays: Set<Int>, from: Int, to: Int) {
      self.weekdays = weekdays
      self.from = from
      self.to = to
    }

    fileprivate func holds(_ weekday: Int, _ minute: Int) -> Bool {
      if from < to { return weekdays.contains(weekday) && from <= minute && minute < to }
      return weekdays.contains(weekday) && from <= minute
        || weekdays.contains((weekday + 6) % 7) && minute < to
    }
  }

  package var windows: [Window]
  package var zone: Zone

  package init(_ windows: [Window], in zone: Zone) {
    self.windows = windows
    self.zone = zone
  }

  /// Without windows it is always time.
  package func isOpen(at moment: Timestamp) -> Bool {
    // An instant has one local time, so days of 23 or 25 hours need no rule.
    let local = zone.local(moment)
    return windows.isEmpty || windows.contains { $0.holds(local.weekday, local.minute) }
  }
}
