#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// How YAML 1.2 core reads plain text: `yes`, `on`, `0777` and `1_000` are what they look like, text and numbers
/// of base ten.
enum CoreSchema {
  static func value(of text: String) -> Scalar.Value {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    case ".nan", ".NaN", ".NAN": return .float(.nan)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
    case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
    default: break
    }
    return integer(text).map { .int($0) } ?? float(text).map { .float($0) } ?? .text
  }

  private static func integer(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    func digits(_ slice: ArraySlice<UInt8>, _ isDigit: (UInt8) -> Bool) -> Bool {
      !slice.isEmpty && slice.allSatisfy(isDigit)
    }
    if text.hasPrefix("0x") {
      let rest = bytes.dropFirst(2)
      return digits(rest) { isDecimal($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) }
        ? Int64(text.dropFirst(2), radix: 16) : nil
    }
    if text.hasPrefix("0o") {
      return digits(bytes.dropFirst(2)) { (0x30...0x37).contains($0) }
        ? Int64(text.dropFirst(2), radix: 8) : nil
    }
    let signed = bytes.first == 0x2B || bytes.first == 0x2D
    return digits(bytes.dropFirst(signed ? 1 : 0), isDecimal) ? Int64(text) : nil
  }

  /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
  private static func float(_ text: String) -> Double? {
    var rest = Array(text.utf8)[...]
    if rest.first == 0x2B || rest.first == 0x2D { rest.removeFirst() }
    let whole = rest.prefix(while: isDecimal).count
    rest.removeFirst(whole)
    var fraction = 0
    if rest.first == 0x2E {
      rest.removeFirst()
      fraction = rest.prefix(while: isDecimal).count
      rest.removeFirst(fraction)
    }
    guard whole + fraction > 0 else { return nil }
    if rest.first == 0x65 || rest.first == 0x45 {
      rest.removeFirst()
      if rest.first == 0x2B || rest.first == 0x2D { rest.removeFirst() }
      guard !rest.isEmpty else { return nil }
      rest = rest.drop(while: isDecimal)
    }
    return rest.isEmpty ? strtod(text, nil) : nil
  }

  private static func isDecimal(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
