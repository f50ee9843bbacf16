package import Concurrency

/// Moments that come again, as the five fields of cron say by the clock of a zone: minute, hour, day, month, weekday.
///
/// A time that the clocks leap over is the moment of the leap; one that they show twice counts the first time.
package struct CronSchedule: Sendable, Hashable {
  /// As it was written.
  package let text: String
  package let zone: Zone
  private let minutes: [Int]
  private let hours: [Int]
  private let days: Set<Int>
  private let months: Set<Int>
  /// From 0 for Sunday.
  private let weekdays: Set<Int>
  /// Cron's oldest rule: where both are restricted, either is enough.
  private let isEitherDay: Bool

  /// - Returns: nil for what is no schedule.
  package init?(_ text: String, zone: Zone) {
    let fields = text.split(separator: " ")
    guard fields.count == 5,
      let minutes = CronSchedule.values(fields[0], 0...59),
      let hours = CronSchedule.values(fields[1], 0...23),
      let days = CronSchedule.values(fields[2], 1...31),
      let months = CronSchedule.values(fields[3], 1...12, names: CronSchedule.monthNames, first: 1),
      let weekdays = CronSchedule.values(fields[4], 0...7, names: CronSchedule.weekdayNames, first: 0)
    else { return nil }
    self.text = text
    self.zone = zone
    self.minutes = minutes.sorted()
    self.hours = hours.sorted()
    self.days = days
    self.months = months
    self.weekdays = Set(weekdays.map { $0 % 7 })
    isEitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
  }

  private static let monthNames = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]
  private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

  /// The last moment that is not later; nil: there was none in eight years.
  package func last(until moment: Timestamp) -> Timestamp? {
    // A day more: the clocks may leap over a time of the evening before.
    let today = zone.local(moment).day + 1
    for day in stride(from: today, through: today - CronSchedule.days, by: -1) where isOn(day) {
      if let found = moments(of: day).last(where: { $0 <= moment }) { return found }
    }
    return nil
  }

  /// The first moment that is later; nil: there is none in eight years.
  package func next(after moment: Timestamp) -> Timestamp? {
    let today = zone.local(moment).day - 1
    for day in today...(today + CronSchedule.days) where isOn(day) {
      if let found = moments(of: day).first(where: { $0 > moment }) { return found }
    }
    return nil
  }

  /// From one 29th of February to the next there may be eight years.
  private static let days: Int64 = 8 * 366

  private func moments(of day: Int64) -> [Timestamp] {
    hours.flatMap { hour in
      minutes.map { zone.moment(of: LocalTime(day: day, minute: hour * 60 + $0), .first) }
    }
  }

  private func isOn(_ day: Int64) -> Bool {
    let date = CivilDate.civil(fromDays: day)
    guard months.contains(Int(date.month)) else { return false }
    let isDay = days.contains(Int(date.day))
    let isWeekday = weekdays.contains((LocalTime(day: day, minute: 0).weekday + 1) % 7)
    return isEitherDay ? isDay || isWeekday : isDay && isWeekday
  }

  /// `*`, `5`, `1-5`, `*/15`, `10-50/20`, and several of them with commas between.
  private static func values(
    _ field: Substring, _ limits: ClosedRange<Int>, names: [String] = [], first: Int = 0
  ) -> Set<Int>? {
    func number(_ text: Substring) -> Int? {
      Int(text) ?? names.firstIndex(of: text.lowercased()).map { $0 + first }
    }
    var found: Set<Int> = []
    for part in field.split(separator: ",", omittingEmptySubsequences: false) {
      let pieces = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      guard let step = pieces.count == 1 ? 1 : Int(pieces[1]), step > 0 else { return nil }
      let ends = pieces[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      let range: ClosedRange<Int>
      if pieces[0] == "*" {
        range = limits
      } else if let low = number(ends[0]), let high = ends.count == 2 ? number(ends[1]) : low, low <= high,
        limits.contains(low), limits.contains(high)
      {
        range = low...(pieces.count == 2 && ends.count == 1 ? limits.upperBound : high)
      } else {
        return nil
      }
      found.formUnion(stride(from: range.lowerBound, through: range.upperBound, by: step))
    }
    return found
  }
}
