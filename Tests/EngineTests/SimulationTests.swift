import Testing

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

@Suite struct SimulationTests {
  /// Random plans, faults, kills and interruptions keep every promise.
  ///
  /// `SHIPIT_LONG=1` plays 100,000 seeds; `SHIPIT_SEED=n` plays one and prints what happened.
  @Test(arguments: 0..<SimulationTests.shards)
  func everySeedKeepsThePromises(_ shard: Int) {
    if let text = environment("SHIPIT_SEED"), let seed = UInt64(text) {
      if shard == 0 { play(seed, isTracing: true) }
      return
    }
    let count = environment("SHIPIT_LONG") == "1" ? 100_000 : 2_000
    var failures = 0
    for seed in stride(from: shard, to: count, by: SimulationTests.shards) where failures < 3 {
      if !play(UInt64(seed)) { failures += 1 }
    }
  }

  /// So many parts play at the same time as there are cores for them.
  private static let shards = 8

  /// - Returns: whether every promise was kept.
  @discardableResult private func play(_ seed: UInt64, isTracing: Bool = false) -> Bool {
    let simulation = Simulation(seed: seed)
    simulation.trace.isOn = isTracing
    do throws(Violation) {
      try simulation.play()
      return true
    } catch {
      Issue.record(
        "seed \(seed): \(error); again with: SHIPIT_SEED=\(seed) swift test --filter everySeedKeepsThePromises"
      )
      if isTracing { print(simulation.trace.lines.joined(separator: "\n")) }
      return false
    }
  }

  /// A simulation that cannot fail proves nothing: each known defect is noticed, for what it is.
  @Test(arguments: [
    (Mutation.probeSkipped, ["a second time", "had no effect", "looked up"]),
    (.endBeforeEffect, ["had no effect"]),
    (.rollbackReversed, ["against the announced order"]),
    (.leaseIgnored, ["without a confirmed lease"]),
    (.resumeForgets, ["was finished and is performed again"]),
    (.limitsIgnored, ["outlived its deadline"]),
    (.darkProofSkipped, ["its dark proof did not hold"]),
  ])
  func aBrokenEngineIsNoticed(_ mutation: Mutation, _ words: [String]) {
    for seed in 0..<UInt64(2_000) {
      let simulation = Simulation(seed: seed, mutation: mutation)
      do throws(Violation) {
        try simulation.play()
      } catch {
        #expect(words.contains { error.description.contains($0) }, "seed \(seed): \(error)")
        return
      }
    }
    Issue.record("2,000 seeds did not notice: \(mutation.rawValue)")
  }

  private func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
