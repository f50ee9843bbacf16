import CArchive

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Writes a tar file compressed with gzip. The same entries in the same order give the same bytes.
///
/// Owner and group are 0 without names, all times are the one given, gzip carries no time. It blocks on
/// the disk: use it away from the cooperative pool when the files are large.
package final class ArchiveWriter {
  /// The archive being written.
  package let path: String

  private let modified: Int
  private var archive: OpaquePointer?
  private var descriptor: Int32
  private var isOrdinaryFile = false

  /// Makes `path` with mode 0600, replacing what was there.
  /// - Parameter modified: time of every entry, in seconds since 1970.
  /// - Throws: `ArchiveError`.
  package init(to path: String, modified: Int = 0) throws {
    self.path = path
    self.modified = modified
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw ArchiveError(code: .cannotWrite, path: path, message: String(cString: strerror(errno)))
    }
    var information = stat()
    // A device given as a path is neither changed nor removed.
    isOrdinaryFile = fstat(descriptor, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
    if isOrdinaryFile { fchmod(descriptor, 0o600) }
    archive = archive_write_new()
    // Paths go in as they are: the pax format would recode them by the locale.
    try check(archive_write_set_format_gnutar(archive))
    try check(archive_write_add_filter_gzip(archive))
    try check(archive_write_set_filter_option(archive, "gzip", "timestamp", nil))
    try check(archive_write_set_bytes_in_last_block(archive, 1))
    try check(archive_write_open_fd(archive, descriptor))
  }

  deinit {
    guard archive != nil || descriptor >= 0 else { return }
    archive_write_free(archive)
    close(descriptor)
    if isOrdinaryFile { unlink(path) }
  }

  /// Adds a file with these bytes.
  /// - Throws: `ArchiveError`.
  package func addFile(_ entryPath: String, mode: UInt32 = 0o644, bytes: [UInt8]) throws {
    try addHeader(entryPath, type: S_IFREG, mode: mode, size: bytes.count)
    try bytes.withUnsafeBytes { try write($0) }
  }

  /// Adds a file with the bytes of the file `source` as they are now.
  /// - Throws: `ArchiveError`; also when `source` changes its size meanwhile.
  package func addFile(_ entryPath: String, mode: UInt32 = 0o644, contentsOf source: String) throws {
    let file = open(source, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw ArchiveError(code: .cannotRead, path: source, message: String(cString: strerror(errno)))
    }
    defer { close(file) }
    var information = stat()
    guard fstat(file, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
      throw ArchiveError(code: .cannotRead, path: source, message: "not a file")
    }
    let size = Int(information.st_size)
    try addHeader(entryPath, type: S_IFREG, mode: mode, size: size)
    try copy(file, source, size: size)
  }

  /// Adds a directory.
  /// - Throws: `ArchiveError`.
  package func addDirectory(_ entryPath: String, mode: UInt32 = 0o755) throws {
    try addHeader(entryPath, type: S_IFDIR, mode: mode, size: 0)
  }

  /// Adds a symbolic link that holds `target`.
  /// - Throws: `ArchiveError`.
  package func addLink(_ entryPath: String, target: String) throws {
    try addHeader(entryPath, type: S_IFLNK, mode: 0o777, size: 0, target: target)
  }

  /// Writes the end. Without it the file is removed with this object.
  /// - Throws: `ArchiveError`.
  package func finish() throws {
    try check(archive_write_close(archive))
    archive_write_free(archive)
    archive = nil
    let result = close(descriptor)
    descriptor = -1
    guard result == 0 else {
      if isOrdinaryFile { unlink(path) }
      throw ArchiveError(code: .cannotWrite, path: path, message: String(cString: strerror(errno)))
    }
  }

  // MARK: Parts

  private func addHeader(
    _ entryPath: String, type: mode_t, mode: UInt32, size: Int, target: String? = nil
  ) throws {
    let entry = archive_entry_new()
    defer { archive_entry_free(entry) }
    archive_entry_set_pathname(entry, entryPath)
    archive_entry_set_filetype(entry, UInt32(type))
    archive_entry_set_perm(entry, mode_t(mode & 0o7777))
    archive_entry_set_size(entry, Int64(size))
    archive_entry_set_mtime(entry, modified, 0)
    archive_entry_set_uid(entry, 0)
    archive_entry_set_gid(entry, 0)
    if let target { archive_entry_set_symlink(entry, target) }
    try check(archive_write_header(archive, entry))
  }

  private func copy(_ file: Int32, _ source: String, size: Int) throws {
    try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
      var copied = 0
      while true {
        let count = read(file, buffer.baseAddress, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else {
          throw ArchiveError(code: .cannotRead, path: source, message: String(cString: strerror(errno)))
        }
        copied += count
        guard count > 0 ? copied <= size : copied == size else {
          throw ArchiveError(code: .cannotRead, path: source, message: "it changed while it was packed")
        }
        if count == 0 { return }
        try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = archive_write_data(
        archive, rest.base.baseAddress.map { $0 + rest.startIndex }, rest.count)
      guard written > 0 else { throw failure() }
      rest = rest.dropFirst(written)
    }
  }

  private func check(_ result: Int32) throws {
    guard result == ARCHIVE_OK || result == ARCHIVE_WARN else { throw failure() }
  }

  private func failure() -> ArchiveError {
    let reason = archive.flatMap { archive_error_string($0) }.map { String(cString: $0) }
    return ArchiveError(code: .cannotWrite, path: path, message: reason ?? "the archive cannot be written")
  }
}
