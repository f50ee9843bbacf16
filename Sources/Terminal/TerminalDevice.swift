import CSystem

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The size of a terminal in character cells.
package struct TerminalSize: Sendable, Equatable {
  package var columns: Int
  package var rows: Int

  package init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }
}

/// What is behind a descriptor: a terminal or something else.
package struct TerminalDevice: Sendable {
  package let descriptor: Int32

  package init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Whether a person looks at it.
  package var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Its present size; nil when it is no terminal or does not know.
  package var size: TerminalSize? {
    var columns: Int32 = 0
    var rows: Int32 = 0
    guard system_window_size(descriptor, &columns, &rows) == 0, columns > 0, rows > 0 else { return nil }
    return TerminalSize(columns: Int(columns), rows: Int(rows))
  }
}

/// What the user asked for about colours.
package enum ColorChoice: String, Sendable, CaseIterable {
  case auto, always, never

  /// Whether to use colours: this choice decides, then `NO_COLOR`, then `CLICOLOR_FORCE`, then the terminal.
  package func isColored(environment: [String: String], isTerminal: Bool) -> Bool {
    switch self {
    case .always: return true
    case .never: return false
    case .auto:
      if environment["NO_COLOR"]?.isEmpty == false { return false }
      if let force = environment["CLICOLOR_FORCE"], !force.isEmpty, force != "0" { return true }
      return isTerminal && environment["TERM"] != "dumb"
    }
  }
}
