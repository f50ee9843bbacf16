import Analysis
import Concurrency
import Metrics
import Model
import Rollouts
import TestSupport
import Testing

/// Tests over a whole step, and comparisons with those who do not have the feature (contract rollout-analysis §9).
@Suite struct StatisticsTests {
  private static func bench(
    _ change: @escaping (inout MetricTarget) -> Void, hasHistory: Bool = true
  ) -> RolloutBench {
    RolloutBench(hasHistory: hasHistory) {
      $0.metrics[0].minSamples = 0
      $0.metrics[0].alpha = 0.01
      change(&$0.metrics[0])
    }
  }

  @Test(
    "the sequential test stops a service that fails 4 % after few requests; one that fails 0.5 % goes to everybody"
  )
  func sequential() async throws {
    var bench = Self.bench { _ in }
    bench.store.samples.withLock { $0 = 100 }
    bench.store.says(.value(4))
    _ = try await bench.start()
    // A single bad reading of so few requests decides nothing.
    #expect(try await bench.tick().outcome == .waits(.bake))
    #expect(try await bench.record.metrics["errors"]?.readings.last?.outcome == "hold")
    #expect(try await bench.tick().outcome == .waits(.bake))
    #expect(try await bench.tick().outcome == .rolledBack)
    #expect(
      try await bench.record.end?.summary
        == "errors 4.0 of 100 samples within 300 s; 12 of 300 failed in this step, evidence 5.39 of 4.61")

    bench = Self.bench { _ in }
    bench.store.samples.withLock { $0 = 100 }
    bench.store.says(.value(0.5))
    _ = try await bench.start()
    for _ in 1...2 { #expect(try await bench.ticks().exit == .done) }
    #expect(try await bench.ticks().outcome == .completed)
  }

  @Test("beside the test the plain bound still stops what has enough requests behind it")
  func boundBesideTest() async throws {
    let bench = Self.bench { _ in }
    bench.store.samples.withLock { $0 = 5000 }
    _ = try await bench.start()
    // A good past weighs against the test, and a sudden fault is seen all the same.
    for _ in 1...4 { _ = try await bench.tick() }
    bench.store.says(.value(2.5))
    #expect(try await bench.tick().outcome == .rolledBack)
    #expect(try await bench.record.end?.summary.contains("abort > 2") == true)
  }

  @Test("windows that overlap count their requests once", arguments: [true, false])
  func overlap(_ isFilled: Bool) async throws {
    let bench = Self.bench({ $0.interval = .seconds(60) }, hasHistory: isFilled)
    bench.store.samples.withLock { $0 = 100 }
    bench.store.says(.value(1.5))
    _ = try await bench.start()
    if isFilled { _ = try await bench.tick(after: 900) }
    for _ in 0..<(isFilled ? 1 : 15) { _ = try await bench.tick(after: 60) }
    let record = try await bench.record
    // Fifteen minutes hold three windows of five.
    #expect(record.metrics["errors"]?.test?.requests == 300)
    #expect(record.metrics["errors"]?.readings.count ?? 0 > 9)
  }

  @Test("against the baseline a harm is found that the bounds allow, and a bad day of everybody is none")
  func shares() async throws {
    func run(_ canary: Double, _ baseline: Double) async throws -> RolloutBench {
      let bench = Self.bench {
        ($0.pass, $0.abort) = ("< 6", nil)
        $0.versus = .init(baseline: "off")
      }
      bench.store.samples.withLock { $0 = 500 }
      bench.store.says(.value(canary))
      bench.store.baseline.withLock { $0 = (baseline, 4500) }
      _ = try await bench.start()
      _ = try await bench.ticks()
      return bench
    }
    let harmed = try await run(4, 1)
    #expect(try await harmed.record.status == .rolledBack)
    let words = try await harmed.record.end?.summary ?? ""
    #expect(words.contains("failed, without the feature") && words.contains("stops at 0.01"), "\(words)")
    let badDay = try await run(4, 4)
    #expect(try await badDay.record.share == share(25))
  }

