#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Our end of a child's standard input.
struct ChildInput {
  private(set) var descriptor: Int32
  private var bytes: ArraySlice<UInt8>

  /// - Parameter descriptor: non-blocking; below 0 when the child gets no input.
  init(descriptor: Int32, bytes: [UInt8]) {
    self.descriptor = descriptor
    self.bytes = bytes[...]
  }

  var isOpen: Bool { descriptor >= 0 }

  /// Writes what fits, and closes after the last byte. A child that does not want it is no error.
  mutating func write() {
    while isOpen {
      let written = bytes.withUnsafeBytes { Descriptor.write(descriptor, $0) }
      if written < 0, errno == EINTR { continue }
      if written < 0, errno == EAGAIN { return }
      if written > 0 { bytes = bytes.dropFirst(written) }
      if written < 0 || bytes.isEmpty { close() }
    }
  }

  mutating func close() {
    guard isOpen else { return }
    Descriptor.close(descriptor)
    descriptor = -1
    bytes = []
  }
}

/// Our end of a child's standard output or error: bytes kept up to a limit, and lines as they come.
struct ChildOutput {
  private(set) var descriptor: Int32
  private(set) var kept: [UInt8] = []
  private(set) var isTruncated = false
  private let limit: Int
  private let wantsLines: Bool
  private var splitter = LineSplitter()

  private static let chunk = 64 << 10

  /// - Parameters:
  ///   - descriptor: non-blocking.
  ///   - limit: longest part kept, in bytes; what goes beyond it is still split into lines.
  init(descriptor: Int32, limit: Int, wantsLines: Bool) {
    self.descriptor = descriptor
    self.limit = limit
    self.wantsLines = wantsLines
  }

  var isOpen: Bool { descriptor >= 0 }

  /// Reads what is there, in turns of at most 1 MiB so that one child does not starve the others.
  mutating func read(_ line: (String) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.chunk) { buffer in
      for _ in 0..<16 where isOpen {
        let count = Descriptor.read(descriptor, buffer)
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == EAGAIN { return }
        guard count > 0 else { return close() }
        take(UnsafeBufferPointer(rebasing: buffer[..<count]), line)
      }
    }
  }

  /// Reads once more and closes: the time to wait for the pipe's other holders is over.
  mutating func readRest(_ line: (String) -> Void) {
    read(line)
    close()
  }

  /// Hands over an unfinished last line.
  mutating func finish(_ line: (String) -> Void) {
    close()
    splitter.finish(line)
  }

  private mutating func take(_ bytes: UnsafeBufferPointer<UInt8>, _ line: (String) -> Void) {
    let room = min(bytes.count, limit - kept.count)
    if room > 0 { kept.append(contentsOf: bytes[..<room]) }
    if room < bytes.count { isTruncated = true }
    if wantsLines { splitter.feed(bytes, line) }
  }

  private mutating func close() {
    guard isOpen else { return }
    Descriptor.close(descriptor)
    descriptor = -1
  }
}
