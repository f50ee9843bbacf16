import GraphQL
import Testing

@Suite("Validation of documents")
struct ValidationTests {
  @Test(
    "right documents pass",
    arguments: [
      "{ keeper(id: 1) { id mood } }",
      "query Q($id: ID!, $v: Boolean) { keeper(id: $id, verbose: $v) { born } }",
      "{ animals { __typename id ... on Lion { manes } ... on Named { name } ...O } } fragment O on Owl { wingspan }",
      "mutation M($i: FeedInput!) { feed(input: $i) { id } }",
      "mutation M($g: Int!, $x: Any) { feed(input: {keeper: \"k\", grams: $g, mood: GRIM, extra: {a: [$x]}}) { id } }",
      "query Q($first: Int! = 3) { keepers(first: $first) @tag(name: \"a\") @tag(name: \"b\") { id } }",
      "query Q($m: Mood!) { animals(filter: {moods: [$m], not: {moods: GRIM}}) { id } }",
      "query Q($m: Mood! = HAPPY) { animals(filter: {moods: [$m]}) { id } }",
      "query Q($l: Int = 4) { animals(filter: {limit: $l}) { id } }",
      "{ notes(by: \"single\", any: {free: [1, \"x\", E]}) }",
      "mutation { rest(pick: {id: 1}) } ", "mutation M($n: String!) { rest(pick: {name: $n}) }",
      "{ keeper(id: 1) { id } keeper(id: 1) { mood } }",
      "{ search(text: \"x\") { ... on Lion { n: name } ... on Keeper { n: name } } }",
      "{ a: __typename keepers { animals(first: 1) { id } } }",
      "subscription { arrivals { id } }",
      "query A { one { id } } query B { one { id } }",
      "query Q($yes: Boolean!) { one @include(if: $yes) { ...A @skip(if: $yes) } } fragment A on Animal { id }",
    ])
  func valid(text: String) throws {
    let document = try Document.parse(text)
    #expect(try Zoo.schema().validate(document).map(\.description) == [])
  }

