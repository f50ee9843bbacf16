import Concurrency
import JSON
import Testing

@testable import Twin

@Suite struct EncoreSecretTests {
  static let list = """
    query ListSecretGroups($appSlug: String!, $keys: [String!]) {
      app(slug: $appSlug) { id secrets(keys: $keys) { key groups {
        id, etag, description, archivedAt
        selector { __typename ...on SecretSelectorEnvType { kind } ...on SecretSelectorSpecificEnv { env { id, name } } }
        versions { id } } } } }
    """

  /// An emulated Encore with a login of the CLI.
  struct Secrets {
    let bench: EncoreBench
    let token: String

    init(_ seed: JSON = EncoreBench.seed(["requires": ["JWT"]])) async throws {
      bench = try await EncoreBench(seed)
      token = try await bench.cliToken()
    }

    func ask(_ query: String, _ variables: JSON) async throws -> JSON {
      let answer = try await bench.send(
        "POST", "/graphql", ["query": .string(query), "variables": variables], token: token)
      #expect(answer.status == 200, "\(answer.body.serialized())")
      return answer.body
    }

    func app() async throws -> JSON {
      try await ask(EncoreSecretTests.list, ["appSlug": "shop-x1", "keys": nil])["data"]?["app"] ?? .null
    }

    func groups(_ key: String) async throws -> [JSON] {
      let secrets = try await app()["secrets"]?.array ?? []
      return secrets.first { $0["key"]?.string == key }?["groups"]?.array ?? []
    }

    func create(_ key: String, _ value: String, types: [String] = [], ids: [String] = []) async throws -> JSON
    {
      let entry: JSON = [
        "plaintextValue": .string(value), "envTypes": .array(types.map(JSON.string)),
        "envIDs": .array(ids.map(JSON.string)), "description": "",
      ]
      return try await ask(
        "mutation C($input: CreateSecretGroups!) { createSecretGroups(input: $input) { id } }",
        ["input": ["appID": try await app()["id"] ?? .null, "key": .string(key), "entries": [entry]]])
    }

    func version(of group: String, _ value: String, etag: String) async throws -> JSON {
      try await ask(
        "mutation V($input: CreateSecretVersion!) { createSecretVersion(input: $input) { id } }",
        ["input": ["groupID": .string(group), "plaintextValue": .string(value), "etag": .string(etag)]])
    }

    func update(_ input: [String: JSON]) async throws -> JSON {
      try await ask(
        "mutation U($input: UpdateSecretGroup!) { updateSecretGroup(input: $input) { id } }",
        ["input": .object(input)])
    }

    func environment(_ name: String) async throws -> String {
      let list = try await bench.send("GET", "/apps/shop-x1/envs", token: token).body["data"]?.array ?? []
      return try #require(list.first { $0["slug"]?.string == name }?["id"]?.string)
    }

    /// The value that the next rollout of `prod` would get.
    func effective(_ key: String) async -> String? {
      await bench.twin.state.secret(key, for: EncoreEnvironmentKey(app: "shop-x1", name: "prod"))
    }
  }

