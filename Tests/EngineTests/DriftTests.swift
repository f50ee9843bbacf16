import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// What differs from what shipit wrote, and whose doing it is.
@Suite struct `What was changed by hand` {
  private func settings(_ change: (inout ServiceSettings) -> Void) -> ServiceSettings {
    var settings = ServiceSettings()
    change(&settings)
    return settings
  }

  private func changes(
    _ service: Service, _ observed: ObservedService, _ record: ReleasedService,
    secrets: [String: String] = [:]
  ) -> [DriftChange] {
    let input = Planned.input(
      Planned.environment([service]), [observed],
      releases: [Planned.release(1, services: [service.key: record])], secrets: Planned.secrets(secrets))
    return DriftFinder(input).changes(of: service)
  }

  @Test func `a setting that shipit wrote is put back, and one that the file says by now is no drift`() {
    let wrote = settings { $0.replicas = 2 }
    let record = Planned.record("api", settings: wrote)
    let observed = Planned.observed("api", settings: settings { $0.replicas = 5 })
    #expect(
      changes(Planned.service("api", settings: wrote), observed, record) == [
        DriftChange(.setting, "replicas", recorded: "2", observed: "5")
      ])
    #expect(changes(Planned.service("api", settings: settings { $0.replicas = 5 }), observed, record).isEmpty)
    // The file has changed and the platform has not: that is a plan.
    let untouched = Planned.observed("api", settings: wrote)
    #expect(
      changes(Planned.service("api", settings: settings { $0.replicas = 9 }), untouched, record).isEmpty)
  }

  @Test func `what the file does not name stays, and what a platform fills in is nobody's doing`() {
    var record = Planned.record("api")
    record.baseline = ServiceBaseline(settings: settings { $0.start = "./run" })
    let observed = Planned.observed(
      "api",
      settings: settings {
        $0.start = "./other"
        $0.region = "us-west2"
        $0.cron = "0 6 * * 1"
      })
    #expect(
      changes(Planned.service("api"), observed, record) == [
        DriftChange(.setting, "start", recorded: "./run", observed: "./other", outlook: .stays),
        DriftChange(.setting, "cron", recorded: nil, observed: "0 6 * * 1", outlook: .stays),
      ])
    record.baseline = nil
    #expect(
      changes(Planned.service("api"), observed, record).isEmpty, "nothing was seen: nothing is compared")
  }

  @Test func `a command that may hold a secret shows as a fingerprint, also in a plan`() throws {
    let mine = "python3 server.py"
    let theirs = "DATABASE_PASSWORD=hunter2 python3 server.py --api-key abc"
    let wrote = settings { $0.start = mine }
    let service = Planned.service("api", settings: wrote)
    let observed = Planned.observed("api", settings: settings { $0.start = theirs })
    let record = Planned.record("api", settings: wrote)
    let change = try #require(changes(service, observed, record).first)
    #expect(change.isFingerprint && change.observed == Planned.key(Sensitive(theirs)))
    let plan = try DeployPlanner(
      Planned.input(
        Planned.environment([service]), [observed], releases: [Planned.release(1, services: ["api": record])])
    ).plan()
    #expect(plan.services.first?.settings.map(\.to) == [mine])
    #expect(plan.services.first?.settings.first?.from?.contains("hunter2") == false)
  }

  @Test(
    arguments: [
      ("DATABASE_PASSWORD=hunter2 node dist", true), ("redis-server --requirepass hunter2", true),
      ("node dist --api-key=x1", true), ("curl https://u:p@example.com", true),
      ("API_TOKEN=$TOKEN node dist", false), ("node dist --token $TOKEN", false), ("npm run build", false),
      ("uvicorn app:main --host 0.0.0.0 --port 8000", false),
    ])
  func `commands are looked through for secrets`(_ command: String, _ isLikely: Bool) {
    #expect(SecretLooks.mayBe(command: command) == isLikely, "\(command)")
  }

  @Test func `variables show texts, and fingerprints of what may be secret`() {
    let service = Planned.service(
      "api",
      variables: [
        "LEVEL": .text(Template(text: "info")), "KEY": .secret("KEY"), "GONE": .text(Template(text: "x")),
      ])
    var record = Planned.record(
      "api",
      variables: [
        "LEVEL": .text("info"), "KEY": .secret(name: "KEY", fingerprint: Planned.key(Sensitive("old"))),
        "GONE": .text("x"),
      ])
    record.baseline = ServiceBaseline(settings: ServiceSettings(), variables: ["OTHER": "fp-1"])
    let observed = Planned.observed(
      "api",
      variables: [
        "LEVEL": Sensitive("debug"), "KEY": Sensitive("new"), "NEW": Sensitive("n"),
        "SHIPIT_COMMIT": Sensitive("c"), "RAILWAY_X": Sensitive("x"),
      ])
    #expect(
      changes(service, observed, record) == [
        DriftChange(.variable, "GONE", recorded: "x", observed: nil),
        DriftChange(
          .variable, "KEY", recorded: Planned.key(Sensitive("old")), observed: Planned.key(Sensitive("new")),
          isFingerprint: true),
        DriftChange(.variable, "LEVEL", recorded: "info", observed: "debug"),
        DriftChange(
          .variable, "NEW", recorded: nil, observed: Planned.key(Sensitive("n")), isFingerprint: true,
          outlook: .stays),
        DriftChange(
          .variable, "OTHER", recorded: "fp-1", observed: nil, isFingerprint: true, outlook: .stays),
      ])
    // The source of the secret has the new value too: somebody rotated it in both places.
    let rotated = changes(service, observed, record, secrets: ["KEY": "new"])
    #expect(!rotated.contains { $0.name == "KEY" })
  }

  @Test func `an address with a password in place of a text shows as a fingerprint`() {
    let service = Planned.service("api", variables: ["URL": .text(Template(text: "https://a.example"))])
    let record = Planned.record("api", variables: ["URL": .text("https://a.example")])
    let observed = Planned.observed("api", variables: ["URL": Sensitive("https://ann:hunter2@a.example")])
    let found = changes(service, observed, record)
    #expect(found.count == 1 && found[0].isFingerprint && !"\(found)".contains("hunter2"), "\(found)")
  }

  @Test func `what cannot be read is changed when it was written since`() {
    let service = Planned.service("api", variables: ["KEY": .secret("KEY")])
    var record = Planned.record("api", variables: ["KEY": .secret(name: "KEY", fingerprint: "fp")])
    record.variableTimes = ["KEY": Make.startedAt]
    var observed = Planned.observed("api", variables: ["KEY": nil])
    observed.variableTimes = ["KEY": Make.startedAt]
    #expect(changes(service, observed, record).isEmpty)
    observed.variableTimes = ["KEY": Make.startedAt + .seconds(9)]
    #expect(
      changes(service, observed, record) == [
        DriftChange(
          .variable, "KEY", recorded: "fp", observed: "", isFingerprint: true,
          at: Make.startedAt + .seconds(9))
      ])
  }

  @Test func `domains, deploys of pushes and a foreign deployment`() {
    var service = Planned.service("api")
    service.domains = ["api.example.com"]
    var record = Planned.record("api", deployment: "ours")
    record.baseline = ServiceBaseline(settings: ServiceSettings(), domains: ["api.example.com"])
    var observed = Planned.observed("api", commit: Make.new, autoDeploys: true)
    observed.domains = ["evil.example.com"]
    let found = changes(service, observed, record)
    #expect(found.map(\.kind) == [.domain, .domain, .automaticDeploys, .deployment], "\(found)")
    #expect(found.map(\.name) == ["api.example.com", "evil.example.com", "deploys of pushes", "live"])
    // The same code under another deployment.
    let again = Planned.observed("api")
    #expect(!changes(service, again, record).contains { $0.kind == .deployment })
    #expect(found[3].recorded?.hasPrefix("ours") == true && found[3].observed?.hasPrefix("ours") == false)
  }

  @Test func `a plan marks what was changed by hand and offers both ways`() throws {
    let wrote = settings { $0.replicas = 2 }
    let service = Planned.service("api", variables: ["LEVEL": .text(Template(text: "info"))], settings: wrote)
    let record = Planned.record("api", variables: ["LEVEL": .text("info")], settings: wrote)
    let observed = Planned.observed(
      "api", variables: ["LEVEL": Sensitive("debug")], settings: settings { $0.replicas = 5 })
    let plan = try DeployPlanner(
      Planned.input(
        Planned.environment([service]), [observed], commit: Make.old,
        releases: [Planned.release(1, services: ["api": record])])
    ).plan()
    #expect(
      plan.services.first?.settings == [SettingChange(name: "replicas", from: "5", to: "2", recorded: "2")])
    let variable = plan.services.first?.variables.first
    #expect(variable?.byHand == true && variable?.from == "debug" && variable?.recorded == "info")
    #expect(
      plan.warnings.contains {
        $0.contains("put back by this: api replicas, api LEVEL") && $0.contains("--adopt")
      })
  }
}
