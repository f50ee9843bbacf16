/// Lines at the bottom of a terminal that are redrawn in place. It renders only: who has it writes the text.
///
/// After each drawing the cursor stands at the start of the line below the block.
package struct LiveBlock: Sendable {
  /// What stands on the terminal now.
  package private(set) var lines: [String] = []
  private var columns = 0

  /// Hides the cursor while a block is alive.
  package static let hideCursor = "\u{1B}[?25l"
  /// Shows it again; also to be written when a signal ends the program.
  package static let showCursor = "\u{1B}[?25h"

  package init() {}

  /// The text that turns what stands there into `lines`, with `above` scrolled in over it for good.
  ///
  /// Lines are cut to the width. Of more lines than fit the terminal less one, the first are shown and the
  /// number of the others; more could not be reached by the cursor any more.
  package mutating func render(
    _ lines: [String], above: [String] = [], in size: TerminalSize
  ) -> String {
    let new = fit(lines, size)
    let isUnchanged = new == self.lines && above.isEmpty && columns == size.columns
    guard !isUnchanged else { return "" }
    var text = "\u{1B}[?2026h" + moveToStart(size)
    if above.isEmpty, columns == size.columns {
      text += difference(to: new)
    } else {
      text += self.lines.isEmpty ? "" : "\u{1B}[J"
      text += (above + new).map { $0 + "\n" }.joined()
    }
    self.lines = new
    columns = size.columns
    return text + "\u{1B}[?2026l"
  }

  /// The text that removes the block.
  package mutating func erase(in size: TerminalSize) -> String {
    guard !lines.isEmpty else { return "" }
    let text = "\u{1B}[?2026h" + moveToStart(size) + "\u{1B}[J\u{1B}[?2026l"
    lines = []
    return text
  }

  /// Leaves the block where it stands: what is drawn next comes below.
  package mutating func leave() { lines = [] }

  private func fit(_ lines: [String], _ size: TerminalSize) -> [String] {
    let room = max(1, size.rows - 1)
    let hidden = lines.count > room ? lines.count - room + 1 : 0
    var shown = Array(lines.prefix(lines.count - hidden))
    if hidden > 0 { shown.append("… \(hidden) more") }
    return shown.map { clip($0, to: size.columns) }
  }

  private func moveToStart(_ size: TerminalSize) -> String {
    // A terminal that became narrower has wrapped what was drawn.
    let rows = lines.reduce(0) { rows, line in
      rows + max(1, (displayWidth(of: line) + size.columns - 1) / max(1, size.columns))
    }
    return rows == 0 ? "" : "\r\u{1B}[\(rows)A"
  }

  private func difference(to new: [String]) -> String {
    var text = ""
    for (index, line) in new.enumerated() {
      let isKept = index < lines.count && lines[index] == line
      text += isKept ? "\n" : (index < lines.count ? "\u{1B}[2K" : "") + line + "\n"
    }
    return lines.count > new.count ? text + "\u{1B}[J" : text
  }
}
