/// Base64 of RFC 4648.
package enum Base64 {
  /// Which characters stand for 62 and 63.
  package enum Alphabet: Sendable {
    /// `+` and `/`.
    case standard
    /// `-` and `_`, safe in addresses and file names.
    case url

    fileprivate var characters: [UInt8] {
      Array(
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + (self == .url ? "-_" : "+/")).utf8
      )
    }
  }

  /// - Parameter padded: whether `=` fills the last group; by default with the standard alphabet only.
  package static func encode(
    _ bytes: [UInt8], alphabet: Alphabet = .standard, padded: Bool? = nil
  ) -> String {
    let characters = alphabet.characters
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      bits <<= UInt32(3 - group.count) * 8
      for place in 0...group.count {
        text.append(characters[Int(bits >> UInt32(18 - 6 * place)) & 63])
      }
      if padded ?? (alphabet == .standard) {
        text.append(contentsOf: repeatElement(UInt8(ascii: "="), count: 3 - group.count))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes, from padded or unpadded text; nil for foreign characters, wrong padding, or an
  /// ending no encoder writes.
  package static func decode(_ text: some StringProtocol, alphabet: Alphabet = .standard) -> [UInt8]? {
    var characters = Array(text.utf8)
    if characters.last == UInt8(ascii: "=") {
      guard characters.count.isMultiple(of: 4) else { return nil }
      characters.removeLast()
      if characters.last == UInt8(ascii: "=") { characters.removeLast() }
    }
    guard characters.count % 4 != 1 else { return nil }
    var values = [UInt8](repeating: 255, count: 256)
    for (value, character) in alphabet.characters.enumerated() { values[Int(character)] = UInt8(value) }

    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count * 3 / 4)
    var bits: UInt32 = 0
    var held = 0
    for character in characters {
      let value = values[Int(character)]
      guard value < 64 else { return nil }
      bits = bits << 6 | UInt32(value)
      held += 6
      guard held >= 8 else { continue }
      held -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
      bits &= (1 << UInt32(held)) - 1
    }
    return bits == 0 ? bytes : nil
  }
}
