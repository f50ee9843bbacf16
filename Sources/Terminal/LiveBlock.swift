/// Lines at the bottom of a terminal that are redrawn in place. It renders only: who has it writes the text.
///
/// While there is a block the cursor is hidden and stands at the start of the line below it.
package struct LiveBlock: Sendable {
  /// What stands on the terminal now.
  package private(set) var lines: [String] = []
  private var columns: Int?

  /// Shows the cursor again; also to be written when a signal ends the program.
  package static let showCursor = "\u{1B}[?25h"
  private static let hideCursor = "\u{1B}[?25l"
  private static let clearBelow = "\u{1B}[J"

  package init() {}

  /// The text that turns what stands there into `live`, with `settled` scrolled in over it for good.
  ///
  /// At most `rows` − 1 lines are shown, for the cursor reaches no more: the first ones, and how many follow.
  /// - Parameters:
  ///   - rows: of the terminal.
  ///   - columns: of the terminal; live lines are cut to it. Nil: they are known to fit.
  package mutating func render(
    settled: [String] = [], live: [String], rows: Int, columns: Int? = nil
  ) -> String {
    let new = fit(live, rows: rows, columns: columns)
    let isSameSize = columns == self.columns || lines.isEmpty
    if new == lines, settled.isEmpty, isSameSize { return "" }
    var text = moveToStart(columns: columns)
    if settled.isEmpty, isSameSize {
      text += (lines.isEmpty ? Self.hideCursor : "") + difference(to: new)
    } else {
      text += lines.isEmpty ? "" : Self.clearBelow
      text += settled.map { $0 + "\n" }.joined()
      text += lines.isEmpty && !new.isEmpty ? Self.hideCursor : ""
      text += new.map { $0 + "\n" }.joined()
    }
    text += !lines.isEmpty && new.isEmpty ? Self.showCursor : ""
    lines = new
    self.columns = columns
    return Self.atOnce(text)
  }

  /// The text that removes the block and shows the cursor again.
  package mutating func finish() -> String {
    guard !lines.isEmpty else { return "" }
    let text = moveToStart(columns: columns) + Self.clearBelow + Self.showCursor
    lines = []
    return Self.atOnce(text)
  }

  /// Synchronized output: a terminal that knows it shows the whole at once, others ignore it.
  private static func atOnce(_ text: String) -> String { "\u{1B}[?2026h\(text)\u{1B}[?2026l" }

  private func fit(_ lines: [String], rows: Int, columns: Int?) -> [String] {
    let room = max(1, rows - 1)
    let hidden = lines.count > room ? lines.count - room + 1 : 0
    var shown = Array(lines.prefix(lines.count - hidden))
    if hidden > 0 { shown.append("… \(hidden) more") }
    return columns.map { columns in shown.map { clip($0, to: columns) } } ?? shown
  }

  private func moveToStart(columns: Int?) -> String {
    // A terminal that became narrower has wrapped what was drawn.
    let rows = lines.reduce(0) { rows, line in
      guard let columns, columns > 0 else { return rows + 1 }
      return rows + max(1, (displayWidth(of: line) + columns - 1) / columns)
    }
    return rows == 0 ? "" : "\r\u{1B}[\(rows)A"
  }

  private func difference(to new: [String]) -> String {
    var text = ""
    for (index, line) in new.enumerated() {
      let isKept = index < lines.count && lines[index] == line
      text += isKept ? "\n" : (index < lines.count ? "\u{1B}[2K" : "") + line + "\n"
    }
    return lines.count > new.count ? text + Self.clearBelow : text
  }
}
