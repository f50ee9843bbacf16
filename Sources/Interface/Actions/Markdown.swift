import Terminal

/// Markdown of a step summary, out of text that others wrote.
struct Markdown {
  private let redact: (String) -> String

  init(_ redact: @escaping (String) -> String) { self.redact = redact }

  /// Text that is shown as it is, on one line: no markup and no HTML of its own.
  func text(_ text: String, longest: Int = 500) -> String {
    var safe = sanitise(redact(text))
    if safe.count > longest { safe = safe.prefix(longest - 1) + "…" }
    var result = ""
    for character in safe {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\\", "`", "*", "_", "[", "]", "|", "#", "~", "!": result += "\\\(character)"
      default: result.append(character)
      }
    }
    return result
  }

  /// A command line, to be copied.
  func code(_ text: String) -> String {
    let safe = sanitise(redact(text))
    let fence = String(repeating: "`", count: Markdown.longestRun(in: safe) + 1)
    let space = safe.hasPrefix("`") || safe.hasSuffix("`") ? " " : ""
    return fence + space + safe + space + fence
  }

  /// A link that shows where it goes; an address of another kind stays text.
  func link(_ address: String) -> String {
    let safe = sanitise(redact(address))
    let isPlain = safe.allSatisfy { !$0.isWhitespace && !"<>|`\\".contains($0) }
    guard isPlain, safe.hasPrefix("https://") || safe.hasPrefix("http://") else { return text(address) }
    return "<\(safe)>"
  }

  /// A row of a table, its cells already Markdown.
  static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }

  /// Lines as they are, folded away under a title that is already Markdown.
  /// - Parameter bytes: how much of them is kept; what is left out is said.
  func details(_ title: String, _ lines: [String], bytes: Int, keepsEnd: Bool = false) -> [String] {
    // Once before, so that what is left out costs nothing, and once after, for names stand in place of secrets.
    let safe = Markdown.bounded(lines, bytes: bytes, keepsEnd: keepsEnd).map { sanitise(redact($0)) }
    let kept = Markdown.bounded(safe, bytes: bytes, keepsEnd: keepsEnd)
    let fence = String(
      repeating: "`", count: max(3, (safe.map(Markdown.longestRun).max() ?? 0) + 1))
    return ["<details><summary>\(title)</summary>", "", fence + "text"] + kept + [
      fence, "", "</details>", "",
    ]
  }

  /// As many of the lines as fit, from the beginning or the end.
  static func bounded(_ lines: [String], bytes: Int, keepsEnd: Bool = false) -> [String] {
    var left = bytes
    var kept: [String] = []
    for line in keepsEnd ? lines.reversed() : lines {
      left -= line.utf8.count + 1
      guard left >= 0 else { break }
      kept.append(line)
    }
    guard kept.count < lines.count else { return lines }
    let note = "… \(count(lines.count - kept.count, "line")) left out"
    return keepsEnd ? [note] + kept.reversed() : kept + [note]
  }

  private static func longestRun(in text: String) -> Int {
    text.split(whereSeparator: { $0 != "`" }).map(\.count).max() ?? 0
  }
}
