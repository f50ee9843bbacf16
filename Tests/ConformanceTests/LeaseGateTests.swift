import Concurrency
import Model
import TestSupport
import Testing

/// No platform honours our fence (DESIGN §7): an adapter asks for the lease once more before it changes anything.
@Suite("Lease and adapters", .timeLimit(.minutes(5)))
struct LeaseGateTests {
  @Test("nothing is sent to a platform once the lease has run out", arguments: Worlds.names)
  func nothingIsSentWithoutTheLease(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      let requests = await bench.world.requests()
      for step in try await bench.plan(1).steps {
        switch step.action {
        case .settings, .variables, .deploy, .restore: break
        default: continue
        }
        let outcome = await LeaseGate.under({ false }) { await bench.perform(step) }
        guard case .retry(let failure, _) = outcome else {
          Issue.record("\(step.title) is not tried again: \(outcome)")
          continue
        }
        #expect("\(failure)".contains("the lease was not renewed in time"), "\(failure)")
      }
      try await bench.clock.sleep(for: .seconds(120))
      #expect(await bench.world.made(of: Worlds.commits[1]) == 0)
      #expect(await bench.world.requests() == requests)
      #expect(await bench.world.served() == Worlds.commits[0])
    }
  }
}
