/// Hexadecimal digits, of both cases.
enum HexForms {
  static func all(of bytes: [UInt8]) -> [[UInt8]] {
    ["0123456789abcdef", "0123456789ABCDEF"].map { digits in
      let digits = Array(digits.utf8)
      return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }
  }
}

/// What shells print and people write to keep a value one word, without the quotes around it.
enum ShellForms {
  static func all(of value: String) -> [[UInt8]] {
    let scalars = value.unicodeScalars
    var forms = [
      // '…': bash, and Python's shlex.quote
      value.replacing("'", with: #"'\''"#), value.replacing("'", with: #"'"'"'"#),
      // "…"
      escape(scalars) { "\"\\$`".unicodeScalars.contains($0) },
      escape(scalars) { "\"\\$`!".unicodeScalars.contains($0) },
      // printf %q of bash and of zsh, which differ in what they leave
      escape(scalars, isSpecial), escape(scalars) { isSpecial($0) || "%:=@+,".unicodeScalars.contains($0) },
    ]
    forms += [ANSI.letters, .octal].map { ansi(scalars, $0) }
    return forms.map { Array($0.utf8) }
  }

  private static func isSpecial(_ scalar: Unicode.Scalar) -> Bool {
    " \t!\"#$&'()*;<>?[\\]^`{|}~".unicodeScalars.contains(scalar)
  }

  private static func escape(
    _ scalars: String.UnicodeScalarView, _ isEscaped: (Unicode.Scalar) -> Bool
  ) -> String {
    var text = String.UnicodeScalarView()
    for scalar in scalars {
      if isEscaped(scalar) { text.append("\\") }
      text.append(scalar)
    }
    return String(text)
  }

  /// How `$'…'` writes what is not ASCII: as it is, or each byte in octal where the locale does not know it.
  private enum ANSI { case letters, octal }

  private static func ansi(_ scalars: String.UnicodeScalarView, _ foreign: ANSI) -> String {
    var text = ""
    for scalar in scalars {
      switch scalar {
      case "'": text += "\\'"
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{7}": text += "\\a"
      case "\u{8}": text += "\\b"
      case "\u{B}": text += "\\v"
      case "\u{C}": text += "\\f"
      case "\u{1B}": text += "\\E"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value > 0x7F && foreign == .octal:
        for byte in String(scalar).utf8 {
          let digits = String(byte, radix: 8)
          text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

/// What a page of HTML or XML holds instead.
enum MarkupForms {
  static func all(of value: String) -> [[UInt8]] {
    guard value.utf8.contains(where: { "&<>\"'".utf8.contains($0) }) else { return [] }
    return [("\"", "'"), ("&quot;", "'"), ("&quot;", "&#39;"), ("&quot;", "&#x27;"), ("&#34;", "&#39;")].map {
      quote, apostrophe in
      let text = value.map { character -> String in
        switch character {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        case "\"": quote
        case "'": apostrophe
        default: String(character)
        }
      }.joined()
      return Array(text.utf8)
    }
  }
}

/// A value of several lines as it looks when its line ends were changed on the way.
enum LineForms {
  static func all(of value: String) -> [String] {
    let lines = value.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.count > 1 else { return [] }
    // Of Windows, of Unix, as words of one line (an unquoted `echo $KEY`), and `tr -d '\n'`.
    return ["\r\n", "\n", " ", ""].map { lines.joined(separator: $0) }
  }
}

/// Base64 that a program broke into lines, of 76 characters (MIME, `base64`) or 64 (PEM): each line by itself.
enum WrappedBase64 {
  /// Shorter lines tell little, and might be ordinary text.
  private static let shortest = 8

  static func all(of bytes: [UInt8]) -> [[UInt8]] {
    // Of 48 bytes the base64 fits one line of either width.
    guard bytes.count > 48 else { return [] }
    let text = Base64Forms.encode(bytes)
    // With a line end after the value, as `echo` gives it.
    let ended = Base64Forms.encode(bytes + [0x0A])
    return [64, 76].flatMap { width in
      [text, ended].flatMap { text in
        stride(from: 0, to: text.count, by: width).compactMap { start in
          let line = Array(text[start..<min(text.count, start + width)])
          return line.count >= shortest ? line : nil
        }
      }
    }
  }
}

/// The password in an address is a secret by itself: programs tell of it without the rest.
enum AddressForms {
  /// As it is written and decoded; nil where the value is no address with a password.
  static func password(in value: String) -> [String] {
    guard let scheme = value.firstRange(of: "://") else { return [] }
    let authority = value[scheme.upperBound...].prefix { !"/?#".contains($0) }
    guard let at = authority.lastIndex(of: "@"),
      let colon = authority[..<at].firstIndex(of: ":")
    else { return [] }
    let written = String(authority[authority.index(after: colon)..<at])
    var decoded: [UInt8] = []
    var bytes = Array(written.utf8)[...]
    while let byte = bytes.popFirst() {
      if byte == UInt8(ascii: "%"), let high = digit(bytes.first), let low = digit(bytes.dropFirst().first) {
        decoded.append(high << 4 | low)
        bytes = bytes.dropFirst(2)
      } else {
        decoded.append(byte)
      }
    }
    let plain = String(validating: decoded, as: UTF8.self)
    return plain.map { $0 == written ? [written] : [written, $0] } ?? [written]
  }

  private static func digit(_ byte: UInt8?) -> UInt8? {
    byte.flatMap { Character(Unicode.Scalar($0)).hexDigitValue }.map { UInt8($0) }
  }
}
