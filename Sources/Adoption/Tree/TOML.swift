/// Reads TOML, and remembers the line of everything.
///
/// The whole of its syntax that configuration files use: tables, arrays of tables, dotted and quoted keys, the four
/// kinds of text, numbers, truth values, dates (as text), arrays over several lines, inline tables. What is broken
/// or defined twice is refused with its line. Debian's libraries for it are not on every machine shipit runs on, and
/// those that are give no lines, which every fact here needs.
struct TOML {
  private var cursor: TextCursor
  private var root = Table()

  /// A table that is still being filled.
  private final class Table {
    var keys: [String] = []
    var lines: [String: Int] = [:]
    var values: [String: Value] = [:]
    var line = 1
    /// Whether a header or a value has defined it, after which it is not defined again.
    var isDefined = false

    enum Value {
      case item(Item)
      case table(Table)
      case tables([Table])
    }

    func set(_ key: String, _ value: Value, line: Int) {
      if values[key] == nil { keys.append(key) }
      values[key] = value
      lines[key] = line
    }

    var item: Item {
      Item(
        value: .table(
          keys.map { key in
            let line = lines[key] ?? self.line
            let item: Item
            switch values[key] {
            case .item(let value): item = value
            case .table(let table): item = table.item
            case .tables(let tables): item = Item(value: .list(tables.map(\.item)), line: line)
            case nil: item = Item(value: .null, line: line)
            }
            return Item.Member(key: key, line: line, item: item)
          }), line: line)
    }
  }

  /// - Throws: `Unreadable` at the first thing that is no TOML.
  static func read(_ text: String) throws(Unreadable) -> Item {
    var reading = TOML(text)
    try reading.document()
    return reading.root.item
  }

  private init(_ text: String) { cursor = TextCursor(text) }

  private var next: UInt8? { cursor.next }
  private var line: Int { cursor.line }
  private func fault(_ message: String) -> Unreadable { cursor.fault(message) }

  private mutating func document() throws(Unreadable) {
    var table = root
    while true {
      skipLines()
      guard let byte = next else { return }
      if byte == UInt8(ascii: "[") {
        table = try header()
      } else {
        try pair(into: table)
      }
      skipBlanks()
      guard next == nil || next == 0x0A || next == 0x0D || next == UInt8(ascii: "#") else {
        throw fault("something follows the value")
      }
    }
  }

  private mutating func header() throws(Unreadable) -> Table {
    cursor.advance()
    let isList = next == UInt8(ascii: "[")
    if isList { cursor.advance() }
    let path = try keys()
    for _ in 0..<(isList ? 2 : 1) {
      guard next == UInt8(ascii: "]") else { throw fault("a table's name has no `]`") }
      cursor.advance()
    }
    let parent = try table(at: path.dropLast(), from: root)
    guard let key = path.last else { throw fault("a table has no name") }
    if isList {
      let table = Table()
      table.line = line
      switch parent.values[key] {
      case nil: parent.set(key, .tables([table]), line: line)
      case .tables(let tables): parent.values[key] = .tables(tables + [table])
      default: throw fault("`\(key)` is defined twice")
      }
      return table
    }
    let table = try table(at: [key], from: parent)
    guard !table.isDefined else { throw fault("the table `\(path.joined(separator: "."))` is defined twice") }
    table.isDefined = true
    table.line = line
    return table
  }

  private mutating func table(at path: some Sequence<String>, from start: Table) throws(Unreadable) -> Table {
    var table = start
    for key in path {
      switch table.values[key] {
      case nil:
        let made = Table()
        made.line = line
        table.set(key, .table(made), line: line)
        table = made
      case .table(let found): table = found
      case .tables(let found):
        guard let last = found.last else { throw fault("`\(key)` is empty") }
        table = last
      case .item: throw fault("`\(key)` is a value, not a table")
      }
    }
    return table
  }

  private mutating func pair(into table: Table) throws(Unreadable) {
    let start = line
    let path = try keys()
    guard next == UInt8(ascii: "=") else { throw fault("`=` is expected after a key") }
    cursor.advance()
    skipBlanks()
    let value = try item(depth: 0)
    let target = try self.table(at: path.dropLast(), from: table)
    guard let key = path.last, target.values[key] == nil else {
      throw Unreadable(line: start, message: "`\(path.joined(separator: "."))` is defined twice")
    }
    target.set(key, .item(value), line: start)
  }

