#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Files that only their owner can read.
enum OwnerFile {
  /// Makes `path` with mode 0600 unless it exists. Returns 0 or an errno.
  static func create(_ path: String) -> Int32 {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
      close(descriptor)
      return 0
    }
    let fault = errno
    // One that exists but cannot be written is judged by SQLite.
    let exists = access(path, F_OK) == 0
    return exists && (fault == EACCES || fault == EROFS || fault == EPERM) ? 0 : fault
  }
}
