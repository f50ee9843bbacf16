import Testing
import YAML

/// The tree as compact text: what a file means, without its places.
func shape(_ node: Node?) -> String {
  switch node?.content {
  case nil: "nothing"
  case .scalar(let scalar):
    switch scalar.value {
    case .text: "\"\(scalar.text)\""
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .float(let value): "\(value)"
    }
  case .sequence(let nodes): "[" + nodes.map { shape($0) }.joined(separator: ",") + "]"
  case .mapping(let mapping):
    "{" + mapping.entries.map { "\($0.key):\(shape($0.value))" }.joined(separator: ",") + "}"
  }
}

func read(_ text: String, limits: Limits = Limits()) -> Document {
  Document(bytes: Array(text.utf8), name: "a.yaml", limits: limits)
}

@Suite("Reading YAML")
struct DocumentTests {
  @Test(
    "scalars mean what YAML 1.2 core says",
    arguments: [
      ("a: true", "{a:true}"), ("a: True", "{a:true}"), ("a: yes", "{a:\"yes\"}"), ("a: on", "{a:\"on\"}"),
      ("a: no", "{a:\"no\"}"), ("a: ~", "{a:null}"), ("a:", "{a:null}"), ("a: null", "{a:null}"),
      ("a: 'null'", "{a:\"null\"}"), ("a: 12", "{a:12}"), ("a: -12", "{a:-12}"), ("a: +12", "{a:12}"),
      ("a: 0o17", "{a:15}"), ("a: 017", "{a:17}"), ("a: 0xfF", "{a:255}"), ("a: 1_000", "{a:\"1_000\"}"),
      ("a: 1.10", "{a:1.1}"), ("a: .5", "{a:0.5}"), ("a: 1e3", "{a:1000.0}"), ("a: 1e", "{a:\"1e\"}"),
      ("a: .", "{a:\".\"}"), ("a: 12:30", "{a:\"12:30\"}"), ("a: 2026-01-01", "{a:\"2026-01-01\"}"),
      ("a: \"12\"", "{a:\"12\"}"), ("a: !!str 12", "{a:\"12\"}"), ("a: !!int \"12\"", "{a:12}"),
      ("a: 99999999999999999999", "{a:1e+20}"), ("a: |\n  x\n  y\n", "{a:\"x\ny\n\"}"),
      ("a: >-\n  x\n  y\n", "{a:\"x y\"}"), ("a: 'it''s'", "{a:\"it's\"}"), ("a: \"\\u00e9\"", "{a:\"é\"}"),
      ("", "nothing"), ("# only a comment\n", "nothing"), ("[1, [2], {b: c}]", "[1,[2],{b:\"c\"}]"),
    ])
  func coreScalars(text: String, expected: String) {
    let document = read(text)
    #expect(document.problems == [])
    #expect(shape(document.root) == expected)
  }

  @Test("a number keeps the text it was written with")
  func sourceText() {
    #expect(read("version: 1.10").root?.mapping?["version"]?.value.scalar?.text == "1.10")
  }

  @Test("aliases repeat what their anchor marks")
  func aliases() {
    #expect(shape(read("a: &x {k: 1}\nb: *x\nc: [*x, *x]").root) == "{a:{k:1},b:{k:1},c:[{k:1},{k:1}]}")
    #expect(shape(read("a: &x 1\nb: &x 2\nc: *x").root) == "{a:1,b:2,c:2}")
  }

  @Test("merge keys bring in what is not written, the first of several first")
  func mergeKeys() {
    let text = """
      one: &one {a: 1, b: 1}
      two: &two {b: 2, c: 2}
      own: {<<: [*one, *two], a: 0}
      late: {a: 0, <<: *one}
      text: {"<<": 3}
      """
    #expect(
      shape(read(text).root)
        == "{one:{a:1,b:1},two:{b:2,c:2},own:{a:0,b:1,c:2},late:{a:0,b:1},text:{<<:3}}")
  }

  @Test("keys and values know where they stand")
  func marks() throws {
    let root = try #require(read("a: 1\nlist:\n  - x: \"é y\"\n    z: ab\n").root?.mapping)
    let list = try #require(root["list"])
    #expect(list.keyMark == Mark(file: "a.yaml", line: 2, column: 1, endLine: 2, endColumn: 5))
    let element = try #require(list.value.sequence?.first)
    #expect(element.mapping?["x"]?.keyMark == Mark(file: "a.yaml", line: 3, column: 5, endColumn: 6))
    #expect(element.mapping?["x"]?.value.mark == Mark(file: "a.yaml", line: 3, column: 8, endColumn: 13))
    #expect(element.mark == Mark(file: "a.yaml", line: 3, column: 5, endLine: 4, endColumn: 10))
  }

  @Test("a byte order mark, CRLF and a missing last line break change nothing")
  func lineEndings() {
    let document = Document(bytes: [0xEF, 0xBB, 0xBF] + Array("a: 1\r\nb: 2".utf8), name: "a.yaml")
    #expect(shape(document.root) == "{a:1,b:2}")
    #expect(document.root?.mapping?["b"]?.keyMark.line == 2)
    #expect(document.source.lines == ["a: 1", "b: 2"])
  }

  @Test("a piece of a value is found where it is written")
  func pieces() {
    let source = SourceFile(name: "a.yaml", text: "k: x${a}y${a}\n")
    let value = Mark(file: "a.yaml", line: 1, column: 4, endColumn: 14)
    #expect(source.mark(of: "${a}", within: value).column == 5)
    #expect(source.mark(of: "${a}", occurrence: 1, within: value).column == 10)
    #expect(source.mark(of: "${b}", within: value) == value)
  }
}
