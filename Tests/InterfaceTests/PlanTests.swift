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
