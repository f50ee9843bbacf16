import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Where a local ledger lies: `.shipit/ENV.db` and `.shipit/ENV.lock`, in a directory that ignores itself.
struct LedgerFile: Sendable {
  /// `.shipit`, or a folder in it.
  let directory: String
  private let base: String
  let database: String
  let lock: String

  /// - Parameter folder: in `.shipit`, for the local part of a shared ledger.
  /// - Throws: `configuration` when the environment's name cannot be a file name.
  init(root: String, environment: String, folder: String? = nil) throws(Failure) {
    guard !environment.isEmpty, !environment.hasPrefix("."), !environment.contains("/"),
      !environment.contains("\0")
    else {
      throw Failure(
        .configuration, "\(environment) cannot be the name of an environment",
        hint: "use letters, digits and hyphens")
    }
    base = root + "/.shipit"
    directory = folder.map { "\(root)/.shipit/\($0)" } ?? base
    database = "\(directory)/\(environment).db"
    lock = "\(directory)/\(environment).lock"
  }

  /// Makes the directory private and self-ignoring, and makes no database yet.
  /// - Throws: `failed` with the system's reason.
  func prepareDirectory() throws(Failure) {
    try makePrivate(base)
    if directory != base { try makePrivate(directory) }
    try writeIgnoreFile()
  }

  private func makePrivate(_ directory: String) throws(Failure) {
    var status = stat()
    guard mkdir(directory, 0o700) != 0 else { return }
    let fault = errno
    guard fault == EEXIST else { throw unusable(directory, fault) }
    guard stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw unusable(directory, ENOTDIR)
    }
    if status.st_mode & 0o077 != 0, status.st_uid == geteuid() { chmod(directory, 0o700) }
  }

  private func writeIgnoreFile() throws(Failure) {
    let path = base + "/.gitignore"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      if errno == EEXIST { return }
      throw unusable(path, errno)
    }
    defer { close(descriptor) }
    let text = "*\n"
    guard text.utf8CString.withUnsafeBytes({ write(descriptor, $0.baseAddress, 2) }) == 2 else {
      let fault = errno
      unlink(path)
      throw unusable(path, fault)
    }
  }

  /// True when the database is there and holds at least a byte.
  var isPresent: Bool {
    var status = stat()
    return stat(database, &status) == 0 && status.st_size > 0
  }

  /// Tells one file from another that later lies under the same name.
  var identity: FileIdentity? {
    var status = stat()
    guard stat(database, &status) == 0 else { return nil }
    return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  func unusable(_ path: String, _ fault: Int32) -> Failure {
    Failure(
      .failed, "the ledger cannot be kept at \(path)", place: path, cause: String(cString: strerror(fault)),
      hint: fault == ENOSPC || fault == EDQUOT || fault == EFBIG
        ? "free space and run the same command again; nothing was changed"
        : "make \(directory) a directory that you can write to, or run with `--root DIR`")
  }
}

/// A file, whatever it is called.
struct FileIdentity: Sendable, Equatable {
  var device: UInt64
  var inode: UInt64
}
