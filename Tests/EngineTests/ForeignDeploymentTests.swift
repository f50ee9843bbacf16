import Engine
import Model
import Testing

@testable import Simulation

/// Somebody else's deployment is live when a deploy is planned.
@Suite struct ForeignDeploymentTests {
  private func warnings(_ live: String, releases: [Release]) throws -> [String] {
    var observed = Planned.observed("api", commit: Make.old)
    observed.live?.id = live
    return try DeployPlanner(
      Planned.input(Planned.environment([Planned.service("api")]), [observed], releases: releases)
    ).plan().warnings
  }

  @Test func thePlanNamesIt() throws {
    let releases = [Planned.release(1, services: ["api": Planned.record("api", deployment: "ours")])]
    #expect(
      try warnings("theirs", releases: releases) == [
        "api: deployment theirs of \(Make.old.prefix(7)) is live, and no release tells who put it there"
      ])
    #expect(try warnings("ours", releases: releases).isEmpty)
    // Of a service that was never released everything is somebody else's.
    #expect(try warnings("theirs", releases: []).isEmpty)
  }
}