  private mutating func keys() throws(Unreadable) -> [String] {
    var path: [String] = []
    repeat {
      if !path.isEmpty { cursor.advance() }
      skipBlanks()
      switch next {
      case UInt8(ascii: "\""), UInt8(ascii: "'"): path.append(try text())
      default:
        let word = cursor.word(while: isBare)
        guard !word.isEmpty else { throw fault("a key is expected") }
        path.append(word)
      }
      skipBlanks()
    } while next == UInt8(ascii: ".")
    return path
  }

  private func isBare(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private mutating func item(depth: Int) throws(Unreadable) -> Item {
    guard depth < 64 else { throw fault("it is nested too deep") }
    let start = line
    switch next {
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      return Item(value: .scalar(try text(), isText: true), line: start)
    case UInt8(ascii: "["):
      cursor.advance()
      var items: [Item] = []
      skipLines()
      while next != UInt8(ascii: "]") {
        items.append(try item(depth: depth + 1))
        skipLines()
        if next == UInt8(ascii: ",") {
          cursor.advance()
          skipLines()
        } else if next != UInt8(ascii: "]") {
          throw fault("a list goes on without a comma")
        }
      }
      cursor.advance()
      return Item(value: .list(items), line: start)
    case UInt8(ascii: "{"): return try inlineTable()
    default:
      let word = cursor.word { !" \t\r\n,]}#".utf8.contains($0) }
      guard !word.isEmpty else { throw fault("a value is expected") }
      let number = word.filter { $0 != "_" }
      if word == "true" || word == "false" { return Item(value: .scalar(word, isText: false), line: start) }
      guard let first = word.unicodeScalars.first, "+-0123456789in".unicodeScalars.contains(first) else {
        throw fault("`\(word)` is no value of TOML")
      }
      return Item(value: .scalar(number, isText: Double(number) == nil), line: start)
    }
  }

  private mutating func inlineTable() throws(Unreadable) -> Item {
    let start = line
    cursor.advance()
    let table = Table()
    table.line = start
    skipBlanks()
    while next != UInt8(ascii: "}") {
      try pair(into: table)
      skipBlanks()
      if next == UInt8(ascii: ",") {
        cursor.advance()
        skipBlanks()
      } else if next != UInt8(ascii: "}") {
        throw fault("an inline table has no end")
      }
    }
    cursor.advance()
    return table.item
  }

  private mutating func skipBlanks() {
    cursor.skip { $0 == 0x20 || $0 == 0x09 }
  }

  /// Blanks, line ends and comments.
  private mutating func skipLines() {
    while let byte = next {
      switch byte {
      case 0x0A, 0x20, 0x09, 0x0D: cursor.advance()
      case UInt8(ascii: "#"): cursor.skipLine()
      default: return
      }
    }
  }

  /// A text in one or three quotes of either kind.
  private mutating func text() throws(Unreadable) -> String {
    guard let quote = next else { throw fault("a text is expected") }
    let isDouble = quote == UInt8(ascii: "\"")
    let three: StaticString = isDouble ? "\"\"\"" : "'''"
    let isLong = cursor.sees(three)
    cursor.advance(isLong ? 3 : 1)
    if isLong, next == 0x0D { cursor.advance() }
    if isLong, next == 0x0A { cursor.advance() }
    var units: [UInt8] = []
    while let byte = next {
      if byte == quote, !isLong || cursor.sees(three) {
        cursor.advance(isLong ? 3 : 1)
        return String(decoding: units, as: UTF8.self)
      }
      if byte == 0x0A, !isLong { throw fault("a text has no end") }
      cursor.advance()
      if byte == UInt8(ascii: "\\"), isDouble {
        try escape(into: &units)
      } else {
        units.append(byte)
      }
    }
    throw fault("a text has no end")
  }

  private mutating func escape(into units: inout [UInt8]) throws(Unreadable) {
    guard let byte = next else { throw fault("a text has no end") }
    if let escaped = TextCursor.escaped(byte) {
      cursor.advance()
      units.append(escaped)
      return
    }
    switch byte {
    case UInt8(ascii: "e"):
      cursor.advance()
      units.append(0x1B)
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      cursor.advance()
      guard let code = cursor.code(digits: byte == UInt8(ascii: "u") ? 4 : 8),
        let scalar = Unicode.Scalar(code)
      else { throw fault("this is no character") }
      units += Array(String(Character(scalar)).utf8)
    // A line that goes on in the next one.
    case 0x0A, 0x0D, 0x20, 0x09: cursor.skip { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    default: throw fault("this escape is none of TOML's")
    }
  }
}
