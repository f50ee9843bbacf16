package import Model

/// Makes random values (contract secrets §5).
package struct SecretGenerator: Sendable, Hashable {
  package enum Alphabet: String, Sendable, Hashable, CaseIterable {
    case hex
    /// Safe in addresses, env files and shells.
    case base64url
    case alnum
    /// Without `0O1lI`, for what people read aloud.
    case readable = "alnum-noambiguous"
    case digits

    var characters: [Character] {
      let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
      switch self {
      case .hex: return Array("0123456789abcdef")
      case .base64url: return Array(letters + "0123456789-_")
      case .alnum: return Array(letters + "0123456789")
      case .readable: return (letters + "0123456789").filter { !"0O1lI".contains($0) }
      case .digits: return Array("0123456789")
      }
    }

    /// Whole bits that so many characters hold at least.
    func bits(_ length: Int) -> Int {
      // floor(log2) of the count in hundredths: 16, 64, 62, 57, 10 characters.
      let hundredths =
        switch self {
        case .hex: 400
        case .base64url: 600
        case .alnum: 595
        case .readable: 583
        case .digits: 332
        }
      return length * hundredths / 100
    }
  }

  package var alphabet: Alphabet
  /// In characters.
  package var length: Int

  /// The least entropy of a value, in bits.
  package static let leastBits = 128
  /// What is taken where nothing is said: 256 bits, as signing keys want.
  package static let standardBits = 256

  /// - Parameter length: nil: as many as hold 256 bits, and as the rule asks for.
  /// - Throws: `configuration` for a length that is too short to be safe, or that the rule refuses.
  package init(_ alphabet: Alphabet, length: Int?, rule: SecretRule?) throws(Failure) {
    self.alphabet = alphabet
    if let length {
      self.length = length
    } else {
      var least = 1
      while alphabet.bits(least) < Self.standardBits { least += 1 }
      self.length = min(max(least, rule?.atLeast ?? 0), rule?.atMost ?? .max)
    }
    guard alphabet.bits(self.length) >= Self.leastBits else {
      var least = 1
      while alphabet.bits(least) < Self.leastBits { least += 1 }
      throw Failure(
        .configuration,
        "\(self.length) characters of \(alphabet.rawValue) hold \(alphabet.bits(self.length)) bits; \(Self.leastBits) are the least",
        hint: "--length \(least), or more")
    }
  }

  /// A new value, from the system's generator. A draw that begins or ends with `-` is repeated, not mended: many
  /// programs take such a value for an option.
  package func value() -> Sensitive {
    var generator = SystemRandomNumberGenerator()
    let characters = alphabet.characters
    while true {
      var text = ""
      // `randomElement` rejects what would make some characters likelier.
      for _ in 0..<length { text.append(characters.randomElement(using: &generator) ?? "0") }
      if !text.hasPrefix("-"), !text.hasSuffix("-") { return Sensitive(text) }
    }
  }
}
