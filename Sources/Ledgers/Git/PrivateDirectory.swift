import FoundationEssentials
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A directory that one process has for itself, `NAME-RANDOM.git` beside a lock file of the same name.
///
/// It goes with its owner; what a killed process left is removed by the next one.
final class PrivateDirectory: Sendable {
  let path: String
  private let lockPath: String
  private let descriptor: Int32

  /// Makes one, and removes those whose owners are gone.
  /// - Parameter suffix: makes the name one of its kind.
  /// - Throws: `failed` with the system's reason.
  init(in directory: String, name: String, suffix: String) throws(Failure) {
    Self.sweep(directory, name)
    path = "\(directory)/\(name)-\(suffix).git"
    lockPath = "\(directory)/\(name)-\(suffix).own"
    descriptor = open(lockPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.unusable(lockPath) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, mkdir(path, 0o700) == 0 else {
      let failure = Self.unusable(path)
      close(descriptor)
      unlink(lockPath)
      throw failure
    }
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    unlink(lockPath)
    close(descriptor)
  }

  private static func sweep(_ directory: String, _ name: String) {
    for file in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    where file.hasPrefix(name + "-") && file.hasSuffix(".own") {
      let lock = "\(directory)/\(file)"
      let found = open(lock, O_RDWR | O_CLOEXEC)
      guard found >= 0 else { continue }
      defer { close(found) }
      // A file that was made this very moment may not be locked yet.
      var status = stat()
      guard flock(found, LOCK_EX | LOCK_NB) == 0, fstat(found, &status) == 0,
        time(nil) - status.modified > 60
      else { continue }
      try? FileManager.default.removeItem(atPath: lock.dropLast(4) + ".git")
      unlink(lock)
    }
  }

  private static func unusable(_ path: String) -> Failure {
    let fault = errno
    return Failure(
      .failed, "the ledger cannot work at \(path)", place: path, cause: String(cString: strerror(fault)),
      hint: fault == ENOSPC || fault == EDQUOT
        ? "free space and run the same command again; nothing was changed"
        : "make the directory one that you can write to, or run with `--root DIR`")
  }
}

extension stat {
  /// When the file was written last, in seconds since 1970.
  fileprivate var modified: Int {
    #if canImport(Darwin)
      st_mtimespec.tv_sec
    #else
      st_mtim.tv_sec
    #endif
  }
}
