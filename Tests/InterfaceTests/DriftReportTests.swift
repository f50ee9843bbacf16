import Concurrency
import Interface
import JSON
import Model
import Testing

private let now = start + .seconds(7200)

private func report(
  _ changes: [DriftChange], released: Bool = true, adoptions: [DriftReport.Adoption] = []
) -> DriftReport {
  DriftReport(
    app: "athlete-ally", environment: "prod",
    release: released ? release(6, old, "Fix the crunch", good) : nil,
    now: now,
    services: changes.isEmpty
      ? [] : [ServiceDrift(service: "api", platform: .railway, name: "planning-engine", changes: changes)],
    unreleased: ["worker"],
    notes: [
      "2 staged changes wait in Railway's environment production (planning-engine: startCommand, LOG_LEVEL); shipit leaves them alone, and commits nothing of them"
    ], adoptions: adoptions)
}

private let changes = [
  DriftChange(.setting, "replicas", recorded: "2", observed: "4"),
  DriftChange(.setting, "start", recorded: "./run", observed: nil, outlook: .stays),
  DriftChange(.variable, "LOG_LEVEL", recorded: "info", observed: "debug", at: now - .seconds(600)),
  DriftChange(
    .variable, "JWT_SECRET", recorded: "3f2a9c81b7d03f2a9c81b7d0aaaaaaaa", observed: "", isFingerprint: true,
    at: now - .seconds(90)),
  DriftChange(
    .variable, "EXTRA", recorded: nil, observed: "77aa0b1c77aa0b1c77aa0b1c77aa0b1c", isFingerprint: true,
    outlook: .stays),
  DriftChange(.domain, "api.example.com", recorded: "api.example.com", observed: nil),
  DriftChange(.automaticDeploys, "deploys of pushes", recorded: "off", observed: "on"),
  DriftChange(.deployment, "live", recorded: "dep-1 of 1111111", observed: "dep-9 of 9999999"),
]

@Suite struct `Drift report` {
  @Test func `names each change with both values, and both ways on, within 80 columns`() throws {
    let reports = [
      report(changes),
      report(
        [changes[4]],
        adoptions: [
          .init(service: "api", name: "replicas", wrote: "settings.replicas: 4"),
          .init(service: "api", name: "EXTRA", refused: "it may be a secret, and those stand in no file"),
        ]),
      report([]), report([], released: false),
    ]
    try expectGolden(
      "drift.txt", Array(reports.map { $0.text(.eighty) }.joined(separator: ["", "----", ""])))
    for report in reports { expectFits(report.text(.eighty), 80) }
    #expect(reports.map(\.hasDrift) == [true, true, false, false])
    let document = try JSON(parsing: Array(reports[0].json().utf8))
    #expect(document["kind"]?.string == "drift")
    #expect(document["services"]?.array?.first?["changes"]?.array?.count == changes.count)
  }
}
