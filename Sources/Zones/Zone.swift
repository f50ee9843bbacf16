package import Concurrency

/// One time zone: when its clocks stood, stand and will stand how far from UTC.
package struct Zone: Sendable, Hashable {
  /// What its clocks show from a transition on.
  package struct Offset: Sendable, Hashable {
    /// East of UTC.
    package var seconds: Int64
    /// Such as `CET`.
    package var abbreviation: String
  }

  /// As it was asked for, such as `Europe/Oslo`.
  package var name: String
  /// Moments, in seconds since 1970, ascending, with the index of what holds from then on.
  var transitions: [(at: Int64, offset: Int)]
  var offsets: [Offset]
  /// What holds after the last transition; nil: the last transition's.
  var rule: ZoneRule?

  init(name: String, transitions: [(at: Int64, offset: Int)], offsets: [Offset], rule: ZoneRule?) {
    self.name = name
    self.transitions = transitions
    self.offsets = offsets
    self.rule = rule
  }

  package static let utc = Zone(
    name: "UTC", transitions: [], offsets: [Offset(seconds: 0, abbreviation: "UTC")], rule: nil)

  package static func == (left: Zone, right: Zone) -> Bool {
    left.name == right.name && left.offsets == right.offsets && left.rule == right.rule
      && left.transitions.count == right.transitions.count
      && zip(left.transitions, right.transitions).allSatisfy { $0 == $1 }
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(name) }

  /// What its clocks show at a moment.
  package func offset(at moment: Timestamp) -> Offset {
    offset(atSecond: floorDivide(moment.milliseconds, 1000))
  }

  func offset(atSecond second: Int64) -> Offset {
    guard let last = transitions.last else { return rule?.offset(at: second) ?? offsets[0] }
    if second >= last.at { return rule?.offset(at: second) ?? offsets[last.offset] }
    // The last transition that is not later.
    var (low, high) = (0, transitions.count)
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].at <= second { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? offsets[0] : offsets[transitions[low - 1].offset]
  }

  /// The local time of a moment.
  package func local(_ moment: Timestamp) -> LocalTime {
    let second = floorDivide(moment.milliseconds, 1000)
    return LocalTime(seconds: second + offset(atSecond: second).seconds)
  }

  /// Which of two moments is meant when the clocks show a time twice.
  package enum Repeated: Sendable { case first, second }

  /// The moment at which the clocks show a local time. A time that they leap over is the moment of the leap.
  package func moment(of local: LocalTime, _ repeated: Repeated) -> Timestamp {
    let window = Zone.widest
    let changes = changes(from: local.seconds - window, to: local.seconds + window)
    var candidates = [offset(atSecond: local.seconds - window).seconds]
    candidates += changes.map { offset(atSecond: $0).seconds }
    let moments = candidates.map { (local.seconds - $0, $0) }
      .filter { second, seconds in offset(atSecond: second).seconds == seconds }.map(\.0)
    if let found = repeated == .first ? moments.min() : moments.max() {
      return Timestamp(milliseconds: found * 1000)
    }
    let leap = changes.first { change in
      let (before, after) = (offset(atSecond: change - 1).seconds, offset(atSecond: change).seconds)
      return change + before <= local.seconds && local.seconds < change + after
    }
    return Timestamp(milliseconds: (leap ?? local.seconds - candidates[0]) * 1000)
  }

  /// In seconds; no zone's clocks stand further from UTC, and none ever leapt further.
  private static let widest: Int64 = 26 * 3600

  private func changes(from first: Int64, to last: Int64) -> [Int64] {
    var changes = transitions.map(\.at).filter { $0 > first && $0 <= last }
    if let rule {
      let end = transitions.last?.at ?? .min
      changes += rule.changes(from: first, to: last).filter { $0 > end }
    }
    return changes
  }
}

/// A date and a time of day as a clock on a wall shows them.
package struct LocalTime: Sendable, Hashable, Comparable {
  /// Since 1970-01-01 00:00 on the same clock, as if it were never set forward or back.
  package var seconds: Int64

  package init(seconds: Int64) { self.seconds = seconds }

  /// - Parameters:
  ///   - day: counted from 1970-01-01.
  ///   - minute: of the day.
  package init(day: Int64, minute: Int) { seconds = day * 86_400 + Int64(minute) * 60 }

  /// Counted from 1970-01-01.
  package var day: Int64 { floorDivide(seconds, 86_400) }
  /// Of the day.
  package var minute: Int { Int((seconds - day * 86_400) / 60) }
  /// From 0 for Monday to 6 for Sunday.
  package var weekday: Int {
    // 1970-01-01 was a Thursday.
    Int((day + 3) - floorDivide(day + 3, 7) * 7)
  }

  package static func < (left: Self, right: Self) -> Bool { left.seconds < right.seconds }

  /// `Mon 2026-11-30 06:00`.
  package var words: String {
    let date = CivilDate.civil(fromDays: day)
    func pad(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(LocalTime.weekdays[weekday]) \(date.year)-\(pad(date.month))-\(pad(date.day)) "
      + "\(pad(Int64(minute / 60))):\(pad(Int64(minute % 60)))"
  }

  /// From Monday on.
  package static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
}
