import Adoption
import Testing

/// Secrets that stand as text in what is read: never copied, and told with their place.
@Suite struct SecretTests {
  private func draft(_ texts: [String: String], unread: [String: String] = [:]) -> Draft {
    let tree = FileTree(name: "shop", texts: texts, unread: unread)
    return Joiner.draft(Survey.findings(tree), of: tree)
  }

  private func places(_ texts: [String: String], _ kind: DangerKind = .literalCredential) -> [String] {
    draft(texts).dangers.filter { $0.kind == kind }.flatMap { [$0.evidence] + $0.others }.map(\.description)
  }

  @Test(arguments: [
    "DATABASE_PASSWORD=Gh7kPq29xLm4Zt node dist", "SECRET_KEY=Gh7kPq29 python app.py",
    "node dist --api-key Gh7kPq29xLm4ZtW8", "redis-server --requirepass Gh7kPq29",
    "mysql -uroot -pGh7kPq29 && curl -u admin:Gh7kPq29xL https://x && node .",
  ])
  func `a command with a secret is not copied, and its place is told`(_ command: String) throws {
    let draft = draft(["railway.json": "{\"deploy\": {\n\"startCommand\": \"\(command)\"}}"])
    let text = try #require(EnvironmentText.text(draft))
    #expect(!text.contains("Gh7k") && text.contains("•••"), "\(text)")
    #expect(
      draft.dangers.contains { $0.kind == .literalCredential && $0.evidence == Evidence("railway.json", 2) })
    #expect(draft.dangers.allSatisfy { !$0.message.contains("Gh7k") })
  }

  @Test func `values of a Vercel file that look secret become names`() throws {
    let text = try #require(
      EnvironmentText.text(
        draft([
          "vercel.json":
            #"{"framework": "nextjs", "env": {"ADMIN_PIN": "839201", "PLAIN": "abc"}, "build": {"env": {"NPM_RC": "//r/:_authToken=Gh7kPq29"}}}"#
        ])))
    #expect(text.contains("ADMIN_PIN: {secret: ADMIN_PIN}") && text.contains("NPM_RC: {secret: NPM_RC}"))
    #expect(text.contains("PLAIN: abc") && !text.contains("839201") && !text.contains("Gh7k"))
  }

  static let workflow = """
    on: push
    jobs:
      d:
        env:
          RAILWAY_TOKEN: 0f3b2c1d-1234-4abc-9def-0123456789ab
          GH: ghp_Gh7kPq29xLm4ZtW8Gh7kPq29xLm4ZtW8abcd
        steps:
          - run: railway up --ci --token 0f3b2c1d-1234-4abc-9def-0123456789ab
          - run: |
              curl -H "Authorization: Bearer Gh7kPq29xLm4ZtW8" https://x.example.com
          - run: DATABASE_URL=postgres://u:Gh7kPq29xLm4@db/x npx prisma migrate deploy
    """

  @Test func `a literal in a workflow is told with its line, never its value`() {
    let file = ".github/workflows/d.yml"
    let found = places([file: Self.workflow])
    #expect(Set(found) == Set([5, 6, 8, 10, 11].map { "\(file):\($0)" }), "\(found)")
    #expect(Set(places([file: Self.workflow], .tokenInArguments)) == ["\(file):8", "\(file):10"])
    let messages = draft([file: Self.workflow]).dangers.map(\.message).joined()
    #expect(!messages.contains("Gh7k") && !messages.contains("0f3b2c1d"))
  }

  @Test func `what tests need of themselves is no danger`() {
    let quiet = """
      on: push
      jobs:
        test:
          services: {db: {image: postgres}}
          env:
            DATABASE_URL: postgres://postgres:Gh7kPq29@db:5432/test
            JWT_SECRET: test-secret-1
            API_KEY: ${{ secrets.API_KEY }}
            OTHER_URL: postgres://postgres:postgres1@localhost:5432/test
          steps: [{run: "SECRET_KEY=dummy1 pytest"}]
      """
    #expect(places([".github/workflows/t.yml": quiet]) == [])
    let compose = "services:\n  api:\n    environment: {API_KEY: Gh7kPq29xLm4ZtW8}\n"
    #expect(places(["docker-compose.yml": compose]) == [])
    #expect(places(["docker-compose.prod.yml": compose]) == ["docker-compose.prod.yml:3"])
  }

  @Test func `Dockerfiles, Alembic and Encore's infrastructure are looked at`() {
    #expect(
      places(["Dockerfile": "FROM node\nENV STRIPE=sk_live_51Gh7kPq29xLm4ZtW8Gh7kPq29x\n"]) == [
        "Dockerfile:2"
      ])
    #expect(places(["Dockerfile": "FROM node\nENV API_KEY Gh7kPq29xLm4ZtW8\n"]) == ["Dockerfile:2"])
    #expect(
      places([
        "alembic.ini": "[alembic]\nsqlalchemy.url = postgresql://p:Gh7kPq29xLm4@db.prod.internal/shop\n"
      ])
        == ["alembic.ini:2"])
    #expect(
      places(["alembic.ini": "[alembic]\nsqlalchemy.url = driver://user:pass@localhost/dbname\n"]) == [])
    #expect(
      places([
        "infra.config.json":
          "{\"metadata\": {},\n\"secrets\": {\"STRIPE\": \"Gh7kPq29\",\n\"JWT\": {\"$env\": \"JWT\"}}}"
      ]) == ["infra.config.json:2"])
  }

  @Test func `a mark of the byte order hides no name, and a file that was not read is told`() {
    let draft = draft(
      [
        ".env.example": "\u{FEFF}FIRST_KEY=\nSECOND_KEY=\n",
        "railway.json": #"{"deploy": {"startCommand": "./run"}}"#,
      ],
      unread: ["vercel.json": "is a link that leads out of the repository: it is not followed"])
    #expect(draft.examples[".env.example"] == ["FIRST_KEY", "SECOND_KEY"])
    #expect(draft.remarks.contains { $0.value.hasPrefix("vercel.json is a link") })
  }
}
