/// A piece of text with a meaning.
package struct Span: Sendable, Hashable, ExpressibleByStringInterpolation {
  package var text: String
  package var role: Role

  package init(_ text: String, _ role: Role = .plain) {
    self.text = text
    self.role = role
  }
  package init(stringLiteral value: String) { self.init(value) }

  package static func strong(_ text: String) -> Span { Span(text, .strong) }
  package static func faint(_ text: String) -> Span { Span(text, .faint) }
  package static func good(_ text: String) -> Span { Span(text, .good) }
  package static func bad(_ text: String) -> Span { Span(text, .bad) }
  package static func warning(_ text: String) -> Span { Span(text, .warning) }
  package static func accent(_ text: String) -> Span { Span(text, .accent) }
}

/// One line to be shown, before redaction, clipping and colour.
package struct Line: Sendable, Hashable, ExpressibleByStringInterpolation {
  /// What happens to what does not fit.
  package enum Overflow: Sendable, Hashable {
    /// It is cut off.
    case clip
    /// It goes on below, this many columns in.
    case wrap(hanging: Int)
  }

  package var spans: [Span]
  package var overflow: Overflow

  package init(_ spans: [Span], overflow: Overflow = .clip) {
    self.spans = spans
    self.overflow = overflow
  }
  package init(_ spans: Span..., overflow: Overflow = .clip) {
    self.init(spans, overflow: overflow)
  }
  package init(stringLiteral value: String) { self.init([Span(value)]) }

  package static let empty = Line([])

  /// A line that begins with `label` padded to `width` columns and wraps under its text.
  package static func labelled(
    _ label: String, _ spans: [Span], indent: Int = 2, width: Int = 11, role: Role = .faint
  ) -> Line {
    let blank = String(repeating: " ", count: indent)
    let padded = label + String(repeating: " ", count: max(1, width - label.columns))
    return Line([Span(blank), Span(padded, role)] + spans, overflow: .wrap(hanging: indent + width))
  }
}
