import Concurrency
import Ledgers
import Model
import Runner
import TestSupport
import Testing
import Zones

/// Freezes, as a deploy meets them.
@Suite struct FreezeTests {
  /// Wednesday 25 November 2026, 18:00 UTC.
  static let wednesday = at("2026-11-25T18:00:00Z")
  /// Saturday noon, UTC.
  static let saturday = at("2026-11-28T12:00:00Z")

  static func at(_ text: String) -> Timestamp { Timestamp(iso8601: text) ?? Timestamp(milliseconds: 0) }

  static func protect() throws -> Protection {
    Protection(freezes: [
      Freeze(
        from: try FreezeMoment(parsing: "fri 16:00"), to: try FreezeMoment(parsing: "mon 06:00"),
        timezone: "Europe/Oslo", reason: "weekend")
    ])
  }

  @Test func withinAFreezeNothingIsDeployedAndTheWaysOnAreTold() throws {
    let protect = try Self.protect()
    try VirtualTime(start: Self.saturday).run { clock, spawn in
      let stage = Stage(clock, spawn, protect: protect)
      let refused = await stage.deploy(Stage.request())
      #expect(refused.exit == .policy)
      let failure = try #require(refused.failure)
      #expect(
        failure.message
          == "prod is frozen until Mon 2026-11-30 06:00 Europe/Oslo (Mon 2026-11-30 05:00 UTC here): weekend")
      #expect(failure.cause?.contains("since Fri 2026-11-27 16:00 Europe/Oslo") == true)
      #expect(
        failure.hint?.contains("--override-freeze") == true && failure.hint?.contains("rollback") == true)
      #expect(stage.platform.performed == [])
      #expect(await stage.ledger.memory.runs(limit: 9).isEmpty)
      // With nothing to do there is nothing to freeze.
      #expect(await stage.next().deploy(Stage.request(0)).exit == .done)
    }
  }

  @Test func anOverrideIsInTheReleaseWithItsReason() throws {
    let protect = try Self.protect()
    try VirtualTime(start: Self.saturday).run { clock, spawn in
      let stage = Stage(clock, spawn, protect: protect)
      let reason = "the checkout is broken, \(Stage.secret)"
      let done = await stage.deploy(Stage.request(overrides: PolicyOverrides(freeze: reason)))
      #expect(done.exit == .done)
      let decision = try #require(done.release?.decisions?.first)
      #expect(decision.kind == .freezeOverridden && decision.by == "ann@laptop")
      #expect(decision.reason == "the checkout is broken, •••")
      #expect(done.run?.plan.decisions == done.release?.decisions)
    }
  }

  @Test func anOverrideThatIsNotNeededIsNotRecorded() throws {
    let protect = try Self.protect()
    try VirtualTime(start: Self.wednesday).run { clock, spawn in
      let stage = Stage(clock, spawn, protect: protect)
      let done = await stage.deploy(Stage.request(overrides: PolicyOverrides(freeze: "to be safe")))
      #expect(done.exit == .done && done.release?.decisions == nil)
    }
  }

  /// Frozen at 15:00 UTC; somebody looks at the plan until after it.
  @Test func aFreezeThatBeginsBeforeTheFirstEffectIsMet() throws {
    let protect = try Self.protect()
    let start = Self.at("2026-11-27T14:55:00Z")
    try VirtualTime(start: start).run { clock, spawn in
      let stage = Stage(clock, spawn, protect: protect)
      let slow: @Sendable (Plan) async -> Bool = { _ in
        try? await clock.sleep(for: .seconds(600))
        return true
      }
      let refused = await stage.deploy(Stage.request(), agree: slow)
      #expect(refused.exit == .policy)
      #expect(stage.platform.performed == [])
      #expect(await stage.ledger.memory.runs(limit: 9).isEmpty)
      let forced = await stage.next().deploy(
        Stage.request(overrides: PolicyOverrides(freeze: "urgent")), agree: slow)
      #expect(forced.exit == .done && forced.release?.decisions?.count == 1)
    }
  }

  @Test func aRunThatHasBegunGoesOnAlsoWhenItIsResumedWithinTheFreeze() throws {
    let protect = try Self.protect()
    let start = Self.at("2026-11-27T14:59:50Z")
    try VirtualTime(start: start).run { clock, spawn in
      let stage = Stage(clock, spawn, protect: protect)
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(120) }
      #expect(await stage.deploy(Stage.request()).exit == .done)
      #expect(clock.now > Self.at("2026-11-27T15:00:30Z"))
    }
    try VirtualTime(start: start).run { clock, spawn in
      let stage = Stage(clock, spawn, protect: protect)
      stage.platform.script.withLock { $0.durations["web.deploy"] = .seconds(120) }
      let box = stage.started { await stage.deploy(Stage.request()) }
      try await stage.until { stage.platform.performed.contains("web.deploy") }
      stage.interrupter.interrupt(.interrupt)
      #expect(try await stage.end(of: box).result?.state == .inFlight)
      try await clock.sleep(for: .seconds(3600))
      let resumed = await stage.next().deploy(Stage.request())
      #expect(resumed.exit == .done && resumed.release?.number == 1)
    }
  }

  @Test func aRunThatWasOpenedAndHasBegunNothingIsFrozenLikeANewOne() throws {
    let protect = try Self.protect()
    let start = Self.at("2026-11-27T14:59:50Z")
    try VirtualTime(start: start).run { clock, spawn in
      let stage = Stage(clock, spawn, protect: protect)
      // Killed right after the run was opened.
      let lease = try await stage.ledger.memory.acquire(holder: stage.context.holder)
      let plan = try await stage.planning.plan(Stage.request())
      _ = try await stage.ledger.memory.open(plan, by: "ann@laptop", at: clock.now, lease: lease)
      await stage.ledger.memory.killHolder()
      try await clock.sleep(for: .seconds(3600))
      #expect(await stage.next().deploy(Stage.request()).exit == .policy)
      #expect(stage.platform.performed == [])
      #expect(await stage.ledger.memory.openRun() == nil)
    }
  }

  @Test func aRollbackIsNeverFrozen() throws {
    let protect = try Self.protect()
    try VirtualTime(start: Self.wednesday).run { clock, spawn in
      let stage = Stage(clock, spawn, protect: protect)
      #expect(await stage.deploy(Stage.request(1)).exit == .done)
      #expect(await stage.next().deploy(Stage.request(2)).exit == .done)
      try await clock.sleep(until: Self.saturday)
      #expect(await stage.next().rollback().exit == .done)
      #expect(stage.commits["api"] == Stage.commits[1])
    }
  }

  @Test func withoutZoneDataADeployIsRefusedAndARollbackIsNot() throws {
    let protect = try Self.protect()
    try VirtualTime(start: Self.wednesday).run { clock, spawn in
      var stage = Stage(clock, spawn)
      #expect(await stage.deploy(Stage.request(1)).exit == .done)
      #expect(await stage.next().deploy(Stage.request(2)).exit == .done)
      stage = Stage(clock, spawn, protect: protect)
      stage.sources.zone = { _ throws(Failure) in throw Failure(.configuration, "no data") }
      #expect(await stage.deploy(Stage.request(3)).exit == .usage)
      #expect(stage.platform.performed == [])
    }
  }
}
