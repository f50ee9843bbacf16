package import Concurrency
package import Model
package import Zones

/// One time without deploys, resolved to moments.
package struct FreezePeriod: Sendable, Hashable {
  package var freeze: Freeze
  package var zone: Zone
  /// From this moment on.
  package var begins: Timestamp
  /// At this moment deploys are possible again, as far as this freeze goes.
  package var ends: Timestamp
}

/// The freezes of an environment with the zones whose clocks they mean. Pure.
///
/// A local time that the clocks leap over is the moment of the leap. One that they show twice is its first showing
/// at the beginning of a freeze and its second at the end, so that the freeze is the longer one.
package struct FreezeCalendar: Sendable {
  private let freezes: [(freeze: Freeze, zone: Zone)]

  /// - Parameter zone: what a name stands for.
  /// - Throws: what `zone` throws.
  package init(
    _ freezes: [Freeze], zone: (String) throws(Failure) -> Zone
  ) throws(Failure) {
    var resolved: [(freeze: Freeze, zone: Zone)] = []
    for freeze in freezes { resolved.append((freeze, try zone(freeze.timezone))) }
    self.freezes = resolved
  }

  /// The freeze in force at a moment; of several the one that ends last.
  package func active(at moment: Timestamp) -> FreezePeriod? {
    periods(around: moment).filter { $0.begins <= moment && moment < $0.ends }.max { $0.ends < $1.ends }
  }

  /// The freeze that begins next after a moment.
  package func next(after moment: Timestamp) -> FreezePeriod? {
    periods(around: moment).filter { $0.begins > moment }.min { $0.begins < $1.begins }
  }

  /// When the first moment without any freeze comes: one may begin before another has ended.
  /// - Returns: nil when there is none within a year.
  package func free(after moment: Timestamp) -> Timestamp? {
    var end = moment
    let limit = moment + .seconds(366 * 86_400)
    while let period = active(at: end) {
      end = period.ends
      if end > limit { return period.freeze.to.isWeekly ? nil : end }
    }
    return end
  }

  private func periods(around moment: Timestamp) -> [FreezePeriod] {
    freezes.flatMap { freeze, zone in
      switch (freeze.from, freeze.to) {
      case (.weekly(let weekday, let minute), .weekly(let endDay, let endMinute)):
        return FreezeCalendar.weeks(around: zone.local(moment), weekday).map { day in
          let begin = LocalTime(day: day, minute: minute)
          let ahead = (endDay - weekday + 7) % 7
          let isNextWeek = ahead == 0 && endMinute <= minute
          let end = LocalTime(day: day + Int64(isNextWeek ? 7 : ahead), minute: endMinute)
          return period(freeze, zone, begin, end)
        }
      case (
        .date(let year, let month, let day, let minute),
        .date(let endYear, let endMonth, let endDay, let endMinute)
      ):
        let begin = LocalTime(day: FreezeCalendar.day(year, month, day), minute: minute ?? 0)
        let last = FreezeCalendar.day(endYear, endMonth, endDay)
        let end =
          endMinute.map { LocalTime(day: last, minute: $0) } ?? LocalTime(day: last + 1, minute: 0)
        return [period(freeze, zone, begin, end)]
      default: return []
      }
    }
  }

  private func period(_ freeze: Freeze, _ zone: Zone, _ begin: LocalTime, _ end: LocalTime) -> FreezePeriod {
    FreezePeriod(
      freeze: freeze, zone: zone, begins: zone.moment(of: begin, .first), ends: zone.moment(of: end, .second))
  }

  /// The days with that weekday from two weeks before to two weeks after.
  private static func weeks(around local: LocalTime, _ weekday: Int) -> [Int64] {
    let monday = local.day - Int64(local.weekday)
    return (-2...2).map { monday + Int64(weekday) + 7 * $0 }
  }

  private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    CivilDate.days(year: Int64(year), month: Int64(month), day: Int64(day))
  }
}

extension FreezeCalendar {
  /// A moment as the freeze's clock shows it, and as the reader's does where that is another time:
  /// `Mon 2026-11-30 06:00 Europe/Oslo (Mon 2026-11-30 05:00 UTC here)`.
  package static func words(_ moment: Timestamp, in zone: Zone, reader: Zone) -> String {
    let declared = "\(zone.local(moment).words) \(zone.name)"
    let here = reader.local(moment)
    guard here != zone.local(moment) else { return declared }
    let offset = reader.offset(at: moment)
    let name = offset.abbreviation.isEmpty ? reader.name : offset.abbreviation
    return "\(declared) (\(here.words) \(name) here)"
  }
}
