import Interface
import JSON
import Model
import Testing

@Suite struct `A plan` {
  @Test func `shows what changes, how it goes live and what is lost`() throws {
    let report = PlanReport(
      samplePlan(), live: liveHead, next: 7,
      overrides: [Override(name: "SHIPIT_RAILWAY_URL", value: "http://127.0.0.1:4101")])
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("plan.txt", text)
    try expectGolden("plan-ascii.txt", report.text(.ascii))
    try expectGolden("plan-colour.txt", report.text(.coloured))
  }

  @Test func `never shows a secret's value, though it were in the change`() {
    let report = PlanReport(samplePlan(), live: liveHead)
    #expect(!report.text(.eighty).joined().contains("leak"))
    #expect(!report.json().contains("leak"))
  }

  @Test func `in ASCII has nothing but ASCII where the input has`() {
    let plan = samplePlan()
    for line in PlanReport(plan, live: liveHead, next: 7).text(.ascii) {
      #expect(!line.unicodeScalars.contains { !$0.isASCII }, "\(line)")
    }
  }

  @Test func `with nothing to do says which release is live`() throws {
    var plan = samplePlan()
    plan.steps = []
    plan.warnings = []
    let head = ReleaseHead(release: 7, commit: new, subject: "Add the crunch mode")
    let text = PlanReport(plan, live: head).text(.eighty)
    #expect(text.last == "nothing to do: release 7 (1a2b3c4) is live and matches")
    try expectGolden("plan-empty.txt", text)
  }

  @Test func `of a first release says that there is nothing to go back to`() throws {
    var plan = samplePlan()
    plan.services = [planned("api", isFirst: true)]
    plan.steps = [deploy("api", undo: false)]
    plan.hasPrevious = false
    plan.isDirty = true
    plan.warnings = []
    try expectGolden("plan-first.txt", PlanReport(plan, live: nil, next: 1).text(.eighty))
  }

  @Test func `names the downtime of a service that stops first`() {
    var plan = samplePlan()
    plan.services = [planned("api", cutOver: .stopFirst)]
    let text = PlanReport(plan, live: liveHead).text(.eighty).joined(separator: "\n")
    #expect(text.contains("down from the stop until the new one is healthy, about 40 s"))
  }

  @Test func `says of each check where it looks and what it wants`() throws {
    var plan = samplePlan()
    plan.services = []
    plan.warnings = []
    plan.steps = [prove("web")] + sampleChecks().map { checkStep($0, needs: ["web.prove"]) }
    let text = PlanReport(plan, live: liveHead, next: 7).text(.eighty)
    expectFits(text, 80)
    try expectGolden("plan-checks.txt", text)
  }

  @Test func `shows what each rule of the protection says now`() throws {
    var plan = samplePlan()
    plan.services = []
    plan.warnings = []
    plan.steps = [prove("web")]
    let report = PlanReport(
      plan, live: liveHead, next: 7,
      protect: [
        PolicyNote(rule: "branch", isMet: true, words: "1a2b3c4 is on main"),
        PolicyNote(
          rule: "freeze", isMet: false,
          words: "in force until Mon 2026-11-30 06:00 Europe/Oslo (Mon 2026-11-30 05:00 UTC here): weekend"),
        PolicyNote(rule: "after", isMet: true, words: "1a2b3c4 is live and healthy in staging"),
        PolicyNote(rule: "approval", isMet: false, words: "1 wanted, none given; ann or bo may"),
      ])
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("plan-protect.txt", text)
  }

  @Test func `shows what is done to schemas, and what it means`() throws {
    var plan = samplePlan()
    plan.services = []
    plan.warnings = [
      "api: nobody applies the 2 migrations of the database orders. Add\n  orders:\n    engine: postgres"
    ]
    plan.steps = [schemaStep(), deploy("api")]
    let report = PlanReport(plan, live: liveHead, next: 7)
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("plan-schema.txt", text)
    let document = try JSON(parsing: report.json().utf8)
    #expect(document["schemas"]?[0]?["pending"]?[1]?["effect"] == "contract")
  }

  @Test func `of schemas alone says that nothing takes them back`() throws {
    var plan = samplePlan()
    (plan.kind, plan.services, plan.warnings, plan.steps) = (.migrate, [], [], [schemaStep()])
    let text = PlanReport(plan, live: liveHead, next: 7).text(.eighty)
    #expect(text.first == "migrate athlete-ally prod")
    #expect(text.last == "1 schema, nothing takes a migration back")
  }

  @Test func `of databases lists what is applied and what is pending`() throws {
    guard case .migrate(let change) = schemaStep().action else { return }
    let observed = ObservedDatabase(place: change.place, version: "15.4", newest: "2", applied: 2)
    let other = DatabaseTarget(key: "logs", url: .secret("LOGS_URL"))
    let report = MigrateReport(
      environment: "prod", commit: new,
      databases: [
        .init(change.database, observed, pending: change), .init(change.database, observed, pending: nil),
        .init(other, observed, pending: nil),
      ], notes: ["main: the schema is ahead"])
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("migrate-status.txt", text)
  }

  private func schemaStep() -> Step {
    let target = DatabaseTarget(
      key: "main", url: .secret("MAIN_URL"), migrations: Migrations(tool: .encore, directory: "db/migrations")
    )
    func pending(_ name: String, _ effect: MigrationEffect, _ findings: MigrationFinding...)
      -> PlannedMigration
    {
      PlannedMigration(
        id: String(name.prefix(1)), name: name, path: "db/migrations/\(name)", checksum: "", effect: effect,
        isTagged: findings.isEmpty, findings: findings)
    }
    let change = SchemaChange(
      database: target, migrations: Migrations(tool: .encore), place: "db.example:5432/shop", commit: new,
      isDirty: false, from: "2",
      pending: [
        pending("3_add.up.sql", .expand),
        pending(
          "4_drop.up.sql", .contract,
          MigrationFinding(
            line: 3, effect: .contract, lock: "ACCESS EXCLUSIVE",
            reason: "drops a column: its values are gone",
            safer: "in a later release"),
          MigrationFinding(
            line: 5, effect: .expand, lock: "SHARE", blocks: true, reason: "makes an index",
            safer: "CREATE INDEX CONCURRENTLY, in a file of its own outside of a transaction")),
      ])
    return Step(
      id: "main.migrations", title: "migrate main", action: .migrate(change), limit: .seconds(60),
      expected: .seconds(5))
  }

  @Test func `as JSON is one versioned document that reads back`() throws {
    let report = PlanReport(samplePlan(), live: liveHead, next: 7)
    let document = try JSON(parsing: report.json().utf8)
    #expect(document["shipit"] == 1)
    #expect(document["kind"] == "plan")
    #expect(document["services"]?[0]?["variables"]?[1]?["to"] == "debug")
    #expect(document["steps"]?[1]?["needs"]?[0] == "api.variables")
    #expect(try document.decoded(as: PlanReport.self).text(.eighty) == report.text(.eighty))
    try expectGolden("plan.json", [document.serialized(pretty: true)])
  }
}
