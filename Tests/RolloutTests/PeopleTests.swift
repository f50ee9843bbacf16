import Analysis
import Concurrency
import Ledgers
import Model
import Rollouts
import TestSupport
import Testing

/// What people do to a rollout, through shipit and beside it.
@Suite struct PeopleTests {
  @Test("a person who raises the flag pauses the rollout, is named, and a resume goes on from there")
  func raised() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    bench.flag.change(by: "ann@example.com") { $0.share = share(40) }
    let paused = try await bench.tick()
    #expect(paused.outcome == .paused(.drift) && paused.exit == .waiting)
    #expect(try await bench.record.pause?.reason == "the flag serves 40 %, changed by ann@example.com")
    #expect(try await bench.tick().outcome == .waits(.paused))
    _ = try await bench.word.say(.resume, of: "new-checkout", reason: nil)
    #expect(try await bench.tick().outcome == .raised(from: share(10), to: share(40)))
    #expect(try await bench.ticks().outcome == .raised(from: share(40), to: .everybody))
    #expect(bench.flag.writes == ["10 %", "100 %"])
  }

  @Test(
    "a person who lowers it or turns it off ends it, and nothing is written any more",
    arguments: [true, false])
  func lowered(_ isOff: Bool) async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    bench.flag.change(by: "ann") {
      $0.isOn = !isOff
      $0.share = share(5)
    }
    let halted = try await bench.tick()
    #expect(halted.outcome == .halted && halted.exit == .failedClean)
    #expect(try await bench.record.end?.summary == "the flag \(isOff ? "is off" : "serves 5 %"), by ann")
    for _ in 1...3 { #expect(try await bench.tick().outcome == .over) }
    #expect(bench.flag.writes == ["10 %"])
    await #expect(throws: Failure.self) { try await bench.start(release: 8, commit: "beef") }
    #expect(
      try await bench.start(release: 8, commit: "beef", again: true).outcome
        == .raised(from: nil, to: share(10)))
  }

  @Test("while paused by a person triggers stay armed, and time earns nothing")
  func paused() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    for _ in 1...3 { _ = try await bench.tick() }
    _ = try await bench.word.say(.pause, of: "new-checkout", reason: "look first")
    for _ in 1...12 { #expect(try await bench.tick().outcome == .waits(.paused)) }
    let record = try await bench.record
    #expect(
      record.credit == .seconds(600) && record.pause?.by == "bo@phone" && record.pause?.reason == "look first"
    )
    bench.store.says(.value(9))
    #expect(try await bench.tick().outcome == .rolledBack)
  }

  @Test("a pause counts from when it was said, not from the round that reads it")
  func pausedInBetween() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    _ = try await bench.tick()
    bench.clock.advance(by: .seconds(601))
    _ = try await bench.word.say(.pause, of: "new-checkout", reason: nil)
    #expect(try await bench.tick(after: 1800).outcome == .waits(.paused))
    #expect(try await bench.record.credit == .seconds(600))
  }

  @Test("an abort needs no lease: the flag is off at once, and a hold says why")
  func abort() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    _ = try await bench.ledger.acquire(holder: Holder(name: "stuck", purpose: "tick", process: 2, nonce: "x"))
    let (record, _, notes) = try await bench.word.abort(
      "new-checkout", flag: bench.flag, reason: "customers complain")
    #expect(bench.flag.writes == ["10 %", "off"] && notes.isEmpty)
    #expect(
      record?.status == .rolledBack && record?.end?.summary == "aborted by bo@phone: customers complain")
    #expect(await bench.ledger.hold()?.reason == "rollout new-checkout was aborted: customers complain")
    // Repeatable.
    _ = try await bench.word.abort("new-checkout", flag: bench.flag, reason: nil)
    #expect(try await bench.record.end?.words == "customers complain")
  }

  @Test(
    "a raise that was on its way when a person aborted does not outlive the abort",
    arguments: [true, false])
  func abortDuringRaise(_ isKilled: Bool) async throws {
    let bench = RolloutBench()
    let (word, flag) = (bench.word, bench.flag)
    let ended = Locked<(isOn: Bool, notes: [String])?>(nil)
    // The flag is off still, so its version tells nobody that an abort has passed by.
    let aborting = Locked<Task<Void, Never>?>(nil)
    let isHeld = Locked(true)
    flag.kept.withLock {
      $0.before = {
        let task = Task {
          let result = try? await word.abort("new-checkout", flag: flag, reason: "no") { _, patience in
            #expect(patience != nil)
            isHeld.withLock { $0 = false }
          }
          isHeld.withLock { $0 = false }
          ended.withLock { $0 = (flag.kept.withLock { $0.isOn }, result?.notes ?? []) }
        }
        aborting.withLock { $0 = task }
        while isHeld.withLock({ $0 }) { await Task.yield() }
        #expect(ended.withLock { $0 == nil }, "the abort ends before the raise has landed")
        guard isKilled else { return }
        flag.kept.withLock { kept in
          kept.refusal = FlagRefusal(.ambiguous, Failure(.unknown, "killed"))
          kept.takesEffect = true
        }
      }
    }
    let result = try await bench.start()
    // Who lives finds the abort and takes its raise back, unless the abort did so first: both are off.
    #expect(isKilled ? result.outcome == .troubled : [.rolledBack, .over].contains(result.outcome))
    // Whoever was killed cannot act once its lease is over.
    let moving = Task {
      while ended.withLock({ $0 == nil }) {
        bench.clock.advance(by: .seconds(1))
        await Task.yield()
      }
    }
    await aborting.withLock { $0 }?.value
    await moving.value
    let found = try #require(ended.withLock { $0 })
    #expect(!found.isOn && !flag.kept.withLock { $0.isOn })
    #expect(!isKilled || found.notes.contains { $0.contains("it is off again") })
    #expect(try await bench.record.status == .rolledBack)
  }

  @Test("a round finishes an abort that was asked and not done")
  func abortByRound() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    _ = try await bench.word.say(.abort, of: "new-checkout", reason: "enough")
    #expect(try await bench.tick(after: 1).outcome == .rolledBack)
    #expect(try await bench.record.end?.reason == .aborted)
    #expect(await bench.ledger.hold()?.reason.contains("enough") == true)
  }

  @Test("a step that wants approval waits for it, and the approval is void once the configuration is another")
  func approval() async throws {
    let bench = RolloutBench { $0.steps[1].needsApproval = true }
    _ = try await bench.start()
    for _ in 1...8 { _ = try await bench.tick() }
    #expect(try await bench.record.lastAction == "wait:approval")
    let target = bench.target.withLock { $0 }
    _ = try await bench.word.approve(nil, of: "new-checkout", target: target, digest: "d1")
    bench.digest.withLock { $0 = "d2" }
    #expect(try await bench.tick().outcome == .waits(.approval))
    await #expect(throws: Failure.self) {
      try await bench.word.approve(share(100), of: "new-checkout", target: target, digest: "d2")
    }
    _ = try await bench.word.approve(share(25), of: "new-checkout", target: target, digest: "d2")
    #expect(try await bench.tick().outcome == .raised(from: share(10), to: share(25)))
  }

  @Test("a new release lets the step begin anew and takes the feature from nobody")
  func newRelease() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    for _ in 1...5 { _ = try await bench.tick() }
    _ = try await bench.start(release: 8, commit: "beef")
    let record = try await bench.record
    #expect(record.release == 8 && record.credit == .zero && record.share == share(10))
    #expect(bench.flag.writes == ["10 %"])
    #expect(try await bench.ticks().outcome == .raised(from: share(10), to: share(25)))
  }

  @Test("what is complete is lowered by no deploy; only asked for it begins anew")
  func complete() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    for _ in 1...3 { _ = try await bench.ticks() }
    #expect(try await bench.record.status == .completed)
    #expect(try await bench.start(release: 8, commit: "beef").outcome == .over)
    #expect(bench.flag.writes.last == "complete")
    #expect(
      try await bench.start(release: 8, commit: "beef", again: true).outcome
        == .raised(from: nil, to: share(10)))
  }

  @Test("a flag that somebody serves already is left alone")
  func servedAlready() async throws {
    let bench = RolloutBench()
    bench.flag.change(by: "ann") {
      $0.isOn = true; $0.share = share(60)
    }
    let result = try await bench.start()
    #expect(result.outcome == .troubled && result.exit == .stale)
    #expect(result.failure?.message.contains("serves 60 % already, by ann") == true)
    #expect(bench.flag.writes.isEmpty)
  }
}
