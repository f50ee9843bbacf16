import GraphQL
import JSON
import Testing

@Suite("Execution")
struct ExecutionTests {
  private func run(
    _ text: String, _ variables: [String: JSON] = [:], _ root: @escaping Executor.Root
  ) async throws -> JSON {
    let schema = try Zoo.schema()
    let prepared = try schema.prepare(text, variables: variables)
    return await Executor(schema: schema, root: root).execute(prepared)
  }

  private func run(_ text: String, answering value: JSON) async throws -> JSON {
    try await run(text) { _, _ in .json(value) }
  }

  @Test("only what is selected is answered, under its alias, missing members as null")
  func projection() async throws {
    let answer = try await run(
      "{ who: keeper(id: 1) { id n: name born boss { __typename mood nick } } t: __typename }",
      answering: [
        "id": 7, "name": "Ann", "unasked": 1, "nick": "A",
        "boss": ["id": "8", "mood": "GRIM"],
      ])
    #expect(
      answer == [
        "data": [
          "t": "Query",
          "who": [
            "id": "7", "n": "Ann", "born": nil,
            "boss": ["__typename": "Keeper", "mood": "GRIM", "nick": nil],
          ],
        ]
      ])
  }

  @Test("root fields get their arguments with defaults and variables")
  func rootArguments() async throws {
    let seen = try await run(
      "query Q($o: Order) { keepers(order: $o) { name } }", ["o": "AGE"]
    ) { field, arguments in
      .json([
        ["name": .string("\(field) \(JSON.object(arguments).serialized())")]
      ])
    }
    #expect(seen == ["data": ["keepers": [["name": "keepers {\"first\":10,\"order\":\"AGE\"}"]]]])
    let absent = try await run("query Q($o: Order) { keepers(order: $o) { name } }") { _, arguments in
      .json([["name": .string(JSON.object(arguments).serialized())]])
    }
    #expect(absent == ["data": ["keepers": [["name": "{\"first\":10,\"order\":\"NAME\"}"]]]])
  }

  @Test("interfaces and unions answer by the type of each object")
  func abstractTypes() async throws {
    let animals: JSON = [
      ["__typename": "Lion", "id": "1", "name": "Leo", "manes": 1],
      ["__typename": "Owl", "id": "2", "wingspan": 1.5],
    ]
    let answer = try await run(
      "{ animals { id ...L ... on Owl { wingspan } ... on Named { name } __typename } } fragment L on Lion { manes }",
      answering: animals)
    #expect(
      answer == [
        "data": [
          "animals": [
            ["__typename": "Lion", "id": "1", "name": "Leo", "manes": 1],
            ["__typename": "Owl", "id": "2", "wingspan": 1.5],
          ]
        ]
      ])
    let unnamed = try await run("{ one { id } }", answering: ["id": "1"])
    #expect(unnamed["data"] == ["one": nil])
    #expect(unnamed["errors"]?[0]?["message"]?.string?.contains("needs \"__typename\"") == true)
    let foreign = try await run("{ one { id } }", answering: ["id": "1", "__typename": "Keeper"])
    #expect(foreign["errors"]?[0]?["path"] == ["one"])
  }

  @Test("@skip and @include leave fields and fragments out")
  func conditions() async throws {
    let answer = try await run(
      """
      query Q($yes: Boolean!, $no: Boolean!) {
        keeper(id: 1) {
          id @skip(if: $yes)
          name @include(if: $no)
          mood @include(if: $yes) @skip(if: $no)
          ... @include(if: $no) { nick }
          ...F @skip(if: $yes)
        }
      }
      fragment F on Keeper { born }
      """, ["yes": true, "no": false]
    ) { _, _ in .json(["id": 1, "name": "a", "mood": "HAPPY", "nick": "n", "born": "b"]) }
    #expect(answer == ["data": ["keeper": ["mood": "HAPPY"]]])
  }

  @Test("the same field selected twice is one field with both selections")
  func merging() async throws {
    let answer = try await run(
      "{ keeper(id: 1) { boss { id } ...F } } fragment F on Keeper { boss { mood } }",
      answering: ["boss": ["id": "1", "mood": "GRIM"]])
    #expect(answer == ["data": ["keeper": ["boss": ["id": "1", "mood": "GRIM"]]]])
  }

  @Test("null where none may be bubbles to the nearest nullable parent, with the full path")
  func bubbling() async throws {
    let nested = try await run(
      "{ keeper(id: 1) { id boss { id mood } } }", answering: ["id": "1", "boss": ["id": "2"]])
    #expect(nested["data"] == ["keeper": ["id": "1", "boss": nil]])
    #expect(nested["errors"]?.array?.count == 1)
    #expect(nested["errors"]?[0]?["path"] == ["keeper", "boss", "mood"])
    #expect(nested["errors"]?[0]?["message"] == "Cannot return null for non-nullable field Keeper.mood.")

    let list = try await run("{ keepers { id } }", answering: [["id": "1"], nil])
    #expect(list["data"] == JSON.null)
    #expect(list["errors"]?[0]?["path"] == ["keepers", 1])

    let inList = try await run(
      "{ keeper(id: 1) { animals { id } } }", answering: ["animals": [["__typename": "Owl"]]])
    #expect(inList["data"] == ["keeper": ["animals": nil]])
    #expect(inList["errors"]?[0]?["path"] == ["keeper", "animals", 0, "id"])

    let inner = try await run("{ notes }", answering: [[1, 2], [3, nil], nil])
    #expect(inner["data"] == ["notes": [[1, 2], nil, nil]])
    #expect(inner["errors"]?[0]?["path"] == ["notes", 1, 1])
  }

  @Test(
    "a resolver that breaks the schema's promises is found out",
    arguments: [
      ("{ keeper(id: 1) { mood } }", ["mood": "SAD"]), ("{ keeper(id: 1) { mood } }", ["mood": 1]),
      ("{ keeper(id: 1) { id } }", ["id": true]), ("{ keeper(id: 1) { id } }", ["id": 1.5]),
      ("{ keeper(id: 1) { name } }", ["name": 1]), ("{ keeper(id: 1) { name } }", "text"),
      ("{ keeper(id: 1) { animals { id } } }", ["animals": ["id": 1]]),
      ("{ keeper(id: 1) { id } }", [["id": 1]]),
      ("{ one { ... on Lion { manes } } }", ["__typename": "Lion", "manes": 4_000_000_000]),
      ("{ one { ... on Lion { manes } } }", ["__typename": "Lion", "manes": 1.5]),
      ("{ one { ... on Owl { wingspan } } }", ["__typename": "Owl", "wingspan": "wide"]),
    ] as [(String, JSON)])
  func brokenPromises(text: String, value: JSON) async throws {
    let answer = try await run(text, answering: value)
    #expect(answer["errors"]?.array?.count == 1, "\(answer.serialized())")
  }

  @Test("custom scalars pass anything, also objects")
  func customScalars() async throws {
    let answer = try await run("{ keeper(id: 1) { born } }", answering: ["born": ["year": [1]]])
    #expect(answer == ["data": ["keeper": ["born": ["year": [1]]]]])
    let built = try await run("{ keeper(id: 1) { born } }") { _, _ in
      .object(["born": .object(["y": .list([.json(1)])])])
    }
    #expect(built == ["data": ["keeper": ["born": ["y": [1]]]]])
  }

  @Test("nested fields can be computed from their arguments, and only when selected")
  func lazyFields() async throws {
    let root: Executor.Root = { _, _ in
      .object([
        "id": .json("1"),
        "animals": .field { arguments in
          let count = arguments["first"]?.int ?? 0
          return .list(
            (0..<count).map { index in
              .object(["__typename": .json("Owl"), "id": .field { _ in .json(.int(index)) }])
            })
        },
        "boss": .field { _ in throw ResolverError("Boss not found", code: "NOT_FOUND", extensions: ["n": 1])
        },
      ])
    }
    let text =
      "query Q($n: Int) { keeper(id: 1) { two: animals(first: $n) { id } one: animals(first: 1) { id } } }"
    #expect(
      try await run(text, ["n": 2], root) == [
        "data": ["keeper": ["two": [["id": "0"], ["id": "1"]], "one": [["id": "0"]]]]
      ])
    let failing = try await run("{ keeper(id: 1) { id boss { id } } }", [:], root)
    #expect(failing["data"] == ["keeper": ["id": "1", "boss": nil]])
    #expect(failing["errors"]?[0]?["message"] == "Boss not found")
    #expect(failing["errors"]?[0]?["path"] == ["keeper", "boss"])
    #expect(failing["errors"]?[0]?["extensions"] == ["code": "NOT_FOUND", "n": 1])
  }

  @Test("a resolver's error is answered with its code; a field that may not be null takes the data with it")
  func resolverErrors() async throws {
    let root: Executor.Root = { _, _ in throw ResolverError("Not Authorized", code: "FORBIDDEN") }
    let query = try await run("{ one { id } }", [:], root)
    #expect(query["data"] == ["one": nil])
    let mutation = try await run("mutation { feed(input: {keeper: 1, grams: 2}) { id } }", [:], root)
    #expect(mutation["data"] == JSON.null)
    #expect(mutation["errors"]?[0]?["message"] == "Not Authorized")
    #expect(mutation["errors"]?[0]?["path"] == ["feed"])
    #expect(mutation["errors"]?[0]?["extensions"] == ["code": "FORBIDDEN"])
  }

  @Test("mutations run one after the other in the order written")
  func serialMutations() async throws {
    actor Log {
      var entries: [String] = []
      func add(_ entry: String) { entries.append(entry) }
    }
    let log = Log()
    let answer = try await run(
      """
      mutation {
        b: feed(input: {keeper: "b", grams: 1}) { id }
        a: feed(input: {keeper: "a", grams: 1}) { id }
        rest(pick: {id: 3})
      }
      """, [:]
    ) { field, arguments in
      let keeper = arguments["input"]?["keeper"]?.string ?? field
      await log.add("begin \(keeper)")
      await Task.yield()
      await log.add("end \(keeper)")
      return field == "rest" ? .json(true) : .json(["id": .string(keeper)])
    }
    #expect(answer == ["data": ["a": ["id": "a"], "b": ["id": "b"], "rest": true]])
    #expect(await log.entries == ["begin b", "end b", "begin a", "end a", "begin rest", "end rest"])
  }

  @Test("each event of a subscription is one execution")
  func subscriptionEvent() async throws {
    let answer = try await run(
      "subscription { arrivals { id } }", answering: ["__typename": "Owl", "id": "9"])
    #expect(answer == ["data": ["arrivals": ["id": "9"]]])
  }

  @Test("an argument that turns out null against its type fails its field only")
  func lateNull() async throws {
    let answer = try await run(
      "query Q($l: Int = 1) { animals(filter: {limit: $l}) { id } one { id } }", ["l": nil]
    ) { _, _ in .json(nil) }
    #expect(answer["data"] == JSON.null)
    #expect(answer["errors"]?[0]?["path"] == ["animals"])
  }

  @Test("a request that is wrong is not executed and says all that is wrong")
  func rejection() throws {
    let schema = try Zoo.schema()
    for (text, name, variables, count) in [
      ("{ one { id ", nil, [:], 1), ("{ x y }", nil, [:], 2), ("query A { one { id } }", "B", [:], 1),
      ("query A($id: ID!) { keeper(id: $id) { id } }", nil, [:], 1),
    ] as [(String, String?, [String: JSON], Int)] {
      #expect {
        try schema.prepare(text, operationName: name, variables: variables)
      } throws: { error in
        let body = (error as? RequestRejection)?.json
        #expect(body?["errors"]?.array?.count == count)
        return body?["data"] == nil
      }
    }
  }
}
