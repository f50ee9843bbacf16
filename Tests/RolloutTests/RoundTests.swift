import Analysis
import Concurrency
import Ledgers
import Model
import Rollouts
import TestSupport
import Testing

/// What a rollout does from its first share to its end.
@Suite struct RoundTests {
  @Test("a healthy one goes 10, 25, 100 and ends complete, and no step is skipped")
  func healthy() async throws {
    let bench = RolloutBench()
    #expect(try await bench.start().outcome == .raised(from: nil, to: share(10)))
    #expect(try await bench.ticks().outcome == .raised(from: share(10), to: share(25)))
    // Five minutes of delay and thirty of good time.
    #expect(bench.clock.now == Timestamp(iso8601: "2026-11-26T10:35:00Z"))
    #expect(try await bench.ticks().outcome == .raised(from: share(25), to: .everybody))
    let last = try await bench.ticks()
    #expect(last.outcome == .completed && last.exit == .done && last.isSettled)
    #expect(bench.flag.writes == ["10 %", "25 %", "100 %", "complete"])
    let record = try await bench.record
    #expect(record.status == .completed && record.intent == nil && record.end?.reason == .completed)
    #expect(try await bench.tick().outcome == .over)
  }

  @Test("a breach switches the flag off in the same round, with the numbers, and marks the commit bad")
  func breach() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    _ = try await bench.ticks()
    bench.store.says(.value(4.2))
    let result = try await bench.tick()
    #expect(result.outcome == .rolledBack && result.exit == .failedClean)
    #expect(bench.flag.writes.last == "off")
    let end = try #require(try await bench.record.end)
    #expect(end.summary == "errors 4.2 (abort > 2) of 2500 samples within 300 s")
    #expect(end.share == share(25) && end.took != nil)
    #expect(await bench.ledger.badCommits() == ["c0ffee": 7])
    #expect(await bench.ledger.hold() == nil)
    #expect(try await bench.tick().outcome == .over)
    #expect(bench.flag.writes.count == 3)
  }

  @Test("a store that is down pauses it with 13; when it answers again it goes on by itself")
  func blind() async throws {
    let bench = RolloutBench(hasHistory: false)
    _ = try await bench.start()
    _ = try await bench.tick()
    bench.store.says(.error(reason: "provider"))
    #expect(try await bench.tick().outcome == .waits(.bake))
    // Each follows the one before within ten seconds: the fifth in a row decides.
    for _ in 2...4 { #expect(try await bench.tick(after: 10).exit == .done) }
    let paused = try await bench.tick(after: 10)
    #expect(paused.outcome == .paused(.blind) && paused.exit == .blind, "\(paused.outcome)")
    #expect(try await bench.record.pause?.reason == "errors could not be read (provider)")
    #expect(try await bench.tick(after: 10).outcome == .waits(.paused))
    bench.store.says(.value(0.2))
    #expect(try await bench.tick().outcome == .waits(.resumed))
    #expect(bench.flag.writes == ["10 %"])
  }

  @Test("missed rounds are filled in from the store's history, and each reading earns what it would have")
  func filled() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    let result = try await bench.tick(after: 2100)
    #expect(result.outcome == .raised(from: share(10), to: share(25)), "\(result.outcome)")
    let record = try await bench.record
    #expect(record.credit == .zero && record.share == share(25))
    // Not done where one of them was bad.
    _ = try await bench.tick(after: 300)
    let began = bench.clock.now
    bench.store.answer.withLock { $0 = { $0 == began + .seconds(600) ? .value(1.5) : .value(0.2) } }
    #expect(try await bench.tick(after: 1200).outcome == .waits(.bake))
    let readings = try await bench.record.metrics["errors"]?.readings ?? []
    #expect(readings.map(\.outcome) == ["pass", "pass", "hold", "pass", "pass"])
    #expect(readings.map { $0.isFilled ?? false } == [false, true, true, true, false])
    #expect(try await bench.record.credit == .seconds(900))
  }

  @Test("without a history a hole earns two intervals at most: nobody looked")
  func unfilled() async throws {
    let bench = RolloutBench(hasHistory: false)
    _ = try await bench.start()
    _ = try await bench.tick()
    _ = try await bench.tick(after: 3600)
    #expect(try await bench.record.credit == .seconds(600))
    #expect(
      try await bench.tick(after: 900).notes == [
        "errors: 2 missed readings cannot be filled in, the store keeps no history"
      ])
  }

  @Test("within a freeze nothing is raised, unless a person says why, which the record keeps")
  func freeze() async throws {
    let bench = RolloutBench {
      guard let from = try? FreezeMoment(parsing: "2026-11-26T10:20"),
        let to = try? FreezeMoment(parsing: "2026-11-27T10:20")
      else { return }
      $0.freezes = [Freeze(from: from, to: to, timezone: "UTC", reason: "fair")]
    }
    _ = try await bench.start()
    for _ in 1...8 { _ = try await bench.tick() }
    #expect(try await bench.record.lastAction == "wait:window")
    bench.freezeOverride.withLock { $0 = "the shop is closed anyway" }
    #expect(try await bench.tick().outcome == .raised(from: share(10), to: share(25)))
    #expect(
      try await bench.record.events.contains {
        $0.text == "raised within a freeze: the shop is closed anyway" && $0.by == "ci@actions"
      })
  }

  @Test("a flag that nobody has evaluated for a week is not raised, and is once somebody does")
  func unused() async throws {
    let bench = RolloutBench()
    bench.flag.kept.withLock { $0.usage = .inactive }
    let result = try await bench.start()
    #expect(result.outcome == .troubled && result.failure?.kind == .configuration)
    #expect(bench.flag.writes.isEmpty)
    bench.flag.kept.withLock { $0.usage = .active }
    #expect(try await bench.tick().outcome == .raised(from: nil, to: share(10)))
  }

  @Test("a quiet hour earns nothing, and traffic goes on from there")
  func quiet() async throws {
    let bench = RolloutBench {
      $0.metrics[0].limits.noData = nil
      $0.maxStep = .seconds(86_400)
    }
    _ = try await bench.start()
    for _ in 1...3 { _ = try await bench.tick() }
    #expect(try await bench.record.credit == .seconds(600))
    bench.store.says(.noData(reason: "empty"))
    for _ in 1...12 { #expect(try await bench.tick().outcome == .waits(.bake)) }
    #expect(try await bench.record.credit == .seconds(600))
    bench.store.says(.value(0.2))
    #expect(try await bench.ticks().outcome == .raised(from: share(10), to: share(25)))
  }

  @Test("outside of its window a share is not raised, and the bake goes on")
  func window() async throws {
    let bench = RolloutBench {
      $0.windows = RolloutWindows(open: [.init(weekdays: [3], from: 9 * 60, to: 10 * 60 + 20)])
    }
    _ = try await bench.start()
    for _ in 1...7 { _ = try await bench.tick() }
    #expect(try await bench.record.lastAction == "wait:window")
    #expect(try await bench.record.credit == .seconds(1800))
    // A week later.
    #expect(try await bench.tick(after: 7 * 86_400 - 5400).outcome == .raised(from: share(10), to: share(25)))
  }

  @Test(
    "a rollback whose code is bad too says that the code has to go back; a cured one says so",
    arguments: [true, false])
  func cure(_ isCured: Bool) async throws {
    let bench = RolloutBench { $0.cureWithin = .seconds(600) }
    _ = try await bench.start()
    bench.store.says(.value(4.2))
    #expect(try await bench.tick().outcome == .rolledBack)
    #expect(try await bench.tick().outcome == .over)
    if isCured { bench.store.says(.value(0.1)) }
    let result = try await bench.tick(after: 301)
    #expect(result.outcome == (isCured ? .cured : .notCured))
    #expect(result.exit == (isCured ? .done : .failedMixed))
    #expect(result.notes.contains { $0.contains("shipit rollback prod") } == !isCured)
    #expect(try await bench.tick().outcome == .over)
  }

  @Test(
    "an answer of the flag's store that was lost is looked up by the next round, and nothing is done twice")
  func ambiguous() async throws {
    let bench = RolloutBench()
    _ = try await bench.start()
    bench.flag.kept.withLock {
      $0.refusal = FlagRefusal(.ambiguous, Failure(.unknown, "no answer"))
      $0.takesEffect = true
    }
    let lost = try await bench.ticks()
    #expect(lost.outcome == .troubled && lost.exit == .failedMixed)
    #expect(try await bench.record.intent?.to == share(25))
    let settled = try await bench.tick()
    #expect(settled.outcome == .raised(from: share(10), to: share(25)))
    #expect(bench.flag.writes == ["10 %", "25 %"])
  }

  @Test(
    "simulated over what the store kept it raises, pauses and switches off when it would have, and changes nothing"
  )
  func simulated() async throws {
    let bench = RolloutBench()
    let began = bench.clock.now
    bench.clock.advance(by: .seconds(7200))
    #expect(
      try await bench.replay(from: began).events.map(\.text) == [
        "10 %", "25 %", "100 %", "complete",
      ])
    bench.store.answer.withLock { $0 = { $0 >= began + .seconds(3000) ? .value(4.2) : .value(0.2) } }
    let events = try await bench.replay(from: began).events
    #expect(
      events.map(\.text) == ["10 %", "25 %", "off: errors 4.2 (abort > 2) of 2500 samples within 300 s"])
    #expect(events.map { ($0.at - began).wholeMilliseconds / 1000 } == [0, 2100, 3000])
    #expect(bench.flag.writes.isEmpty)
  }
}
