/// How many columns text takes on a terminal; colours and other escape sequences take none.
package func displayWidth(of text: String) -> Int {
  if text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) { return text.utf8.count }
  return TextPieces(text).reduce(0) { width, piece in
    guard case .visible(let part) = piece else { return width }
    return part.reduce(width) { $0 + $1.displayWidth }
  }
}

/// The text cut to at most `columns` columns, with `…` as the last where something is missing.
///
/// Colour sequences behind the cut are kept, so that every style that was begun is ended.
package func clip(_ text: String, to columns: Int) -> String {
  guard displayWidth(of: text) > columns else { return text }
  var clipped = ""
  var left = columns - 1
  var isCut = false
  for piece in TextPieces(text) {
    switch piece {
    case .escape(let sequence): if !isCut || sequence.last == "m" { clipped += sequence }
    case .control(let scalar): if !isCut { clipped.unicodeScalars.append(scalar) }
    case .visible(let part):
      for character in part where !isCut {
        if character.displayWidth <= left {
          left -= character.displayWidth
          clipped.append(character)
        } else {
          isCut = true
          if columns > 0 { clipped += "…" }
        }
      }
    }
  }
  return clipped
}

extension Character {
  /// 0, 1 or 2 columns.
  var displayWidth: Int {
    guard let first = unicodeScalars.first else { return 0 }
    if first.value < 0x7F { return first.value < 0x20 ? 0 : isKeycap ? 2 : 1 }
    if first.isZeroWidth { return 0 }
    if first.isWide { return 2 }
    // A symbol that the selector behind it turns into a picture.
    return unicodeScalars.contains("\u{FE0F}") && first.properties.isEmoji ? 2 : 1
  }

  private var isKeycap: Bool { unicodeScalars.contains("\u{20E3}") && unicodeScalars.contains("\u{FE0F}") }
}

extension Unicode.Scalar {
  fileprivate var isZeroWidth: Bool {
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .control, .lineSeparator, .paragraphSeparator: true
    case .format: value != 0xAD
    default: (0x1160...0x11FF).contains(value)
    }
  }

  fileprivate var isWide: Bool {
    if properties.isEmojiPresentation || (0x1F1E6...0x1F1FF).contains(value) { return true }
    return Self.wide.contains { $0.contains(value) }
  }

  /// Wide and full-width characters of Unicode's EastAsianWidth that are no pictures.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4C6,
    0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6B, 0xFF01...0xFF60,
    0xFFE0...0xFFE6, 0x16FE0...0x18D08, 0x1AFF0...0x1B2FB, 0x1F200...0x1F265, 0x20000...0x3FFFD,
  ]
}
