import Terminal

/// What a piece of text means, so that a palette can colour it.
package enum Role: Sendable, Hashable, CaseIterable {
  case plain, strong, faint, good, bad, warning, add, change, remove, accent
}

/// How roles look on the stream at hand.
package struct Palette: Sendable, Hashable {
  private let isColoured: Bool

  /// No styling; what pipes, files and NO_COLOR get.
  package static let plain = Palette(isColoured: false)
  /// The sixteen colours every terminal has, so that the reader's own scheme decides the shades.
  package static let coloured = Palette(isColoured: true)

  /// The text as its role looks.
  package func paint(_ text: String, _ role: Role) -> String {
    let style: TextStyle
    switch role {
    case .plain: return text
    case .strong: style = .bold
    case .faint: style = .dim
    case .good, .add: style = .green
    case .bad, .remove: style = .red
    case .warning, .change: style = .yellow
    case .accent: style = .cyan
    }
    return style.applied(to: text, isColoured: isColoured)
  }
}
