import Adoption
import Language
import Testing

/// What single files are read as, and what is made of them together.
@Suite struct ReaderTests {
  private func draft(_ texts: [String: String], paths: [String] = [], answers: Answers = [:]) -> Draft {
    let tree = FileTree(name: "shop", paths: paths, texts: texts)
    return Joiner.draft(Survey.findings(tree), of: tree, answers: answers)
  }

  private func valid(_ draft: Draft, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let text = try #require(EnvironmentText.text(draft), sourceLocation: sourceLocation)
    let result = EnvironmentReader(root: "", files: OneFile(text: text)).read(name: "prod")
    #expect(result.environment != nil, "\(result.diagnostics)\n\(text)", sourceLocation: sourceLocation)
    return text
  }

  @Test func `a TOML file and a JSON file say the same`() throws {
    let toml = draft(["railway.toml": "[deploy]\nhealthcheckPath = \"/up\" # why\nnumReplicas = 2\n"])
    let json = draft(["railway.json": #"{"deploy": {"healthcheckPath": "/up", "numReplicas": 2}}"#])
    for draft in [toml, json] {
      #expect(draft.written.first?.settings[.healthPath]?.value == "/up")
      #expect(draft.written.first?.settings[.replicas]?.value == "2")
    }
    #expect(toml.written.first?.settings[.replicas]?.evidence == Evidence("railway.toml", 3))
    #expect(try valid(toml).contains("2026-12-01"))
  }

  @Test func `the platform's environment overrides what all share`() {
    let text = "[deploy]\nnumReplicas = 1\n[environments.production.deploy]\nnumReplicas = 3\n"
    #expect(draft(["railway.toml": text]).written.first?.settings[.replicas]?.value == "3")
  }

  @Test func `keys that Railway does not know are told, and never written`() throws {
    let text = try valid(
      draft(["railway.toml": "[deploy]\nstartCommand = \"./run\"\n[deploy.autoscaling]\nmaxReplicas = 10\n"]))
    #expect(text.contains("`deploy.autoscaling` is no key of Railway's format"))
    #expect(!text.contains("replicas: 10"))
  }

  @Test func `a file that cannot be read is a remark with its line, not an end`() {
    for (file, text) in [
      ("railway.toml", "[deploy\n"), ("vercel.json", "{\"a\": }"), ("encore.app", "{"),
      ("railway.json", "{\"a\": \"" + String(repeating: "[", count: 300)),
      (".github/workflows/a.yml", "a: [\n"), ("package.json", "{} {}"),
    ] {
      let draft = draft([file: text])
      #expect(draft.remarks.contains { $0.value.contains("\(file) cannot be read") }, "\(file)")
    }
  }

  @Test func `comments and commas too many are no mistakes in encore app files`() throws {
    let text = "{\n// linked\n\"id\": \"shop-x1\", /* two\nlines */\n\"lang\": \"go\",\n}\n"
    let draft = draft(["backend/encore.app": text])
    #expect(draft.written.first?.settings[.appID] == Sourced("shop-x1", Evidence("backend/encore.app", 3)))
    #expect(try valid(draft).contains("app: shop-x1"))
  }

  @Test func `no value of an example is written, and no secret of a configuration`() throws {
    let text = try valid(
      draft([
        "railway.json":
          #"{"deploy": {"startCommand": "run --key=sk_live_0123456789abcdef0123", "healthcheckPath": "/up"}}"#,
        ".env.example": "API_KEY=sk_live_aaaaaaaaaaaaaaaaaaaa\nLOG_LEVEL=chatty\n",
        "vercel.json": "{}",
      ]))
    #expect(!text.contains("sk_live_") && !text.contains("chatty"))
    #expect(text.contains("API_KEY: {secret: API_KEY}  # .env.example:1"))
    #expect(text.contains("something in it looks like a secret"))
  }

  @Test func `what the language refuses stands in the file as a question, and the rest counts`() throws {
    let settings = #"{"deploy": {"startCommand": "./run", "cronSchedule": "0 * * * *", "numReplicas": 3}}"#
    let text = try valid(draft(["railway.json": settings]))
    #expect(text.contains("cron: \"0 * * * *\""), "\(text)")
    #expect(
      text.contains("# ? a service with a schedule has exactly one replica:\n      # replicas: 3"), "\(text)")
    let path = try valid(draft(["railway.json": #"{"deploy": {"healthcheckPath": "health check"}}"#]))
    #expect(path.contains("# path: health check  # railway.json:1"), "\(path)")
    // A file may say anything.
    for odd in ["1 2 3", "every day", "* * * * * *", "\u{1B}[2J"] {
      let tree = try valid(
        draft([
          "railway.json":
            #"{"deploy": {"cronSchedule": "\#(odd)", "startCommand": "\#(odd)", "region": "\#(odd)"}}"#
        ]))
      #expect(tree.contains("source: {directory: .}"), "\(tree)")
    }
  }

  @Test func `a real environment file is never read`() {
    #expect(!FileTree.isRead(".env") && !FileTree.isRead("api/.env.production"))
    #expect(FileTree.isRead("api/.env.production.example") && FileTree.isRead(".env.sample"))
  }

  @Test func `what runs elsewhere is told, and no service is written for it`() throws {
    let draft = draft(["api/fly.toml": "app = \"shop-api\"\n[http_service]\ninternal_port = 80\n"])
    #expect(try valid(draft).contains("on Fly.io, where shipit does not deploy"))
    #expect(draft.written.isEmpty && draft.open.isEmpty)
    #expect(draft.services.map(\.standing) == [.foreign])
    #expect(draft.remarks.contains { $0.value.contains("shipit cannot deploy this repository") })
  }

  @Test func `one application on two platforms is written once, and asked`() throws {
    let files = [
      "apps/web/railway.json": #"{"deploy": {"healthcheckPath": "/up"}}"#,
      "apps/web/vercel.json": #"{"framework": "nextjs"}"#, "apps/web/package.json": #"{"name": "web"}"#,
    ]
    let silent = draft(files)
    #expect(silent.written.map(\.host) == [.railway])
    let question = try #require(silent.questions.first { $0.id == "platform web-vercel" })
    #expect(question.standard == "leave out")
    let told = draft(files, answers: ["platform web-vercel": "vercel"])
    #expect(told.written.map(\.host) == [.railway, .vercel])
    _ = try valid(told)
  }

  @Test func `a file that calls itself legacy is not adopted`() {
    let draft = draft(["railway.toml": "# Legacy, see deploy/\n[deploy]\nstartCommand = \"./run\"\n"])
    #expect(draft.written.isEmpty)
  }

  @Test func `who calls whom is read from names, never in a circle`() throws {
    let draft = draft([
      "api/railway.json": #"{"deploy": {}}"#, "api/.env.example": "FRONTEND_URL=\nORDER_SERVICE_URL=\n",
      "order-service/railway.json": #"{"deploy": {}}"#, "order-service/.env.example": "API_URL=\n",
      "web/vercel.json": #"{"framework": "vite"}"#, "web/package.json": #"{"dependencies": {"vite": "5"}}"#,
      "web/.env.example": "VITE_API_URL=http://localhost\n",
    ])
    let needs = Dictionary(uniqueKeysWithValues: draft.services.map { ($0.key, $0.needs.map(\.value)) })
    #expect(needs["web"] == ["api"])
    #expect(needs["api"] == ["order-service"])
    #expect(needs["order-service"] == [])
    _ = try valid(draft)
  }

  @Test func `migrations that a start command runs stay there`() throws {
    let text = try valid(
      draft([
        "railway.json": #"{"build": {"dockerfilePath": "Dockerfile"}, "deploy": {"healthcheckPath": "/up"}}"#,
        "Dockerfile": "FROM python:3\nCOPY . .\nCMD [\"sh\", \"-c\", \"alembic upgrade head && run\"]\n",
        "alembic.ini": "[alembic]\n", "requirements.txt": "asyncpg\n", ".env.example": "DATABASE_URL=\n",
      ]))
    #expect(text.contains("tool: alembic  # alembic.ini"))
    #expect(text.contains("where: inside-deploy"))
    #expect(text.contains("url: {secret: DATABASE_URL}"))
  }
}
