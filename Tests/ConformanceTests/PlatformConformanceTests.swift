import Concurrency
import Engine
import Ledgers
import Model
import Runner
import Testing

/// What every platform must do, whatever it is: whole operations, judged by what users get, by what the
/// platform was asked for, and by what is said. docs/adding-a-platform.md tells how to bring a new one here.
@Suite("Platforms", .timeLimit(.minutes(5)))
struct PlatformConformanceTests {
  @Test("a deploy is live and proven, and a second one changes nothing", arguments: Worlds.names)
  func deploys(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      let first = try await bench.deploy(0)
      #expect(first.exit == .done, "\(first.words)")
      #expect(await bench.world.served() == Worlds.commits[0])
      let record = try #require(first.release?.services["app"])
      #expect(record.proof == .served && record.commit == Worlds.commits[0] && record.deployment != nil)
      #expect(record.cutOver == type(of: bench.world).cutOver)

      let again = try await bench.deploy(0)
      let reasons = again.plan?.services.map {
        ($0.reasons, $0.variables.map { "\($0.name) \($0.kind)" }, $0.settings)
      }
      #expect(again.exit == .done && again.plan?.isEmpty == true, "\(again.words) \(reasons ?? [])")
      #expect(await bench.world.made(of: Worlds.commits[0]) == 1)

      let second = try await bench.deploy(1, greeting: "good morning")
      #expect(second.exit == .done, "\(second.words)")
      #expect(await bench.world.served() == Worlds.commits[1])
      #expect(second.release?.services["app"]?.previous == record.deployment)
      let settled = try await bench.deploy(1, greeting: "good morning")
      #expect(settled.plan?.isEmpty == true, "variables that were written differ from what is read")
    }
  }

  @Test("an answer that is lost after the effect makes no second deployment", arguments: Worlds.names)
  func lostAnswer(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      guard try await bench.takes(.loseAnswer) else { return }
      let result = try await bench.deploy(1)
      #expect(result.exit == .done, "\(result.words)")
      #expect(await bench.world.served() == Worlds.commits[1])
      #expect(await bench.world.made(of: Worlds.commits[1]) == 1)
    }
  }

  @Test(
    "a deploy that is cancelled ends in time, says what is live, and is taken up again",
    arguments: Worlds.names)
  func cancel(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      let began = bench.clock.now
      let result = try await bench.deploy(1, interruptAfter: .seconds(4))
      #expect(bench.clock.now - began - .seconds(60) <= .milliseconds(4000 + 6500))
      #expect([.interrupted, .failedMixed].contains(result.exit), "\(result.words)")
      let served = await bench.world.served()
      if result.exit == .interrupted { #expect(served == Worlds.commits[0]) }
      let after = try await bench.deploy(1)
      #expect(after.exit == .done, "\(after.words)")
      #expect(await bench.world.served() == Worlds.commits[1])
    }
  }

  @Test("a slow platform is waited for", arguments: Worlds.names)
  func slow(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      guard try await bench.takes(.slow) else { return }
      let began = bench.clock.now
      let result = try await bench.deploy(1)
      #expect(result.exit == .done, "\(result.words)")
      #expect(bench.clock.now - began > .seconds(120), "it was not slow at all")
      #expect(await bench.world.served() == Worlds.commits[1])
    }
  }

  @Test(
    "a deployment that never ends runs out of its limit, and users keep what they had",
    arguments: Worlds.names)
  func stuck(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      guard try await bench.takes(.stuck) else { return }
      let result = try await bench.deploy(1)
      if type(of: bench.world).canCancel {
        #expect([.failedClean, .deadline].contains(result.exit), "\(result.words)")
      } else {
        // It may still go live: a person is told which, and where to stop it.
        #expect(result.exit == .failedMixed, "\(result.words)")
        #expect(result.result?.unattended == ["app.deploy"])
      }
      #expect(await bench.world.served() == Worlds.commits[0])
      #expect(result.shownFailure?.hint?.isEmpty == false, "\(name) \(result.words)")
    }
  }

  @Test("a failed build says the platform's reason, and users see nothing of it", arguments: Worlds.names)
  func buildFails(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      guard try await bench.takes(.buildFails) else { return }
      let result = try await bench.deploy(1, greeting: "never seen")
      #expect(result.exit == .failedClean, "\(result.words)")
      #expect(result.result?.state == .unchanged, "\(result.words)")
      let failure = try #require(result.shownFailure)
      #expect(failure.description.lowercased().contains("build"), "\(failure)")
      #expect(failure.hint?.isEmpty == false)
      #expect(await bench.world.served() == Worlds.commits[0])
      // The variables are as they were: deploying the old greeting again finds nothing to do.
      let back = try await bench.plan(0)
      #expect(back.isEmpty, "\(back)")
    }
  }

  @Test(
    "a rollback restores what was live, proves it, and is not undone by the next deploy",
    arguments: Worlds.names)
  func rollback(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      _ = try await bench.deploy(1, greeting: "good morning")
      let result = try await bench.rollback()
      #expect(result.exit == .done, "\(result.words)")
      #expect(await bench.world.served() == Worlds.commits[0])
      #expect(result.release?.services["app"]?.proof == .served)
      #expect(await bench.world.made(of: Worlds.commits[1]) == 1)
      let held = try await bench.deploy(2)
      #expect(held.exit == .policy, "\(held.words)")
      try await bench.lift()
      let next = try await bench.deploy(2)
      #expect(next.exit == .done, "\(next.words)")
      #expect(await bench.world.served() == Worlds.commits[2])
    }
  }

  @Test("what a rollback leaves pinned is said, and the next release lifts it", arguments: Worlds.names)
  func pin(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      _ = try await bench.deploy(1)
      _ = try await bench.rollback()
      let pinned = try await bench.live()
      // Only a platform whose switch is a promotion pins.
      guard type(of: bench.world).cutOver == .staged else {
        #expect(pinned?.notes == [])
        return
      }
      #expect(pinned?.notes.contains { $0.contains("pinned") } == true, "\(String(describing: pinned))")
      try await bench.lift()
      _ = try await bench.deploy(2)
      #expect(try await bench.live()?.notes.contains { $0.contains("pinned") } == false)
    }
  }

  @Test(
    "what the platform keeps no longer is said before the rollback, which still restores or refuses",
    arguments: Worlds.names)
  func retention(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      _ = try await bench.deploy(1)
      guard try await bench.takes(.retentionPassed) else { return }
      let result = try await bench.rollback()
      if result.exit == .done {
        #expect(await bench.world.served() == Worlds.commits[0])
        #expect(result.plan?.services.first?.cannotRestore != nil, "the loss was not announced")
      } else {
        #expect([.usage, .rollbackFailed, .failedClean].contains(result.exit), "\(result.words)")
        #expect(await bench.world.served() == Worlds.commits[1])
        #expect(result.shownFailure?.hint?.isEmpty == false, "\(name) \(result.words)")
      }
    }
  }

  @Test("a token without the right is told apart before anything is changed", arguments: Worlds.names)
  func missingRights(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      let result = try await bench.deploy(1, as: .stranger)
      #expect([.authentication, .usage].contains(result.exit), "\(result.words)")
      #expect(result.run == nil && result.shownFailure?.hint?.isEmpty == false)
      #expect(await bench.world.made(of: Worlds.commits[1]) == 0)
      #expect(await bench.world.served() == Worlds.commits[0])
    }
  }

  @Test("a rate limit is waited out", arguments: Worlds.names)
  func rateLimit(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      guard try await bench.takes(.rateLimited) else { return }
      let result = try await bench.deploy(1, greeting: "good morning")
      #expect(result.exit == .done, "\(result.words)")
      #expect(await bench.world.made(of: Worlds.commits[1]) == 1)
    }
  }

  @Test("a foreign deployment during the run stops it, and is left alone", arguments: Worlds.names)
  func foreign(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      guard try await bench.takes(.foreignDeployment) else { return }
      let result = try await bench.deploy(1)
      #expect(result.exit == .stale, "\(result.words)")
      #expect(await bench.world.requests() == 0, "the other's deployment was rolled back")
    }
  }

  @Test("a second deployer is shown, and turned off", arguments: Worlds.names)
  func secondDeployer(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      guard try await bench.takes(.secondDeployer) else { return }
      let plan = try await bench.plan(1)
      #expect(plan.warnings.contains { $0.contains("on each push") }, "\(plan.warnings)")
      let result = try await bench.deploy(1)
      #expect(result.exit == .done, "\(result.words)")
      #expect(try await bench.plan(1).isEmpty)
    }
  }

  @Test("no secret and no token is told or recorded in any of it", arguments: Worlds.names)
  func secrets(_ name: PlatformName) async throws {
    try await WorldBench.live(name) { bench in
      _ = try await bench.deploy(0)
      if try await bench.takes(.buildFails) { _ = try await bench.deploy(1) }
      _ = try await bench.deploy(2)
      _ = try await bench.rollback()
      var told = bench.told.withLock { $0 }
      for run in await bench.ledger.runs(limit: 10) {
        told += "\(run)\n\(await bench.ledger.journal(of: run.id))"
      }
      told += "\(await bench.ledger.releases(limit: 10))"
      for planted in [Worlds.token, Worlds.secret, Worlds.stranger] {
        #expect(!told.contains(planted), "a planted secret was told or recorded")
      }
    }
  }
}

extension WorldBench {
  /// Sets a trouble up. False when the platform knows no such thing, which is printed with its reason.
  func takes(_ trouble: WorldTrouble) async throws -> Bool {
    guard let reason = try await world.arrange(trouble) else { return true }
    print("skipped: \(trouble) on \(type(of: world)): \(reason)")
    return false
  }
}
