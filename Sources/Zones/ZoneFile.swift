/// A compiled time zone file, TZif (RFC 9636).
struct ZoneFile {
  private let bytes: [UInt8]
  private var at = 0

  /// Nil when the bytes are no such file.
  static func zone(_ name: String, _ bytes: [UInt8]) -> Zone? {
    var file = ZoneFile(bytes: bytes)
    return file.read(name)
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private struct Header {
    var version: UInt8
    var utcMarks: Int
    var standardMarks: Int
    var leaps: Int
    var times: Int
    var types: Int
    var characters: Int

    /// How long the data after it is when a time takes this many bytes.
    func length(_ width: Int) -> Int {
      times * width + times + types * 6 + characters + leaps * (width + 4) + standardMarks + utcMarks
    }
  }

  private mutating func read(_ name: String) -> Zone? {
    guard let first = header() else { return nil }
    guard first.version >= UInt8(ascii: "2") else { return data(name, first, width: 4, rule: nil) }
    at += first.length(4)
    guard let header = header() else { return nil }
    let begin = at
    at += header.length(8)
    guard at <= bytes.count, let rule = footer() else { return nil }
    at = begin
    return data(name, header, width: 8, rule: rule)
  }

  private mutating func header() -> Header? {
    guard bytes.count >= at + 44, Array(bytes[at..<at + 4]) == Array("TZif".utf8) else { return nil }
    let version = bytes[at + 4]
    at += 20
    let counts = (0..<6).map { _ in Int(number(4)) }
    guard counts.allSatisfy({ (0...100_000).contains($0) }) else { return nil }
    return Header(
      version: version, utcMarks: counts[0], standardMarks: counts[1], leaps: counts[2], times: counts[3],
      types: counts[4], characters: counts[5])
  }

  /// Big-endian, two's complement.
  private mutating func number(_ width: Int) -> Int64 {
    var value: Int64 = bytes[at] & 0x80 == 0 ? 0 : -1
    for byte in bytes[at..<at + width] { value = value << 8 | Int64(byte) }
    at += width
    return value
  }

  private mutating func data(_ name: String, _ header: Header, width: Int, rule: ZoneRule??) -> Zone? {
    guard bytes.count - at >= header.length(width), header.types > 0, header.characters > 0 else {
      return nil
    }
    let moments = (0..<header.times).map { _ in number(width) }
    let indices = bytes[at..<at + header.times].map { Int($0) }
    at += header.times
    var types: [(seconds: Int64, name: Int)] = []
    for _ in 0..<header.types {
      let seconds = number(4)
      types.append((seconds, Int(bytes[at + 1])))
      at += 2
    }
    let characters = Array(bytes[at..<at + header.characters])
    guard indices.allSatisfy({ $0 < types.count }), types.allSatisfy({ $0.name < characters.count }),
      types.allSatisfy({ abs($0.seconds) < 26 * 3600 }), zip(moments, moments.dropFirst()).allSatisfy(<)
    else { return nil }
    return Zone(
      name: name, transitions: zip(moments, indices).map { ($0, $1) },
      offsets: types.map { type in
        Zone.Offset(
          seconds: type.seconds,
          abbreviation: String(decoding: characters[type.name...].prefix { $0 != 0 }, as: UTF8.self))
      }, rule: rule ?? nil)
  }

  /// The rule after the data, between line feeds. The outer nil: it cannot be read; the inner: there is none.
  private func footer() -> ZoneRule?? {
    guard at < bytes.count, bytes[at] == 10 else { return nil }
    let text = String(decoding: bytes[(at + 1)...].prefix { $0 != 10 }, as: UTF8.self)
    if text.isEmpty { return .some(nil) }
    return ZoneRule(text).map { .some($0) }
  }
}
