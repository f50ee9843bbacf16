import Concurrency
import Interface
import JSON
import Model
import Testing

private func secret(
  _ name: String, _ kind: SecretListReport.Secret.Kind = .variable, source: String? = ".env.prod",
  version: String? = nil, usedBy: [String] = [], platforms: [PlatformName] = [], since: Int? = nil,
  due: Int? = nil
) -> SecretListReport.Secret {
  SecretListReport.Secret(
    name: name, kind: kind, source: source, version: version,
    fingerprint: source == nil ? nil : "9f8e7d6c5b4a39281706f5e4d3c2b1a0", usedBy: usedBy,
    platforms: platforms,
    since: since.map { start - .seconds($0 * 86400) }, due: due.map { start + .seconds($0 * 86400) })
}

@Suite struct `Secrets` {
  private let list = SecretListReport(
    environment: "prod", now: start,
    secrets: [
      secret(
        "JWT_SECRET", version: "7",
        usedBy: ["services.api.variables.JWT_SECRET", "services.web.variables.SESSION_KEY"],
        platforms: [.railway, .vercel], since: 100, due: -10),
      secret(
        "RAILWAY_API_TOKEN", .account, source: "the environment of shipit",
        usedBy: ["platforms.railway.token"]),
      secret("STRIPE_KEY", .required, source: nil, usedBy: ["secrets.required (.env.example:8)"]),
      secret(
        "WEBHOOK_KEY", usedBy: ["services.api.variables.WEBHOOK_KEY"], platforms: [.railway], since: 3,
        due: 87),
    ])

  @Test func `are listed with source, use and age, and no value`() throws {
    try expectGolden("secrets-list.txt", list.text(.eighty))
    expectFits(list.text(.eighty), 80)
    let document = try JSON(parsing: Array(list.json().utf8))
    #expect(document["kind"]?.string == "secrets")
    #expect(list.missing == ["STRIPE_KEY"] && list.due == ["JWT_SECRET"])
  }

  @Test func `are compared with what is stored`() throws {
    let states: [(ServiceName, PlatformName, String, StoredSecretState)] = [
      ("api", .railway, "API_KEY", .same), ("api", .railway, "JWT_SECRET", .differs),
      ("api", .railway, "STRIPE_KEY", .missing), ("web", .vercel, "AUTH_SECRET", .unreadable),
      ("web", .vercel, "SESSION_KEY", .unknown),
    ]
    let report = SecretDiffReport(
      environment: "prod",
      states.map {
        StoredSecret(
          sink: .service($0.0, $0.1), variable: $0.2, secret: $0.2 == "SESSION_KEY" ? "JWT_SECRET" : $0.2,
          state: $0.3)
      } + [
        StoredSecret(
          sink: .actions(ActionsSecretsPlace(repository: "acme/shop", environment: "production")),
          variable: "RAILWAY_API_TOKEN", secret: "RAILWAY_API_TOKEN", state: .missing)
      ])
    try expectGolden("secrets-diff.txt", report.text(.eighty))
    expectFits(report.text(.eighty), 80)
    #expect(report.isDifferent)
    let same = SecretDiffReport(
      environment: "prod",
      [StoredSecret(sink: .service("api", .railway), variable: "A", secret: "A", state: .same)])
    #expect(!same.isDifferent)
  }
}
