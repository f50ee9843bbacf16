import Testing
import YAML

@Suite("What is refused as YAML")
struct RefusalTests {
  @Test(
    "each mistake names itself and its place",
    arguments: [
      ("a: 1\n\tb: 2\n", "2:1", "this line is indented with a tab"),
      ("a:\n\t- x\n", "2:1", "this line is indented with a tab"),
      ("a: b: c\n", "1:5", "a second `: ` on this line, or an indentation that fits nothing above"),
      ("a:\n  b: 1\n c: 2\n", "3:2", "this does not line up with the keys above"),
      ("a: \"x\nb: 1\n", "1:4", "this quotation is never closed"),
      ("a: @x\n", "1:4", "a plain value cannot start with `@`"),
      ("a: [1, 2\nb: 3\n", "2:2", "a `,` or the closing bracket is missing here"),
      ("a: {u: ${x}}\n", "1:9", "`{` cannot stand in an unquoted value between brackets"),
      ("a: 1\nb\n", "2:1", "this key has no `:`"),
      ("a: - 1\n", "1:4", "a list cannot begin here"),
      ("a: \"\\q\"\n", "1:5", "this escape does not exist in double quotes"),
      ("a: *x\n", "1:4", "`*x` refers to an anchor that is not set above"),
      ("a: &x [*x]\n", "1:8", "`*x` stands inside what `&x` marks: it would contain itself"),
      ("a: !mine 1\n", "1:4", "the tag `!mine` means nothing here"),
      ("a: 1\n---\nb: 2\n", "2:1", "a second document begins here"),
      ("a: 1\nb: \u{7}\n", "2:4", "the control character U+0007 is not allowed"),
      ("? [a]\n: 1\n", "1:3", "a key must be text, not a list"),
      ("a: {<<: 3}\n", "1:9", "`<<` merges mappings only"),
    ])
  func mistakes(text: String, place: String, message: String) throws {
    let problem = try #require(read(text).problems.first)
    #expect(problem.message == message)
    #expect("\(problem.mark.line):\(problem.mark.column)" == place)
  }

  @Test("all duplicate keys are named, each with the first one's place, and the rest is still read")
  func duplicates() {
    let document = read("a: 1\nb: 2\na: 3\n\"b\": 4\nc: 5\n")
    #expect(document.problems.map(\.code) == [.duplicateKey, .duplicateKey])
    #expect(document.problems.map(\.mark.line) == [3, 4])
    #expect(document.problems.map(\.related?.mark.line) == [1, 2])
    #expect(shape(document.root) == "{a:1,b:2,c:5}")
  }

  @Test("bytes that are not UTF-8 are refused with their place")
  func encoding() {
    let document = Document(bytes: Array("a: 1\nb: caf".utf8) + [0xE9, 0x0A], name: "a.yaml")
    #expect(document.root == nil)
    #expect(document.problems.map(\.code) == [.encoding])
    #expect(document.problems.first?.mark.line == 2)
    #expect(document.problems.first?.mark.column == 7)
    #expect(Document(bytes: [0xFF, 0xFE, 0x61, 0], name: "a.yaml").problems.first?.code == .encoding)
  }

  @Test("a file over the size limit is not read")
  func size() {
    let document = Document(bytes: [UInt8](repeating: 0x23, count: (1 << 20) + 1), name: "a.yaml")
    #expect(document.problems.map(\.code) == [.tooLarge])
  }

  @Test("nesting stops at the limit, also when aliases build it")
  func depth() {
    func nested(_ levels: Int) -> String {
      String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }
    #expect(read(nested(127)).problems == [])
    #expect(read(nested(200)).problems.map(\.code) == [.tooDeep])
    #expect(read(String(repeating: "[", count: 1_000_000)).problems.map(\.code) == [.tooDeep])
    #expect(read("a: &x \(nested(60))\nb: &y [*x]\nc: *y").problems == [])
    let tower = "a: &x \(nested(100))\nb: \(String(repeating: "[", count: 60))*x"
    #expect(read(tower + String(repeating: "]", count: 60)).problems.map(\.code) == [.tooDeep])
  }

  @Test("an alias bomb is refused at once", .timeLimit(.minutes(1)))
  func bomb() {
    var text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    for level in 1...30 {
      text += "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
      text += "]\n"
    }
    #expect(read(text).problems.map(\.code) == [.aliasBomb])
  }

  @Test("merge keys count towards the weight")
  func mergeBomb() {
    var text = "a0: &a0 {x: [1,1,1,1,1,1,1,1,1,1]}\n"
    for level in 1...12 {
      text += "a\(level): &a\(level) {<<: *a\(level - 1), "
      text += (0..<8).map { "k\(level)\($0): *a\(level - 1)" }.joined(separator: ", ") + "}\n"
    }
    #expect(read(text).problems.map(\.code) == [.aliasBomb])
  }

  @Test("many thousand small random texts are read or refused, never worse")
  func noise() {
    let pieces = [
      "a", ":", " ", "\n", "-", "- ", "{", "}", "[", "]", ",", "&x ", "*x", "<<: ", "\"", "'", "|", ">", "#",
      "!",
      "\t", "é", "? ", "%", "---\n", "...\n", "  ", "\r\n", "\u{2028}", "~", "@",
    ]
    var state: UInt64 = 42
    for _ in 0..<4000 {
      var text = ""
      for _ in 0..<14 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text += pieces[Int(state >> 33) % pieces.count]
      }
      let document = read(text)
      if document.problems.isEmpty { continue }
      #expect(document.problems.allSatisfy { $0.mark.line >= 1 && $0.mark.column >= 1 }, "\(text)")
    }
  }
}
