import Concurrency
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// What a way back leaves behind that was cut off, interrupted or settled: marks, holds, an open run.
@Suite struct WayBackTests {
  /// A deploy whose second proof fails and whose rollback hangs.
  private func hangingRollback(_ stage: Stage) {
    stage.platform.script.withLock {
      $0.outcomes["web.prove"] = [.failed(Failure(.failed, "502"), moved: false)]
      $0.durations["undo.web.deploy"] = .seconds(86_400)
      $0.stubbornness["undo.web.deploy"] = .seconds(86_400)
      $0.abandonments["undo.web.deploy"] = .inFlight("goes on")
      // The performer that hangs takes its share; the rest is used up by the next one.
      $0.durations["undo.api.deploy"] = .seconds(86_400)
      $0.stubbornness["undo.api.deploy"] = .seconds(86_400)
      $0.abandonments["undo.api.deploy"] = .inFlight("goes on")
    }
  }

  @Test func aRollbackThatHangsEndsInTimeAndGivesTheLeaseBack() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      hangingRollback(stage)
      let began = clock.now
      let result = await stage.deploy(1)
      #expect(result.exit == .failedMixed)
      // Nothing but the rollback takes long here, and it has at most thirty minutes.
      #expect(clock.now - began < .seconds(1900))
      #expect(await stage.ledger.memory.holder() == nil)
      #expect(result.result?.rollbackFailure != nil)
    }
  }

  @Test func aDeployThatIsTakenBackForItsDeadlineIsMarkedBad() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn, protect: Protection(deadline: .seconds(600)))
      stage.platform.script.withLock { $0.durations["web.deploy"] = .seconds(86_400) }
      let late = await stage.deploy(1)
      #expect(late.exit == .deadline)
      #expect(late.result?.state == .rolledBack)
      #expect(stage.commits["api"] == Stage.commits[0])
      stage.platform.script.withLock { $0.durations = [:] }
      let refused = await stage.next().deploy(1)
      #expect(refused.exit == .policy)
      #expect(await stage.next().deploy(1, again: true).exit == .done)
    }
  }

  @Test func aDeadlineBeforeAnythingMovedMarksNothing() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn, protect: Protection(deadline: .seconds(600)))
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(86_400) }
      let late = await stage.deploy(1)
      #expect(late.result?.state == .unchanged)
      #expect(await stage.ledger.memory.badCommits().isEmpty)
    }
  }

  @Test func aFirstReleaseThatFailsIsNotMarked() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        ($0.commits, $0.deployments) = ([:], [:])
        $0.outcomes["api.deploy"] = [.failed(Failure(.failed, "the gate"), moved: false)]
      }
      #expect(await stage.deploy(1).exit == .failedMixed)
      #expect(await stage.ledger.memory.badCommits().isEmpty)
      // With the cause away the same commit may go.
      stage.platform.script.withLock { $0.outcomes = [:] }
      #expect(await stage.next().deploy(1).exit == .done)
    }
  }

  @Test func aRunThatIsSettledOnItsWayBackMarksItsCommit() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.outcomes["web.prove"] = [.failed(Failure(.failed, "502"), moved: false)]
        $0.durations["undo.web.deploy"] = .seconds(100)
      }
      let box = stage.started { await stage.deploy(1) }
      try await stage.until { stage.platform.performed.contains("undo.web.deploy") }
      stage.interrupter.interrupt(.interrupt)
      #expect(try await stage.end(of: box).exit == .failedMixed)
      stage.platform.script.withLock { ($0.outcomes, $0.durations) = ([:], [:]) }
      #expect(await stage.next().deploy(2).exit == .done)
      #expect(await stage.ledger.memory.badCommits() == [Stage.commits[1]: 1])
    }
  }

  @Test func aRunKilledBetweenItsMarkAndItsClosingIsClosedByTheSameCommand() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.outcomes["web.prove"] = [.failed(Failure(.failed, "502"), moved: false)]
      }
      stage.ledger.faults.withLock { $0.isClosingBroken = true }
      _ = await stage.deploy(1)
      stage.ledger.faults.withLock { $0.isClosingBroken = false }
      #expect(await stage.ledger.memory.badCommits() == [Stage.commits[1]: 1])
      stage.platform.forget()
      let again = await stage.next().deploy(1)
      #expect(again.exit == .failedClean)
      #expect(stage.platform.performed == [])
      #expect(await stage.ledger.memory.openRun() == nil)
      #expect(await stage.next().deploy(1).exit == .policy)
    }
  }

  @Test func manyFailedDeploysDoNotHideWhatIsGood() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(await stage.deploy(1).exit == .done)
      #expect(await stage.next().deploy(2).exit == .done)
      stage.platform.script.withLock {
        $0.outcomes["api.deploy"] = [.failed(Failure(.failed, "build"), moved: false)]
      }
      for _ in 0..<60 { #expect(await stage.next().deploy(3).exit == .failedClean) }
      let recent = try await stage.ledger.recentReleases()
      #expect(recent.count == 62 && recent.count { $0.isGood } == 2)
      #expect(await stage.next().rollback().exit == .done)
      #expect(stage.commits["api"] == Stage.commits[1])
    }
  }

  @Test func aRollbackThatWasInterruptedAndIsSettledByADeployLeavesItsHold() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(await stage.deploy(1).exit == .done)
      #expect(await stage.next().deploy(2).exit == .done)
      let second = stage.next()
      stage.platform.script.withLock { $0.durations["api.restore"] = .seconds(100) }
      let box = second.started { await second.rollback() }
      try await second.until { stage.platform.performed.contains("api.restore") }
      second.interrupter.interrupt(.interrupt)
      _ = try await second.end(of: box)
      stage.platform.script.withLock { $0.durations = [:] }
      let refused = await stage.next().deploy(3)
      #expect(refused.exit == .policy)
      #expect(
        refused.failure?.message.contains("a rollback to release 1 stopped half-way: errors") == true,
        "\(refused.failure?.message ?? "no failure")")
      #expect(stage.commits == ["api": Stage.commits[2], "web": Stage.commits[1]])
    }
  }

  @Test func aRollbackThatMovedNothingLeavesNoHold() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(await stage.deploy(1).exit == .done)
      #expect(await stage.next().deploy(2).exit == .done)
      let second = stage.next()
      stage.platform.script.withLock { $0.durations["web.restore"] = .seconds(100) }
      let box = second.started { await second.rollback() }
      try await second.until { stage.platform.performed.contains("web.restore") }
      second.interrupter.interrupt(.interrupt)
      _ = try await second.end(of: box)
      stage.platform.script.withLock { $0.durations = [:] }
      #expect(await stage.next().deploy(3).exit == .done)
    }
  }

  @Test func aRunThatIsTakenOverSaysByWhom() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.durations["web.deploy"] = .seconds(100) }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("web.deploy") }
      stage.interrupter.interrupt(.interrupt)
      _ = try await stage.end(of: box)
      #expect(await stage.next().deploy().exit == .done)
      let journal = await stage.ledger.memory.journal(of: RunID(1))
      #expect(journal.count { $0.fact == .resumed(holder: "ann@laptop") } == 1)
      #expect(journal.map(\.sequence) == Array(1...journal.count))
    }
  }
}
