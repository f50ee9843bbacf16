/// Text made safe to print: what a terminal would obey or hide is taken out.
///
/// Log lines, error causes and commit subjects come from others. Escape sequences are removed whole, other
/// control characters and the marks that turn or hide text are dropped, tabs and line ends become blanks.
package func plainText(_ text: some StringProtocol) -> String {
  var output = String.UnicodeScalarView()
  var scalars = text.unicodeScalars.makeIterator()
  var pending: Unicode.Scalar?
  func next() -> Unicode.Scalar? {
    if let scalar = pending {
      pending = nil
      return scalar
    }
    return scalars.next()
  }
  while let scalar = next() {
    switch scalar.value {
    case 0x1B:
      guard let introducer = next() else { break }
      switch introducer {
      case "[":
        // A control sequence ends with a byte from @ to ~.
        while let part = next(), !(0x40...0x7E).contains(part.value) {}
      case "]", "P", "X", "^", "_":
        // A string of the terminal ends with BEL or ESC \.
        while let part = next(), part.value != 0x07 {
          if part.value == 0x1B {
            _ = next()
            break
          }
        }
      case "(", ")", "*", "+", "#", "%": _ = next()
      default: break
      }
    case 0x9B:
      while let part = next(), !(0x40...0x7E).contains(part.value) {}
    case 0x09, 0x0A: output.append(" ")
    case 0x0D:
      // A lone carriage return overwrites the line; before a line end it says nothing.
      let following = next()
      pending = following
      if following != nil, following != "\n" { output.append(" ") }
    case 0x00...0x1F, 0x7F...0x9F: break
    case 0x200B, 0x200E, 0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFEFF, 0xE0000...0xE007F: break
    default: output.append(scalar)
    }
  }
  return String(output)
}

extension Character {
  /// How many columns of a terminal the character takes: 0, 1 or 2.
  package var columns: Int {
    guard let first = unicodeScalars.first else { return 0 }
    if first.isASCII { return 1 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    if first.properties.isEmojiPresentation { return 2 }
    if unicodeScalars.contains(where: { $0.value == 0xFE0F }) { return 2 }
    switch first.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
      0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF,
      0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}

extension StringProtocol {
  /// How many columns of a terminal the text takes.
  package var columns: Int { reduce(0) { $0 + $1.columns } }

  /// The longest beginning that fits into `width` columns.
  package func prefix(columns width: Int) -> SubSequence {
    var used = 0
    var end = startIndex
    while end < endIndex {
      let next = self[end].columns
      if used + next > width { break }
      used += next
      end = index(after: end)
    }
    return self[..<end]
  }
}
