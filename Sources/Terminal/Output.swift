#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Why something could not be written.
package enum OutputFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Nobody reads it any more, as behind `| head`.
  case closed
  /// The disk or the quota is full.
  case full
  /// Another error number of the system.
  case system(Int32)

  package var description: String {
    switch self {
    case .closed: "nobody reads the output any more"
    case .full: "the output cannot be written: the disk is full"
    case .system(let number): "the output cannot be written: \(String(cString: strerror(number)))"
    }
  }
}

/// Writes to a descriptor at once, without a buffer that a kill could lose.
///
/// The program ignores SIGPIPE. A reader that is slow makes the write wait.
package struct Output: Sendable {
  package let descriptor: Int32

  package init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Data for the next program.
  package static let standard = Output(descriptor: 1)
  /// Words for the person.
  package static let error = Output(descriptor: 2)

  /// Writes the whole text. Returns why not, or nil.
  @discardableResult
  package func write(_ text: String) -> OutputFailure? {
    var text = text
    return text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  /// Writes all bytes. Returns why not, or nil.
  @discardableResult
  package func write(_ bytes: [UInt8]) -> OutputFailure? {
    bytes.withUnsafeBytes { write($0) }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) -> OutputFailure? {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = systemWrite(descriptor, rest)
      if count >= 0 {
        done += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        // Somebody made the shared descriptor non-blocking.
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&wait, 1, -1)
      case EPIPE: return .closed
      case ENOSPC, EDQUOT, EFBIG: return .full
      case let fault: return .system(fault)
      }
    }
    return nil
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}
