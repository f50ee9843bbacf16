import Terminal

/// Everything that turns lines into text: colours, signs, width, and what must not be shown.
package struct Canvas: Sendable {
  package var palette: Palette
  package var symbols: Symbols
  /// Columns; nil where lines may have any length (files, CI).
  package var width: Int?
  /// Replaces what must not be shown. Called with every text before it is clipped or coloured.
  package var redact: @Sendable (String) -> String

  package init(
    palette: Palette = .plain, symbols: Symbols = .unicode, width: Int? = 80,
    redact: @escaping @Sendable (String) -> String = { $0 }
  ) {
    self.palette = palette
    self.symbols = symbols
    self.width = width
    self.redact = redact
  }

  /// The lines as text, ready to be written; a wrapped line gives several.
  package func draw(_ lines: [Line]) -> [String] { lines.flatMap(draw) }

  /// One line as text.
  package func draw(_ line: Line) -> [String] {
    let spans = line.spans.map { Span(symbols.adapted(sanitise(redact($0.text))), $0.role) }
    guard let width, spans.reduce(0, { $0 + $1.text.columns }) > width else { return [paint(spans)] }
    switch line.overflow {
    case .clip: return [paint(clip(spans, to: width))]
    case .wrap(let hanging): return wrap(spans, to: width, hanging: min(hanging, width / 2)).map(paint)
    }
  }

  private func paint(_ spans: [Span]) -> String {
    var spans = spans
    while let last = spans.last, last.text.allSatisfy({ $0 == " " }) { spans.removeLast() }
    if let last = spans.last, last.text.hasSuffix(" ") {
      let kept = String(last.text.reversed().drop { $0 == " " }.reversed())
      spans[spans.count - 1].text = kept
    }
    var joined: [Span] = []
    for span in spans {
      if joined.last?.role == span.role {
        joined[joined.count - 1].text += span.text
      } else {
        joined.append(span)
      }
    }
    return joined.map { palette.paint($0.text, $0.role) }.joined()
  }

  private func clip(_ spans: [Span], to width: Int) -> [Span] {
    let mark = symbols.ellipsis
    var left = max(0, width - mark.columns)
    var kept: [Span] = []
    for span in spans {
      let piece = String(span.text.prefix(columns: left))
      left -= piece.columns
      kept.append(Span(piece, span.role))
      if piece.count < span.text.count { break }
    }
    return kept + [Span(String(mark.prefix(columns: width)), kept.last?.role ?? .plain)]
  }

  /// Breaks at blanks; a word longer than a row is broken where the row ends.
  private func wrap(_ spans: [Span], to width: Int, hanging: Int) -> [[Span]] {
    var rows: [[Span]] = [[]]
    var used = 0
    var isRowEmpty = true
    func newRow() {
      rows.append([Span(String(repeating: " ", count: hanging))])
      used = hanging
      isRowEmpty = true
    }
    for span in spans {
      for var word in words(of: span.text) {
        if used + word.columns > width, !isRowEmpty {
          newRow()
          word = word.drop { $0 == " " }
        }
        while used + word.columns > width {
          let piece = word.prefix(columns: max(1, width - used))
          guard !piece.isEmpty else { break }
          rows[rows.count - 1].append(Span(String(piece), span.role))
          word = word.dropFirst(piece.count)
          newRow()
        }
        guard !word.isEmpty else { continue }
        rows[rows.count - 1].append(Span(String(word), span.role))
        used += word.columns
        if rows.count == 1 || !word.allSatisfy({ $0 == " " }) { isRowEmpty = false }
      }
    }
    return rows
  }

  /// The words of a text, each with the blanks before it.
  private func words(of text: String) -> [Substring] {
    var words: [Substring] = []
    var start = text.startIndex
    var index = text.startIndex
    var sawLetter = false
    while index < text.endIndex {
      if text[index] == " " {
        if sawLetter {
          words.append(text[start..<index])
          start = index
          sawLetter = false
        }
      } else {
        sawLetter = true
      }
      index = text.index(after: index)
    }
    if start < text.endIndex { words.append(text[start...]) }
    return words
  }
}
