import Concurrency
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// Interruptions, lost leases, full disks and kills.
@Suite struct TroubleTests {
  // MARK: Interruption

  @Test func interruptedWhilePlanningChangesNothing() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.observing = .seconds(60) }
      let box = stage.started { await stage.deploy() }
      try await clock.sleep(for: .seconds(5))
      stage.interrupter.interrupt(.interrupt)
      let result = try await stage.end(of: box, within: .milliseconds(6500))
      #expect(result.exit == .interrupted)
      #expect(stage.platform.performed == [])
      #expect(await stage.ledger.memory.holder() == nil)
    }
  }

  @Test(arguments: [0, 4, 3600])
  func aRunEndsInTimeHoweverLongAPerformerTakes(_ stubbornness: Int) throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.durations["api.deploy"] = .seconds(100)
        $0.stubbornness["api.deploy"] = .seconds(stubbornness)
      }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("api.deploy") }
      stage.interrupter.interrupt(.terminate)
      let result = try await stage.end(of: box, within: .milliseconds(6500))
      #expect(result.exit == .terminated)
      #expect(await stage.ledger.memory.holder() == nil)
      #expect(!stage.platform.performed.contains("web.deploy"))
    }
  }

  @Test func aStoppedPerformerIsWaitedForWhileThereIsTime() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.durations["api.deploy"] = .seconds(100)
        $0.stubbornness["api.deploy"] = .seconds(1)
      }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("api.deploy") }
      stage.interrupter.interrupt(.interrupt)
      _ = try await stage.end(of: box)
      #expect(stage.platform.returned.contains("api.deploy"))
    }
  }

  @Test func anInterruptedRunIsResumedByTheSamePlan() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.durations["web.deploy"] = .seconds(100) }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("web.deploy") }
      stage.interrupter.interrupt(.interrupt)
      let interrupted = try await stage.end(of: box)
      #expect(interrupted.exit == .failedMixed)
      #expect(interrupted.result?.state == .inFlight)
      stage.platform.forget()
      let resumed = await stage.next().deploy()
      #expect(resumed.exit == .done)
      #expect(resumed.release?.number == 1)
      #expect(stage.platform.performed == ["web.deploy", "web.prove", "api.confirm", "web.confirm"])
      let journal = await stage.ledger.memory.journal(of: RunID(1))
      #expect(journal.map(\.sequence) == Array(1...journal.count))
    }
  }

  @Test func anotherPlanSettlesTheInterruptedRunAndPlansAnew() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.durations["web.deploy"] = .seconds(100) }
      let box = stage.started { await stage.deploy(1) }
      try await stage.until { stage.platform.performed.contains("web.deploy") }
      stage.interrupter.interrupt(.interrupt)
      _ = try await stage.end(of: box)
      stage.platform.script.withLock { $0.durations = [:] }
      let other = await stage.next().deploy(2)
      #expect(other.exit == .done)
      #expect(other.release?.number == 2)
      let first = await stage.ledger.memory.release(number: 1)
      #expect(first?.result.state == .abandoned)
      // What the abandoned run left live is on record.
      #expect(first?.services["api"]?.commit == Stage.commits[1])
      #expect(stage.commits == ["api": Stage.commits[2], "web": Stage.commits[2]])
    }
  }

  @Test func whatCannotBeFoundOutBlocksTheNextPlan() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { script in
        script.durations["api.deploy"] = .seconds(100)
        script.abandonments["api.deploy"] = .inFlight("goes on")
        script.findings["api.deploy"] = .unknown(Failure(.unknown, "no answer"))
      }
      let box = stage.started { await stage.deploy(1) }
      try await stage.until { stage.platform.performed.contains("api.deploy") }
      stage.interrupter.interrupt(.interrupt)
      _ = try await stage.end(of: box)
      stage.platform.forget()
      let next = await stage.next().deploy(2)
      #expect(next.exit == .failedMixed)
      #expect(next.failure?.message.contains("deploy api") == true)
      #expect(next.failure?.hint?.contains("shipit settle prod") == true)
      #expect(stage.platform.performed == [])
    }
  }

  // MARK: The lease

  @Test func aLeaseThatWasWaitedForLetsTheRunBeginAtOnce() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.ledger.faults.withLock { $0.watch = { try? await clock.sleep(for: .seconds(80)) } }
      let box = stage.started { await stage.deploy() }
      let ended = try await stage.end(of: box, within: .seconds(600))
      #expect(ended.exit == .done)
      #expect(!stage.text.contains("leaseWaits"))
    }
  }

  @Test func aLostLeaseStopsTheRunAtOnce() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(60) }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("api.deploy") }
      stage.ledger.faults.withLock { $0.renewal = Failure(.stale, "bo@ci holds prod") }
      let result = try await stage.end(of: box, within: .seconds(10))
      #expect(result.exit == .stale)
      #expect(result.result?.state == .inFlight)
      #expect(result.result?.unattended == ["api.deploy"])
      #expect(!stage.platform.performed.contains("web.deploy"))
    }
  }

  @Test func aSilentLedgerHoldsNewStepsBackUntilItAnswersAgain() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn, timing: LeaseTiming(duration: .seconds(15), heartbeat: .seconds(4)))
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(12) }
      let box = stage.started { await stage.deploy() }
      try await clock.sleep(for: .seconds(5))
      stage.ledger.faults.withLock { $0.renewal = Failure(.failed, "no answer") }
      try await stage.until { stage.text.contains("leaseWaits") }
      #expect(stage.platform.performed.last == "api.deploy")
      stage.ledger.faults.withLock { $0.renewal = nil }
      #expect(try await stage.end(of: box).exit == .done)
    }
  }

  /// A step that began in time and takes long asks again before it sends (DESIGN §7).
  @Test func aStepIsToldWhenTheLeaseHasRunOutMeanwhile() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn, timing: LeaseTiming(duration: .seconds(15), heartbeat: .seconds(4)))
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(12) }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("api.deploy") }
      stage.ledger.faults.withLock { $0.renewal = Failure(.failed, "no answer") }
      try await stage.until { stage.platform.gates.withLock { $0["api.deploy"] } != nil }
      #expect(stage.platform.gates.withLock { $0["api.deploy"] } == false)
      stage.ledger.faults.withLock { $0.renewal = nil }
      #expect(try await stage.end(of: box).exit == .done)
      #expect(stage.platform.gates.withLock { $0["web.deploy"] } == true)
    }
  }

  @Test func aLedgerThatStaysSilentEndsTheRun() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(60) }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("api.deploy") }
      stage.ledger.faults.withLock { $0.renewal = Failure(.failed, "no answer") }
      let result = try await stage.end(of: box, within: .seconds(20))
      #expect(result.result?.state == .inFlight)
      #expect(result.exit == .failedMixed)
      #expect(stage.platform.performed.last == "api.deploy")
    }
  }

  // MARK: The journal

  @Test(arguments: 0..<8, [false, true])
  func afterAFailedAppendNothingStarts(_ appends: Int, _ heals: Bool) throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.ledger.faults.withLock {
        $0.appendsLeft = appends
        $0.appendHeals = heals
      }
      let result = await stage.deploy()
      #expect(result.result?.state == .inFlight)
      #expect(result.result?.failure?.message == "the disk is full")
      let journal = await stage.ledger.memory.journal(of: RunID(1))
      let begun = Set(
        journal.compactMap { entry in if case .began(let id, _, _) = entry.fact { id } else { nil } })
      #expect(Set(stage.platform.performed).isSubset(of: begun))
      stage.ledger.faults.withLock { $0.appendsLeft = nil }
      // Once there is room again, the run is continued from what is on disk.
      stage.platform.forget()
      let resumed = await stage.next().deploy()
      #expect(resumed.exit == .done)
      #expect(stage.commits == ["api": Stage.commits[1], "web": Stage.commits[1]])
      let whole = await stage.ledger.memory.journal(of: RunID(1))
      #expect(whole.map(\.sequence) == Array(1...whole.count))
    }
  }

  @Test func theLastLinesOfAFailedStepAreKeptInOrder() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { script in
        script.outcomes["web.deploy"] = [.failed(Failure(.failed, "build failed"), moved: false)]
        script.logs["web.deploy"] = (1...60).map { "line \($0) \(Stage.secret)" }
      }
      _ = await stage.deploy()
      let journal = await stage.ledger.memory.journal(of: RunID(1))
      #expect(journal.map(\.sequence) == Array(1...journal.count))
      let stored = journal.compactMap { entry -> [String]? in
        if case .lines("web.deploy", let lines) = entry.fact { lines } else { nil }
      }
      #expect(stored.count == 1)
      #expect(stored.first?.count == 40)
      #expect(stored.first?.last == "line 60 •••")
      if case .finished? = journal.last?.fact {} else { Issue.record("the result is not the last entry") }
    }
  }

  @Test func noSecretLeavesTheProcess() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let failure = Failure(
        .failed, "said \(Stage.secret)", cause: "because \(Stage.secret)", hint: "use \(Stage.secret)")
      stage.platform.script.withLock { script in
        script.outcomes["api.deploy"] = [
          .retry(failure, after: nil), .done(StepResult(summary: Stage.secret)),
        ]
        script.outcomes["web.deploy"] = [.ambiguous(failure)]
        script.findings["web.deploy"] = .failed(failure, moved: true)
        script.outcomes["undo.web.deploy"] = [.failed(failure, moved: false)]
        script.logs["api.deploy"] = [Stage.secret]
      }
      let result = await stage.deploy()
      #expect(result.exit == .failedMixed)
      #expect(stage.text.contains("•••"))
      #expect(!stage.text.contains(Stage.secret))
      let journal = await stage.ledger.memory.journal(of: RunID(1))
      #expect(!journal.contains { "\($0)".contains(Stage.secret) })
      let releases = await stage.ledger.memory.releases(limit: 9)
      #expect(!releases.contains { "\($0)".contains(Stage.secret) })
    }
  }
}
