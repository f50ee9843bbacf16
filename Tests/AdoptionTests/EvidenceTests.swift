import Adoption
import Interface
import Language
import Testing

/// Services and migrations that no platform's file declares, and other files speak of.
@Suite struct EvidenceTests {
  private func draft(_ texts: [String: String]) -> Draft {
    let tree = FileTree(name: "shop", texts: texts)
    return Joiner.draft(Survey.findings(tree), of: tree)
  }

  private func workflow(_ commands: String...) -> String {
    "on: push\njobs:\n  d:\n    steps:\n" + commands.map { "      - run: \($0)\n" }.joined()
  }

  @Test func `a command that deploys is asked about where no file says what it deploys`() throws {
    let draft = draft([
      ".github/workflows/d.yml": workflow("railway up --service api --ci", "vercel deploy --prod --cwd web"),
      "fly.toml": "app = \"z\"\n",
    ])
    #expect(Set(draft.open.map { "\($0.host) \($0.key) \($0.home)" }) == ["railway api ", "vercel web web"])
    #expect(!draft.remarks.contains { $0.value.contains("shipit cannot deploy") })
    let danger = try #require(draft.dangers.first { $0.kind == .twoDeployers })
    #expect(danger.evidence == Evidence(".github/workflows/d.yml", 5) && danger.message.contains("fly.toml"))
    let text = try #require(EnvironmentText.text(draft))
    #expect(text.contains("# ? api: .github/workflows/d.yml:5 deploys to Railway"), "\(text)")
    let result = EnvironmentReader(root: "", files: OneFile(text: text)).read(name: "prod")
    #expect(result.environment != nil, "\(result.diagnostics)")
  }

  @Test func `a platform whose file is there is not asked about again`() {
    let draft = draft([
      ".github/workflows/d.yml": workflow("railway up --service api --ci"),
      "railway.json": #"{"deploy": {"startCommand": "./run"}}"#,
    ])
    #expect(draft.services.count == 1 && draft.open.isEmpty)
  }

  @Test func `the processes of a Procfile are asked about, and its release migrates`() throws {
    let draft = draft([
      "Procfile":
        "release: python manage.py migrate\nweb: gunicorn shop.wsgi\nworker: celery -A shop worker\n",
      "requirements.txt": "Django==5\n",
    ])
    #expect(Set(draft.open.map(\.key)) == ["shop", "worker"])
    #expect(draft.schemas.map(\.tool) == ["django"])
    #expect(draft.schemas.first?.places.map(\.evidence) == [Evidence("Procfile", 1)])
    let text = try #require(EnvironmentText.text(draft))
    #expect(text.contains("start: gunicorn shop.wsgi  # Procfile:2"), "\(text)")
  }

  @Test func `a schema that a deploy pushes is told`() {
    let draft = draft([
      "railway.json": #"{"deploy": {"preDeployCommand": ["npx prisma db push --accept-data-loss"]}}"#
    ])
    #expect(draft.dangers.filter { $0.kind == .schemaPush }.map(\.evidence) == [Evidence("railway.json", 1)])
  }

  @Test func `every place that migrates is named, a Dockerfile's command too`() throws {
    let draft = draft([
      "fly.toml": "app = \"shop\"\n[deploy]\nrelease_command = \"npx prisma migrate deploy\"\n",
      "Dockerfile": "FROM node\nCOPY . .\nCMD npx prisma migrate deploy && node server.js\n",
      "prisma/schema.prisma": "datasource db {\n  provider = \"postgresql\"\n}\n",
      ".github/workflows/d.yml": workflow("npx prisma migrate deploy"),
    ])
    let danger = try #require(draft.dangers.first { $0.kind == .migrationsTwice })
    #expect(
      Set(([danger.evidence] + danger.others).map(\.description))
        == ["fly.toml:3", "Dockerfile:3", ".github/workflows/d.yml:5"])
    let report = AdoptionReport(
      environment: "prod", file: nil, services: [], questions: [],
      dangers: [
        .init(
          kind: "migrations-twice", message: "m", evidence: "fly.toml:3", others: ["Dockerfile:3", "d.yml:5"])
      ], remarks: [], mistakes: [], hasRailwayFiles: false)
    let lines = report.lines(.unicode).map { $0.spans.map(\.text).joined() }.joined(separator: "\n")
    #expect(lines.contains("fly.toml:3, Dockerfile:3, d.yml:5"), "\(lines)")
  }

  @Test func `values that Railway does not take are told with the reason`() throws {
    let text = try #require(
      EnvironmentText.text(
        draft([
          "railway.json":
            #"{"deploy": {"startCommand": "./run", "numReplicas": "three", "healthcheckTimeout": -1.5}}"#
        ])))
    #expect(text.contains("replicas are a whole number from 1 to 50"), "\(text)")
    #expect(text.contains("`deploy.healthcheckTimeout` has a value that Railway does not take"), "\(text)")
    #expect(
      draft(["railway.json": "[]"]).remarks.contains { $0.value.contains("railway.json cannot be read") })
  }
}
