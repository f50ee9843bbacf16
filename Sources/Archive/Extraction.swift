import CArchive

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// How much an archive may unpack to.
package struct ExtractionLimits: Sendable {
  /// Bytes of all files together.
  package var bytes: Int
  package var entries: Int

  package init(bytes: Int = 4 << 30, entries: Int = 500_000) {
    self.bytes = bytes
    self.entries = entries
  }
}

extension ArchiveReader {
  /// Unpacks the remaining entries below `directory`, which is made when it is missing.
  ///
  /// Nothing is written outside: absolute paths, `..` and links that lead out are refused, and no link
  /// is followed on the way to a file. Owners and times are not restored, setuid bits neither.
  /// - Throws: `ArchiveError`. What came before the refused entry stays.
  package func extract(to directory: String, limits: ExtractionLimits = ExtractionLimits()) throws {
    let target = try ExtractionTarget(directory)
    var bytes = 0
    var entries = 0
    while let entry = try next() {
      entries += 1
      guard entries <= limits.entries else {
        throw ArchiveError(
          code: .tooLarge, path: entry.path, message: "there are more than \(limits.entries) entries")
      }
      let path = try EntryPath(entry.path)
      switch entry.kind {
      case .directory: try target.makeDirectory(path)
      case .link(let link):
        try path.checkLink(to: link)
        try target.makeLink(path, to: link)
      case .hardLink(let original): try target.makeHardLink(path, to: EntryPath(original))
      case .special:
        throw ArchiveError(
          code: .unsafeEntry, path: entry.path, message: "refused: neither file, directory nor link")
      case .file:
        try target.makeFile(path, mode: entry.mode) { write in
          try pieces { piece in
            bytes += piece.count
            guard bytes <= limits.bytes else {
              throw ArchiveError(
                code: .tooLarge, path: entry.path, message: "it unpacks to more than \(limits.bytes) bytes")
            }
            try write(piece)
          }
        }
      }
    }
  }
}

/// The directory that is extracted to, reached by descriptors so that no link is followed.
private final class ExtractionTarget {
  private let root: Int32
  private let path: String

  init(_ path: String) throws {
    self.path = path
    mkdir(path, 0o755)
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard root >= 0 else {
      throw ArchiveError(code: .cannotWrite, path: path, message: String(cString: strerror(errno)))
    }
  }

  deinit { close(root) }

  func makeDirectory(_ place: EntryPath) throws {
    try close(directory(place.names[...]))
  }

  func makeLink(_ place: EntryPath, to target: String) throws {
    try inParent(of: place) { parent, name in
      unlinkat(parent, name, 0)
      guard symlinkat(target, parent, name) == 0 else { throw failure(place) }
    }
  }

  func makeHardLink(_ place: EntryPath, to original: EntryPath) throws {
    try inParent(of: original) { source, sourceName in
      var information = stat()
      // A link moved elsewhere could lead out; so only files get second names.
      guard fstatat(source, sourceName, &information, AT_SYMLINK_NOFOLLOW) == 0,
        information.st_mode & S_IFMT == S_IFREG
      else {
        throw ArchiveError(
          code: .unsafeEntry, path: place.names.joined(separator: "/"),
          message: "refused: a second name for something that is no file")
      }
      guard place != original else { return }
      try inParent(of: place) { parent, name in
        unlinkat(parent, name, 0)
        guard linkat(source, sourceName, parent, name, 0) == 0 else { throw failure(place) }
      }
    }
  }

  func makeFile(
    _ place: EntryPath, mode: UInt32,
    _ fill: (_ write: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    try inParent(of: place) { parent, name in
      unlinkat(parent, name, 0)
      let file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      guard file >= 0 else { throw failure(place) }
      defer { close(file) }
      try fill { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
          let count = write(file, bytes.baseAddress.map { $0 + rest.startIndex }, rest.count)
          if count < 0, errno == EINTR { continue }
          guard count >= 0 else { throw failure(place) }
          rest = rest.dropFirst(count)
        }
      }
      guard fchmod(file, mode_t(mode & 0o777 | 0o600)) == 0 else { throw failure(place) }
    }
  }

  private func inParent(of place: EntryPath, _ body: (Int32, String) throws -> Void) throws {
    guard let name = place.names.last else {
      throw ArchiveError(
        code: .unsafeEntry, path: path, message: "refused: an entry would replace the directory itself")
    }
    let parent = try directory(place.names.dropLast())
    defer { close(parent) }
    try body(parent, name)
  }

  /// Opens the directory with these names below the root, making what is missing.
  private func directory(_ names: ArraySlice<String>) throws -> Int32 {
    var current = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard current >= 0 else { throw failure(names) }
    for name in names {
      mkdirat(current, name, 0o755)
      let next = openat(current, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      let fault = errno
      close(current)
      guard next >= 0 else {
        guard fault == ELOOP || fault == ENOTDIR else { throw failure(names, fault) }
        throw ArchiveError(
          code: .unsafeEntry, path: names.joined(separator: "/"),
          message: "refused: \(name) on the way is no directory")
      }
      current = next
    }
    return current
  }

  private func failure(_ place: EntryPath) -> ArchiveError { failure(place.names[...]) }

  private func failure(_ names: ArraySlice<String>, _ fault: Int32 = errno) -> ArchiveError {
    ArchiveError(
      code: .cannotWrite, path: ([path] + names).joined(separator: "/"),
      message: String(cString: strerror(fault)))
  }
}
