import Model
import Testing

/// What two environments configure differently.
@Suite struct ConfigurationDifferenceTests {
  private func environment(
    _ variables: [String: VariableValue], replicas: Int?, domains: [String] = [], branch: String? = nil,
    more: [Service] = []
  ) -> Environment {
    var settings = ServiceSettings()
    settings.replicas = replicas
    let api = Service(
      key: "api", source: .repository("shop/api"), variables: variables, settings: settings, domains: domains)
    return Environment(name: "e", app: "shop", protect: Protection(branch: branch), services: [api] + more)
  }

  @Test func textsShowTheirValuesAndSecretsTheirPresence() throws {
    let staging = environment(
      [
        "SAME": .text(Template(text: "1")), "LEVEL": .text(Template(text: "debug")),
        "KEY": .secret("STAGING_KEY"),
        "GONE": .secret("OLD"), "TOKEN": .text(Template(text: "plain")),
      ], replicas: 1)
    let prod = environment(
      [
        "SAME": .text(Template(text: "1")), "LEVEL": .text(Template(text: "info")),
        "KEY": .secret("PROD_KEY"),
        "URL": .text(Template([.reference(.serviceURL("api")), .text("/v1")])), "TOKEN": .secret("TOKEN"),
      ], replicas: 1)
    let difference = ConfigurationDifference(from: staging, to: prod)
    #expect(
      difference.services.first?.variables == [
        .init(name: "GONE", from: "a secret", to: nil), .init(name: "LEVEL", from: "debug", to: "info"),
        .init(name: "TOKEN", from: "plain", to: "a secret"),
        .init(name: "URL", from: nil, to: "${services.api.url}/v1"),
      ])
    #expect(difference.services.first?.settings.isEmpty == true)
  }

  @Test func settingsDomainsServicesAndRulesAreCompared() {
    let jobs = Service(key: "jobs", source: .repository("shop/jobs"))
    let difference = ConfigurationDifference(
      from: environment([:], replicas: 1, more: [jobs]),
      to: environment([:], replicas: nil, domains: ["api.example.com"], branch: "main"))
    #expect(
      difference.services.first?.settings == [
        .init(name: "domains", from: nil, to: "api.example.com"), .init(name: "replicas", from: "1", to: nil),
      ])
    #expect(difference.onlyInFirst == ["jobs"])
    #expect(difference.protect == [.init(name: "branch", from: nil, to: "main")])
  }

  @Test func theSameConfigurationDiffersInNothing() {
    let one = environment(["KEY": .secret("KEY")], replicas: 2)
    let difference = ConfigurationDifference(from: one, to: one)
    #expect(difference.services.isEmpty && difference.protect.isEmpty)
    #expect(difference.onlyInFirst.isEmpty && difference.onlyInSecond.isEmpty)
  }
}
