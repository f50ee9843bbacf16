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

extension TerminalSize {
  /// The present size of the terminal behind `descriptor`; nil when it is none or does not know.
  package static func of(_ descriptor: Int32) -> TerminalSize? {
    var columns: Int32 = 0
    var rows: Int32 = 0
    guard system_window_size(descriptor, &columns, &rows) == 0, columns > 0, rows > 0 else { return nil }
    return TerminalSize(columns: Int(columns), rows: Int(rows))
  }
}

/// Whether a person looks at what is written to `descriptor`.
package func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }
