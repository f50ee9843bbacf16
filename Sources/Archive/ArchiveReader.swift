import CArchive

/// Reads a tar file, plain or compressed with gzip, entry by entry. It blocks on the disk.
package final class ArchiveReader {
  private let archive: OpaquePointer
  private let name: String
  private let memory: UnsafeMutableRawBufferPointer?
  private var current = ""

  /// Reads the file `path`.
  /// - Throws: `ArchiveError`.
  package convenience init(file path: String) throws {
    try self.init(name: path, memory: nil)
    guard archive_read_open_filename(archive, path, 64 << 10) == ARCHIVE_OK else {
      throw failure(archive_errno(archive) > 0 ? .cannotRead : .damaged)
    }
  }

  /// Reads an archive held in memory.
  /// - Throws: `ArchiveError`.
  package convenience init(bytes: [UInt8]) throws {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
    memory.copyBytes(from: bytes)
    try self.init(name: "archive", memory: memory)
    guard archive_read_open_memory(archive, memory.baseAddress, bytes.count) == ARCHIVE_OK else {
      throw failure(.damaged)
    }
  }

  private init(name: String, memory: UnsafeMutableRawBufferPointer?) throws {
    guard let archive = archive_read_new() else {
      memory?.deallocate()
      throw ArchiveError(code: .cannotRead, path: name, message: "no memory to read it")
    }
    self.archive = archive
    self.name = name
    self.memory = memory
    archive_read_support_filter_gzip(archive)
    archive_read_support_format_tar(archive)
  }

  deinit {
    archive_read_free(archive)
    memory?.deallocate()
  }

  /// The next entry; nil at the end.
  /// - Throws: `ArchiveError`.
  package func next() throws -> ArchiveEntry? {
    var pointer: OpaquePointer?
    switch archive_read_next_header(archive, &pointer) {
    case ARCHIVE_EOF: return nil
    case ARCHIVE_OK, ARCHIVE_WARN: break
    default: throw failure(.damaged)
    }
    let path =
      archive_entry_pathname(pointer) ?? archive_entry_pathname_utf8(pointer).map { UnsafePointer($0) }
    guard let path else { throw ArchiveError(code: .damaged, path: name, message: "an entry has no name") }
    current = String(cString: path)
    return ArchiveEntry(
      path: current, kind: kind(of: pointer), mode: UInt32(archive_entry_perm(pointer)),
      size: Int(archive_entry_size(pointer)))
  }

  /// The bytes of the entry that `next` gave last.
  /// - Throws: `ArchiveError`; `tooLarge` beyond `limit` bytes.
  package func bytes(limit: Int = 256 << 20) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try pieces { piece in
      guard bytes.count + piece.count <= limit else {
        throw ArchiveError(code: .tooLarge, path: current, message: "it is larger than \(limit) bytes")
      }
      bytes.append(contentsOf: piece)
    }
    return bytes
  }

  /// Hands over the bytes of the entry that `next` gave last, in pieces valid during the call.
  func pieces(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
      while true {
        let count = archive_read_data(archive, buffer.baseAddress, buffer.count)
        guard count >= 0 else { throw failure(.damaged) }
        if count == 0 { return }
        try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
  }

  private func kind(of entry: OpaquePointer?) -> ArchiveEntry.Kind {
    if let target = archive_entry_hardlink(entry) { return .hardLink(to: String(cString: target)) }
    switch archive_entry_filetype(entry) {
    case 0o100000: return .file
    case 0o040000: return .directory
    case 0o120000: return .link(target: archive_entry_symlink(entry).map { String(cString: $0) } ?? "")
    default: return .special
    }
  }

  private func failure(_ code: ArchiveError.Code) -> ArchiveError {
    let reason = archive_error_string(archive).map { String(cString: $0) } ?? "it cannot be read"
    return ArchiveError(code: code, path: name, message: reason)
  }
}
