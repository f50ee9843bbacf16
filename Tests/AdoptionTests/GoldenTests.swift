import Adoption
import Foundation
import Interface
import Testing

/// The files that `init` writes for small invented repositories.
@Suite struct GoldenTests {
  static let repositories: [String: [String: String]] = [
    "one-service": [
      "railway.toml":
        "[build]\nbuilder = \"DOCKERFILE\"\ndockerfilePath = \"Dockerfile\"\n\n[deploy]\nhealthcheckPath = \"/health\"\nhealthcheckTimeout = 120\nrestartPolicyType = \"ON_FAILURE\"\n",
      "Dockerfile":
        "FROM python:3.12\nCOPY . .\nCMD [\"sh\", \"-c\", \"alembic upgrade head && uvicorn main:app\"]\n",
      "alembic.ini": "[alembic]\nscript_location = migrations\n", "requirements.txt": "asyncpg==0.30\n",
      ".env.example":
        "DATABASE_URL=postgres://localhost/dev\nJWT_SECRET=change-me\nLOG_LEVEL=info\nPORT=8000\n",
      ".github/workflows/deploy.yml":
        "name: deploy\non: {push: {branches: [main]}}\njobs:\n  deploy:\n    steps:\n      - run: railway up --detach\n        env:\n          RAILWAY_TOKEN: ${{ secrets.RAILWAY_TOKEN }}\n      - name: health\n        run: |\n          for i in $(seq 1 30); do\n            curl -sf $URL/health && break\n            sleep 10\n          done\n",
    ],
    "two-platforms": [
      "api/railway.json":
        "{\n  \"deploy\": {\n    \"startCommand\": \"node server.js\",\n    \"numReplicas\": 2\n  }\n}\n",
      "api/.env.example": "MONGODB_URL=\n",
      "web/vercel.json":
        "{\n  \"framework\": \"nextjs\",\n  \"env\": {\"NEXT_PUBLIC_API_URL\": \"https://api.example.com\"}\n}\n",
      "web/package.json":
        "{\"scripts\": {\"build\": \"next build\"}, \"dependencies\": {\"next\": \"15\"}}\n",
    ],
    "elsewhere": [
      "api/fly.toml": "app = \"shop-api\"\n[http_service]\ninternal_port = 8080\n",
      "docker-compose.yml": "services:\n  db:\n    image: postgres:17\n",
    ],
  ]

  @Test(arguments: ["one-service", "two-platforms", "elsewhere"])
  func `what is written and said`(_ name: String) throws {
    let tree = FileTree(name: "shop", texts: Self.repositories[name] ?? [:])
    let draft = Joiner.draft(Survey.findings(tree), of: tree)
    if let text = EnvironmentText.text(draft) { try expectGolden("\(name).yaml", text) }
    let report = AdoptionReport(
      environment: "prod",
      file: EnvironmentText.text(draft) == nil ? nil : .init(path: "environments/prod.yaml", state: .written),
      services: draft.services.map {
        .init(
          name: $0.key, platform: $0.host.title, evidence: $0.configs[0], isWritten: $0.standing == .written,
          reason: $0.standing == .written ? nil : EnvironmentText.outcome($0))
      },
      questions: draft.questions.map { .init(text: $0.text, evidence: $0.evidence.map(\.description)) },
      dangers: draft.dangers.map {
        .init(
          kind: $0.kind.rawValue, message: $0.message, evidence: $0.evidence.description,
          others: $0.others.map(\.description))
      }, remarks: draft.remarks.map { .init(text: $0.value, evidence: $0.evidence.description) },
      mistakes: [],
      hasRailwayFiles: draft.hasRailwayFiles)
    let lines = report.text(Canvas(palette: .plain, symbols: .unicode, width: 80))
    for line in lines { #expect(line.count <= 80, "\(line)") }
    try expectGolden("\(name).txt", lines.joined(separator: "\n") + "\n")
  }

  @Test func `what is written where both platforms have told what stands there`() throws {
    var live = LiveFacts()
    live.projects = [
      LiveProject(
        .railway, token: "RAILWAY_API_TOKEN", project: "shop", environment: "production",
        services: [
          LiveService(
            name: "shop-api",
            settings: [
              .root: "/api", .start: "node server.js", .replicas: "2", .restart: "on-failure", .memory: "1GB",
              .healthPath: "/health", .healthTimeout: "60s",
            ], variables: ["MONGODB_URL", "SESSION_KEY", "LOG_LEVEL"],
            references: ["MONGODB_URL": "MongoDB.MONGO_URL"], domains: ["api.example.com"], hasVolume: true),
          LiveService(name: "MongoDB", image: "mongo:7"), LiveService(name: "mailer"),
        ]),
      LiveProject(
        .vercel, token: "VERCEL_TOKEN", account: "acme",
        services: [
          LiveService(
            name: "web", settings: [.framework: "nextjs", .node: "22.x"], variables: ["NEXT_PUBLIC_API_URL"],
            domains: ["example.com", "web.vercel.app"], repository: "github acme/shop", deploysPushes: true)
        ]),
    ]
    let tree = FileTree(name: "shop", texts: Self.repositories["two-platforms"] ?? [:])
    let draft = Joiner.draft(Survey.findings(tree), of: tree, live: live)
    try expectGolden("live.yaml", try #require(EnvironmentText.text(draft)))
  }

  private func expectGolden(_ name: String, _ text: String) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden").appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["SHIPIT_UPDATE_GOLDEN"] == "1" {
      try text.write(to: file, atomically: true, encoding: .utf8)
    } else {
      let wanted = (try? String(contentsOf: file, encoding: .utf8)) ?? "(no file)"
      #expect(wanted == text, "\(name) differs; SHIPIT_UPDATE_GOLDEN=1 make test writes it anew")
    }
  }
}
