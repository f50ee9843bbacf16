/// Puts text in colours, or leaves it as it is. Styles can be nested.
package struct Palette: Sendable {
  /// Whether anything is added at all.
  package let isColored: Bool

  package init(isColored: Bool) {
    self.isColored = isColored
  }

  package func bold(_ text: String) -> String { style(text, on: 1, off: 22) }
  package func dim(_ text: String) -> String { style(text, on: 2, off: 22) }
  package func red(_ text: String) -> String { style(text, on: 31, off: 39) }
  package func green(_ text: String) -> String { style(text, on: 32, off: 39) }
  package func yellow(_ text: String) -> String { style(text, on: 33, off: 39) }
  package func blue(_ text: String) -> String { style(text, on: 34, off: 39) }
  package func cyan(_ text: String) -> String { style(text, on: 36, off: 39) }

  private func style(_ text: String, on: Int, off: Int) -> String {
    guard isColored, !text.isEmpty else { return text }
    let end = "\u{1B}[\(off)m"
    // An inner style that ends the same way must not end the outer one.
    return "\u{1B}[\(on)m" + text.replacing(end, with: "\(end)\u{1B}[\(on)m") + end
  }
}
