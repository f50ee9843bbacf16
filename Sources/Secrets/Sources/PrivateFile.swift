#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Files that hold secrets.
enum PrivateFile {
  /// Makes a file that was not there, durably.
  /// - Returns: false, with `errno` set, when it cannot; then there is none.
  static func create(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o600) -> Bool {
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    guard file >= 0 else { return false }
    var written = 0
    var isGood = true
    while isGood, written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { rest in write(file, rest.baseAddress, rest.count) }
      if count > 0 { written += count } else { isGood = errno == EINTR }
    }
    isGood = isGood && fsync(file) == 0
    let reason = errno
    close(file)
    if !isGood { unlink(path) }
    errno = reason
    return isGood
  }
}
