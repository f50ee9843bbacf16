/// The signs in front of lines, in Unicode or, where the terminal is not UTF-8, in ASCII.
package struct Symbols: Sendable, Hashable {
  package var good, bad, warning, waiting, back, arrow, dot, bar, add, change, remove, same, ellipsis,
    none: String
  /// Frames of the sign of a running step.
  package var turning: [String]

  package static let unicode = Symbols(
    good: "✓", bad: "✗", warning: "!", waiting: "◦", back: "↩", arrow: "→", dot: "·", bar: "│", add: "+",
    change: "~", remove: "−", same: "=", ellipsis: "…", none: "–",
    turning: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"])

  package static let ascii = Symbols(
    good: "ok", bad: "FAILED", warning: "!", waiting: ".", back: "<-", arrow: "->", dot: "-", bar: "|",
    add: "+",
    change: "~", remove: "-", same: "=", ellipsis: "...", none: "-", turning: ["-", "\\", "|", "/"])

  /// The set for a process environment: Unicode when the first of LC_ALL, LC_CTYPE and LANG that is set says UTF-8.
  package static func suiting(_ environment: [String: String]) -> Symbols {
    let locale =
      ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    let name = locale.lowercased()
    return name.hasSuffix("utf-8") || name.hasSuffix("utf8") ? .unicode : .ascii
  }

  /// The text with the typographic signs we use replaced where the set is ASCII; letters are left alone.
  func adapted(_ text: String) -> String {
    guard self == .ascii else { return text }
    var output = ""
    for character in text {
      switch character {
      case "→": output += arrow
      case "·": output += dot
      case "–", "−": output += "-"
      case "…": output += ellipsis
      case "’": output += "'"
      default: output.append(character)
      }
    }
    return output
  }
}
