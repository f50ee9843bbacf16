/// Text cut into escape sequences, control characters and what is seen.
enum TextPiece: Equatable {
  /// A whole escape sequence, also one that is cut off by the end of the text.
  case escape(Substring)
  /// One control character.
  case control(Unicode.Scalar)
  /// Text without any.
  case visible(Substring)
}

/// Cuts text into pieces.
struct TextPieces: Sequence, IteratorProtocol {
  private var rest: Substring.UnicodeScalarView

  init(_ text: String) {
    rest = text[...].unicodeScalars
  }

  mutating func next() -> TextPiece? {
    guard let first = rest.first else { return nil }
    let start = rest.startIndex
    if first == "\u{1B}" || ("\u{90}"..."\u{9F}").contains(first) && Self.opensSequence(first) {
      let end = Self.endOfSequence(rest)
      defer { rest = rest[end...] }
      return .escape(Substring(rest[start..<end]))
    }
    if Self.isControl(first) {
      rest.removeFirst()
      return .control(first)
    }
    let end = rest.firstIndex(where: Self.isControl) ?? rest.endIndex
    defer { rest = rest[end...] }
    return .visible(Substring(rest[start..<end]))
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
  }

  /// Whether a one-character control begins a sequence, as ESC and a letter does.
  private static func opensSequence(_ scalar: Unicode.Scalar) -> Bool {
    [0x90, 0x98, 0x9B, 0x9D, 0x9E, 0x9F].contains(scalar.value)
  }

  private static func endOfSequence(_ scalars: Substring.UnicodeScalarView) -> String.Index {
    var index = scalars.startIndex
    var kind = scalars[index].value
    index = scalars.index(after: index)
    if kind == 0x1B {
      guard index < scalars.endIndex else { return index }
      kind = scalars[index].value
      // The sequence is broken off: what stops it is looked at by itself.
      guard !isControl(scalars[index]) else { return index }
      index = scalars.index(after: index)
      kind = (0x40...0x5F).contains(kind) ? kind + 0x40 : kind
    }
    switch kind {
    case 0x9B:  // A control sequence: parameters, then one final character.
      while index < scalars.endIndex, (0x20...0x3F).contains(scalars[index].value) {
        index = scalars.index(after: index)
      }
      if index < scalars.endIndex, (0x40...0x7E).contains(scalars[index].value) {
        index = scalars.index(after: index)
      }
      return index
    case 0x90, 0x98, 0x9D, 0x9E, 0x9F: return endOfString(scalars, from: index)
    case 0x20...0x2F:  // Intermediate characters, then a final one.
      while index < scalars.endIndex, (0x20...0x2F).contains(scalars[index].value) {
        index = scalars.index(after: index)
      }
      if index < scalars.endIndex, (0x30...0x7E).contains(scalars[index].value) {
        index = scalars.index(after: index)
      }
      return index
    default: return index
    }
  }

  /// Titles, links and device strings end with BEL or with the string terminator; none goes over a line's end.
  private static func endOfString(
    _ scalars: Substring.UnicodeScalarView, from start: String.Index
  ) -> String.Index {
    var index = start
    while index < scalars.endIndex {
      let scalar = scalars[index].value
      let after = scalars.index(after: index)
      if scalar == 0x07 || scalar == 0x9C { return after }
      if scalar == 0x1B {
        return after < scalars.endIndex && scalars[after] == "\\" ? scalars.index(after: after) : index
      }
      if scalar == 0x0A { return index }
      index = after
    }
    return index
  }
}
