import Concurrency
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// A deploy from lease to record, and what it refuses.
@Suite struct DeployTests {
  @Test func aDeployPutsEverythingLiveAndRecordsIt() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let result = await stage.deploy()
      #expect(result.exit == .done)
      #expect(stage.commits == ["api": Stage.commits[1], "web": Stage.commits[1]])
      #expect(result.release?.number == 1)
      #expect(
        result.release?.services["api"]?.deployment
          == stage.platform.script.withLock { $0.deployments["api"] })
      #expect(await stage.ledger.memory.openRun() == nil)
      #expect(await stage.ledger.memory.holder() == nil)
      // A second one finds nothing to do.
      let again = await stage.next().deploy()
      #expect(again.exit == .done)
      #expect(again.plan?.isEmpty == true)
    }
  }

  @Test func theLeaseIsKeptThroughALongDeploy() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(300) }
      #expect(await stage.deploy().exit == .done)
      #expect(!stage.text.contains("leaseWaits"))
    }
  }

  @Test func aSecondHolderIsToldWhoHasIt() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let first = stage.started { await stage.deploy() }
      try await clock.sleep(for: .seconds(3))
      let second = await stage.next().deploy()
      #expect(second.exit == .leaseHeld)
      #expect(second.failure?.description.contains("ann@laptop") == true)
      #expect(try await stage.end(of: first).exit == .done)
    }
  }

  @Test func anAutomaticRollbackMarksTheCommitAndThatCommitAlone() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.outcomes["web.prove"] = [.failed(Failure(.failed, "502"), moved: false)]
      }
      let failed = await stage.deploy(1)
      #expect(failed.exit == .failedClean)
      #expect(failed.result?.state == .rolledBack)
      #expect(stage.commits == ["api": Stage.commits[0], "web": Stage.commits[0]])
      stage.platform.script.withLock { $0.outcomes = [:] }
      let refused = await stage.next().deploy(1)
      #expect(refused.exit == .policy)
      #expect(refused.failure?.hint?.contains("--again") == true)
      #expect(await stage.next().deploy(1, again: true).exit == .done)
      #expect(await stage.next().deploy(2).exit == .done)
    }
  }

  @Test func aFailureBeforeTheCutOverMarksNothing() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.outcomes["api.deploy"] = [.failed(Failure(.failed, "build"), moved: false)]
      }
      let failed = await stage.deploy(1)
      #expect(failed.result?.state == .unchanged)
      #expect(await stage.ledger.memory.badCommits().isEmpty)
    }
  }

  @Test func neverBackInTime() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(await stage.deploy(2).exit == .done)
      let older = await stage.next().deploy(1)
      #expect(older.exit == .stale)
      #expect(older.failure?.message.contains("release 1 by ann@laptop") == true)
      stage.history.diverged.withLock { $0 = [Stage.commits[3]] }
      #expect(await stage.next().deploy(3).exit == .stale)
      #expect(stage.commits["api"] == Stage.commits[2])
      #expect(await stage.next().deploy(1, allowsOlder: true).exit == .done)
    }
  }

  @Test func onlyTheProtectedBranch() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn, protect: Protection(branch: "main"))
      #expect(await stage.deploy(1).exit == .policy)
      #expect(await stage.next().deploy(1, isDirty: true).exit == .policy)
      stage.history.branch.withLock { $0 = [Stage.commits[1]] }
      #expect(await stage.next().deploy(1).exit == .done)
    }
  }

  @Test func aDirtyTreeIsRefusedWhereItWouldBePacked() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.history.changed.withLock { $0 = ["backend/main.py", "README.md"] }
      let refused = await stage.deploy(1)
      #expect(refused.exit == .usage)
      #expect(refused.failure?.message.contains("backend/main.py") == true)
      #expect(refused.failure?.message.contains("README.md") == false)
      let dirty = await stage.next().deploy(1, isDirty: true)
      #expect(dirty.release?.isDirty == true)
    }
  }

  @Test func aSourceThatTheCommitLacksIsRefusedBeforeAnythingMoves() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.history.missing.withLock { $0 = ["backend"] }
      let refused = await stage.deploy(1)
      #expect(refused.exit == .usage && refused.result == nil)
      #expect(refused.failure?.message.contains("has no directory backend") == true)
    }
  }

  @Test func aHoldBlocksDeploys() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(await stage.deploy(1).exit == .done)
      #expect(await stage.next().deploy(2).exit == .done)
      let back = await stage.next().rollback()
      #expect(back.exit == .done)
      #expect(back.result?.state == .restored)
      #expect(stage.commits == ["api": Stage.commits[1], "web": Stage.commits[1]])
      let refused = await stage.next().deploy(3)
      #expect(refused.exit == .policy)
      #expect(refused.failure?.message.contains("rolled back to release 1: errors") == true)
    }
  }

  @Test func aRollbackKilledBeforeItsClosingStillLeavesItsHold() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(await stage.deploy(1).exit == .done)
      #expect(await stage.next().deploy(2).exit == .done)
      stage.ledger.faults.withLock { $0.isClosingBroken = true }
      #expect(await stage.next().rollback().exit != .done)
      stage.ledger.faults.withLock { $0.isClosingBroken = false }
      #expect(await stage.next().deploy(3).exit == .policy)
      #expect(stage.commits["api"] == Stage.commits[1])
    }
  }

  @Test func aRollbackThatFailsForOneServiceRestoresTheOther() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(await stage.deploy(1).exit == .done)
      #expect(await stage.next().deploy(2).exit == .done)
      stage.platform.script.withLock {
        $0.outcomes["web.restore"] = [.failed(Failure(.failed, "no"), moved: false)]
      }
      let back = await stage.next().rollback()
      #expect(back.exit == .rollbackFailed)
      #expect(stage.commits == ["api": Stage.commits[1], "web": Stage.commits[2]])
      #expect(back.release?.services["web"]?.commit == Stage.commits[2])
    }
  }
}
