/// What SQLite refused, in which file, and why. Never holds a value that was bound.
package struct SQLiteError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable, Equatable {
    /// Another connection held the lock longer than the busy timeout.
    case busy
    /// The disk, the quota or the page limit is full; nothing was changed.
    case full
    case corrupt
    case notADatabase
    case readOnly
    case constraint
    case cannotOpen
    case other
  }

  package let code: Code
  /// SQLite's own words.
  package let message: String
  /// The database file.
  package let path: String

  package init(code: Code, message: String, path: String) {
    self.code = code
    self.message = message
    self.path = path
  }

  package var description: String {
    "\(path): \(message)\(hint.map { "; \($0)" } ?? "")"
  }

  private var hint: String? {
    switch code {
    case .busy: "another process is writing to it: try again when that has ended"
    case .full: "free space for it and try again: nothing was changed"
    case .corrupt: "it is damaged: restore it from a copy, or move it aside to begin anew"
    case .notADatabase: "it is another kind of file: move it aside or give another path"
    case .readOnly: "its file or directory cannot be written: check the owner and the permissions"
    case .cannotOpen: "check that its directory exists and is yours"
    case .constraint, .other: nil
    }
  }
}
