import Adoption
import Language
import Testing

/// What is made of a repository whose services stand on platforms already.
@Suite struct LiveTests {
  private func draft(_ texts: [String: String], paths: [String] = [], _ services: [LiveService]) -> Draft {
    let tree = FileTree(name: "shop", paths: paths, texts: texts)
    var live = LiveFacts()
    live.projects = [
      LiveProject(
        .railway, token: "RAILWAY_TOKEN", account: "acme", project: "shop-live", environment: "production",
        services: services)
    ]
    return Joiner.draft(Survey.findings(tree), of: tree, live: live)
  }

  private func valid(_ draft: Draft, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let text = try #require(EnvironmentText.text(draft), sourceLocation: sourceLocation)
    let result = EnvironmentReader(root: "", files: OneFile(text: text)).read(name: "prod")
    #expect(result.environment != nil, "\(result.diagnostics)\n\(text)", sourceLocation: sourceLocation)
    return text
  }

  @Test func `places, settings and names come from the platform, and values from nowhere`() throws {
    let text = try valid(
      draft(
        [
          "api/railway.json": #"{"deploy": {"startCommand": "./run"}}"#,
          "api/.env.example": "JWT_SECRET=\nMODE=\n",
        ],
        [
          LiveService(
            name: "api",
            settings: [.start: "./run", .replicas: "2", .healthPath: "/up", .healthTimeout: "90s"],
            variables: ["JWT_SECRET", "DATABASE_URL", "LEVEL", "SHIPIT_COMMIT", "RAILWAY_ENVIRONMENT"],
            references: ["DATABASE_URL": "Postgres.DATABASE_URL"], hasVolume: false)
        ]))
    for line in [
      "provision: adopt", "workspace: \"acme\"  # from Railway", "project: \"shop-live\"  # from Railway",
      "token: {secret: RAILWAY_TOKEN}", "replicas: 2  # from Railway", "within: 90s",
      "JWT_SECRET: {secret: JWT_SECRET}",
      "DATABASE_URL: \"${railway.Postgres.DATABASE_URL}\"  # from Railway",
    ] {
      #expect(text.contains(line), "\(line)\n\(text)")
    }
    // What the platform keeps is left to it, and what it has not is not demanded.
    #expect(!text.contains("LEVEL: ") && !text.contains("MODE: "), "\(text)")
    #expect(text.contains("kept as it stands on Railway") && text.contains("not set on Railway"), "\(text)")
    #expect(!text.contains("SHIPIT_COMMIT") && !text.contains("RAILWAY_ENVIRONMENT"), "\(text)")
  }

  @Test func `where a file and the platform differ, the change is told beforehand`() throws {
    let draft = draft(
      ["api/railway.json": #"{"deploy": {"startCommand": "./new", "overlapSeconds": 9}}"#],
      [LiveService(name: "api", settings: [.start: "./old"])])
    let text = try valid(draft)
    #expect(text.contains("start: ./new"), "\(text)")
    for words in [
      "start is `./new` here, and it is `./old` there", "overlap is `9s` here, and it is not set there",
    ] {
      #expect(draft.remarks.contains { $0.value.contains(words) }, "\(words): \(draft.remarks.map(\.value))")
    }
  }

  @Test func `a service that only the platform has is written where its folder is known, else asked`() throws
  {
    let draft = draft(
      [:], paths: ["worker/main.py", "x.txt"],
      [
        LiveService(name: "worker"), LiveService(name: "mailer"),
        LiveService(name: "Redis", image: "redis:7"),
      ])
    let text = try valid(draft)
    #expect(draft.written.map(\.key) == ["worker"])
    #expect(text.contains("source: {directory: ./worker}"), "\(text)")
    #expect(text.contains("  # mailer:"), "\(text)")
    #expect(text.contains("redis `Redis`"), "\(text)")
  }

  @Test func `a service of a file that the platform has not is not written`() throws {
    let draft = draft(
      [
        "api/railway.json": #"{"deploy": {"startCommand": "./run"}}"#, "web/railway.json": #"{"deploy": {}}"#,
      ],
      [LiveService(name: "api"), LiveService(name: "site", settings: [.root: "/web"])])
    #expect(
      Set(draft.written.map(\.name.value)) == ["api", "site"], "a service is known by where it is built")
    #expect(draft.written.first { $0.name.value == "site" }?.configs == ["web/railway.json"])
    let other = self.draft(
      ["api/railway.json": #"{"deploy": {"startCommand": "./run"}}"#], [LiveService(name: "backend")])
    #expect(other.written.isEmpty)
    #expect(other.open.contains { $0.key == "api" })
    _ = try valid(other)
  }
}
