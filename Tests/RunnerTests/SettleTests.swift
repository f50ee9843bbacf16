import Concurrency
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// `settle`: what an interrupted run left is found out, recorded and closed; nothing new goes live.
@Suite struct SettleTests {
  /// A deploy that is stopped at a step, as by a kill of which only the journal remains.
  private func stopped(_ stage: Stage, at step: StepID) async throws {
    stage.platform.script.withLock { $0.durations[step] = .seconds(100) }
    let box = stage.started { await stage.deploy(1) }
    try await stage.until { stage.platform.performed.contains(step) }
    stage.interrupter.interrupt(.interrupt)
    _ = try await stage.end(of: box)
    stage.platform.script.withLock { $0.durations = [:] }
    stage.platform.forget()
  }

  @Test func whatWasNotBegunStaysUndoneAndTheRunIsAbandoned() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      try await stopped(stage, at: "web.deploy")
      let settled = await stage.next().settle()
      #expect(settled.outcome == .abandoned && settled.failure == nil)
      #expect(settled.result?.state == .abandoned)
      #expect(stage.platform.performed == [], "something was done: \(stage.platform.performed)")
      // What it had put live is on record.
      let release = await stage.ledger.memory.release(number: 1)
      #expect(release?.services["api"]?.commit == Stage.commits[1])
      #expect(await stage.ledger.memory.openRun() == nil)
      #expect(await stage.ledger.memory.holder() == nil)
      #expect(await stage.next().settle().outcome == .nothing)
    }
  }

  @Test func whatTurnsOutLiveInWholeIsProvenAndCompleted() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      try await stopped(stage, at: "web.prove")
      let settled = await stage.next().settle()
      #expect(settled.outcome == .completed, "\(settled)")
      #expect(settled.result?.state == .released && settled.result?.exit == .done)
      #expect(stage.platform.performed.allSatisfy { !$0.rawValue.hasSuffix(".deploy") })
      #expect(stage.platform.performed.contains("web.prove"))
      let release = await stage.ledger.memory.release(number: 1)
      #expect(release?.isGood == true && release?.services["web"]?.commit == Stage.commits[1])
    }
  }

  @Test func whatTurnsOutBadIsAbandonedAndNotTakenBack() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      try await stopped(stage, at: "web.prove")
      stage.platform.script.withLock {
        $0.outcomes["web.prove"] = [.failed(Failure(.failed, "answers 500"), moved: false)]
      }
      let settled = await stage.next().settle()
      #expect(settled.outcome == .abandoned, "\(settled)")
      #expect(stage.commits == ["api": Stage.commits[1], "web": Stage.commits[1]], "it was taken back")
      #expect(await stage.ledger.memory.badCommits() == [:])
    }
  }

  @Test func whatGoesOnWithoutUsIsWaitedFor() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.abandonments["web.deploy"] = .inFlight("goes on") }
      try await stopped(stage, at: "web.deploy")
      stage.platform.script.withLock { $0.findings["web.deploy"] = .underWay(externalID: "w1") }
      let before = clock.now
      let box = Locked<Settlement?>(nil)
      let next = stage.next()
      spawn {
        let settled = await next.settle()
        box.withLock { $0 = settled }
      }
      try await clock.sleep(for: .seconds(30))
      #expect(box.withLock { $0 == nil })
      stage.platform.script.withLock { $0.findings["web.deploy"] = .done(StepResult(externalID: "w1")) }
      try await stage.until { box.withLock { $0 != nil } }
      let settled = try #require(box.withLock { $0 })
      #expect(clock.now - before < .seconds(60))
      #expect(settled.outcome == .completed, "\(settled)")
    }
  }

  @Test func whenTimeIsUpItStaysOpenAndIsGivenBack() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.abandonments["web.deploy"] = .inFlight("goes on") }
      try await stopped(stage, at: "web.deploy")
      stage.platform.script.withLock { $0.findings["web.deploy"] = .underWay(externalID: "w1") }
      let before = clock.now
      let settled = await stage.next().settle(within: .seconds(60))
      #expect(clock.now - before <= .milliseconds(66_500))
      #expect(settled.outcome == .unknown && settled.failure?.exitCode == .failedMixed)
      #expect(settled.failure?.hint?.contains("shipit settle prod") == true, "\(settled)")
      #expect(settled.result?.unattended == ["web.deploy"], "\(settled)")
      #expect(await stage.ledger.memory.openRun()?.id == RunID(1))
      #expect(await stage.ledger.memory.holder() == nil)
    }
  }

  @Test func nobodyIsWaitedForWhoHoldsTheEnvironment() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(100) }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("api.deploy") }
      let settled = await stage.next().settle()
      #expect(settled.failure?.kind == .leaseHeld && settled.run == nil)
      #expect(try await stage.end(of: box).exit == .done)
    }
  }
}
