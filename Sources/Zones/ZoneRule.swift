import Concurrency

/// How a zone's clocks go on after the last change that is written down: the text of a POSIX `TZ` variable, such as
/// `CET-1CEST,M3.5.0,M10.5.0/3` (RFC 9636 §3.3.1).
struct ZoneRule: Sendable, Hashable {
  /// When in a year the clocks change.
  struct Change: Sendable, Hashable {
    enum Day: Sendable, Hashable {
      /// From 1 to 365; February 29 is never counted.
      case ordinal(Int64)
      /// From 0 to 365; February 29 is counted.
      case index(Int64)
      /// Week 5 is the last one; weekday 0 is Sunday.
      case weekday(month: Int64, week: Int64, weekday: Int64)
    }

    var day: Day
    /// Seconds after the day's beginning, on the clock as it stands before; from -167 to 167 hours.
    var time: Int64

    /// Seconds since 1970 on that clock.
    func seconds(in year: Int64) -> Int64 {
      let first = CivilDate.days(year: year, month: 1, day: 1)
      let number: Int64
      switch day {
      case .ordinal(let ordinal):
        let isLeap = CivilDate.days(year: year, month: 3, day: 1) - first == 60
        number = first + ordinal - 1 + (isLeap && ordinal >= 60 ? 1 : 0)
      case .index(let index): number = first + index
      case .weekday(let month, let week, let weekday):
        let begin = CivilDate.days(year: year, month: month, day: 1)
        let end = CivilDate.days(
          year: month == 12 ? year + 1 : year, month: month == 12 ? 1 : month + 1, day: 1)
        // 1970-01-01 was a Thursday.
        let firstWeekday = (begin + 4) - floorDivide(begin + 4, 7) * 7
        var candidate = begin + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
        while candidate >= end { candidate -= 7 }
        number = candidate
      }
      return number * 86_400 + time
    }
  }

  struct Summer: Sendable, Hashable {
    var offset: Zone.Offset
    var begins: Change
    var ends: Change
  }

  var standard: Zone.Offset
  var summer: Summer?

  func offset(at second: Int64) -> Zone.Offset {
    guard let summer else { return standard }
    let year = CivilDate.civil(fromDays: floorDivide(second + standard.seconds, 86_400)).year
    let begin = summer.begins.seconds(in: year) - standard.seconds
    let end = summer.ends.seconds(in: year) - summer.offset.seconds
    let isSummer = begin < end ? begin <= second && second < end : !(end <= second && second < begin)
    return isSummer ? summer.offset : standard
  }

  /// The moments of change within a span, in seconds since 1970.
  func changes(from first: Int64, to last: Int64) -> [Int64] {
    guard let summer else { return [] }
    let years =
      CivilDate.civil(fromDays: floorDivide(first, 86_400)).year - 1...CivilDate.civil(
        fromDays: floorDivide(last, 86_400)
      ).year + 1
    return years.flatMap { year in
      [
        summer.begins.seconds(in: year) - standard.seconds,
        summer.ends.seconds(in: year) - summer.offset.seconds,
      ]
    }.filter { $0 > first && $0 <= last }.sorted()
  }

  /// Nil when the text is no such rule.
  init?(_ text: String) {
    var reader = RuleReader(Array(text.utf8)[...])
    guard let name = reader.name(), let west = reader.time() else { return nil }
    standard = Zone.Offset(seconds: -west, abbreviation: name)
    if reader.isAtEnd { return }
    guard let other = reader.name() else { return nil }
    var seconds = standard.seconds + 3600
    if !reader.skip(",") {
      guard let west = reader.time(), reader.skip(",") else { return nil }
      seconds = -west
    }
    guard let begins = reader.change(), reader.skip(","), let ends = reader.change(), reader.isAtEnd else {
      return nil
    }
    summer = Summer(offset: Zone.Offset(seconds: seconds, abbreviation: other), begins: begins, ends: ends)
  }
}

private struct RuleReader {
  private var rest: ArraySlice<UInt8>

  init(_ text: ArraySlice<UInt8>) { rest = text }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard let first = rest.first, first == UInt8(ascii: character) else { return false }
    rest.removeFirst()
    return true
  }

  /// `CET` or `<+03>`.
  mutating func name() -> String? {
    if skip("<") {
      let name = rest.prefix { $0 != UInt8(ascii: ">") }
      rest = rest.dropFirst(name.count)
      return skip(">") ? String(decoding: name, as: UTF8.self) : nil
    }
    let name = rest.prefix { ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") }
    rest = rest.dropFirst(name.count)
    return name.count >= 3 ? String(decoding: name, as: UTF8.self) : nil
  }

  mutating func number() -> Int64? {
    let digits = rest.prefix { $0 >= 48 && $0 <= 57 }
    rest = rest.dropFirst(digits.count)
    return digits.isEmpty || digits.count > 4 ? nil : Int64(String(decoding: digits, as: UTF8.self))
  }

  /// `-1`, `5:30`, `2:00:00`, in seconds.
  mutating func time() -> Int64? {
    let isNegative = skip("-")
    if !isNegative { _ = skip("+") }
    guard let hours = number() else { return nil }
    var seconds = hours * 3600
    if skip(":") {
      guard let minutes = number() else { return nil }
      seconds += minutes * 60
      if skip(":") {
        guard let rest = number() else { return nil }
        seconds += rest
      }
    }
    return isNegative ? -seconds : seconds
  }

  mutating func change() -> ZoneRule.Change? {
    let day: ZoneRule.Change.Day
    if skip("M") {
      guard let month = number(), skip("."), let week = number(), skip("."), let weekday = number(),
        (1...12).contains(month), (1...5).contains(week), (0...6).contains(weekday)
      else { return nil }
      day = .weekday(month: month, week: week, weekday: weekday)
    } else if skip("J") {
      guard let ordinal = number(), (1...365).contains(ordinal) else { return nil }
      day = .ordinal(ordinal)
    } else {
      guard let index = number(), (0...365).contains(index) else { return nil }
      day = .index(index)
    }
    guard skip("/") else { return ZoneRule.Change(day: day, time: 7200) }
    guard let time = time() else { return nil }
    return ZoneRule.Change(day: day, time: time)
  }
}
