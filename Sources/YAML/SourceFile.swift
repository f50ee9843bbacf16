/// The text of a file by lines, to print what a mark points at.
package struct SourceFile: Sendable, Hashable {
  package var name: String
  /// Without their line breaks. YAML breaks lines at CR, NEL, LS and PS too.
  package var lines: [String]

  package init(name: String, text: String) {
    self.name = name
    var lines: [String] = []
    var current = String.UnicodeScalarView()
    var afterCarriageReturn = false
    for scalar in text.unicodeScalars {
      if scalar == "\n" && afterCarriageReturn {
        afterCarriageReturn = false
        continue
      }
      afterCarriageReturn = scalar == "\r"
      switch scalar {
      case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
        lines.append(String(current))
        current = String.UnicodeScalarView()
      default:
        current.append(scalar)
      }
    }
    if !current.isEmpty || lines.isEmpty { lines.append(String(current)) }
    self.lines = lines
  }

  /// A line by its number from 1; nil past the end.
  package func line(_ number: Int) -> String? {
    lines.indices.contains(number - 1) ? lines[number - 1] : nil
  }

  /// The place of a piece of text within a span, or the span itself when it is not written there literally.
  package func mark(of piece: String, occurrence: Int = 0, within mark: Mark) -> Mark {
    let wanted = Array(piece.unicodeScalars)
    guard !wanted.isEmpty, mark.line <= mark.endLine, mark.endLine - mark.line < 1000 else { return mark }
    var left = occurrence
    for number in mark.line...mark.endLine {
      // Looking through such a line again for every reference in it would take long.
      guard let line = line(number), line.utf8.count < 16384 else { break }
      let scalars = Array(line.unicodeScalars)
      let from = number == mark.line ? mark.column - 1 : 0
      let to = number == mark.endLine ? min(mark.endColumn - 1, scalars.count) : scalars.count
      var index = from
      while index + wanted.count <= to {
        guard scalars[index..<(index + wanted.count)].elementsEqual(wanted) else {
          index += 1
          continue
        }
        if left == 0 {
          return Mark(file: mark.file, line: number, column: index + 1, endColumn: index + 1 + wanted.count)
        }
        left -= 1
        index += wanted.count
      }
    }
    return mark
  }
}
