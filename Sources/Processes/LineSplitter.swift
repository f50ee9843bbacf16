/// Cuts a stream of bytes into lines.
///
/// A line ends at `\n` or `\r\n`. One longer than `longest` bytes comes in pieces, so that a child
/// without line ends cannot fill the memory; a piece never ends inside a UTF-8 character.
struct LineSplitter {
  static let longest = 64 << 10

  private var pending: [UInt8] = []

  /// Takes the next bytes and hands every line they complete to `line`.
  mutating func feed(_ bytes: UnsafeBufferPointer<UInt8>, _ line: (String) -> Void) {
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      append(rest[..<end], line)
      flush(line)
      rest = rest[(end + 1)...]
    }
    append(rest, line)
  }

  /// Hands over what came after the last line end, if anything.
  mutating func finish(_ line: (String) -> Void) {
    if !pending.isEmpty { flush(line) }
  }

  private mutating func append(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ line: (String) -> Void) {
    pending.append(contentsOf: bytes)
    var start = 0
    while pending.count - start > Self.longest {
      let end = Self.characterStart(pending, before: start + Self.longest, after: start)
      line(String(decoding: pending[start..<end], as: UTF8.self))
      start = end
    }
    if start > 0 { pending.removeFirst(start) }
  }

  private mutating func flush(_ line: (String) -> Void) {
    if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
    line(String(decoding: pending, as: UTF8.self))
    pending.removeAll(keepingCapacity: true)
  }

  /// The last place at or before `index` where a character begins, if there is one within four bytes.
  private static func characterStart(_ bytes: [UInt8], before index: Int, after start: Int) -> Int {
    for candidate in stride(from: index, to: max(start, index - 4), by: -1)
    where bytes[candidate] & 0xC0 != 0x80 {
      return candidate
    }
    return index
  }
}
