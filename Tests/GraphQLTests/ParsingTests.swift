import GraphQL
import JSON
import Testing

@Suite("Reading GraphQL text")
struct ParsingTests {
  @Test("operations, variables, aliases, fragments and directives are read")
  func wholeDocument() throws {
    let document = try Document.parse(
      """
      # leading comment
      query Q($a: [Int!]! = [1, 2], $b: Mood = HAPPY @tag(name: "x")) @tag(name: "y") {
        short: field(x: $a, y: {k: -1.5e3, l: [true, null, E, "s"]}) @skip(if: false) { id }
        ... F
        ... on T @include(if: $b) { z }
        ... { w }
      }
      mutation { go }
      subscription S { s }
      fragment F on T { v }
      """)
    #expect(document.operations.map(\.kind) == [.query, .mutation, .subscription])
    #expect(document.operations.map(\.name) == ["Q", nil, "S"])
    #expect(document.operations[0].variables.map { "\($0.name): \($0.type)" } == ["a: [Int!]!", "b: Mood"])
    #expect(document.operations[0].selections.count == 4)
    #expect(document.fragments.map(\.name) == ["F"])
    guard case .field(let field) = document.operations[0].selections[0] else {
      Issue.record("the first selection is a field")
      return
    }
    #expect(field.responseKey == "short")
    #expect(field.name == "field")
    #expect(field.arguments.map(\.name) == ["x", "y"])
    #expect(field.position == TextPosition(line: 3, column: 3))
  }

  @Test(
    "strings are unescaped and block strings lose their indentation",
    arguments: [
      (#""a\n\"\\\u00e9\u{1F600}\uD83D\uDE00\/""#, "a\n\"\\é😀😀/"),
      ("\"\"\"\n    one\n      two\n    \"\"\"", "one\n  two"),
      (#""""a \""" b""""#, "a \"\"\" b"),
      ("\"\"", ""),
    ])
  func strings(text: String, value: String) throws {
    let document = try Document.parse("{ f(x: \(text)) }")
    guard case .field(let field) = document.operations[0].selections[0],
      case .string(let read) = field.arguments[0].value.kind
    else {
      Issue.record("a field with a string")
      return
    }
    #expect(read == value)
  }

  @Test(
    "what is no GraphQL is refused at its place",
    arguments: [
      ("", 1, 1), ("{", 1, 2), ("{}", 1, 2), ("{ a ", 1, 5), ("{ a(x:) }", 1, 7), ("{ a() }", 1, 5),
      ("query Q {\n  a(x: 01)\n}", 2, 9), ("{ a(x: \"open) }", 1, 16), ("{ a(x: 1.) }", 1, 10),
      ("{ ..a }", 1, 3),
      ("{ a } fragment on on T { a }", 1, 16), ("query Q($a: Int = $b) { a }", 1, 19), ("{ a(x: 1x) }", 1, 9),
      ("{ a: }", 1, 6), ("type T { a: Int }", 1, 1), ("{ a ; }", 1, 5), ("{ a(x: \"\\q\") }", 1, 9),
      ("{ a(x: \"\\uD800\") }", 1, 9), ("{ a(x: \"\"\"open) }", 1, 18), ("{ é }", 1, 3),
      ("\r\n\r{ % }", 3, 3),
    ])
  func syntaxErrors(text: String, line: Int, column: Int) {
    #expect {
      try Document.parse(text)
    } throws: { error in
      let error = error as? GraphQLError
      #expect(error?.message.hasPrefix("Syntax Error") == true)
      #expect(error?.position == TextPosition(line: line, column: column))
      return true
    }
  }

  @Test("text nested without end is refused rather than followed")
  func depth() {
    for text in [
      String(repeating: "{ a ", count: 5000), "{ a(x: " + String(repeating: "[", count: 5000),
      "query Q($a: " + String(repeating: "[", count: 5000),
    ] {
      #expect(throws: GraphQLError.self) { try Document.parse(text) }
    }
  }

  @Test("an error tells its place in the form of an answer")
  func errorAsJSON() throws {
    let error = GraphQLError(
      "no", at: TextPosition(line: 2, column: 3), path: ["a", 0], extensions: ["code": "X"])
    #expect(
      error.json == [
        "message": "no", "locations": [["line": 2, "column": 3]], "path": ["a", 0],
        "extensions": ["code": "X"],
      ])
    #expect(error.description == "2:3: no")
  }
}
