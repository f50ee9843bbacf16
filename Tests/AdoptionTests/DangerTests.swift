import Adoption
import Testing

/// Each kind of danger in a workflow, with a neighbour that is none.
@Suite struct DangerTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var kind: DangerKind
    var bad: String
    var line: Int
    var good: String
    var testDescription: String { kind.rawValue }
  }

  static let rows: [Row] = [
    Row(
      kind: .deafHealth, bad: "railway up --ci\nfor i in 1 2 3; do\ncurl -sf $URL/health && break\ndone",
      line: 10, good: "railway up --ci\nfor i in 1 2 3; do\ncurl -sf $URL/health && exit 0\ndone\nexit 1"),
    Row(
      kind: .tokenInArguments, bad: "vercel deploy --prod --token=$VERCEL_TOKEN", line: 8,
      good: "vercel deploy --prod"),
    Row(
      kind: .tokenKind, bad: "railway link --project shop\nrailway up --ci", line: 8,
      good: "railway up --ci --project shop"),
    Row(kind: .unknownCommand, bad: "encore app deploy --env=prod", line: 8, good: "encore app link shop"),
    Row(kind: .detachedUpload, bad: "railway up --detach", line: 8, good: "railway up --ci"),
    Row(kind: .noHealth, bad: "railway up --detach", line: 8, good: "railway up --detach\n./smoke.sh"),
    Row(
      kind: .staleHealth, bad: "railway up --detach\ncurl -f $URL/health", line: 9,
      good: "railway up --ci\ncurl -f $URL/health"),
    Row(
      kind: .swallowedFailure, bad: "alembic upgrade head || true", line: 8, good: "alembic upgrade head"),
    Row(kind: .schemaPush, bad: "npx prisma db push", line: 8, good: "npx prisma migrate deploy"),
    Row(
      kind: .swappedConfig, bad: "cp railway/api.toml railway.toml", line: 8,
      good: "cp api.toml build/settings.toml"),
    Row(
      kind: .writtenIdentifier, bad: "vercel deploy --scope=team_a1b2c3d4", line: 8,
      good: "vercel deploy --scope=$TEAM"),
    Row(
      kind: .noConcurrency, bad: "railway up --ci", line: 0, good: "echo nothing is deployed"),
    Row(kind: .noRollback, bad: "railway up --ci", line: 8, good: "railway up --ci\n./rollback.sh"),
  ]

  @Test(arguments: rows) func `a danger is told with its line, and its neighbour is not`(_ row: Row) {
    let found = Self.dangers(row.bad).filter { $0.kind == row.kind }
    #expect(found.first?.evidence == Evidence(".github/workflows/deploy.yml", row.line), "\(found)")
    #expect(Self.dangers(row.good).allSatisfy { $0.kind != row.kind }, "\(Self.dangers(row.good))")
  }

  /// A workflow with one step.
  static func workflow(_ script: String, head: String = "on: {push: {branches: [main]}}", step: String = "")
    -> String
  {
    let lines = script.split(separator: "\n").map { "          \($0)" }.joined(separator: "\n")
    return """
      name: deploy
      \(head)
      jobs:
        deploy:
          env: {RAILWAY_TOKEN: x}
          steps:
            - run: |
      \(lines)
      \(step)
      """
  }

  static func dangers(_ script: String) -> [Danger] { dangers(file: workflow(script)) }

  static func dangers(file: String, others: [String: String] = [:]) -> [Danger] {
    var texts = others
    texts[".github/workflows/deploy.yml"] = file
    let tree = FileTree(name: "shop", texts: texts)
    return Joiner.draft(Survey.findings(tree), of: tree).dangers
  }

  private func kinds(_ dangers: [Danger]) -> Set<DangerKind> { Set(dangers.map(\.kind)) }

  @Test func `a deploy of pull requests is told, unless a condition keeps it back`() {
    let head = "on: {pull_request: {}, push: {branches: [main]}}"
    let bad = Self.workflow("vercel deploy --prod", head: head)
    #expect(kinds(Self.dangers(file: bad)).contains(.pullRequestDeploys))
    let good = bad.replacing(
      "      - run: |", with: "      - if: github.event_name == 'push'\n        run: |")
    #expect(!kinds(Self.dangers(file: good)).contains(.pullRequestDeploys))
  }

  @Test func `a deploy that a newer push cancels is told`() {
    let head = "on: push\nconcurrency: {group: deploy, cancel-in-progress: true}"
    let bad = Self.workflow("railway up --ci", head: head)
    #expect(kinds(Self.dangers(file: bad)).contains(.cancelledDeploy))
    let good = bad.replacing("cancel-in-progress: true", with: "cancel-in-progress: false")
    #expect(!kinds(Self.dangers(file: good)).contains(.cancelledDeploy))
  }

  @Test func `an action at a branch, a tag that moves and one commit of history are told`() {
    let bad = Self.workflow(
      "railway up --ci\ndocker push shop:latest\ngit diff HEAD~1",
      step:
        "      - uses: somebody/deploy@main\n      - uses: actions/checkout@v4\n        with: {fetch-depth: 2}"
    )
    #expect(kinds(Self.dangers(file: bad)).isSuperset(of: [.movingAction, .movingTag, .shallowHistory]))
    let good = Self.workflow(
      "railway up --ci\ndocker push shop:$SHA\ngit diff HEAD~1",
      step:
        "      - uses: somebody/deploy@v1\n      - uses: actions/checkout@v4\n        with: {fetch-depth: 0}")
    #expect(kinds(Self.dangers(file: good)).isDisjoint(with: [.movingAction, .movingTag, .shallowHistory]))
  }

  @Test func `two jobs that deploy at the same time are told, and one after the other are not`() {
    let jobs = """
      on: push
      jobs:
        api: {steps: [{run: railway up --ci --service api}]}
        web: {NEEDSsteps: [{run: railway up --ci --service web}]}
      """
    #expect(kinds(Self.dangers(file: jobs.replacing("NEEDS", with: ""))).contains(.noOrder))
    #expect(!kinds(Self.dangers(file: jobs.replacing("NEEDS", with: "needs: api, "))).contains(.noOrder))
  }

  @Test func `migrations in two places are told with both, and in one place are not`() {
    let twice = [
      "alembic.ini": "[alembic]\n", "Dockerfile": "FROM python\nCOPY . .\nCMD alembic upgrade head && run\n",
      "railway.json": #"{"deploy": {"preDeployCommand": "alembic upgrade head"}}"#,
    ]
    let found = Self.dangers(file: Self.workflow("true"), others: twice).filter {
      $0.kind == .migrationsTwice
    }
    #expect(found.first?.evidence == Evidence("railway.json", 1))
    #expect(found.first?.others == [Evidence("Dockerfile", 3)])
    var once = twice
    once["railway.json"] = #"{"deploy": {"healthcheckPath": "/"}}"#
    #expect(!kinds(Self.dangers(file: Self.workflow("true"), others: once)).contains(.migrationsTwice))
  }

  @Test func `two deployers of one push are told`() {
    let other = [".github/workflows/aks.yml": Self.workflow("kubectl apply -f k8s")]
    #expect(
      kinds(Self.dangers(file: Self.workflow("railway up --ci"), others: other)).contains(.twoDeployers))
    let manual = [
      ".github/workflows/aks.yml": Self.workflow("kubectl apply -f k8s", head: "on: workflow_dispatch")
    ]
    #expect(
      !kinds(Self.dangers(file: Self.workflow("railway up --ci"), others: manual)).contains(.twoDeployers))
  }

  @Test func `a credential as text and a tracked environment file are told, their names alone`() {
    let bad = [
      "infra.config.json": #"{"sql_servers": [{"databases": {"a": {"password": "hunter2hunter2"}}}]}"#,
      ".env": "A=1\n",
    ]
    let found = Self.dangers(file: Self.workflow("true"), others: bad)
    #expect(kinds(found).isSuperset(of: [.literalCredential, .trackedSecrets]))
    #expect(found.allSatisfy { !$0.message.contains("hunter2") })
    let good = [
      "infra.config.json": #"{"sql_servers": [{"databases": {"a": {"password": {"$env": "DB_PASSWORD"}}}}]}"#,
      ".env.example": "A=1\n",
    ]
    #expect(
      kinds(Self.dangers(file: Self.workflow("true"), others: good))
        .isDisjoint(with: [.literalCredential, .trackedSecrets]))
  }
}
