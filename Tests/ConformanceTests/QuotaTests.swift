import Concurrency
import Engine
import Model
import Railway
import Runner
import TestSupport
import Testing
import Twin

/// Contract railway §4.3: what a small plan grants is enough for a large product, and is kept to.
@Suite struct QuotaTests {
  struct Use: Sendable {
    var exit: ExitCode
    var requests: Int
    var refused: Int
    var took: Duration
    var warnings: [String]
  }

  private func deploy(_ limit: Int, perSecond: Int?) async throws -> [Use] {
    try await ReleaseWorld.live(ReleaseWorld.Shape(railway: 30)) { world in
      await world.railway.limitRate(to: limit, per: .seconds(3600), perSecond: perSecond)
      var uses: [Use] = []
      for commit in 0...1 {
        // Another command, which knows nothing of the seconds before it.
        try await world.clock.sleep(for: .seconds(2))
        let before = await world.railway.requests.count
        let began = world.clock.now
        let result = try await world.deploy(commit)
        uses.append(
          Use(
            exit: result.exit, requests: await world.railway.requests.count - before,
            refused: await world.railway.refusedByRate, took: world.clock.now - began,
            warnings: result.plan?.warnings ?? []))
      }
      return uses
    }
  }

  @Test func thirtyServicesAreDeployedTwiceWithinHobbysHourAndNeverTooManyASecond() async throws {
    let uses = try await deploy(1000, perSecond: 10)
    for use in uses {
      #expect(use.exit == .done)
      #expect(use.refused == 0)
      #expect(use.took < .seconds(900), "\(use.took)")
    }
    #expect(uses.map(\.requests).reduce(0, +) <= 1000, "\(uses.map(\.requests))")
    print("30 services: \(uses.map(\.requests)) requests, \(uses.map(\.took))")
  }
}
