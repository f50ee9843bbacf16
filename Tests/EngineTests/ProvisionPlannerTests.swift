import Engine
import Model
import Testing

@testable import Simulation

/// What is missing becomes a plan of its own, and what would stop the deploy after it stops it.
@Suite struct ProvisionPlannerTests {
  private static let account = Creation.Account.railway(
    RailwayTarget(project: "shop", environment: "production", tokenSecret: "T"))

  private static func creation(_ kind: Creation.Kind, _ name: String, of owner: String? = nil) -> Creation {
    Creation(
      kind, in: account, name: name, owner: owner,
      key: kind == .project || kind == .environment ? nil : owner ?? name)
  }

  private static let creations = [
    creation(.project, "shop"), creation(.environment, "production"), creation(.service, "api"),
    creation(.service, "web"), creation(.address, "", of: "api"), creation(.address, "", of: "web"),
  ]

  private func input(_ secrets: SecretValues = SecretValues()) -> PlanInput {
    Planned.input(
      Planned.environment([
        Planned.service("api"),
        Planned.service(
          "web",
          variables: [
            "API_URL": .text(Template([.reference(.serviceURL("api"))])), "KEY": .secret("KEY"),
          ]),
      ]), [], secrets: secrets)
  }

  @Test func everythingComesAfterWhatItStandsInAndHostsOneAfterTheOther() throws {
    let shortfall = Shortfall(creations: Self.creations, absent: ["api", "web"])
    let plan = try ProvisionPlanner(input(Planned.secrets(["KEY": "v"])), shortfall).plan()
    #expect(plan.kind == .provision)
    let needs = Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.id, Set($0.needs)) })
    #expect(needs["railway.project"] == [])
    #expect(needs["railway.environment"] == ["railway.project"])
    #expect(needs["api.create"] == ["railway.project", "railway.environment"])
    #expect(needs["api.address"] == ["api.create"])
    #expect(needs["web.address"] == ["web.create", "api.address"])
    #expect(plan.steps.allSatisfy { $0.undo.isEmpty && !$0.isCutOver })
  }

  @Test func whatFollowsIsShownAndBoundByTheSameDigest() throws {
    let shortfall = Shortfall(creations: Self.creations, absent: ["api", "web"])
    let input = input(Planned.secrets(["KEY": "v"]))
    let plan = try ProvisionPlanner(input, shortfall).plan()
    #expect(plan.then?.map(\.service) == ["api", "web"])
    #expect(plan.then?.last?.variables.contains { $0.to == "<address of api>" } == true)
    #expect(plan.digest == DeployPlanner(input).bindingDigest())
  }

  @Test func aSecretWithoutAValueStopsItBeforeAnythingIsMade() throws {
    let shortfall = Shortfall(creations: Self.creations, absent: ["api", "web"])
    #expect(throws: Failure.self) { try ProvisionPlanner(input(), shortfall).plan() }
  }
}
