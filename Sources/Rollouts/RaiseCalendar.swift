package import Analysis
package import Concurrency
import Engine
package import Model
package import Zones

/// When a share may be raised: within the windows, outside of the freezes (contract rollout-analysis §12). Readings,
/// pauses and rollbacks ask for none of it.
package struct RaiseCalendar: Sendable {
  private let windows: RaiseWindows?
  private let freezes: FreezeCalendar
  private var overridesFreezes = false

  /// - Parameter zone: what a name stands for.
  /// - Throws: what `zone` throws.
  package init(_ target: RolloutTarget, zone: (String) throws(Failure) -> Zone) throws(Failure) {
    windows =
      if let windows = target.windows {
        RaiseWindows(
          windows.open.map { .init(weekdays: Set($0.weekdays), from: $0.from, to: $0.to) },
          in: try zone(windows.timezone))
      } else {
        nil
      }
    freezes = try FreezeCalendar(target.freezes, zone: zone)
  }

  /// The same, where a person wants it in spite of a freeze. Windows go on counting.
  var overridingFreezes: Self {
    var other = self
    other.overridesFreezes = true
    return other
  }

  func isFrozen(at moment: Timestamp) -> Bool { freezes.active(at: moment) != nil }

  package func window(at moment: Timestamp) -> Tick.Window {
    if !overridesFreezes, isFrozen(at: moment) { return .freeze }
    return windows?.isOpen(at: moment) ?? true ? .open : .closed
  }

  /// The first moment from `moment` on at which a share may be raised, to the minute.
  /// - Returns: nil when there is none within two weeks.
  package func nextOpen(from moment: Timestamp) -> Timestamp? {
    guard window(at: moment) != .open else { return moment }
    var next = Timestamp(milliseconds: (moment.milliseconds / 60_000 + 1) * 60_000)
    let limit = moment + .seconds(14 * 86_400)
    while next < limit {
      if window(at: next) == .open { return next }
      next = next + .seconds(60)
    }
    return nil
  }
}
