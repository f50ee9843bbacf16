import Concurrency
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// `cancel` from elsewhere: the holder stops as on a first signal, and both sides say so.
@Suite struct CancelTests {
  @Test func aRunThatIsAskedToStopStopsAndSaysWhoAskedAndWhy() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(100) }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("api.deploy") }
      let askedAt = clock.now
      let cancellation = try await stage.cancel()
      // A heartbeat, and the 6.5 s within which a run ends.
      #expect(clock.now - askedAt <= .milliseconds(5000 + 6500 + 300))
      #expect(cancellation.outcome == .stopped)
      #expect(cancellation.lease?.holder.name == "ann@laptop")
      #expect(cancellation.run?.id == RunID(1) && cancellation.result?.exit == .interrupted)
      let result = try await stage.end(of: box)
      #expect(result.exit == .interrupted)
      #expect(result.result?.failure?.message == "bo@phone asked to cancel: wrong ••• branch")
      #expect(stage.text.contains("bo@phone"))
      #expect(!stage.text.contains(Stage.secret), "a secret in the reason is shown")
      let journal = await stage.ledger.memory.journal(of: RunID(1))
      #expect(!"\(journal)".contains(Stage.secret))
      let facts = journal.map(\.fact)
      let asked = facts.firstIndex { if case .cancelAsked = $0 { true } else { false } }
      let stopped = facts.firstIndex(of: .interrupted(.request))
      #expect(asked != nil && stopped != nil && asked! < stopped!)
      #expect(await stage.ledger.memory.holder() == nil)
      #expect(!stage.platform.performed.contains("web.deploy"))
    }
  }

  @Test func whatIsLeftInFlightIsToldToWhoCancelled() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.durations["web.deploy"] = .seconds(100)
        $0.abandonments["web.deploy"] = .inFlight("goes on")
      }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("web.deploy") }
      let cancellation = try await stage.cancel()
      #expect(cancellation.outcome == .stopped && cancellation.run?.result == nil)
      #expect(cancellation.result?.state == .inFlight)
      #expect(cancellation.result?.unattended == ["web.deploy"])
      #expect(try await stage.end(of: box).exit == .failedMixed)
    }
  }

  @Test func beforeARunBeginsNothingIsChanged() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.observing = .seconds(60) }
      let box = stage.started { await stage.deploy() }
      try await clock.sleep(for: .seconds(2))
      let cancellation = try await stage.cancel()
      #expect(cancellation.outcome == .stopped && cancellation.run == nil)
      let result = try await stage.end(of: box)
      #expect(result.exit == .interrupted)
      #expect(result.failure?.cause?.contains("bo@phone asked to cancel") == true)
      #expect(stage.platform.performed == [])
    }
  }

  @Test func aDeployThatTakesBackIsLetTo() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.outcomes["web.deploy"] = [.failed(Failure(.failed, "crashes"), moved: false)]
        $0.durations["undo.api.deploy"] = .seconds(40)
      }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("undo.api.deploy") }
      let early = try await stage.cancel(within: .seconds(10))
      #expect(early.outcome == .stillHeld && early.takesBack)
      let late = try await stage.cancel(within: .seconds(600))
      #expect(late.outcome == .stopped && late.result?.state == .rolledBack)
      #expect(try await stage.end(of: box).exit == .failedClean)
      #expect(stage.commits == ["api": Stage.commits[0], "web": Stage.commits[0]])
      let journal = await stage.ledger.memory.journal(of: RunID(1)).map(\.fact)
      #expect(journal.contains { if case .cancelAsked = $0 { true } else { false } })
      #expect(!journal.contains(.interrupted(.request)))
      #expect(stage.text.contains("isHeeded: false"))
    }
  }

  @Test func anExplicitRollbackStopsWhenAsked() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(await stage.deploy(1).exit == .done)
      #expect(await stage.next().deploy(2).exit == .done)
      let next = stage.next()
      next.platform.script.withLock { $0.durations["web.restore"] = .seconds(100) }
      let box = next.started { await next.rollback() }
      try await next.until { next.platform.performed.contains("web.restore") }
      #expect(try await next.cancel().outcome == .stopped)
      #expect(try await next.end(of: box).exit == .interrupted)
      let journal = await stage.ledger.memory.journal(of: RunID(3)).map(\.fact)
      #expect(journal.contains(.interrupted(.request)))
    }
  }

  @Test func nobodyIsAtWork() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(try await stage.cancel().outcome == .nobody)
      stage.platform.script.withLock { $0.durations["web.deploy"] = .seconds(100) }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("web.deploy") }
      stage.interrupter.interrupt(.interrupt)
      _ = try await stage.end(of: box)
      let cancellation = try await stage.cancel()
      #expect(cancellation.outcome == .nobody && cancellation.run?.id == RunID(1))
    }
  }

  @Test func aHolderThatNeverAnswersIsGoneWhenItsLeaseIs() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      // Taken by a process that was then killed, and that no kernel lock tells of.
      let holder = Holder(name: "ci@actions-7", purpose: "deploy", process: 7, nonce: "dead")
      _ = try await stage.ledger.acquire(holder: holder)
      let cancellation = try await stage.cancel()
      #expect(cancellation.outcome == .vanished)
      #expect(cancellation.waited >= .seconds(15) && cancellation.waited <= .seconds(17))
    }
  }

  @Test func aHolderThatWasKilledBeforeItWasAskedGaveNothingBack() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let holder = Holder(name: "ci@actions-7", purpose: "deploy", process: 7, nonce: "dead")
      _ = try await stage.ledger.acquire(holder: holder)
      try await clock.sleep(for: .seconds(6))
      let cancellation = try await stage.cancel()
      #expect(cancellation.outcome == .vanished)
      #expect(cancellation.waited < .seconds(15))
    }
  }

  // MARK: Unlock

  @Test func whoRenewsIsSeenToLiveAndWhoDoesNotIsFencedOut() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let unlock = UnlockOperation(stage.ledger, clock: clock)
      #expect(try await unlock.watch { _, _ in } == .nobody)
      stage.platform.script.withLock { $0.durations["api.deploy"] = .seconds(100) }
      let box = stage.started { await stage.deploy() }
      try await stage.until { stage.platform.performed.contains("api.deploy") }
      guard case .renews = try await unlock.watch(tell: { _, _ in }) else {
        Issue.record("a holder that renews was taken for dead")
        return
      }
      // Its network is gone; it goes on working.
      stage.ledger.faults.withLock { $0.renewal = Failure(.failed, "no route") }
      try await clock.sleep(for: .seconds(1))
      guard case .silent(let seen) = try await unlock.watch(tell: { _, _ in }) else {
        Issue.record("a silent holder was taken for alive")
        return
      }
      try await unlock.free(seen, isForced: false)
      stage.ledger.faults.withLock { $0.renewal = nil }
      let result = try await stage.end(of: box)
      #expect(result.exit == .stale, "\(result)")
    }
  }
}
