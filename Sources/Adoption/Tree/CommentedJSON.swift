/// Reads JSON with comments and trailing commas, as encore.app, wrangler.jsonc and tsconfig.json have them, and
/// remembers the line of everything.
struct CommentedJSON {
  private let bytes: [UInt8]
  private var place = 0
  private var line = 1

  /// - Throws: `Unreadable` at the first thing that is no JSON.
  static func read(_ text: String) throws(Unreadable) -> Item {
    var reading = CommentedJSON(bytes: Array(text.utf8))
    if reading.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reading.place = 3 }
    let item = try reading.item(depth: 0)
    try reading.skip()
    guard reading.place == reading.bytes.count else { throw reading.fault("something follows the value") }
    return item
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  private func fault(_ message: String) -> Unreadable { Unreadable(line: line, message: message) }

  private mutating func advance() {
    if bytes[place] == 0x0A { line += 1 }
    place += 1
  }

  /// White space and comments.
  private mutating func skip() throws(Unreadable) {
    while let byte = next {
      switch byte {
      case 0x20, 0x09, 0x0D, 0x0A: advance()
      case UInt8(ascii: "/"):
        guard place + 1 < bytes.count else { throw fault("`/` begins no comment") }
        if bytes[place + 1] == UInt8(ascii: "/") {
          while let byte = next, byte != 0x0A { place += 1 }
        } else if bytes[place + 1] == UInt8(ascii: "*") {
          place += 2
          while place + 1 < bytes.count, !(bytes[place] == UInt8(ascii: "*") && bytes[place + 1] == 0x2F) {
            advance()
          }
          guard place + 1 < bytes.count else { throw fault("a comment has no end") }
          place += 2
        } else {
          throw fault("`/` begins no comment")
        }
      default: return
      }
    }
  }

  private mutating func takes(_ byte: UInt8) throws(Unreadable) -> Bool {
    try skip()
    guard next == byte else { return false }
    advance()
    return true
  }

  private mutating func item(depth: Int) throws(Unreadable) -> Item {
    guard depth < 64 else { throw fault("it is nested too deep") }
    try skip()
    let start = line
    switch next {
    case UInt8(ascii: "{"):
      advance()
      return Item(value: .table(try members(depth: depth)), line: start)
    case UInt8(ascii: "["):
      advance()
      var items: [Item] = []
      while try !takes(UInt8(ascii: "]")) {
        items.append(try item(depth: depth + 1))
        if try !takes(UInt8(ascii: ",")) {
          guard try takes(UInt8(ascii: "]")) else { throw fault("a list goes on without a comma") }
          break
        }
      }
      return Item(value: .list(items), line: start)
    case UInt8(ascii: "\""): return Item(value: .scalar(try text(), isText: true), line: start)
    case nil: throw fault("the file ends too early")
    default: return Item(value: try word(), line: start)
    }
  }

  private mutating func members(depth: Int) throws(Unreadable) -> [Item.Member] {
    var members: [Item.Member] = []
    while try !takes(UInt8(ascii: "}")) {
      try skip()
      let start = line
      guard next == UInt8(ascii: "\"") else { throw fault("a name in quotes is expected") }
      let key = try text()
      guard try takes(UInt8(ascii: ":")) else { throw fault("`:` is expected after `\(key)`") }
      members.append(Item.Member(key: key, line: start, item: try item(depth: depth + 1)))
      if try !takes(UInt8(ascii: ",")) {
        guard try takes(UInt8(ascii: "}")) else { throw fault("a comma is missing after `\(key)`") }
        break
      }
    }
    return members
  }

  private mutating func word() throws(Unreadable) -> Item.Value {
    let start = place
    while let byte = next, !" \t\r\n,]}:/".utf8.contains(byte) { place += 1 }
    let text = String(decoding: bytes[start..<place], as: UTF8.self)
    switch text {
    case "null": return .null
    case "true", "false": return .scalar(text, isText: false)
    default:
      guard Double(text) != nil else { throw fault("this is no value of JSON") }
      return .scalar(text, isText: false)
    }
  }

  private mutating func text() throws(Unreadable) -> String {
    place += 1
    var units: [UInt8] = []
    while let byte = next, byte != UInt8(ascii: "\"") {
      guard byte != 0x0A else { throw fault("a text has no end") }
      place += 1
      guard byte == UInt8(ascii: "\\") else {
        units.append(byte)
        continue
      }
      guard let escape = next else { break }
      place += 1
      switch escape {
      case UInt8(ascii: "n"): units.append(0x0A)
      case UInt8(ascii: "t"): units.append(0x09)
      case UInt8(ascii: "r"): units.append(0x0D)
      case UInt8(ascii: "b"): units.append(0x08)
      case UInt8(ascii: "f"): units.append(0x0C)
      case UInt8(ascii: "u"): units += Array(String(try unicode()).utf8)
      default: units.append(escape)
      }
    }
    guard next != nil else { throw fault("a text has no end") }
    place += 1
    return String(decoding: units, as: UTF8.self)
  }

  /// After `\u`; two halves of a pair become one character.
  private mutating func unicode() throws(Unreadable) -> Character {
    let high = try code()
    var value = high
    if (0xD800..<0xDC00).contains(high), place + 1 < bytes.count, bytes[place] == UInt8(ascii: "\\"),
      bytes[place + 1] == UInt8(ascii: "u")
    {
      place += 2
      let low = try code()
      value = 0x10000 &+ ((high &- 0xD800) << 10) &+ (low &- 0xDC00)
    }
    return Character(Unicode.Scalar(value) ?? "\u{FFFD}")
  }

  private mutating func code() throws(Unreadable) -> UInt32 {
    guard place + 4 <= bytes.count,
      let value = UInt32(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16)
    else { throw fault("`\\u` wants four digits") }
    place += 4
    return value
  }
}
