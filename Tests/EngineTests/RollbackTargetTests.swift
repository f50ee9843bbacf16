import Engine
import Model
import Testing

/// Which release a rollback restores when what is live is a mix.
@Suite struct RollbackTargetTests {
  /// A release whose services api, jobs and web run the commits of these letters.
  private func release(_ number: Int, _ state: String, restores: Int? = nil) -> Release {
    let names: [ServiceName] = ["api", "jobs", "web"]
    var services: [ServiceName: ReleasedService] = [:]
    for (name, letter) in zip(names, state) {
      services[name] = Planned.record(
        name, commit: String(repeating: letter, count: 40), deployment: "\(letter)-\(name)")
    }
    return Planned.release(
      number, restores == nil ? .released : .restored, kind: restores == nil ? .deploy : .rollback,
      restores: restores, services: services, order: names)
  }

  private func target(
    _ releases: [Release], to: Int? = nil, only: Set<ServiceName> = []
  ) throws -> RollbackTarget {
    try RollbackTarget(of: RollbackRequest(to: to, only: only, reason: ""), releases: releases.reversed())
  }

  private var three: [Release] { [release(1, "aaa"), release(2, "bbb"), release(3, "ccc")] }

  @Test func afterOneServiceWentBackTheWholeFollowsIt() throws {
    let releases = three + [release(4, "ccb", restores: 2)]
    let target = try target(releases)
    #expect(target.release.number == 2)
    #expect(
      target.why
        == "api and jobs run release 3 and web runs release 2; this is the good one before 3, the newer of them"
    )
  }

  @Test func afterTwoServicesWentBackOneByOneToo() throws {
    let releases = three + [release(4, "ccb", restores: 2), release(5, "cbb", restores: 2)]
    #expect(try target(releases).release.number == 2)
  }

  @Test func onceAllRunAnEarlierReleaseItIsTheOneBeforeThat() throws {
    let whole = try target(three + [release(4, "bbb", restores: 2)])
    #expect(whole.release.number == 1)
    #expect(whole.why == "release 2 is live again since release 4, and this is the good one before it")
    // Arrived there in two steps it is the same.
    let steps = three + [release(4, "ccb", restores: 2), release(5, "bbb", restores: 2)]
    #expect(try target(steps).release.number == 1)
  }

  @Test func ofOneServiceItIsTheOneBeforeWhatThatServiceRuns() throws {
    let releases = three + [release(4, "ccb", restores: 2)]
    #expect(try target(releases, only: ["web"]).release.number == 1)
    let api = try target(releases, only: ["api"])
    #expect(api.release.number == 2)
    #expect(api.why == "api runs release 3, and this is the good one before it")
  }

  @Test func ofOneServiceAReleaseWithTheSameOfItIsPassedOver() throws {
    let releases = [release(1, "aaa"), release(2, "aab"), release(3, "abb")]
    #expect(try target(releases, only: ["web"]).release.number == 1)
    #expect(try target(releases).release.number == 2)
  }

  @Test func whatSomebodyRolledBackIsPassedOver() throws {
    let again = three + [release(4, "bbb", restores: 2), release(5, "ddd")]
    let target = try target(again)
    #expect(target.release.number == 2)
    #expect(
      target.why == "the good one before release 5, which is live; 3 was rolled back and is passed over")
    // Gone back to on purpose, it is good again.
    #expect(try self.target(again + [release(6, "ccc", restores: 3), release(7, "eee")]).release.number == 3)
  }

  @Test func aNumberIsTakenAtItsWord() throws {
    let releases = three + [release(4, "ccb", restores: 2)]
    #expect(try target(releases, to: 1).release.number == 1)
    #expect(try target(releases, to: 3).release.number == 3)
  }

  @Test func aServiceThatWouldGoForwardIsNamed() throws {
    let releases = three + [release(4, "cca", restores: 1)]
    let chosen = try target(releases)
    #expect(chosen.release.number == 2)
    let observed = ["api", "jobs", "web"].map { (name: ServiceName) in
      var one = Planned.observed(name, commit: "x")
      one.live?.id = releases[3].services[name]?.deployment ?? ""
      return one
    }
    let plan = try RollbackPlanner(
      input: Planned.input(
        Planned.environment(observed.map { Planned.service($0.target.service) }), observed,
        releases: releases.reversed()),
      request: RollbackRequest(reason: ""), candidates: [:]
    ).plan(to: chosen)
    #expect(plan.choice == chosen.why)
    #expect(plan.warnings.contains("web goes forward, from release 1 to release 2"))
    #expect(!plan.warnings.contains { $0.hasPrefix("api") })
  }
}
