import GraphQL

/// A small schema with one of everything.
enum Zoo {
  static func schema() throws -> Schema { try Schema(sdl: sdl) }

  static let sdl = #"""
    # comment
    schema { query: Query, mutation: Mutation, subscription: Subscription }
    "An instant" scalar Date @specifiedBy(url: "https://example.invalid")
    scalar Any
    directive @tag(name: String!) repeatable on FIELD | QUERY

    """
    What can be asked.
    """
    type Query {
      keeper(id: ID!, verbose: Boolean = false): Keeper
      keepers(first: Int = 10, order: Order = NAME): [Keeper!]!
      animals(filter: Filter): [Animal!]!
      one: Animal
      search(text: String!): [Found]
      notes(by: [String!], any: Any): [[Int!]]
    }
    type Mutation {
      feed(input: FeedInput!): Keeper!
      rest(pick: Pick!): Boolean
    }
    type Subscription { arrivals: Animal! clock: Date }
    interface Animal { id: ID! name: String }
    type Lion implements Animal & Named { id: ID! name: String! manes: Int! }
    type Owl implements Animal { id: ID! name: String wingspan: Float, keeper(deep: Boolean): Keeper }
    interface Named { name: String }
    type Keeper implements Named {
      id: ID!
      name: String!
      born: Date
      mood: Mood!
      animals(first: Int): [Animal!]
      boss: Keeper
      nick: String @deprecated(reason: "old")
    }
    union Found = | Lion | Keeper
    enum Mood { HAPPY "not so" GRIM @deprecated }
    enum Order { NAME AGE }
    input Filter { name: String moods: [Mood!] = [HAPPY] not: Filter limit: Int! = 5 }
    input FeedInput { keeper: ID!, grams: Int!, mood: Mood, extra: Any, when: Date }
    input Pick @oneOf { id: ID, name: String }
    """#
}