  @Test(
    "wrong documents fail with the one reason",
    arguments: [
      ("{ x }", "Cannot query field \"x\" on type \"Query\"."),
      ("{ keeper(id: 1) { x } }", "Cannot query field \"x\" on type \"Keeper\"."),
      ("{ one { manes } }", "Cannot query field \"manes\" on type \"Animal\"."),
      ("{ search(text: \"\") { id } }", "Cannot query field \"id\" on type \"Found\"."),
      ("query Q($a: Int) { x(a: $a) { b } }", "Cannot query field \"x\" on type \"Query\"."),
      ("{ one }", "Field \"one\" of type \"Animal\" must have a selection of subfields."),
      ("{ one { id { x } } }", "Field \"id\" must not have a selection since type \"ID!\" has no subfields."),
      ("{ one(x: 1) { id } }", "Unknown argument \"x\" on field \"Query.one\"."),
      (
        "{ keeper { id } }",
        "Field \"keeper\" argument \"id\" of type \"ID!\" is required, but it was not provided."
      ),
      ("{ keeper(id: 1, id: 2) { id } }", "There can be only one argument named \"id\"."),
      ("{ keeper(id: null) { id } }", "Expected value of type \"ID!\", found null."),
      ("{ keeper(id: true) { id } }", "ID cannot represent a boolean literal."),
      ("{ keepers(first: \"1\") { id } }", "Int cannot represent a string literal."),
      ("{ keepers(first: 1.5) { id } }", "Int cannot represent a float literal."),
      ("{ keepers(first: 3000000000) { id } }", "Int cannot represent an integer literal."),
      ("{ keepers(order: SIZE) { id } }", "Value \"SIZE\" does not exist in \"Order\" enum."),
      (
        "{ keepers(order: \"NAME\") { id } }",
        "Enum \"Order\" cannot represent non-enum value: a string literal."
      ),
      ("{ search(text: NAME) { __typename } }", "String cannot represent enum value NAME."),
      ("{ animals(filter: {size: 1}) { id } }", "Field \"size\" is not defined by type \"Filter\"."),
      ("{ animals(filter: {not: {limit: \"x\"}}) { id } }", "Int cannot represent a string literal."),
      (
        "{ animals(filter: {limit: 1, limit: 2}) { id } }",
        "There can be only one input field named \"limit\"."
      ),
      ("{ animals(filter: [1]) { id } }", "Expected value of type \"Filter\", found a list literal."),
      (
        "mutation { feed(input: {keeper: 1}) { id } }",
        "Field \"FeedInput.grams\" of required type \"Int!\" was not provided."
      ),
      ("mutation { rest(pick: {id: 1, name: \"x\"}) }", "Exactly one field must be given for \"Pick\"."),
      (
        "mutation M($n: String) { rest(pick: {name: $n}) }",
        "Variable \"$n\" of type \"String\" used in position expecting type \"String!\"."
      ),
      ("{ notes(by: [\"a\", null]) }", "Expected value of type \"String!\", found null."),
      ("{ keeper(id: $id) { id } }", "Variable \"$id\" is not defined."),
      (
        "query Q { one { ...F } } fragment F on Animal { ... on Owl { keeper(deep: $d) { id } } }",
        "Variable \"$d\" is not defined by operation \"Q\"."
      ),
      ("query Q($a: Int) { one { id } }", "Variable \"$a\" is never used in operation \"Q\"."),
      (
        "query Q($id: ID) { keeper(id: $id) { id } }",
        "Variable \"$id\" of type \"ID\" used in position expecting type \"ID!\"."
      ),
      (
        "query Q($id: ID = null) { keeper(id: $id) { id } }",
        "Variable \"$id\" of type \"ID\" used in position expecting type \"ID!\"."
      ),
      (
        "query Q($id: String!) { keeper(id: $id) { id } }",
        "Variable \"$id\" of type \"String!\" used in position expecting type \"ID!\"."
      ),
      (
        "query Q($b: String!) { notes(by: $b) }",
        "Variable \"$b\" of type \"String!\" used in position expecting type \"[String!]\"."
      ),
      (
        "query Q($m: Mood) { animals(filter: {moods: [$m]}) { id } }",
        "Variable \"$m\" of type \"Mood\" used in position expecting type \"Mood!\"."
      ),
      ("query Q($a: Keeper) { notes(any: $a) }", "Variable \"$a\" cannot be non-input type \"Keeper\"."),
      ("query Q($a: Nope) { notes(any: $a) }", "Unknown type \"Nope\"."),
      ("query Q($a: Int = \"x\") { keepers(first: $a) { id } }", "Int cannot represent a string literal."),
      (
        "query Q($a: Int, $a: Int) { keepers(first: $a) { id } }",
        "There can be only one variable named \"$a\"."
      ),
      ("{ one { ...F } }", "Unknown fragment \"F\"."),
      ("{ one { id } } fragment F on Animal { id }", "Fragment \"F\" is never used."),
      ("{ one { ... on Nope { id } } }", "Unknown type \"Nope\"."),
      ("{ one { ... on Mood { id } } }", "Fragment cannot condition on non composite type \"Mood\"."),
      (
        "{ one { ... on Keeper { id } } }",
        "Fragment cannot be spread here as objects of type \"Animal\" can never be of type \"Keeper\"."
      ),
      (
        "{ one { ...F } } fragment F on Animal { ...G } fragment G on Animal { id ...F }",
        "Cannot spread fragment \"F\" within itself."
      ),
      ("{ one { ...F } } fragment F on Animal { id ...F }", "Cannot spread fragment \"F\" within itself."),
      (
        "{ one { ...F } } fragment F on Animal { id } fragment F on Animal { name }",
        "There can be only one fragment named \"F\"."
      ),
      ("query A { one { id } } query A { one { id } }", "There can be only one operation named \"A\"."),
      (
        "{ one { id } } query A { one { id } }",
        "This anonymous operation must be the only defined operation."
      ),
      ("{ one @loud { id } }", "Unknown directive \"@loud\"."),
      ("query Q @skip(if: true) { one { id } }", "Directive \"@skip\" may not be used on QUERY."),
      (
        "{ one @skip { id } }",
        "Directive \"@skip\" argument \"if\" of type \"Boolean!\" is required, but it was not provided."
      ),
      (
        "{ one @skip(if: true) @skip(if: false) { id } }",
        "The directive \"@skip\" can only be used once here."
      ),
      (
        "{ a: keeper(id: 1) { id } a: keeper(id: 2) { id } }",
        "Fields \"a\" conflict because they have differing arguments. Use different aliases on the fields to fetch both."
      ),
      (
        "{ one { a: id a: name } }",
        "Fields \"a\" conflict because \"id\" and \"name\" are different fields. Use different aliases on the fields to fetch both."
      ),
      (
        "{ one { ... on Lion { a: manes } ... on Owl { a: wingspan } } }",
        "Fields \"a\" conflict because they return conflicting types \"Int!\" and \"Float\". Use different aliases on the fields to fetch both."
      ),
      (
        "{ keeper(id: 1) { boss { a: id } } ...Q } fragment Q on Query { keeper(id: 1) { boss { a: mood } } }",
        "Fields \"a\" conflict because \"id\" and \"mood\" are different fields. Use different aliases on the fields to fetch both."
      ),
      ("subscription { arrivals { id } clock }", "Subscription must select only one top level field."),
    ])
  func invalid(text: String, message: String) throws {
    let errors = try Zoo.schema().validate(try Document.parse(text))
    #expect(errors.map(\.message) == [message], "\(errors)")
    #expect(errors.allSatisfy { $0.position != nil })
  }

  @Test("every problem of a document is reported, each at its place")
  func several() throws {
    let errors = try Zoo.schema().validate(try Document.parse("{\n  x\n  one {\n    y\n  }\n}"))
    #expect(errors.map { $0.position?.line } == [2, 4])
  }

  @Test("operations the schema has no root for are refused")
  func missingRoot() throws {
    let schema = try Schema(sdl: "type Query { a: Int }")
    #expect(
      schema.validate(try Document.parse("mutation { a }")).map(\.message) == [
        "The schema has no mutation operations."
      ])
  }

  @Test("of several operations one must be named, and exist")
  func selection() throws {
    let schema = try Zoo.schema()
    let document = try Document.parse("query A { one { id } } query B { one { id } }")
    #expect(schema.validate(document, operationName: "B").isEmpty)
    #expect(
      schema.validate(document, operationName: nil).map(\.message) == [
        "Must provide operation name if query contains multiple operations."
      ])
    #expect(
      schema.validate(document, operationName: "C").map(\.message) == ["Unknown operation named \"C\"."])
    #expect(try document.operation(named: "B").name == "B")
  }
}