  @Test func aGroupTellsItsSelectorsByTypeNameAndNeverItsValue() async throws {
    let secrets = try await Secrets()
    let prod = try await secrets.environment("prod")
    #expect(
      try await secrets.create("JWT", "correct-horse", types: ["development"], ids: [prod])["errors"] == nil)
    let group = try #require(try await secrets.groups("JWT").first)
    #expect(group["id"]?.string?.hasPrefix("secgrp_") == true)
    #expect(
      group["selector"] == [
        ["__typename": "SecretSelectorSpecificEnv", "env": ["id": .string(prod), "name": "prod"]],
        ["__typename": "SecretSelectorEnvType", "kind": "development"],
      ])
    #expect(group["versions"]?.array?.count == 1)
    let all = try await secrets.app()
    #expect(!all.serialized().contains("correct-horse"))
    let local = try await secrets.bench.send(
      "GET", "/apps/shop-x1/secrets:values?kind=development", token: secrets.token)
    #expect(local.body["data"] == [:])
    let logged = try await secrets.bench.send("GET", "/_twin/requests")
    #expect(logged.body.array?.isEmpty == false)
    #expect(!logged.body.serialized().contains("correct-horse"))
  }

  @Test func anOverlappingSelectionIsAConflictThatNamesTheGroup() async throws {
    let secrets = try await Secrets()
    _ = try await secrets.create("JWT", "one", types: ["production", "development"])
    let group = try #require(try await secrets.groups("JWT").first?["id"]?.string)
    let answer = try await secrets.create("JWT", "two", types: ["production"])
    let conflict = answer["errors"]?[0]?["extensions"]?["conflict"]
    #expect(conflict?["AppID"] == (try await secrets.app())["id"])
    #expect(conflict?["Key"] == "JWT")
    #expect(conflict?["Conflicts"] == [["GroupID": .string(group), "Conflicts": ["type:production"]]])
    #expect(await secrets.effective("JWT") == "one")
    #expect(try await secrets.create("OTHER", "two", types: ["production"])["errors"] == nil)
  }

  @Test func aVersionNeedsThePresentEtagOfItsGroup() async throws {
    let secrets = try await Secrets()
    _ = try await secrets.create("JWT", "one", types: ["production"])
    let group = try #require(try await secrets.groups("JWT").first)
    let id = group["id"]?.string ?? ""
    let etag = group["etag"]?.string ?? ""
    #expect(try await secrets.version(of: id, "two", etag: etag)["errors"] == nil)
    #expect(
      try await secrets.version(of: id, "three", etag: etag)["errors"]?[0]?["message"] == "etag mismatch")
    #expect(await secrets.effective("JWT") == "two")
    #expect(try await secrets.groups("JWT").first?["versions"]?.array?.count == 2)
  }

  @Test func aValueOfTheEnvironmentBeatsThatOfItsTypeAndArchivedOnesDoNotCount() async throws {
    let secrets = try await Secrets()
    _ = try await secrets.create("JWT", "of the type", types: ["production"])
    _ = try await secrets.create("JWT", "its own", ids: [try await secrets.environment("prod")])
    #expect(await secrets.effective("JWT") == "its own")
    let own = try await secrets.groups("JWT").first { $0["selector"]?[0]?["env"] != nil }
    _ = try await secrets.update(["id": own?["id"] ?? .null, "archived": true])
    #expect(await secrets.effective("JWT") == "of the type")
    let typed = try await secrets.groups("JWT").first { $0["selector"]?[0]?["kind"] != nil }
    _ = try await secrets.update(["id": typed?["id"] ?? .null, "delete": true])
    #expect(await secrets.effective("JWT") == nil)
  }

  @Test func aRolloutFailsWhileADeclaredSecretHasNoValueForTheEnvironment() async throws {
    let secrets = try await Secrets()
    _ = try await secrets.create("JWT", "elsewhere", types: ["development"])
    let failing = try await secrets.bench.deploy(EncoreBench.one)
    #expect(try await secrets.bench.conclusion(failing) == "failure")
    #expect(await secrets.bench.reason(failing) == "secret JWT has no value for prod")
    _ = try await secrets.create("JWT", "here", types: ["production"])
    #expect(try await secrets.bench.conclusion(try await secrets.bench.deploy(EncoreBench.one)) == "success")
  }

  @Test func localValuesAloneAreReadBack() async throws {
    let secrets = try await Secrets()
    _ = try await secrets.create("A", "local-value", types: ["local"])
    _ = try await secrets.create("B", "hidden", types: ["development"])
    let local = try await secrets.bench.send(
      "GET", "/apps/shop-x1/secrets:values?kind=development", token: secrets.token)
    #expect(local.body["data"] == ["A": "local-value"])
  }

  @Test func aDocumentThatDoesNotFitTheDeclarationIsRefused() async throws {
    let secrets = try await Secrets()
    let answer = try await secrets.bench.send(
      "POST", "/graphql", ["query": "{ app(slug: \"shop-x1\") { secrets { value } } }"], token: secrets.token)
    #expect(answer.status == 400)
  }
}
