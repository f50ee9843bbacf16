import Concurrency
import Model
import Testing

@testable import Secrets

/// What is asked of values: that they are there, and what they are like.
@Suite struct SecretDemandTests {
  private let key = [UInt8](repeating: 3, count: 32)

  private func environment(_ demands: SecretDemands) -> Environment {
    Environment(
      name: "prod", app: "shop", demands: demands,
      services: [
        Service(key: "api", source: .repository("acme/api"), variables: ["JWT": .secret("JWT_SECRET")])
      ])
  }

  private func failure(_ demands: SecretDemands, _ values: [String: String]) -> Failure? {
    do throws(Failure) {
      _ = try SecretResolver(environment: values).resolve(environment(demands), key: key)
      return nil
    } catch { return error }
  }

  @Test func aRequiredNameThatNothingUsesMustHaveAValueToo() throws {
    let demands = SecretDemands(required: [
      RequiredSecret("STRIPE_KEY", place: WrittenPlace(".env.example:8")), RequiredSecret("JWT_SECRET"),
    ])
    let missing = failure(demands, [:])
    #expect(missing?.message == "2 secrets of prod cannot be resolved: JWT_SECRET, STRIPE_KEY")
    #expect(
      missing?.cause?.contains("STRIPE_KEY is not set, used by secrets.required (.env.example:8)") == true)
    let values = try SecretResolver(environment: ["STRIPE_KEY": "s", "JWT_SECRET": "j"]).resolve(
      environment(demands), key: key)
    #expect(values.names == ["JWT_SECRET", "STRIPE_KEY"])
    // Who only looks needs the accounts alone.
    #expect(
      try SecretResolver(environment: [:]).resolveAccounts(environment(demands), key: key).names.isEmpty)
  }

  @Test func everyBrokenRuleIsToldAtOnceWithItsPlaceAndNoValue() {
    let demands = SecretDemands(
      required: [RequiredSecret("STRIPE_KEY")],
      rules: [
        "JWT_SECRET": SecretRule(atLeast: 32, place: WrittenPlace("environments/prod.yaml:9:5")),
        "STRIPE_KEY": SecretRule(
          pattern: "^sk_live_", atMost: 10, place: WrittenPlace("environments/prod.yaml:10:5")),
      ])
    let broken = failure(demands, ["JWT_SECRET": "short-but-good-1", "STRIPE_KEY": "sk_test_abcdefgh"])
    #expect(broken?.kind == .configuration)
    #expect(broken?.message == "2 secrets of prod break their rules: JWT_SECRET, STRIPE_KEY")
    #expect(broken?.place == "environments/prod.yaml:9:5")
    #expect(
      broken?.cause
        == "JWT_SECRET (environments/prod.yaml:9:5): it has fewer than 32 characters; STRIPE_KEY (environments/prod.yaml:10:5): it has more than 10 characters, it does not match ^sk_live_"
    )
    #expect(
      failure(demands, ["JWT_SECRET": String(repeating: "aB3-", count: 8), "STRIPE_KEY": "sk_live_a"]) == nil)
  }

  @Test(arguments: [
    "changeme", "CHANGE_ME", "change-me-please", "xxx", "XXXXXXXX", "xxxx-xxxx-xxxx", "********",
    "your-api-key-here",
    "your_key", "YourKeyHere", "<your key>", "${JWT_SECRET}", "{{ jwt }}", "todo", "replace-me", "secret",
    "password", "sk_live_xxxxxxxxxxxx", "0000", "PLACEHOLDER_VALUE", "not a secret",
  ])
  func placeholdersAreRefusedUnlessTheRuleTakesThem(value: String) {
    func problems(_ rule: SecretRule) -> Int {
      SecretRuleCheck.violations(["A": rule]) { _ in Sensitive(value) }.count
    }
    #expect(problems(SecretRule()) == 1)
    #expect(problems(SecretRule(allowsPlaceholder: true)) == 0)
  }

  @Test(arguments: [
    "hunter2!", "yourdon-case-tools", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "correct horse battery staple",
    "postgres://app:s3cr3t@db/app", "testament-9", "aaaaaaab", "example.com/AbC9",
  ])
  func goodValuesAreNoPlaceholders(value: String) {
    #expect(!SecretRuleCheck.isPlaceholder(value))
  }

  // MARK: Other environments, and age

  private func release(
    _ number: Int, at seconds: Int, _ fingerprint: String, _ state: RunResult.State = .released
  ) -> Release {
    let service = ReleasedService(
      target: ServiceTarget(service: "api", platform: .railway, name: "api", ids: [:]),
      source: .image("a"), commit: "", deployment: "d", address: nil, settings: ServiceSettings(),
      variables: ["JWT": .secret(name: "JWT_SECRET", fingerprint: fingerprint)], health: Health(),
      cutOver: .gated, previous: nil)
    let at = Timestamp(milliseconds: Int64(seconds) * 1000)
    return Release(
      number: number, run: RunID(number), kind: .deploy, app: "shop", environment: "staging", commit: "",
      subject: "", isDirty: false, by: "ann", startedAt: at, endedAt: at,
      result: RunResult(state: state, exit: .done), restores: nil, configurationDigest: "",
      services: ["api": service], order: ["api"])
  }

  @Test func theSameValueInAnotherEnvironmentIsFoundByItsFingerprintThere() {
    let other = [UInt8](repeating: 9, count: 32)
    let values = SecretValues(values: ["JWT_SECRET": Sensitive("shared")])
    let rules = ["JWT_SECRET": SecretRule(differsFrom: ["staging"])]
    func names(_ value: String, _ state: RunResult.State = .released) -> [String] {
      let recorded = Fingerprint.of(Sensitive(value), key: other)
      return SecretReuse.names(
        rules, values, in: "staging", key: other, releases: [release(1, at: 0, recorded, state)])
    }
    #expect(names("shared") == ["JWT_SECRET"])
    #expect(names("another") == [])
    #expect(names("shared", .rolledBack) == [])
    #expect(SecretReuse.others(rules) == ["staging"])
    // Our own key gives another fingerprint for the same value.
    #expect(
      SecretReuse.names(
        rules, values, in: "staging", key: other,
        releases: [release(1, at: 0, Fingerprint.of(Sensitive("shared"), key: key))]) == [])
  }

  @Test func ageCountsFromTheFirstReleaseOfTheValue() {
    let releases = [
      release(5, at: 500, "new"), release(4, at: 400, "old", .rolledBack), release(3, at: 300, "new"),
      release(2, at: 200, "old"), release(1, at: 100, "new"),
    ]
    #expect(
      SecretAge.since("JWT_SECRET", fingerprint: "new", in: releases) == Timestamp(milliseconds: 300_000))
    #expect(SecretAge.since("JWT_SECRET", fingerprint: "unreleased", in: releases) == nil)
    #expect(SecretAge.since("OTHER", fingerprint: "new", in: releases) == nil)
    let rules = ["JWT_SECRET": SecretRule(rotation: .seconds(3600))]
    func due(_ seconds: Int) -> [String] {
      SecretAge.due(rules, in: releases, now: Timestamp(milliseconds: Int64(seconds) * 1000)).map(\.name)
    }
    #expect(due(3899) == [])
    #expect(due(3900) == ["JWT_SECRET"])
  }

  // MARK: Generation

  @Test(arguments: SecretGenerator.Alphabet.allCases)
  func aGeneratedValueHasItsCharactersAndLengthAndEnoughBits(alphabet: SecretGenerator.Alphabet) throws {
    let generator = try SecretGenerator(alphabet, length: nil, rule: nil)
    var seen: Set<Character> = []
    var values: Set<String> = []
    for _ in 0..<200 {
      let value = generator.value().reveal()
      #expect(value.count == generator.length && !value.hasPrefix("-") && !value.hasSuffix("-"))
      values.insert(value)
      seen.formUnion(value)
    }
    #expect(values.count == 200)
    #expect(seen == Set(alphabet.characters))
    #expect(alphabet.bits(generator.length) >= 256 && alphabet.bits(generator.length - 1) < 256)
  }

  @Test func aLengthThatIsNotSafeIsRefusedAndTheRuleIsKept() throws {
    #expect { try SecretGenerator(.digits, length: 6, rule: nil) } throws: { error in
      (error as? Failure)?.hint == "--length 39, or more"
    }
    #expect(try SecretGenerator(.hex, length: nil, rule: SecretRule(atLeast: 100)).length == 100)
    #expect(try SecretGenerator(.hex, length: nil, rule: SecretRule(atMost: 40)).length == 40)
    #expect(throws: Failure.self) { try SecretGenerator(.hex, length: nil, rule: SecretRule(atMost: 20)) }
  }
}
