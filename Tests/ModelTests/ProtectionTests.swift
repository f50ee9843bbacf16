import Foundation
import Model
import Testing

/// Records of earlier versions are read, and new ones read back.
@Suite struct ProtectionTests {
  private func text(_ value: some Encodable) throws -> String {
    String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
  }

  @Test func aRecordWithoutTheNewRulesIsRead() throws {
    let text = try self.text(Protection(branch: "main", deadline: .seconds(90)))
    #expect(!text.contains("freezes") && !text.contains("approval") && !text.contains("after"))
    let read = try JSONDecoder().decode(Protection.self, from: Data(text.utf8))
    #expect(read == Protection(branch: "main", deadline: .seconds(90)))
    let plan = Plan(
      kind: .deploy, app: "shop", environment: "prod", commit: "c", steps: [], deadline: .seconds(60))
    let old = try self.text(plan)
    #expect(!old.contains("decisions") && !old.contains("binding"))
    #expect(try JSONDecoder().decode(Plan.self, from: Data(old.utf8)) == plan)
  }

  @Test func everyRuleReadsBack() throws {
    let protection = Protection(
      branch: "main", after: "staging",
      approval: ApprovalRule(by: ["ann", "bo"], count: 2, own: false, expires: .seconds(3600)),
      freezes: [
        Freeze(
          from: try FreezeMoment(parsing: "fri 16:00"), to: try FreezeMoment(parsing: "mon 06:00"),
          timezone: "Europe/Oslo", reason: "weekend"),
        Freeze(
          from: try FreezeMoment(parsing: "2026-12-19"), to: try FreezeMoment(parsing: "2027-01-03T09:30")),
      ])
    let text = try self.text(protection)
    #expect(try JSONDecoder().decode(Protection.self, from: Data(text.utf8)) == protection)
  }

  @Test func twoEnvironmentsDifferInEveryRule() throws {
    var first = Environment(name: "staging", app: "shop")
    var second = first
    second.protect = Protection(
      after: "staging", approval: ApprovalRule(by: ["ann", "bo"]),
      freezes: [
        Freeze(from: try FreezeMoment(parsing: "fri 16:00"), to: try FreezeMoment(parsing: "mon 06:00"))
      ])
    first.protect.branch = "main"
    let difference = ConfigurationDifference(from: first, to: second)
    #expect(
      difference.protect.map { "\($0.name): \($0.from ?? "-") → \($0.to ?? "-")" } == [
        "branch: main → -", "after: - → staging", "approval: - → 1 of ann, bo",
        "freeze: - → fri 16:00 to mon 06:00 UTC",
      ])
  }

  @Test func aPersonIsKnownByAnyOfTheirNames() {
    let ann = Person(by: "ann@laptop", names: ["Ann Berg", "ann@example.com", "ann"])
    #expect(ann.name(among: ["bo", "ANN@example.com"]) == "ANN@example.com")
    #expect(ann.name(among: ["bo", "anna"]) == nil)
  }
}
