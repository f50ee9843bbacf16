package import Terminal

/// What a piece of text means, so that a palette can colour it.
package enum Role: Sendable, Hashable, CaseIterable {
  case plain, strong, faint, good, bad, warning, add, change, remove, accent
}

extension Palette {
  /// No styling; what pipes, files and NO_COLOR get.
  package static let plain = Palette(isColored: false)
  /// The sixteen colours every terminal has, so that the reader's own scheme decides the shades.
  package static let coloured = Palette(isColored: true)

  /// The text as its role looks.
  package func paint(_ text: String, _ role: Role) -> String {
    switch role {
    case .plain: text
    case .strong: bold(text)
    case .faint: dim(text)
    case .good, .add: green(text)
    case .bad, .remove: red(text)
    case .warning, .change: yellow(text)
    case .accent: cyan(text)
    }
  }
}
