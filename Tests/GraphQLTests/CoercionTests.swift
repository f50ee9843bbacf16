import GraphQL
import JSON
import Testing

@Suite("Variables of a request")
struct CoercionTests {
  private func coerce(_ text: String, _ variables: [String: JSON]) throws -> [String: JSON] {
    let document = try Document.parse(text)
    return try Zoo.schema().coerce(variables: variables, of: document.operations[0])
  }

  private static let feed = "mutation M($i: FeedInput!) { feed(input: $i) { id } }"
  private static let animals = "query Q($f: Filter) { animals(filter: $f) { id } }"
  private static let keepers = "query Q($n: Int = 3, $o: Order) { keepers(first: $n, order: $o) { id } }"

  @Test("defaults are filled in, at the top and inside input objects")
  func defaults() throws {
    #expect(try coerce(Self.keepers, [:]) == ["n": 3])
    #expect(try coerce(Self.keepers, ["n": nil, "o": nil]) == ["n": nil, "o": nil])
    #expect(
      try coerce(Self.animals, ["f": ["not": ["limit": 1]]]) == [
        "f": ["limit": 5, "moods": ["HAPPY"], "not": ["limit": 1, "moods": ["HAPPY"]]]
      ])
  }

  @Test("single values become lists, numbers become ids, custom scalars stay as they are")
  func conversions() throws {
    #expect(
      try coerce(Self.animals, ["f": ["moods": "GRIM", "limit": 2.0]]) == [
        "f": ["moods": ["GRIM"], "limit": 2]
      ])
    #expect(
      try coerce(Self.feed, ["i": ["keeper": 7, "grams": 1, "extra": ["a": [1, nil]], "when": 4]]) == [
        "i": ["keeper": "7", "grams": 1, "extra": ["a": [1, nil]], "when": 4]
      ])
  }

  @Test("variables that are not declared are dropped")
  func undeclared() throws {
    #expect(try coerce(Self.keepers, ["n": 1, "zzz": 2]) == ["n": 1])
  }

  @Test(
    "values that do not fit are refused",
    arguments: [
      (feed, [:], "Variable \"$i\" of required type \"FeedInput!\" was not provided."),
      (feed, ["i": nil], "Variable \"$i\" of non-null type \"FeedInput!\" must not be null."),
      (
        feed, ["i": ["keeper": "k"]],
        "Variable \"$i\" got invalid value; Field \"grams\" of required type \"Int!\" was not provided."
      ),
      (
        feed, ["i": ["keeper": "k", "grams": 1, "size": 2]],
        "Variable \"$i\" got invalid value; Field \"size\" is not defined by type \"FeedInput\"."
      ),
      (
        feed, ["i": ["keeper": nil, "grams": 1]],
        "Variable \"$i\" got invalid value at \"keeper\": Expected non-nullable type \"ID!\" not to be null."
      ),
      (
        feed, ["i": ["keeper": "k", "grams": "1"]],
        "Variable \"$i\" got invalid value at \"grams\": Int cannot represent a string."
      ),
      (
        feed, ["i": ["keeper": "k", "grams": 1, "mood": "SAD"]],
        "Variable \"$i\" got invalid value at \"mood\": Value \"SAD\" does not exist in \"Mood\" enum."
      ),
      (
        animals, ["f": ["moods": ["HAPPY", 3]]],
        "Variable \"$f\" got invalid value at \"moods.1\": Enum \"Mood\" cannot represent an integer."
      ),
      (
        animals, ["f": "all"],
        "Variable \"$f\" got invalid value; Expected type \"Filter\" to be an object, not a string."
      ),
      (
        keepers, ["n": 1.5],
        "Variable \"$n\" got invalid value; Int cannot represent a number with a fraction."
      ),
      (keepers, ["n": 3_000_000_000], "Variable \"$n\" got invalid value; Int cannot represent an integer."),
      (keepers, ["n": true], "Variable \"$n\" got invalid value; Int cannot represent a boolean."),
      (
        "mutation M($p: Pick!) { rest(pick: $p) }", ["p": ["id": 1, "name": "x"]],
        "Variable \"$p\" got invalid value; Exactly one field must be given for \"Pick\", and not null."
      ),
    ] as [(String, [String: JSON], String)])
  func refused(text: String, variables: [String: JSON], message: String) throws {
    #expect {
      try coerce(text, variables)
    } throws: { error in
      #expect((error as? RequestRejection)?.errors.map(\.message) == [message])
      return true
    }
  }

  @Test("no message shows the value of a variable")
  func secrecy() throws {
    let hidden: [String: JSON] = ["i": ["keeper": ["hush": "s3cret"], "grams": "s3cret"]]
    #expect {
      try coerce(Self.feed, hidden)
    } throws: { error in
      let rejection = error as? RequestRejection
      #expect(rejection?.errors.count == 2)
      return rejection?.json.serialized().contains("s3cret") == false
    }
  }
}
