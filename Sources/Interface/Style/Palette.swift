/// What a piece of text means, so that a palette can colour it.
package enum Role: Sendable, Hashable, CaseIterable {
  case plain, strong, faint, good, bad, warning, add, change, remove, accent
}

/// How roles look: not at all, or in colour.
package struct Palette: Sendable, Hashable {
  private var isColoured: Bool

  /// No styling; what pipes, files and NO_COLOR get.
  package static let plain = Palette(isColoured: false)
  /// The sixteen colours every terminal has, so that the reader's own scheme decides the shades.
  package static let coloured = Palette(isColoured: true)

  package func paint(_ text: String, _ role: Role) -> String {
    guard isColoured, role != .plain, !text.isEmpty else { return text }
    let code =
      switch role {
      case .plain: ""
      case .strong: "1"
      case .faint: "2"
      case .good, .add: "32"
      case .bad, .remove: "31"
      case .warning, .change: "33"
      case .accent: "36"
      }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}
