import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// In which order services of different cut-over classes go live (DESIGN §6).
@Suite struct CutOverOrderTests {
  private func service(
    _ key: ServiceName, _ platform: PlatformName, needs: [String] = [], buildNeeds: [String] = []
  ) -> Service {
    var service = Planned.service(key, needs: needs)
    service.platform = platform
    service.buildNeeds = buildNeeds
    return service
  }

  private func plan(_ services: [Service], _ checks: [Check] = []) throws -> Plan {
    let observed = services.map { service in
      Planned.observed(
        service.key, cutOver: service.platform == .vercel ? .staged : .gated,
        restoreMode: service.platform == .encore ? .redeploy : .codeAndVariables)
    }
    return try DeployPlanner(
      Planned.input(Planned.environment(services, checks: checks), observed)
    ).plan()
  }

  /// Everything that must have ended well before a step begins.
  private func before(_ id: StepID, _ plan: Plan) -> Set<StepID> {
    var seen: Set<StepID> = []
    var open = plan.step(id)?.needs ?? []
    while let next = open.popLast() {
      if seen.insert(next).inserted { open += plan.step(next)?.needs ?? [] }
    }
    return seen
  }

  private func isOrdered(_ plan: Plan) -> Bool {
    var seen: Set<StepID> = []
    for step in plan.steps {
      guard step.needs.allSatisfy(seen.contains) else { return false }
      seen.insert(step.id)
    }
    return true
  }

  @Test func whatIsStagedIsProvenDarkFirstAndPromotedLast() throws {
    let check = Check(name: "smoke", kind: .command(["smoke"]))
    let plan = try plan(
      [
        service("api", .railway), service("jobs", .encore, needs: ["api"]),
        service("web", .vercel, needs: ["api"]),
      ], [check])
    #expect(
      plan.ids == [
        "web.deploy", "web.verify", "api.variables", "api.deploy", "api.prove", "jobs.deploy", "jobs.prove",
        "web.promote", "web.prove", "api.confirm", "jobs.confirm", "web.confirm", "check.smoke",
      ])
    for step in ["api.variables", "api.deploy", "jobs.deploy"] as [StepID] {
      #expect(before(step, plan).contains("web.verify"), "\(step)")
    }
    #expect(before("web.promote", plan).isSuperset(of: ["web.verify", "api.prove", "jobs.prove"]))
    #expect(!before("web.deploy", plan).contains("api.deploy"))
    #expect(plan.steps.filter(\.isCutOver).map(\.id) == ["api.deploy", "jobs.deploy", "web.promote"])
    // A failed build or dark proof has nothing to take back; a promotion has.
    #expect(plan.step("web.deploy")?.undo.isEmpty == true)
    #expect(plan.step("web.promote")?.undo.map(\.id) == ["undo.web.deploy", "undo.web.prove"])
    guard case .prove(let dark)? = plan.step("web.verify")?.action else {
      Issue.record("no dark proof")
      return
    }
    #expect(dark.isDark && dark.deploymentStep == "web.deploy")
  }

  @Test func aBuildThatReadsAnAddressWaitsForTheService() throws {
    let plan = try plan([
      service("api", .railway), service("web", .vercel, needs: ["api"], buildNeeds: ["api"]),
      service("jobs", .encore),
    ])
    #expect(before("web.deploy", plan).contains("api.prove"))
    // The other one still waits until what is staged was proven dark; api cannot, for web waits for it.
    #expect(before("jobs.deploy", plan).contains("web.verify"))
    #expect(!before("api.deploy", plan).contains("web.verify"))
    #expect(isOrdered(plan))
  }

  @Test func aGatedServiceThatNeedsAStagedOneClosesNoCircle() throws {
    let plan = try plan([
      service("web", .vercel), service("api", .railway, needs: ["web"]), service("jobs", .encore),
    ])
    #expect(before("api.deploy", plan).contains("web.prove"))
    #expect(!before("web.promote", plan).contains("api.prove"))
    #expect(before("web.promote", plan).contains("jobs.prove"))
    #expect(isOrdered(plan))
  }

  @Test func twoStagedServicesAreBothProvenDarkBeforeEitherIsPromoted() throws {
    let plan = try plan([
      service("docs", .vercel), service("api", .railway), service("web", .vercel, needs: ["docs"]),
    ])
    #expect(before("api.deploy", plan).isSuperset(of: ["docs.verify", "web.verify"]))
    for staged in ["docs", "web"] {
      #expect(
        before(StepID("\(staged).promote"), plan).isSuperset(of: ["docs.verify", "web.verify", "api.prove"]))
    }
    #expect(before("web.promote", plan).contains("docs.prove"))
    #expect(!before("web.deploy", plan).contains("docs.prove"))
  }

  @Test func stagedAloneOrGatedAloneKeepTheirOwnOrder() throws {
    #expect(
      try plan([service("web", .vercel)]).ids == ["web.deploy", "web.verify", "web.promote", "web.prove"])
    let gated = try plan([service("a", .encore), service("b", .encore, needs: ["a"])])
    #expect(gated.ids == ["a.deploy", "a.prove", "b.deploy", "b.prove", "a.confirm", "b.confirm"])
  }

  @Test func anyGraphOfNeedsIsOrderedWithoutACircle() throws {
    for seed in 0..<UInt64(500) {
      var random = SeededRandom(seed: seed)
      var services: [Service] = []
      for index in 0..<random.number(2...6) {
        let platform: PlatformName = [.railway, .vercel, .encore][random.number(0...2)]
        let needs = services.map(\.key.rawValue).filter { _ in random.chance(300) }
        services.append(
          service(
            ServiceName(rawValue: "s\(index)"), platform, needs: needs,
            buildNeeds: needs.filter { _ in random.chance(300) }))
      }
      let plan = try plan(services)
      #expect(isOrdered(plan), "seed \(seed)")
      for service in services {
        let live = StepID(service.platform == .vercel ? "\(service.key).promote" : "\(service.key).deploy")
        for need in service.needs {
          #expect(before(live, plan).contains(StepID("\(need).prove")), "seed \(seed)")
        }
      }
    }
  }
}
