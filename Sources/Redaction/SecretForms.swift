import JSON

/// A sequence of bytes to be masked.
struct SecretForm: Hashable {
  var bytes: [UInt8]
  /// Whether the character before it, when it is one of base64, holds bits of the secret too.
  var reachesBack = false
}

/// The texts of a secret that is a JSON document, such as the key file of a service account: a program that has read
/// it prints them one by one.
enum DocumentForms {
  /// Every text that stands as a value of an object or a list, at any depth; empty when the value is no document.
  static func leaves(of value: String) -> Set<String> {
    guard let first = value.first(where: { !$0.isWhitespace }), first == "{" || first == "[",
      let document = try? JSON(parsing: Array(value.utf8))
    else { return [] }
    var leaves: Set<String> = []
    collect(document, into: &leaves)
    return leaves
  }

  private static func collect(_ value: JSON, into leaves: inout Set<String>) {
    switch value {
    case .string(let text): leaves.insert(text)
    case .array(let elements): for element in elements { collect(element, into: &leaves) }
    case .object(let members): for member in members.values { collect(member, into: &leaves) }
    case .null, .bool, .int, .double: break
    }
  }
}

/// The forms in which one secret may show up.
struct SecretForms {
  private(set) var all: Set<SecretForm> = []
  /// Whether the value is left alone because it is too short.
  private(set) var isTooShort = false

  /// Shortest line of a value of several lines that is masked by itself, in bytes.
  static let shortestLine = 8
  /// Shortest password in an address that is masked by itself, in bytes: shorter ones are often ordinary words.
  static let shortestPassword = 6
  /// Shortest text of a JSON document that is masked by itself, in bytes (contract secrets §1.4).
  static let shortestLeaf = 8

  init(_ value: String, minimumLength: Int) {
    let trimmed = Self.trimLineEnds(value[...])
    guard trimmed.utf8.count >= minimumLength else {
      isTooShort = !trimmed.isEmpty
      return
    }
    if trimmed.utf8.count != value.utf8.count { add(value) }
    addWhole(trimmed, minimumLength)
  }

  /// A value and the parts of it that are secret by themselves.
  private mutating func addWhole(_ value: String, _ minimumLength: Int) {
    add(value)
    for form in LineForms.all(of: value) { all.insert(SecretForm(bytes: Array(form.utf8))) }
    for password in AddressForms.password(in: value)
    where password.utf8.count >= max(Self.shortestPassword, minimumLength) {
      add(password)
    }
    let lines = value.split(whereSeparator: \.isNewline)
    if lines.count > 1 {
      for line in lines where line.utf8.count >= max(Self.shortestLine, minimumLength) { add(String(line)) }
    }
    // Each leaf is shorter than the document that holds it, so that documents inside documents come to an end.
    for leaf in DocumentForms.leaves(of: value) where leaf.utf8.count >= max(Self.shortestLeaf, minimumLength)
    {
      addWhole(Self.trimLineEnds(leaf[...]), minimumLength)
    }
  }

  private static func trimLineEnds(_ value: Substring) -> String {
    var value = value
    while let last = value.last, last.isNewline { value.removeLast() }
    return String(value)
  }

  private mutating func add(_ value: String) {
    let bytes = Array(value.utf8)
    all.insert(SecretForm(bytes: bytes))
    let texts = PercentForms.all(of: bytes) + JSONForms.all(of: value) + HexForms.all(of: bytes)
    let quoted = ShellForms.all(of: value) + MarkupForms.all(of: value) + WrappedBase64.all(of: bytes)
    for form in texts + quoted { all.insert(SecretForm(bytes: form)) }
    Base64Forms.all(of: bytes) { all.insert($0) }
  }
}

