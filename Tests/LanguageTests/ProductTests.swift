import Foundation
import Model
import Testing

@testable import Language

@Suite("Files of typical products")
struct ProductTests {
  func read(_ product: String) throws -> ReadResult {
    let folder = GoldenFiles.folder.appendingPathComponent("products/\(product)")
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name.hasSuffix(".yaml")
    {
      files["environments/\(name)"] = try String(
        contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }
    // What a repository has beside its environments.
    files[".env.example"] =
      "# local\nPORT=3000\nNODE_ENV=development\nDATABASE_URL=postgres://localhost/app\n"
      + "export JWT_SECRET=\"two\nNOT_A_NAME=lines\"\n\nSTRIPE_KEY=\nJWT_SECRET=again\n"
    return EnvironmentReader(root: "", files: MemoryFiles(files)).read(name: "prod")
  }

  @Test(
    "validate says of each product what is not acted on yet, and nothing else",
    arguments: ["web-and-api", "encore-and-supabase", "websocket-and-redis"])
  func validate(product: String) throws {
    let result = try read(product)
    let file = GoldenFiles.folder.appendingPathComponent("products/\(product)/validate.txt")
    try GoldenFiles.expect(DiagnosticRenderer(files: result.files).render(result.diagnostics), at: file)
    #expect(result.diagnostics.allSatisfy { $0.code == .notSupported })
    #expect(result.environment != nil)
  }

  @Test("web and API: every value arrives, the base's and the file's own")
  func webAndAPI() throws {
    let environment = try #require(try read("web-and-api").environment)
    #expect(environment.app == "athlete-ally")
    #expect(environment.state == .git)
    // What services have as plain variables is there, a name that comes twice counts once.
    #expect(environment.demands.required.map(\.name) == ["JWT_SECRET", "STRIPE_KEY"])
    #expect(
      environment.demands.required.map(\.place.description) == [".env.example:5", ".env.example:8"])
    #expect(
      environment.platforms.railway
        == RailwayTarget(
          workspace: "acme", project: "athlete-ally", environment: "production",
          tokenSecret: "RAILWAY_API_TOKEN"))
    #expect(
      environment.protect
        == Protection(
          branch: "main", after: "staging", approval: ApprovalRule(by: ["ann", "bo"], count: 1),
          freezes: [
            Freeze(
              from: .weekly(weekday: 4, minute: 960), to: .weekly(weekday: 0, minute: 360),
              timezone: "Europe/Oslo", reason: "weekend")
          ], deadline: .seconds(1500)))
    let api = try #require(environment.service("api"))
    #expect(api.name == "planning-engine")
    #expect(api.source == .directory(path: "./backend", root: nil, include: ["dist/**"]))
    #expect(api.needs == ["main.migrations"])
    #expect(
      api.variables == [
        "DATABASE_URL": .text(
          Template([
            .reference(.platformVariable(platform: .railway, service: "Postgres", variable: "DATABASE_URL"))
          ])),
        "JWT_SECRET": .secret("JWT_SECRET"), "LOG_LEVEL": .text(Template(text: "info")),
      ])
    var settings = ServiceSettings()
    settings.start = "./run"
    settings.replicas = 2
    settings.region = "europe-west4-drams3a"
    settings.memory = 1_000_000_000
    settings.overlap = .seconds(20)
    settings.drain = .seconds(60)
    settings.healthPath = "/system/health"
    settings.healthTimeout = .seconds(300)
    #expect(api.settings == settings)
    #expect(api.domains == ["api.example.com"])
    #expect(
      api.health
        == Health(
          path: "/system/health", identity: .json("version"), within: .seconds(300), steady: 3,
          grace: .seconds(20), soak: .seconds(30)))
    let web = try #require(environment.service("web"))
    #expect(web.platform == .vercel)
    #expect(web.source == .directory(path: ".", root: "frontend", include: []))
    #expect(web.variables == ["NEXT_PUBLIC_API_URL": .text(Template([.reference(.serviceURL("api"))]))])
    #expect(
      environment.run == [
        CommandStep(name: "unit tests", command: ["npm", "test"]),
        CommandStep(name: "trivy", command: ["trivy", "fs", "--exit-code", "1", "."], repeatable: true),
      ])
    #expect(
      environment.checks == [
        Check(
          name: "api",
          kind: .http(
            url: Template(text: "https://api.example.com/system/health"),
            expect: HTTPExpectation(status: 200, within: .milliseconds(500), json: ["status": "ok"]))),
        Check(name: "smoke", kind: .command(["npm", "run", "smoke"])),
      ])
  }

  @Test("WebSocket server and Redis: all of it is acted on, text stays as it is written")
  func websocketAndRedis() throws {
    let result = try read("websocket-and-redis")
    #expect(result.diagnostics == [])
    let environment = try #require(result.environment)
    #expect(environment.services.map(\.key) == ["socket", "worker", "nightly"])
    let socket = try #require(environment.service("socket"))
    #expect(socket.variables["VERSION"] == .text(Template(text: "1.10")))
    #expect(socket.variables["COMPRESS"] == .text(Template(text: "no")))
    #expect(
      socket.variables["PUBLIC_URL"]
        == .text(Template([.text("wss://"), .reference(.serviceHost("socket")), .text("/live")])))
    #expect(socket.settings.cpu == 0.5)
    #expect(socket.health.identity == .header("X-Revision"))
    #expect(socket.health.probes == ["/ready"])
    let worker = try #require(environment.service("worker"))
    #expect(worker.health == Health())
    #expect(worker.health.identity == .platform)
    #expect(worker.settings.restart == .onFailure)
    #expect(worker.settings.healthPath == nil)
    let nightly = try #require(environment.service("nightly"))
    #expect(nightly.name == "Nightly Clean-up")
    #expect(nightly.source == .image(Template([.text("ghcr.io/acme/cleanup:"), .reference(.commit)])))
    #expect(nightly.settings.cron == "30 2 * * *")
    #expect(environment.platforms.railway?.environment == "production")
    #expect(
      environment.checks.last?.kind
        == .http(
          url: Template([.reference(.serviceURL("socket")), .text("/healthz")]),
          expect: HTTPExpectation(json: ["status": "ok", "redis.connected": "true"])))
  }

  @Test("checks: every kind, with all that can be expected of it")
  func checks() throws {
    let result = readProd(
      minimal(
        file: """
          checks:
            - name: api
              http: "${services.api.url}/health"
              samples: {count: 20, every: 50ms}
              expect: {status: 200, within: 1s, json: {n: "> 5", s: ok}, headers: {A: b}, p95: 300ms, failures: 1}
              timeout: 90s
            - {name: feed, websocket: "${services.api.url}/feed", send: "at ${commit}", expect: {message: pong, json: {a: 1}, within: 2s}}
            - {name: db, tcp: "db.example.com:5432", expect: {within: 2s}}
            - {name: certificate, tls: "${services.api.host}"}
            - {name: other, tls: "example.com:8443", expect: {days: 30}}
            - {name: name, dns: www.example.com, expect: {addresses: [203.0.113.7], cname: cname.vercel-dns.com}}
            - {name: smoke, run: [npm, test]}
          """))
    #expect(result.diagnostics == [])
    let url = Template.Part.reference(.serviceURL("api"))
    #expect(
      result.environment?.checks == [
        Check(
          name: "api",
          kind: .http(
            url: Template([url, .text("/health")]),
            expect: HTTPExpectation(
              status: 200, within: .seconds(1), json: ["n": Comparison(.greater, "5"), "s": "ok"],
              headers: ["A": "b"], p95: .milliseconds(300), failures: 1)), timeout: .seconds(90),
          samples: Samples(count: 20, every: .milliseconds(50))),
        Check(
          name: "feed",
          kind: .websocket(
            url: Template([url, .text("/feed")]), send: Template([.text("at "), .reference(.commit)]),
            expect: MessageExpectation(message: "pong", json: ["a": "1"], within: .seconds(2)))),
        Check(name: "db", kind: .tcp(address: Template(text: "db.example.com:5432"), within: .seconds(2))),
        Check(
          name: "certificate", kind: .tls(address: Template([.reference(.serviceHost("api"))]), days: 14)),
        Check(name: "other", kind: .tls(address: Template(text: "example.com:8443"), days: 30)),
        Check(
          name: "name",
          kind: .dns(
            name: Template(text: "www.example.com"),
            expect: NameExpectation(addresses: ["203.0.113.7"], cname: "cname.vercel-dns.com"))),
        Check(name: "smoke", kind: .command(["npm", "test"])),
      ])
  }

  @Test("plan and deploy see what is not acted on as errors")
  func acting() throws {
    let result = try read("encore-and-supabase")
    #expect(!result.hasErrors)
    #expect(!result.unsupported.isEmpty)
    #expect(result.diagnosticsForActing.filter { $0.severity == .error }.count == result.unsupported.count)
  }

  @Test(
    "secrets: what is asked of them arrives with its place, and a moved line changes nothing that is recorded"
  )
  func demands() throws {
    func environment(_ blank: String) throws -> Environment {
      let text = """
        shipit: 1
        environment: prod
        app: shop
        state: local
        platforms: {railway: {project: shop, token: {secret: RAILWAY_API_TOKEN}}}
        \(blank)secrets:
          required: [JWT_SECRET, OLD_KEY]
          rules:
            JWT_SECRET: {min-length: 32, max-length: 64, pattern: "^[a-z]+$", differs-from: [staging], rotate: {every: 90d}}
            OLD_KEY: {optional: true, placeholder: true}
        services: {api: {platform: railway, source: {directory: .}}}
        """
      return try #require(
        EnvironmentReader(
          root: "",
          files: MemoryFiles([
            "environments/prod.yaml": text, "environments/staging.yaml": "environment: staging",
          ])
        ).read(name: "prod").environment)
    }
    let read = try environment("")
    #expect(read.demands.required.map(\.name) == ["JWT_SECRET"])
    #expect(read.demands.required.first?.place.description == "environments/prod.yaml:7:14")
    #expect(
      read.demands.rules["JWT_SECRET"]
        == SecretRule(
          pattern: "^[a-z]+$", atLeast: 32, atMost: 64, differsFrom: ["staging"],
          rotation: .seconds(7_776_000)))
    #expect(read.demands.rules["JWT_SECRET"]?.place.description == "environments/prod.yaml:9:5")
    #expect(read.demands.rules["OLD_KEY"] == SecretRule(allowsPlaceholder: true, isOptional: true))
    let moved = try environment("\n\n")
    #expect(moved.demands.rules["JWT_SECRET"]?.place.description == "environments/prod.yaml:11:5")
    #expect(moved == read)
    let record = try JSONEncoder().encode(read)
    #expect(!String(decoding: record, as: UTF8.self).contains("prod.yaml"))
    #expect(try JSONDecoder().decode(Environment.self, from: record) == read)
    // Records of environments without demands are what they always were.
    let bare = try JSONEncoder().encode(Environment(name: "prod", app: "shop"))
    #expect(!String(decoding: bare, as: UTF8.self).contains("demands"))
    #expect(try JSONDecoder().decode(Environment.self, from: bare).demands.isEmpty)
  }
}
