package import Concurrency
package import Model
package import Zones

/// Whether a schedule wants a copy of a database now. Pure.
package struct BackupTurn: Sendable, Hashable {
  package var schedule: CronSchedule
  /// One is due since then, and none was made; nil: none is due.
  package var overdueSince: Timestamp?
  /// Nil: the schedule has no further moment.
  package var next: Timestamp?

  /// - Parameters:
  ///   - newest: when the newest good copy was begun; nil: there is none, so that one is due.
  ///   - zone: what a name stands for.
  /// - Throws: what `zone` throws; `configuration` for what only a stored rule could have.
  package init(
    _ written: BackupSchedule, newest: Timestamp?, now: Timestamp, zone: (String) throws(Failure) -> Zone
  ) throws(Failure) {
    guard let schedule = CronSchedule(written.cron, zone: try zone(written.timezone)) else {
      throw Failure(.configuration, "`\(written.cron)` is not a schedule")
    }
    self.schedule = schedule
    next = schedule.next(after: now)
    let last = schedule.last(until: now)
    if let newest {
      overdueSince = last.flatMap { newest < $0 ? $0 : nil }
    } else {
      overdueSince = last ?? now
    }
  }
}
