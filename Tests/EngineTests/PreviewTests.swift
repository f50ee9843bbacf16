import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

@Suite struct `The environment of a preview` {
  static func base() -> Environment {
    var api = Planned.service(
      "api",
      variables: [
        "LOG_LEVEL": .text(Template(text: "info")), "JWT_SECRET": .secret("JWT_SECRET"),
        "STRIPE_KEY": .secret("STRIPE_KEY"),
        "DATABASE_URL": .text(
          Template([
            .reference(.platformVariable(platform: .railway, service: "Postgres", variable: "DATABASE_URL"))
          ])),
      ], health: Health(path: "/health", url: "https://api.example.com", soak: .seconds(30)))
    (api.domains, api.proxy) = (["api.example.com"], 7000)
    let web = Service(
      key: "web", platform: .vercel, source: .commandLineBuild(path: "web", root: nil, include: []),
      variables: [
        "NEXT_PUBLIC_API_URL": .text(Template([.reference(.serviceURL("api"))])),
        "PAGE": .text(Template(text: "https://api.example.com/page")),
        "ENGINE": .text(Template([.reference(.serviceURL("engine"))])),
      ],
      settings: {
        var settings = ServiceSettings(); settings.build = "npm run build"; return settings
      }(),
      domains: ["www.example.com"])
    let engine = Service(
      key: "engine", platform: .encore, source: .directory(path: ".", root: nil, include: []))
    var environment = Planned.environment(
      [api, web, engine], run: [CommandStep(name: "tell everybody", command: ["tell"])],
      checks: [
        Check(
          name: "theirs",
          kind: .http(url: Template(text: "https://api.example.com"), expect: HTTPExpectation())),
        Check(
          name: "ours",
          kind: .http(
            url: Template([.reference(.serviceURL("api")), .text("/health")]), expect: HTTPExpectation())),
        Check(name: "smoke", kind: .command(["npm", "run", "smoke"])),
      ])
    environment.platforms.railway = RailwayTarget(
      project: "shop", environment: "production", tokenSecret: "RAILWAY_API_TOKEN")
    environment.platforms.vercel = VercelTarget(team: "acme", tokenSecret: "VERCEL_TOKEN")
    environment.platforms.encore = EncoreTarget(
      app: "shop-x1", environment: "prod", clientIDSecret: "ID", clientSecretSecret: "SECRET")
    environment.databases = [
      DatabaseTarget(key: "main", url: .secret("DATABASE_URL"), migrations: Migrations(tool: .alembic))
    ]
    environment.protect.branch = "main"
    environment.preview = PreviewSettings(
      variables: [
        "api": ["STRIPE_KEY": .secret("STRIPE_TEST_KEY"), "LOG_LEVEL": .text(Template(text: "debug"))]
      ])
    return environment
  }

  static func made(
    of base: Environment = base(), pullRequest: Int? = 7
  ) throws(Failure) -> PreviewEnvironment {
    try PreviewEnvironment(of: base, name: "pr-7", branch: "feature/x", pullRequest: pullRequest)
  }

  @Test func `has no secret but those that are named for previews`() throws {
    let preview = try Self.made()
    let api = try #require(preview.environment.service("api"))
    #expect(api.variables["JWT_SECRET"] == nil)
    #expect(api.variables["STRIPE_KEY"] == .secret("STRIPE_TEST_KEY"))
    #expect(api.variables["LOG_LEVEL"] == .text(Template(text: "debug")))
    #expect(preview.notes.contains { $0.contains("api gets no JWT_SECRET") }, "\(preview.notes)")
  }

  @Test func `leads nowhere that is production's`() throws {
    let preview = try Self.made()
    let environment = preview.environment
    #expect(environment.name == "pr-7")
    #expect(environment.services.map(\.key) == ["api", "web"])
    #expect(environment.services.allSatisfy { $0.domains.isEmpty && $0.proxy == nil && $0.health.url == nil })
    #expect(environment.platforms.railway?.environment == "pr-7")
    #expect(environment.platforms.railway?.fork?.source == "production")
    #expect(environment.platforms.railway?.fork?.keeps == ["Postgres"])
    #expect(environment.platforms.encore == nil)
    #expect(environment.run.isEmpty && environment.notify.isEmpty && environment.databases.isEmpty)
    #expect(environment.checks.map(\.name) == ["ours"])
    #expect(environment.protect.branch == nil)
    let web = try #require(environment.service("web"))
    #expect(web.settings == ServiceSettings(), "the project's settings are production's too")
    #expect(web.source == .directory(path: "web", root: nil, include: []), "a build here reads production's")
    for words in [
      "web.PAGE leads to api.example.com", "not run: tell everybody", "not checked: theirs, smoke",
      "migrations of main are not run", "https://pr7-shop-x1.encr.app",
    ] {
      #expect(preview.notes.contains { $0.contains(words) }, "\(words): \(preview.notes)")
    }
  }

  @Test func `knows where Encore's own preview is, by the pull request`() throws {
    let web = try #require(try Self.made().environment.service("web"))
    #expect(web.variables["ENGINE"] == .text(Template(text: "https://pr7-shop-x1.encr.app")))
    let failure = #expect(throws: Failure.self) { try Self.made(pullRequest: nil) }
    #expect(failure?.message.contains("services.web.variables.ENGINE refers to engine") == true)
  }

