/// One thing in an archive.
package struct ArchiveEntry: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    case file
    case directory
    /// A symbolic link and what it holds.
    case link(target: String)
    /// A second name of a file that came before.
    case hardLink(to: String)
    /// A device, a socket, a pipe: never extracted.
    case special
  }

  /// As it stands in the archive, such as `./src/main.py`.
  package var path: String
  package var kind: Kind
  /// Permission bits, such as 0o755.
  package var mode: UInt32
  /// Bytes of a file.
  package var size: Int

  package init(path: String, kind: Kind, mode: UInt32, size: Int) {
    self.path = path
    self.kind = kind
    self.mode = mode
    self.size = size
  }

  /// Whether the owner may execute it.
  package var isExecutable: Bool { mode & 0o100 != 0 }
}

/// What went wrong with an archive, at which file or entry.
package struct ArchiveError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable, Equatable {
    /// A file that was to be packed, or the archive itself, cannot be read.
    case cannotRead
    /// The archive or an extracted file cannot be written: a full disk, a permission.
    case cannotWrite
    /// The bytes are no archive, or one that is cut off or altered.
    case damaged
    /// An entry points outside the directory, or is of a kind that is not extracted.
    case unsafeEntry
    /// It unpacks to more than is allowed.
    case tooLarge
  }

  package let code: Code
  /// The file or entry.
  package let path: String
  package let message: String

  package init(code: Code, path: String, message: String) {
    self.code = code
    self.path = path
    self.message = message
  }

  package var description: String { "\(path): \(message)" }
}
