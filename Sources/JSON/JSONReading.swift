import FoundationEssentials

/// Reads ordinary JSON in one pass, without an error value for each shape that was not met.
///
/// It gives nil for whatever is broken, or so unusual that `JSONDecoder` shall judge it: then the slow way
/// decides, so that both always agree.
struct JSONReading {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var place = 0

  static func value(of bytes: [UInt8]) -> JSON? {
    bytes.withUnsafeBufferPointer { buffer in
      var reading = JSONReading(bytes: buffer)
      guard let value = reading.value(depth: 0) else { return nil }
      reading.skipBlanks()
      // Spelled out: a bare nil beside a value would be JSON's own null.
      return reading.place == buffer.count ? .some(value) : .none
    }
  }

  private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  private mutating func skipBlanks() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
  }

  private mutating func takes(_ byte: UInt8) -> Bool {
    skipBlanks()
    guard next == byte else { return false }
    place += 1
    return true
  }

  private mutating func takes(word: StaticString) -> Bool {
    guard place + word.utf8CodeUnitCount <= bytes.count else { return false }
    for index in 0..<word.utf8CodeUnitCount where bytes[place + index] != word.utf8Start[index] {
      return false
    }
    place += word.utf8CodeUnitCount
    return true
  }

  private mutating func value(depth: Int) -> JSON? {
    guard depth < 128 else { return nil }
    skipBlanks()
    switch next {
    case UInt8(ascii: "{"): return object(depth: depth)
    case UInt8(ascii: "["): return array(depth: depth)
    case UInt8(ascii: "\""): return text().map(JSON.string)
    case UInt8(ascii: "t"): return takes(word: "true") ? .some(.bool(true)) : .none
    case UInt8(ascii: "f"): return takes(word: "false") ? .some(.bool(false)) : .none
    case UInt8(ascii: "n"): return takes(word: "null") ? .some(.null) : .none
    default: return number()
    }
  }

  private mutating func object(depth: Int) -> JSON? {
    place += 1
    var members: [String: JSON] = [:]
    if takes(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipBlanks()
      guard let name = text(), takes(UInt8(ascii: ":")), let value = value(depth: depth + 1),
        members.updateValue(value, forKey: name) == nil
      else { return nil }
    } while takes(UInt8(ascii: ","))
    return takes(UInt8(ascii: "}")) ? .some(.object(members)) : .none
  }

  private mutating func array(depth: Int) -> JSON? {
    place += 1
    var elements: [JSON] = []
    if takes(UInt8(ascii: "]")) { return .array(elements) }
    repeat {
      guard let value = value(depth: depth + 1) else { return nil }
      elements.append(value)
    } while takes(UInt8(ascii: ","))
    return takes(UInt8(ascii: "]")) ? .some(.array(elements)) : .none
  }

  /// A whole number; any other is left to the slow way, by itself.
  private mutating func number() -> JSON? {
    let start = place
    while let byte = next,
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
    {
      place += 1
    }
    guard place > start, let digits = String(validating: bytes[start..<place], as: UTF8.self) else {
      return nil
    }
    let magnitude = digits.hasPrefix("-") ? digits.dropFirst() : digits[...]
    let isPlain = magnitude == "0" || magnitude.first.map { ("1"..."9").contains($0) } ?? false
    if isPlain, magnitude.utf8.count < 19, digits != "-0", let whole = Int64(digits) { return .int(whole) }
    return try? JSONDecoder().decode(JSON.self, from: Data(digits.utf8))
  }

  private mutating func text() -> String? {
    guard next == UInt8(ascii: "\"") else { return nil }
    place += 1
    let start = place
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { place += 1 }
    if next == UInt8(ascii: "\"") {
      defer { place += 1 }
      return String(validating: bytes[start..<place], as: UTF8.self)
    }
    var collected = Array(bytes[start..<place])
    while let byte = next {
      place += 1
      switch byte {
      case UInt8(ascii: "\""): return String(validating: collected, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let scalar = escaped() else { return nil }
        collected.append(contentsOf: Array(String(scalar).utf8))
      case 0..<0x20: return nil
      default: collected.append(byte)
      }
    }
    return nil
  }

  /// What stands after a backslash; halves of pairs are left to the slow way.
  private mutating func escaped() -> Unicode.Scalar? {
    guard let byte = next else { return nil }
    place += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "u"):
      guard place + 4 <= bytes.count else { return nil }
      let digits = bytes[place..<place + 4]
      guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
        let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
      else { return nil }
      place += 4
      return Unicode.Scalar(code)
    default: return nil
    }
  }
}