  @Test func `refuses what no preview can know`() throws {
    var base = Self.base()
    base.services[0].variables["ORIGIN"] = .text(Template([.reference(.serviceURL("web"))]))
    let failure = #expect(throws: Failure.self) { try Self.made(of: base) }
    #expect(failure?.cause?.contains("an address of its own") == true, "\(String(describing: failure))")
    base.preview?.variables["api"]?["ORIGIN"] = .text(Template(text: "*"))
    #expect(
      try Self.made(of: base).environment.service("api")?.variables["ORIGIN"] == .text(Template(text: "*")))
    base.services.append(Planned.service("worker"))
    base.services[0].variables["WORKER"] = .text(
      Template([.reference(.platformVariable(platform: .railway, service: "worker", variable: "HOST"))]))
    base.preview?.services = ["api"]
    let notes = try Self.made(of: base).notes
    #expect(notes.contains { $0.contains("api.WORKER refers to worker") }, "\(notes)")
    base.preview?.services = ["engine"]
    #expect(throws: Failure.self) { try Self.made(of: base) }
  }

  @Test func `changes nothing of what the environment itself is bound to`() throws {
    var base = Self.base()
    let without = DeployPlanner(Planned.input(base, [])).bindingDigest()
    base.preview = nil
    #expect(DeployPlanner(Planned.input(base, [])).bindingDigest() == without)
  }

  @Test func `writes nothing on Vercel but a deployment`() throws {
    let environment = try Self.made().environment
    var api = Planned.observed("api")
    api.address = "https://api-pr-7.up.railway.app"
    var web = Planned.observed("web", isLive: false, autoDeploys: true, cutOver: .beside)
    (web.target.platform, web.address) = (.vercel, nil)
    (web.autoDeploys, web.missingDomains) = (false, [])
    let plan = try DeployPlanner(
      Planned.input(environment, [api, web], secrets: Planned.secrets(["STRIPE_TEST_KEY": "sk"]))
    ).plan()
    let steps = plan.steps.filter { $0.service == "web" }.map(\.id.rawValue)
    #expect(steps == ["web.deploy", "web.prove"], "\(steps)")
    let deploy = try #require(plan.step("web.deploy"))
    guard case .deploy(let request) = deploy.action else { return }
    #expect(request.cutOver == .beside)
    #expect(request.variables?["NEXT_PUBLIC_API_URL"] == .text("https://api-pr-7.up.railway.app"))
    #expect(!deploy.isCutOver)
  }
}

@Suite struct `Names of previews` {
  static func of(_ branch: String) -> String {
    PreviewName.of(branch: branch) { text in
      let sum = text.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) }
      return String(String(sum, radix: 16).reversed()) + "000000"
    }
  }

  @Test func `are safe for hosts and ledgers, and differ where branches do`() throws {
    #expect(PreviewName.of(pullRequest: 12) == "pr-12")
    #expect(Self.of("fix") == "fix")
    let names = ["feature/a", "feature-a", "feature_a", "Feature/A", "7", "--", "日本", "ünï"].map { branch in
      (branch, Self.of(branch))
    }
    #expect(names.last { $0.0 == "日本" }?.1.hasPrefix("branch-") == true)
    #expect(Set(names.map(\.1)).count == names.count, "\(names)")
    for (_, name) in names {
      #expect(PreviewName.mistake(in: name, taken: []) == nil, "\(name)")
    }
    let long = Self.of(String(repeating: "very-long/", count: 20))
    #expect(long.count <= PreviewName.longest && PreviewName.mistake(in: long, taken: []) == nil, "\(long)")
  }

  @Test(arguments: ["prod", "production", "Prod", "eu", "EU", "a/b", "-a", "a-", "", "a b", "ä"])
  func `are not those of real environments, nor anything that a path or a host could take wrongly`(
    _ name: String
  ) {
    #expect(PreviewName.mistake(in: name, taken: ["eu"]) != nil)
  }
}

@Suite struct `A plan by the ledger alone` {
  static func release(_ services: [ServiceName: ReleasedService]) -> Release {
    Planned.release(1, services: services)
  }

  @Test func `needs no secret's value, and tells a new one by its name`() throws {
    var record = Planned.record("api")
    record.variables = ["KEY": .secret(name: "KEY", fingerprint: "fp-1"), "MODE": .text("old")]
    let service = Planned.service(
      "api",
      variables: [
        "KEY": .secret("KEY"), "OTHER": .secret("OTHER"), "MODE": .text(Template(text: "new")),
      ])
    let made = try RecordedPlan(
      Planned.environment([service]), commit: Make.new, subject: "s",
      releases: [Self.release(["api": record])],
      next: 2, digest: { $0 })
    let changes = made.plan.services.first?.variables ?? []
    #expect(changes.map(\.name) == ["MODE", "OTHER"], "\(changes)")
    #expect(changes.last?.to == "(the secret OTHER)")
  }

  @Test func `calls nothing changed by hand, for it looks at no platform`() throws {
    var record = Planned.record("api")
    var stood = ServiceSettings()
    stood.builder = "railpack"
    record.baseline = ServiceBaseline(settings: stood, variables: ["EXTRA": "fp"])
    let made = try RecordedPlan(
      Planned.environment([Planned.service("api")]), commit: Make.new, subject: "s",
      releases: [Self.release(["api": record])], next: 2, digest: { $0 })
    #expect(!made.plan.warnings.contains { $0.contains("by hand") }, "\(made.plan.warnings)")
  }

  @Test func `is not made up where nothing is recorded`() {
    #expect(throws: Failure.self) {
      try RecordedPlan(
        Planned.environment([Planned.service("api")]), commit: Make.new, subject: "", releases: [], next: 1,
        digest: { $0 })
    }
  }
}
