package import Model

/// How a `.env` file is read. There is no standard: the same line has different values for different parsers, so what
/// they disagree on is refused unless the file says whose reading is meant (contract secrets §2.2).
package enum DotenvDialect: String, Sendable, Hashable, CaseIterable {
  /// Only what has one meaning.
  case strict
  /// python-dotenv.
  case python
  /// Node's own `--env-file`.
  case node
  /// The npm package dotenv.
  case npm
  /// Docker Compose.
  case compose
  /// A shell that sources the file; nothing is ever run.
  case shell
  /// The Ruby gem dotenv.
  case ruby
  /// godotenv.
  case go
}

/// The names and values of a `.env` file. Nothing in it is executed, and nothing is taken from the process environment.
package struct Dotenv: Sendable {
  /// Why a file, or a line of it, cannot be read. It never holds a value.
  package struct Mistake: Error, Sendable, Hashable {
    /// From 1.
    package var line: Int
    package var message: String
    /// What to write instead.
    package var help: String
  }

  /// By name; of two lines with one name the later wins, as for every parser.
  package let values: [String: Sensitive]

  /// - Throws: `Mistake` for the first line that cannot be read, or that two parsers read differently.
  package init(_ bytes: [UInt8], dialect: DotenvDialect = .strict) throws(Mistake) {
    if let zero = bytes.firstIndex(of: 0) {
      throw Mistake(
        line: bytes[..<zero].count { $0 == 0x0A } + 1, message: "a zero byte, which no variable can hold",
        help: "write the file as text")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Mistake(line: 1, message: "the file is not UTF-8", help: "save it as UTF-8")
    }
    let found: [(String, String)] =
      switch dialect {
      case .strict: try StrictDotenv.read(text)
      case .python: PythonDotenv.read(text)
      case .node: NodeDotenv.read(text)
      case .npm: NpmDotenv.read(text)
      case .ruby: try RubyDotenv.read(text)
      case .go: try GoDotenv.read(text, isCompose: false)
      case .compose: try GoDotenv.read(text, isCompose: true)
      case .shell: try ShellDotenv.read(text)
      }
    values = Dictionary(found.map { ($0, Sensitive($1)) }, uniquingKeysWith: { _, last in last })
  }
}

/// A place in a file, by scalars: a carriage return and a line feed stay two.
struct DotenvCursor {
  let text: [Unicode.Scalar]
  var place = 0

  init(_ text: String) { self.text = Array(text.unicodeScalars) }

  var next: Unicode.Scalar? { place < text.count ? text[place] : nil }
  var isAtEnd: Bool { place >= text.count }
  var isAtLineEnd: Bool { next == nil || next == "\n" || next == "\r" }
  /// From 1.
  var line: Int { text[..<min(place, text.count)].count { $0 == "\n" } + 1 }

  func peek(_ distance: Int) -> Unicode.Scalar? {
    place + distance < text.count ? text[place + distance] : nil
  }

  func starts(with word: String) -> Bool {
    let scalars = Array(word.unicodeScalars)
    return place + scalars.count <= text.count && Array(text[place..<place + scalars.count]) == scalars
  }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    place += 1
    return true
  }

  /// The text up to the first scalar for which the condition does not hold.
  mutating func take(while condition: (Unicode.Scalar) -> Bool) -> String {
    let from = place
    while let scalar = next, condition(scalar) { place += 1 }
    return Self.string(text[from..<place])
  }

  mutating func skipBlanks() { _ = take { $0 == " " || $0 == "\t" } }
  mutating func skipLine() {
    _ = take { $0 != "\n" }
    place += 1
  }

  static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }
}

extension Unicode.Scalar {
  var isBlank: Bool { self == " " || self == "\t" || self == "\u{0B}" || self == "\u{0C}" }
  var isNameStart: Bool { isASCII && (properties.isAlphabetic || self == "_") }
  var isNamePart: Bool { isNameStart || ("0"..."9").contains(self) }
}
