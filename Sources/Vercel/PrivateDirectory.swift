import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A directory that only this user can enter, which goes away with its content.
final class PrivateDirectory: Sendable {
  let path: String

  /// - Throws: `Failure` when it cannot be made.
  init(in temporary: String) throws(Failure) {
    PrivateDirectory.sweep(temporary)
    var template = Array("\(temporary)/\(PrivateDirectory.prefix)\(getpid())-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw Failure(
        .failed, "no private directory can be made in \(temporary)", cause: String(cString: strerror(errno)),
        hint: "set TMPDIR to a directory you can write to")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { PrivateDirectory.remove(path) }

  private static let prefix = "shipit-vercel-"

  /// Removes what processes left that were killed: a source, perhaps with a build's variables.
  private static func sweep(_ temporary: String) {
    for name in DirectoryListing.names(temporary) ?? [] where name.hasPrefix(prefix) {
      var status = stat()
      guard let process = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }),
        process > 0, kill(process, 0) != 0, errno == ESRCH,
        lstat("\(temporary)/\(name)", &status) == 0, status.st_uid == geteuid()
      else { continue }
      remove("\(temporary)/\(name)")
    }
  }

  /// Removes a tree; no link is followed.
  static func remove(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      chmod(path, 0o700)
      for name in DirectoryListing.names(path) ?? [] { remove(path + "/" + name) }
      rmdir(path)
    } else {
      unlink(path)
    }
  }

  /// Writes a file that only this user can read, with the directories above it.
  func write(_ text: String, to name: String) throws(Failure) {
    var directory = path
    for part in name.split(separator: "/").dropLast() {
      directory += "/\(part)"
      mkdir(directory, 0o700)
    }
    let file = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
    var rest = Array(text.utf8)[...]
    var isGood = file >= 0 && fchmod(file, 0o600) == 0
    while isGood, !rest.isEmpty {
      let count = rest.withUnsafeBytes { put(file, $0) }
      if count < 0, errno == EINTR { continue }
      isGood = count > 0
      rest = rest.dropFirst(max(0, count))
    }
    let fault = errno
    if file >= 0 { close(file) }
    guard isGood else {
      throw Failure(
        .failed, "\(name) cannot be written", place: path, cause: String(cString: strerror(fault)),
        hint: "free space in the directory of temporary files (TMPDIR)")
    }
  }
}

/// `write(2)`, whose name the class above takes.
private func put(_ file: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(file, bytes.baseAddress, bytes.count)
}

/// What a directory holds.
enum DirectoryListing {
  /// Names without `.` and `..`, in order of their bytes; nil when it cannot be read.
  static func names(_ path: String) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

/// A small file's bytes; nil when there is none, or it is longer than `limit`.
func fileBytes(_ path: String, limit: Int = 8 << 20) -> [UInt8]? {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var bytes: [UInt8] = []
  return withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
    while true {
      let count = read(file, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count < 0 || bytes.count + count > limit { return nil }
      if count == 0 { return bytes }
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }
}
