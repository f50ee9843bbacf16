import Concurrency

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Kernel locks by which others see at once that a holder's process is gone.
///
/// The holder of fence N locks byte N of the lock file as long as it lives. One byte per fence keeps a
/// suspended, superseded holder from standing for its successor. The locks belong to the open file, not
/// to the process, so two ledgers in one process exclude each other too.
final class HolderLock: Sendable {
  enum Answer { case free, taken, unsupported }

  private let descriptor: Int32
  private let mine = Locked<Set<Int64>>([])

  /// - Returns: nil when the file cannot be made; `errno` says why.
  init?(path: String) {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return nil }
  }

  deinit { close(descriptor) }

  /// Locks the byte of `fence` until `unlock` or the end of the process.
  func lock(_ fence: Int64) -> Bool {
    guard set(fence, Int16(F_WRLCK)) else { return false }
    mine.withLock { _ = $0.insert(fence) }
    return true
  }

  func unlock(_ fence: Int64) {
    mine.withLock { _ = $0.remove(fence) }
    _ = set(fence, Int16(F_UNLCK))
  }

  /// Whether anybody, this process included, holds the byte of `fence`.
  func state(of fence: Int64) -> Answer {
    if mine.withLock({ $0.contains(fence) }) { return .taken }
    var range = Self.range(fence, Int16(F_WRLCK))
    guard fcntl(descriptor, Self.askCommand, &range) == 0 else { return .unsupported }
    return range.l_type == Int16(F_UNLCK) ? .free : .taken
  }

  private func set(_ fence: Int64, _ kind: Int16) -> Bool {
    var range = Self.range(fence, kind)
    return fcntl(descriptor, Self.setCommand, &range) == 0
  }

  private static func range(_ fence: Int64, _ kind: Int16) -> flock {
    var range = flock()
    range.l_type = kind
    range.l_whence = Int16(SEEK_SET)
    range.l_start = off_t(fence)
    range.l_len = 1
    return range
  }

  // F_OFD_GETLK and F_OFD_SETLK, which the headers show to some language modes only.
  #if canImport(Darwin)
    private static let askCommand: Int32 = 92
    private static let setCommand: Int32 = 90
  #else
    private static let askCommand: Int32 = 36
    private static let setCommand: Int32 = 37
  #endif
}