/// Percent-encodings, which differ in what they leave as it is.
enum PercentForms {
  private static let unreserved = Set(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
  private static let kept: [Set<UInt8>] = [
    unreserved,
    unreserved.union("!*'()".utf8),  // encodeURIComponent
    unreserved.union("!*'();,/?:@&=+$#".utf8),  // encodeURI
    unreserved.union("/".utf8),  // Python's quote
    unreserved.union("*".utf8).subtracting("~".utf8),  // HTML forms
    unreserved.union("!$&'()*+,;=:".utf8),  // user and password of an address
  ]

  static func all(of bytes: [UInt8]) -> [[UInt8]] {
    guard bytes.contains(where: { !unreserved.contains($0) || $0 == UInt8(ascii: "~") }) else { return [] }
    return kept.flatMap { kept in
      ["0123456789ABCDEF", "0123456789abcdef"].flatMap { digits in
        [false, true].map { encode(bytes, kept, Array(digits.utf8), plus: $0) }
      }
    }
  }

  private static func encode(_ bytes: [UInt8], _ kept: Set<UInt8>, _ digits: [UInt8], plus: Bool) -> [UInt8] {
    bytes.flatMap { byte -> [UInt8] in
      if plus, byte == UInt8(ascii: " ") { return [UInt8(ascii: "+")] }
      if kept.contains(byte) { return [byte] }
      return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
}

/// JSON strings, which differ in what they escape; also JSON inside JSON.
enum JSONForms {
  private enum Hex { case none, lower, upper }

  static func all(of value: String) -> [[UInt8]] {
    var forms: [[UInt8]] = []
    for slash in [false, true] {
      for foreign in [Hex.none, .lower, .upper] {
        for markup in [Hex.none, .lower, .upper] {
          let once = escape(value.unicodeScalars, slash, foreign, markup)
          forms.append(Array(once.utf8))
          forms.append(Array(escape(once.unicodeScalars, slash, foreign, markup).utf8))
        }
      }
    }
    return forms
  }

  private static func escape(
    _ scalars: String.UnicodeScalarView, _ slash: Bool, _ foreign: Hex, _ markup: Hex
  ) -> String {
    var text = ""
    for scalar in scalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{8}": text += "\\b"
      case "\u{C}": text += "\\f"
      case "/" where slash: text += "\\/"
      case "<", ">", "&", "'":
        if markup == .none { text.unicodeScalars.append(scalar) } else { text += units(scalar, markup) }
      case _ where scalar.value < 0x20 || scalar.value == 0x7F && foreign != .none:
        text += units(scalar, foreign)
      case _ where scalar.value > 0x7F && foreign != .none: text += units(scalar, foreign)
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  private static func units(_ scalar: Unicode.Scalar, _ hex: Hex) -> String {
    String(scalar).utf16.map { unit in
      let digits = String(unit, radix: 16, uppercase: hex == .upper)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()
  }
}

/// What of a base64 text is due to the secret alone, for each place it can have in a group of three bytes.
enum Base64Forms {
  private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let url = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// Whether `byte` can stand in base64 of either alphabet.
  static func isCharacter(_ byte: UInt8) -> Bool {
    standard.contains(byte) || url.contains(byte)
  }

  /// The standard alphabet, padded.
  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(bytes.count, start + 3)]
      var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      bits <<= 8
      for place in 0..<4 {
        text.append(place <= group.count ? standard[Int(bits >> 26)] : UInt8(ascii: "="))
        bits <<= 6
      }
    }
    return text
  }

  static func all(of bytes: [UInt8], _ found: (SecretForm) -> Void) {
    for characters in [standard, url] {
      for shift in 0..<3 { forms(bytes, shift, characters, found) }
    }
  }

  private static func forms(
    _ bytes: [UInt8], _ shift: Int, _ characters: [UInt8], _ found: (SecretForm) -> Void
  ) {
    let bits = (shift + bytes.count) * 8
    let padded = [UInt8](repeating: 0, count: shift) + bytes + [0, 0]
    func sextet(_ index: Int) -> UInt8 {
      let first = index * 6 / 8
      let pair = UInt16(padded[first]) << 8 | UInt16(first + 1 < padded.count ? padded[first + 1] : 0)
      return UInt8(truncatingIfNeeded: pair >> UInt16(10 - index * 6 % 8)) & 63
    }
    let start = (shift * 8 + 5) / 6
    let end = bits / 6
    let core = (start..<max(start, end)).map { characters[Int(sextet($0))] }
    guard core.count >= 3 else { return }
    func form(_ tail: [UInt8]) { found(SecretForm(bytes: core + tail, reachesBack: shift > 0)) }
    form([])
    // The character with the last bits: what follows the secret fills it, or zeros at the very end.
    let free = end * 6 + 6 - bits
    guard free < 6 else { return }
    let last = sextet(end)
    for filling in 0..<UInt8(1 << free) { form([characters[Int(last | filling)]]) }
    form([characters[Int(last)]] + [UInt8](repeating: UInt8(ascii: "="), count: free / 2))
  }
}
