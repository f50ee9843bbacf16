/// A place in a text that is read byte by byte, with the line it is in: what the readers of JSON and TOML share.
struct TextCursor {
  let bytes: [UInt8]
  private(set) var place = 0
  private(set) var line = 1

  /// A mark for the order of bytes at the beginning is passed over.
  init(_ text: String) {
    bytes = Array(text.utf8)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
  }

  var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  /// Whether what is here begins with this text.
  func sees(_ text: StaticString) -> Bool {
    let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    return bytes.count - place >= wanted.count
      && zip(bytes[place...], wanted).allSatisfy { $0 == $1 }
  }

  func fault(_ message: String) -> Unreadable { Unreadable(line: line, message: message) }

  /// Goes on by some bytes, and counts the lines among them.
  mutating func advance(_ count: Int = 1) {
    let end = min(place + count, bytes.count)
    while place < end {
      if bytes[place] == 0x0A { line += 1 }
      place += 1
    }
  }

  /// Goes past this byte, if it is here.
  mutating func takes(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    advance()
    return true
  }

  mutating func skip(while isSkipped: (UInt8) -> Bool) {
    while let byte = next, isSkipped(byte) { advance() }
  }

  mutating func skipLine() { skip { $0 != 0x0A } }

  /// The text from here to the first byte that does not belong to it.
  mutating func word(while belongs: (UInt8) -> Bool) -> String {
    let start = place
    skip(while: belongs)
    return String(decoding: bytes[start..<place], as: UTF8.self)
  }

  /// A number of so many hexadecimal digits; nil where they are not there.
  mutating func code(digits: Int) -> UInt32? {
    guard place + digits <= bytes.count,
      let value = UInt32(String(decoding: bytes[place..<place + digits], as: UTF8.self), radix: 16)
    else { return nil }
    advance(digits)
    return value
  }

  /// What a backslash before this letter means in both languages.
  static func escaped(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
    default: nil
    }
  }
}
