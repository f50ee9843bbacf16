import GraphQL
import JSON
import Testing

@Suite("Reading schemas")
struct SchemaTests {
  @Test("the definition language gives types, arguments, defaults and descriptions")
  func definitions() throws {
    let schema = try Zoo.schema()
    #expect(schema.types["Query"]?.description == "What can be asked.")
    #expect(schema.types["Date"]?.description == "An instant")
    let keepers = schema.types["Query"]?.fields["keepers"]
    #expect(keepers?.type.description == "[Keeper!]!")
    #expect(keepers?.arguments["first"]?.defaultValue == 10)
    #expect(keepers?.arguments["order"]?.defaultValue == "NAME")
    #expect(schema.types["Filter"]?.inputs["moods"]?.defaultValue == ["HAPPY"])
    #expect(schema.types["Lion"]?.interfaces == ["Animal", "Named"])
    #expect(schema.types["Found"]?.members == ["Lion", "Keeper"])
    #expect(schema.types["Mood"]?.values == ["HAPPY", "GRIM"])
    #expect(schema.types["Pick"]?.isOneOf == true)
    #expect(schema.root(of: .subscription)?.name == "Subscription")
  }

  @Test("without a schema block the conventional root types count")
  func conventionalRoots() throws {
    let schema = try Schema(sdl: "type Query { a: Int } type Mutation { b: Int }")
    #expect(schema.root(of: .mutation)?.name == "Mutation")
    #expect(schema.root(of: .subscription) == nil)
  }

  @Test(
    "a schema that does not hold together is refused",
    arguments: [
      ("type Query { a: Nothing }", "unknown type \"Nothing\""),
      ("type Query { a(x: Query): Int }", "output type"),
      ("type Query { a: I } input I { a: Int }", "input type"),
      ("type Query { a: Int } type Query { b: Int }", "twice"),
      ("type Query { a: Int a: Int }", "twice"),
      ("type Query { a: Int } enum E { A A }", "twice"),
      ("type A { a: Int }", "query type"),
      ("type Query implements I { a: Int } interface I { b: Int }", "lacks field \"b\""),
      ("type Query implements I { a: Int } interface I { a: Int! }", "is Int, but Int!"),
      ("type Query implements I { a: Int } interface I { a(x: Int): Int }", "lacks argument"),
      ("type Query implements U { a: Int } union U = Query", "no interface"),
      ("type Query { a: Int } union U = E enum E { A }", "not an object type"),
      ("type Query { a(x: Int = \"s\"): Int }", "default"),
      ("type Query { a(x: E = B): Int } enum E { A }", "default"),
      ("type Query { a: Int } extend type Query { b: Int }", "expected type, input"),
      ("type Query { a }", "expected \":\""),
      ("type __A { a: Int }", "reserved"),
    ])
  func contradictions(sdl: String, reason: String) {
    #expect {
      try Schema(sdl: sdl)
    } throws: { error in
      let message = (error as? GraphQLError)?.message ?? ""
      #expect(message.contains(reason), "\(message)")
      return true
    }
  }

  @Test("an introspection result is read, with and without its envelope, deprecated fields too")
  func introspection() throws {
    let text = """
      {"__schema": {"queryType": {"name": "Root"}, "mutationType": null, "subscriptionType": null,
       "directives": [{"name": "late", "locations": ["FIELD"], "args": []}],
       "types": [
        {"kind": "OBJECT", "name": "Root", "description": "top", "interfaces": [], "fields": [
          {"name": "a", "isDeprecated": true, "args": [
            {"name": "e", "type": {"kind": "ENUM", "name": "E", "ofType": null}, "defaultValue": "B"}],
           "type": {"kind": "NON_NULL", "name": null, "ofType":
             {"kind": "LIST", "name": null, "ofType": {"kind": "SCALAR", "name": "Int", "ofType": null}}}}]},
        {"kind": "ENUM", "name": "E", "enumValues": [{"name": "A"}, {"name": "B"}]},
        {"kind": "SCALAR", "name": "Int"},
        {"kind": "OBJECT", "name": "__Type", "fields": []}]}}
      """
    let json = try JSON(parsing: text.utf8)
    for schema in [try Schema(introspection: json), try Schema(introspection: ["data": json])] {
      #expect(schema.types["Root"]?.fields["a"]?.type.description == "[Int]!")
      #expect(schema.types["Root"]?.fields["a"]?.arguments["e"]?.defaultValue == "B")
      #expect(schema.validate(try Document.parse("{ a(e: A) @late }")).isEmpty)
      #expect(schema.types["__Type"] == nil)
    }
    #expect(throws: GraphQLError.self) { try Schema(introspection: ["data": nil]) }
  }

  @Test("a schema is a part of itself and of a larger one")
  func subset() throws {
    let zoo = try Zoo.schema()
    #expect(zoo.isSubset(of: zoo).isEmpty)
    let part = try Schema(
      sdl: """
        type Query { keeper(id: ID!): Keeper }
        type Keeper { id: ID! mood: Mood! }
        enum Mood { HAPPY }
        """)
    #expect(part.isSubset(of: zoo).isEmpty)
    #expect(!zoo.isSubset(of: part).isEmpty)
  }

  @Test("every difference from the larger schema is listed")
  func differences() throws {
    let part = try Schema(
      sdl: """
        type Query { keeper(verbose: Boolean = true, who: Int): Keeper!, nothing: Int, keepers(first: ID): [Keeper]! }
        type Mutation { feed(input: FeedInput!): Keeper! }
        type Keeper implements Old { mood: Mood }
        interface Old { mood: Mood }
        enum Mood { HAPPY SILLY }
        input FeedInput { keeper: String!, mood: Mood }
        union Found = Query | Keeper
        scalar Order
        """)
    #expect(
      part.isSubset(of: try Zoo.schema()) == [
        "FeedInput.keeper is String!, there ID!",
        "FeedInput.grams is required there and missing here",
        "Found has member Query, not so there",
        "Keeper.mood is Mood, there Mood!",
        "Keeper implements Old, not so there",
        "Mood.SILLY is missing there",
        "Old is missing there",
        "Order is SCALAR, there ENUM",
        "Query.keeper is Keeper!, there Keeper",
        "Query.keeper(verbose:) has default true, there false",
        "Query.keeper(who:) is missing there",
        "Query.keeper(id:) is required there and missing here",
        "Query.keepers is [Keeper]!, there [Keeper!]!",
        "Query.keepers(first:) is ID, there Int",
        "Query.keepers(first:) has default none, there 10",
        "Query.nothing is missing there",
      ])
  }
}
