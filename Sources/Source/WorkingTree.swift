import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Reads the files that lie in a directory. It blocks on the disk: use it away from the cooperative pool.
struct WorkingTree: Sendable {
  let directory: String

  /// Files and links below `start`, in no order, without `.git` and `node_modules`; links are not followed.
  /// - Parameter skip: directories not to enter, by their relative path.
  func files(
    below start: [String] = [], skip: (String) throws -> Bool = { _ in false }
  ) throws -> [SourceEntry] {
    // A link on the way could lead anywhere.
    for count in start.indices {
      guard kind(of: start[...count].joined(separator: "/")) == .directory else {
        return try [entry(at: start.joined(separator: "/"))].compactMap { $0 }
      }
    }
    var found: [SourceEntry] = []
    var open = [start.joined(separator: "/")]
    while let place = open.popLast() {
      for name in try names(in: place) where name != ".git" && name != "node_modules" {
        let path = place.isEmpty ? name : "\(place)/\(name)"
        if kind(of: path) == .directory {
          if try !skip(path) { open.append(path) }
        } else if let entry = try entry(at: path) {
          found.append(entry)
        }
      }
    }
    return found
  }

  /// The file or link at a relative path; nil when there is none, or it is a device, socket or pipe.
  func entry(at path: String) throws -> SourceEntry? {
    switch kind(of: path) {
    case .file(let isExecutable):
      SourceEntry(
        path: path, kind: .file(isExecutable: isExecutable), content: .file("\(directory)/\(path)"))
    case .link: SourceEntry(path: path, kind: .link, content: .file("\(directory)/\(path)"))
    case .directory, nil: nil
    }
  }

  private enum Kind: Equatable { case file(isExecutable: Bool), link, directory }

  private func kind(of path: String) -> Kind? {
    var status = stat()
    guard lstat("\(directory)/\(path)", &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file(isExecutable: status.st_mode & 0o100 != 0)
    case S_IFLNK: return .link
    case S_IFDIR: return .directory
    default: return nil
    }
  }

  private func names(in place: String) throws -> [String] {
    let path = place.isEmpty ? directory : "\(directory)/\(place)"
    guard let stream = opendir(path) else { throw Self.unreadable(path, errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let item = readdir(stream) {
      let name = withUnsafeBytes(of: item.pointee.d_name) { bytes in
        String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let name else {
        throw Failure(
          .configuration, "a file in \(path) has a name that is not UTF-8",
          hint: "rename it: platforms take no such names")
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// The bytes of a file, or what a link holds.
  static func bytes(of path: String, isLink: Bool) throws -> [UInt8] {
    if isLink {
      var target = [UInt8](repeating: 0, count: 4096)
      let count = target.withUnsafeMutableBytes { buffer in
        buffer.withMemoryRebound(to: CChar.self) { text in
          text.baseAddress.map { readlink(path, $0, text.count) } ?? -1
        }
      }
      guard count >= 0 else { throw unreadable(path, errno) }
      return Array(target.prefix(count))
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw unreadable(path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw count < 0
          ? unreadable(path, errno)
          : Failure(
            .failed, "\(path) became shorter while it was packed", hint: "pack again when it is quiet")
      }
      filled += count
    }
    return bytes
  }

  private static func unreadable(_ path: String, _ fault: Int32) -> Failure {
    Failure(
      .configuration, "\(path) cannot be read", cause: String(cString: strerror(fault)),
      hint: "check the path and its permissions")
  }
}
