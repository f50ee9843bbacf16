import Concurrency
import JSON
import Model
import Secrets
import Testing

@Suite struct SecretsTests {
  let key = [UInt8](repeating: 3, count: 32)

  private var environment: Environment {
    Environment(
      name: "prod", app: "shop",
      platforms: Platforms(
        railway: RailwayTarget(project: "shop", environment: "production", tokenSecret: "RAILWAY_API_TOKEN")),
      services: [
        Service(
          key: "api", source: .repository("acme/api"),
          variables: [
            "JWT": .secret("JWT_SECRET"), "LEVEL": .text(Template(text: "info")),
            "OLD": .secret("JWT_SECRET"),
          ]),
        Service(
          key: "web", source: .repository("acme/web"), variables: ["SESSION": .secret("SESSION_SECRET")]),
      ])
  }

  @Test func everySecretOfTheEnvironmentIsResolvedAndNoOther() throws {
    let variables = ["RAILWAY_API_TOKEN": "t", "JWT_SECRET": "j", "SESSION_SECRET": "s", "OTHER": "o"]
    let values = try SecretResolver(environment: variables).resolve(environment, key: key)
    #expect(values.names == ["JWT_SECRET", "RAILWAY_API_TOKEN", "SESSION_SECRET"])
    #expect(values["JWT_SECRET"]?.reveal() == "j")
    #expect(values["OTHER"] == nil)
  }

  @Test func whoSettlesTakesWhatIsAtHandAndNeedsTheAccountsAlone() async throws {
    let some = ["RAILWAY_API_TOKEN": "t", "JWT_SECRET": "j", "OTHER": "o"]
    let values = try SecretResolver(environment: some).resolveAtHand(environment, key: key)
    #expect(values.names == ["JWT_SECRET", "RAILWAY_API_TOKEN"])
    let refusal = await failure {
      try SecretResolver(environment: ["JWT_SECRET": "j"]).resolveAtHand(environment, key: key)
    }
    #expect(refusal?.message.contains("RAILWAY_API_TOKEN") == true)
  }

  @Test func allThatIsMissingIsToldAtOnceWithItsUsesAndSources() async {
    let variables = ["SESSION_SECRET": "", "JWT_SECRET_OLD": "topsecret"]
    let refusal = await failure { try SecretResolver(environment: variables).resolve(environment, key: key) }
    #expect(refusal?.kind == .configuration)
    #expect(refusal?.exitCode == .usage)
    let text = refusal?.description ?? ""
    for part in [
      "3 secrets", "RAILWAY_API_TOKEN is not set, used by platforms.railway.token",
      "JWT_SECRET is not set, used by services.api.variables.JWT, services.api.variables.OLD",
      "SESSION_SECRET is set but empty, used by services.web.variables.SESSION", "export",
      "${{ secrets.JWT_SECRET }}",
    ] {
      #expect(text.contains(part), "\(part) is missing in: \(text)")
    }
    #expect(!text.contains("topsecret"))
  }

  @Test func commandsThatReadNeedOnlyTheAccounts() throws {
    let resolver = SecretResolver(environment: ["RAILWAY_API_TOKEN": "t"])
    #expect(try resolver.resolveAccounts(environment, key: key).names == ["RAILWAY_API_TOKEN"])
  }

  @Test func aPlatformWhoseTokenIsMissingDoesNotHideTheOthers() {
    var environment = environment
    environment.platforms.vercel = VercelTarget(team: "acme", tokenSecret: "VERCEL_TOKEN")
    let found = SecretResolver(environment: ["RAILWAY_API_TOKEN": "t"])
      .resolveAccountsAtHand(environment, key: key)
    #expect(found.values.names == ["RAILWAY_API_TOKEN"])
    #expect(Array(found.missing.keys) == [.vercel])
    #expect(found.missing[.vercel]?.message.contains("VERCEL_TOKEN") == true)
  }

  @Test func fingerprintsTellValuesApartOnlyUnderOneKey() throws {
    var variables = ["RAILWAY_API_TOKEN": "t", "JWT_SECRET": "same", "SESSION_SECRET": "same"]
    func prints(_ key: [UInt8]) throws -> [String] {
      let values = try SecretResolver(environment: variables).resolve(environment, key: key)
      return try ["JWT_SECRET", "SESSION_SECRET"].map {
        values.fingerprint(of: try #require(values[$0]))
      }
    }
    let first = try prints(key)
    #expect(first[0] == first[1])
    #expect(first[0].count == 32 && first[0].allSatisfy { $0.isHexDigit })
    #expect(try prints([UInt8](repeating: 4, count: 32)) != first)
    variables["JWT_SECRET"] = "Same"
    #expect(try prints(key)[0] != first[0])
    // Stored in releases: it must be the same in the next version too.
    #expect(first[0] == "707ca756cda9e3a7a095560e511107c8")
  }

  @Test func valuesDoNotShowWhenPrinted() throws {
    let values = try SecretResolver(environment: [
      "RAILWAY_API_TOKEN": "planted-1", "JWT_SECRET": "planted-2", "SESSION_SECRET": "planted-3",
    ]).resolve(environment, key: key)
    var dumped = "\(values)"
    dump(values, to: &dumped)
    #expect(!dumped.contains("planted"))
  }
}