  @Test(
    "a bound on the increase wants both, ratio and floor; without anybody to compare with there are no data")
  func relative() async throws {
    let bench = Self.bench {
      $0.alpha = nil
      ($0.pass, $0.abort, $0.minSamples) = ("< 6", nil, 100)
      $0.versus = .init(maxIncrease: 20, minDelta: 0.5)
    }
    bench.store.says(.value(1.4))
    _ = try await bench.start()
    #expect(try await bench.tick().outcome == .waits(.bake))
    #expect(try await bench.record.metrics["errors"]?.readings.last?.reason == "baseline")
    // Twice as bad, and by less than half a percent.
    bench.store.baseline.withLock { $0 = (1.0, 9000) }
    _ = try await bench.tick()
    #expect(try await bench.record.metrics["errors"]?.readings.last?.outcome == "pass")
    bench.store.says(.value(1.6))
    #expect(try await bench.tick().outcome == .rolledBack)
    #expect(
      try await bench.record.end?.summary.contains("1.6, without the feature 1; at most 20 % worse") == true)
  }

  @Test(
    "latencies are compared once, when everything else is earned; at 100 % nobody is left to compare with")
  func ranks() async throws {
    func run(_ canary: @escaping @Sendable (Timestamp) -> Double, _ baseline: Double) async throws
      -> RolloutBench
    {
      let bench = RolloutBench {
        for index in $0.steps.indices { $0.steps[index].bake = .seconds(3000) }
        $0.metrics[0].question = .template("http-p95", labels: [], window: .seconds(300))
        ($0.metrics[0].pass, $0.metrics[0].abort) = ("< 2", nil)
        $0.metrics[0].alpha = 0.01
        $0.metrics[0].versus = .init(maxIncrease: 10)
      }
      bench.store.answer.withLock { $0 = { .value(canary($0)) } }
      bench.store.baseline.withLock { $0 = (baseline, 9000) }
      _ = try await bench.start()
      for _ in 1...10 { #expect(try await bench.tick().outcome == .waits(.bake)) }
      _ = try await bench.tick()
      return bench
    }
    let slow = try await run({ 0.5 + Double($0.milliseconds / 300_000 % 7) / 100 }, 0.4)
    #expect(try await slow.record.end?.summary.contains("median 0.53 of 11, without the feature 0.4") == true)
    let alike = try await run({ 0.37 + Double($0.milliseconds / 300_000 % 7) / 100 }, 0.4)
    #expect(try await alike.record.share == share(25))
    alike.store.answer.withLock { $0 = { _ in .value(0.4) } }
    _ = try await alike.ticks()
    #expect(try await alike.record.share == .everybody)
    alike.store.baseline.withLock { $0 = nil }
    #expect(try await alike.ticks().outcome == .completed)
  }

  @Test(
    "a simulation says how many healthy rollouts the rules would have lost: many by a bare bound, few by a test"
  )
  func byChance() async throws {
    func lost(_ alpha: Double?) async throws -> HealthyRollouts {
      let bench = RolloutBench {
        $0.metrics[0].minSamples = 1
        if let alpha { ($0.metrics[0].minSamples, $0.metrics[0].alpha) = (0, alpha) }
      }
      bench.store.samples.withLock { $0 = 200 }
      bench.store.says(.value(0.9))
      let began = bench.clock.now
      bench.clock.advance(by: .seconds(7200))
      return try #require(try await bench.replay(from: began).healthy)
    }
    let bare = try await lost(nil)
    #expect(Double(bare.rolledBack) > 0.4 * Double(bare.rollouts), "\(bare)")
    let tested = try await lost(0.01)
    // One in a hundred for each of three steps.
    #expect(Double(tested.rolledBack) <= 0.03 * Double(tested.rollouts), "\(tested)")
    #expect(tested.assumptions.first?.isSeen == true && tested.assumptions.first?.requests == 200)
    // The same again.
    #expect(try await lost(0.01) == tested)
  }

  @Test("what keeps no history is left out of a simulation by name; where nothing is left there is none")
  func gaps() async throws {
    let bench = RolloutBench(hasHistory: false)
    let failure = await #expect(throws: Failure.self) {
      bench.clock.advance(by: .seconds(7200))
      _ = try await bench.replay(from: bench.clock.now - .seconds(3600))
    }
    #expect(failure?.cause == "the store keeps no history of errors")
  }
}
