import YAML

/// How many terminal columns text takes.
enum Cells {
  /// 0 for what only combines, 2 for East Asian wide characters and emoji, else 1.
  static func width(of character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    if character.unicodeScalars.contains(where: { $0 == "\u{FE0F}" || $0.properties.isEmojiPresentation }) {
      return 2
    }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    return isWide(first.value) ? 2 : 1
  }

  /// Control characters, and those that turn the direction of text, as something visible.
  static func visible(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0..<0x20: Unicode.Scalar(0x2400 + scalar.value) ?? "?"
    case 0x7F: "\u{2421}"
    case 0x80..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: "\u{FFFD}"
    default: scalar
    }
  }

  private static func isWide(_ value: UInt32) -> Bool {
    switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
      0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      true
    default: false
    }
  }
}

/// A source line laid out in columns, and where the pointer under it goes.
struct Row {
  private(set) var text: String
  /// Columns from the line's begin to the pointer.
  private(set) var start: Int
  /// Columns the pointer takes; at least 1.
  private(set) var length: Int
  private var cells: [(text: String, width: Int)]

  /// - Parameter concealed: spans of this line that are shown as three dots, whatever their length.
  init(_ line: String, mark: Mark, concealed: [Mark]) {
    cells = []
    var column = 1
    var position = 0
    var wasHidden = false
    var start: Int?
    var end: Int?
    for character in line {
      if start == nil && column >= mark.column { start = position }
      if end == nil && mark.endLine == mark.line && column >= mark.endColumn { end = position }
      let hidden = concealed.contains { span in
        let from = span.line < mark.line ? 1 : span.column
        let to = span.endLine > mark.line ? Int.max : span.endColumn
        return column >= from && column < to
      }
      var cell: (text: String, width: Int)
      if hidden {
        cell = wasHidden ? ("", 0) : ("•••", 3)
      } else if character == "\t" {
        cell = (String(repeating: " ", count: 4 - position % 4), 4 - position % 4)
      } else {
        let visible = String(String.UnicodeScalarView(character.unicodeScalars.map(Cells.visible)))
        cell = (visible, visible.reduce(0) { $0 + Cells.width(of: $1) })
      }
      wasHidden = hidden
      cells.append(cell)
      position += cell.width
      column += character.unicodeScalars.count
    }
    self.start = start ?? position
    length = max(1, (end ?? position) - self.start)
    while cells.last?.text.allSatisfy({ $0 == " " }) == true { cells.removeLast() }
    text = cells.map(\.text).joined()
  }

  /// The surroundings of a mark in a line too long to lay out, with the marks moved along.
  static func window(_ line: String, _ mark: Mark, _ concealed: [Mark]) -> (String, Mark, [Mark]) {
    let shift = max(0, mark.column - 500)
    func moved(_ mark: Mark) -> Mark {
      Mark(
        file: mark.file, line: mark.line, column: max(1, mark.column - shift), endLine: mark.endLine,
        endColumn: max(1, mark.endColumn - shift))
    }
    let part = String(String.UnicodeScalarView(line.unicodeScalars.dropFirst(shift).prefix(1500)))
    let near = concealed.filter { $0.file == mark.file && ($0.line...$0.endLine).contains(mark.line) }
    return ((shift > 0 ? "…" + part.dropFirst() : part), moved(mark), near.map(moved))
  }

  /// The part of the row around the pointer that fits; what is cut off becomes `…`.
  func clipped(to width: Int) -> Row {
    let total = cells.reduce(0) { $0 + $1.width }
    guard max(total, start + 1) > width else {
      var row = self
      row.length = max(1, min(length, width - start))
      return row
    }
    let from = max(0, min(start - width / 3, total - width + 1))
    var row = self
    row.text = from > 0 ? "…" : ""
    var used = from > 0 ? 1 : 0
    var shift = 0
    var position = 0
    for cell in cells {
      defer { position += cell.width }
      if position < from { continue }
      if used == (from > 0 ? 1 : 0) { shift = position - used }
      if used + cell.width > width - 1 && position + cell.width < total {
        row.text += "…"
        used += 1
        break
      }
      row.text += cell.text
      used += cell.width
    }
    row.start = max(0, start - shift)
    row.length = max(1, min(length, used - row.start))
    return row
  }
}
