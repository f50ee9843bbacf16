/// A duration as people write it, `90s` or `1h30m`; nil when the text is none.
package func duration(written text: String) -> Duration? { try? Quantity.duration(text) }

/// Durations and sizes as people write them.
enum Quantity {
  /// Why a text is no duration or size, and what to write instead.
  struct Mistake: Error, Hashable {
    var message: String
    var help: String
  }

  private static let milliseconds: [(unit: String, factor: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]
  private static let bytes: [(unit: String, factor: Int64)] = [
    ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1),
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
  ]

  /// `90s`, `5m`, `1h30m`, `500ms`, `7d`.
  static func duration(_ text: String) throws(Mistake) -> Duration {
    let form = "write a number and a unit, such as 90s, 5m, 4h, 500ms or 1h30m"
    var rest = text[...]
    var total: Int64 = 0
    var last = milliseconds.startIndex
    if !text.isEmpty, text.allSatisfy(\.isASCIIDigit) {
      throw Mistake(
        message: "`\(text)` has no unit", help: "write \(text)s for seconds or \(text)m for minutes")
    }
    guard !text.isEmpty else { throw Mistake(message: "this is no duration", help: form) }
    while !rest.isEmpty {
      let digits = rest.prefix(while: \.isASCIIDigit)
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { !$0.isASCIIDigit }
      rest = rest.dropFirst(unit.count)
      guard !digits.isEmpty else { throw Mistake(message: "`\(text)` is no duration", help: form) }
      guard let place = milliseconds.firstIndex(where: { $0.unit == unit }) else {
        if unit.hasPrefix(".") || unit.hasPrefix(",") {
          throw Mistake(
            message: "`\(text)` has a fraction", help: "combine whole numbers, such as 1h30m or 1s500ms")
        }
        throw unknown(String(unit), digits, in: text, units: "d, h, m, s and ms", meant: meantTime)
      }
      guard place >= last else {
        throw Mistake(
          message: "`\(text)` has its units in the wrong order",
          help: "write the larger unit first, and each once")
      }
      last = place + 1
      total = try add(total, digits, milliseconds[place].factor, text)
    }
    return .milliseconds(total)
  }

  /// `512MB`, `1GB` (powers of 1000), `1GiB` (powers of 1024); in bytes.
  static func size(_ text: String) throws(Mistake) -> Int64 {
    let digits = text.prefix(while: \.isASCIIDigit)
    let unit = String(text.dropFirst(digits.count))
    guard !digits.isEmpty else {
      throw Mistake(message: "`\(text)` is no size", help: "write a number and a unit, such as 512MB or 1GB")
    }
    guard !unit.isEmpty else {
      throw Mistake(message: "`\(text)` has no unit", help: "write \(text)MB or \(text)GB")
    }
    guard let known = bytes.first(where: { $0.unit == unit }) else {
      if unit.hasPrefix(".") || unit.hasPrefix(",") {
        throw Mistake(message: "`\(text)` has a fraction", help: "use a smaller unit, such as 1500MB")
      }
      throw unknown(unit, digits, in: text, units: "KB, MB, GB, TB, and KiB, MiB, GiB, TiB", meant: meantSize)
    }
    return try add(0, digits, known.factor, text)
  }

  /// The shortest way to write a duration.
  static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    var rest = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    var text = ""
    for (unit, factor) in milliseconds where rest >= factor {
      text += "\(rest / factor)\(unit)"
      rest %= factor
    }
    return text.isEmpty ? "0s" : text
  }

  private static func add(
    _ total: Int64, _ digits: Substring, _ factor: Int64, _ text: String
  ) throws(Mistake) -> Int64 {
    guard let number = Int64(digits) else {
      throw Mistake(message: "`\(text)` is too large", help: "write a smaller number")
    }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor)
    let (sum, overflowAgain) = total.addingReportingOverflow(product)
    guard !overflow, !overflowAgain, sum <= 1 << 53 else {
      throw Mistake(message: "`\(text)` is too large", help: "write a smaller number")
    }
    return sum
  }

  private static func unknown(
    _ unit: String, _ digits: Substring, in text: String, units: String, meant: (String) -> String?
  ) -> Mistake {
    let clean = unit.filter { $0 != " " }
    return Mistake(
      message: clean == unit ? "`\(unit)` in `\(text)` is no unit" : "`\(text)` has a blank in it",
      help: meant(clean.lowercased()).map { "write \(digits)\($0)" } ?? "the units are \(units)")
  }

  private static func meantTime(_ unit: String) -> String? {
    switch unit {
    case "ms", "msec", "millis", "milliseconds": "ms"
    case "s", "sec", "secs", "second", "seconds": "s"
    case "m", "min", "mins", "minute", "minutes": "m"
    case "h", "hr", "hrs", "hour", "hours": "h"
    case "d", "day", "days": "d"
    default: nil
    }
  }

  private static func meantSize(_ unit: String) -> String? {
    switch unit {
    case "b", "byte", "bytes": "B"
    case "k", "kb": "KB"
    case "m", "mb", "mo": "MB"
    case "g", "gb", "go": "GB"
    case "t", "tb": "TB"
    case "ki", "kib": "KiB"
    case "mi", "mib": "MiB"
    case "gi", "gib": "GiB"
    default: nil
    }
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
