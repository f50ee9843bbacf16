/// Reads JSON with comments and trailing commas, as encore.app, wrangler.jsonc and tsconfig.json have them, and
/// remembers the line of everything.
struct CommentedJSON {
  private var cursor: TextCursor

  /// - Throws: `Unreadable` at the first thing that is no JSON.
  static func read(_ text: String) throws(Unreadable) -> Item {
    var reading = CommentedJSON(cursor: TextCursor(text))
    let item = try reading.item(depth: 0)
    try reading.skip()
    guard reading.cursor.next == nil else { throw reading.cursor.fault("something follows the value") }
    return item
  }

  /// White space and comments.
  private mutating func skip() throws(Unreadable) {
    while let byte = cursor.next {
      switch byte {
      case 0x20, 0x09, 0x0D, 0x0A: cursor.advance()
      case UInt8(ascii: "/"):
        if cursor.sees("//") {
          cursor.skipLine()
        } else if cursor.sees("/*") {
          cursor.advance(2)
          while cursor.next != nil, !cursor.sees("*/") { cursor.advance() }
          guard cursor.next != nil else { throw cursor.fault("a comment has no end") }
          cursor.advance(2)
        } else {
          throw cursor.fault("`/` begins no comment")
        }
      default: return
      }
    }
  }

  private mutating func takes(_ byte: UInt8) throws(Unreadable) -> Bool {
    try skip()
    return cursor.takes(byte)
  }

  private mutating func item(depth: Int) throws(Unreadable) -> Item {
    guard depth < 64 else { throw cursor.fault("it is nested too deep") }
    try skip()
    let start = cursor.line
    switch cursor.next {
    case UInt8(ascii: "{"):
      cursor.advance()
      return Item(value: .table(try members(depth: depth)), line: start)
    case UInt8(ascii: "["):
      cursor.advance()
      var items: [Item] = []
      while try !takes(UInt8(ascii: "]")) {
        items.append(try item(depth: depth + 1))
        if try !takes(UInt8(ascii: ",")) {
          guard try takes(UInt8(ascii: "]")) else { throw cursor.fault("a list goes on without a comma") }
          break
        }
      }
      return Item(value: .list(items), line: start)
    case UInt8(ascii: "\""): return Item(value: .scalar(try text(), isText: true), line: start)
    case nil: throw cursor.fault("the file ends too early")
    default: return Item(value: try word(), line: start)
    }
  }

  private mutating func members(depth: Int) throws(Unreadable) -> [Item.Member] {
    var members: [Item.Member] = []
    while try !takes(UInt8(ascii: "}")) {
      try skip()
      let start = cursor.line
      guard cursor.next == UInt8(ascii: "\"") else { throw cursor.fault("a name in quotes is expected") }
      let key = try text()
      guard try takes(UInt8(ascii: ":")) else { throw cursor.fault("`:` is expected after `\(key)`") }
      members.append(Item.Member(key: key, line: start, item: try item(depth: depth + 1)))
      if try !takes(UInt8(ascii: ",")) {
        guard try takes(UInt8(ascii: "}")) else { throw cursor.fault("a comma is missing after `\(key)`") }
        break
      }
    }
    return members
  }

  private mutating func word() throws(Unreadable) -> Item.Value {
    let text = cursor.word { !" \t\r\n,]}:/".utf8.contains($0) }
    switch text {
    case "null": return .null
    case "true", "false": return .scalar(text, isText: false)
    default:
      guard Double(text) != nil else { throw cursor.fault("this is no value of JSON") }
      return .scalar(text, isText: false)
    }
  }

  private mutating func text() throws(Unreadable) -> String {
    cursor.advance()
    var units: [UInt8] = []
    while let byte = cursor.next, byte != UInt8(ascii: "\"") {
      guard byte != 0x0A else { throw cursor.fault("a text has no end") }
      cursor.advance()
      guard byte == UInt8(ascii: "\\") else {
        units.append(byte)
        continue
      }
      guard let escape = cursor.next else { break }
      cursor.advance()
      if escape == UInt8(ascii: "u") {
        units += Array(String(try unicode()).utf8)
      } else {
        units.append(TextCursor.escaped(escape) ?? escape)
      }
    }
    guard cursor.takes(UInt8(ascii: "\"")) else { throw cursor.fault("a text has no end") }
    return String(decoding: units, as: UTF8.self)
  }

  /// After `\u`; two halves of a pair become one character.
  private mutating func unicode() throws(Unreadable) -> Character {
    let high = try code()
    var value = high
    if (0xD800..<0xDC00).contains(high), cursor.sees("\\u") {
      cursor.advance(2)
      let low = try code()
      value = 0x10000 &+ ((high &- 0xD800) << 10) &+ (low &- 0xDC00)
    }
    return Character(Unicode.Scalar(value) ?? "\u{FFFD}")
  }

  private mutating func code() throws(Unreadable) -> UInt32 {
    guard let value = cursor.code(digits: 4) else { throw cursor.fault("`\\u` wants four digits") }
    return value
  }
}
