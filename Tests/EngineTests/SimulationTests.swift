import Simulation
import Testing

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

@Suite struct SimulationTests {
  /// Random plans, faults, kills, interruptions and contenders keep every promise.
  ///
  /// `SHIPIT_LONG=1` plays ten times as many; 100,000 and more are played in a release build by `make verify`.
  /// `SHIPIT_SEED=n` plays one and prints what happened.
  @Test(arguments: 0..<SimulationTests.shards)
  func everySeedKeepsThePromises(_ shard: Int) throws {
    if let text = environment("SHIPIT_SEED"), let seed = UInt64(text) {
      if shard == 0 { try SimulationSweep.play(SimulationCase(seed: seed)) { print($0) } }
      return
    }
    let count = environment("SHIPIT_LONG") == "1" ? 20_000 : 2_000
    var findings = 0
    for seed in stride(from: shard, to: count, by: SimulationTests.shards) where findings < 2 {
      guard let finding = SimulationSweep.play(seed: UInt64(seed)) else { continue }
      findings += 1
      Issue.record("\(finding)")
    }
  }

  /// Settled when one of three migrations was applied, killed before the end was written, then continued: code went live
  /// on a third of its schema.
  @Test func whatIsHalfMigratedIsNotTakenForDone() throws {
    try SimulationSweep.play(
      SimulationCase(
        #"{"contenders":2,"database":{"files":3,"hasBackup":false,"hasIndex":false,"isContract":false},"deadline":1800,"drifts":[0,0],"hasCheck":false,"isCommandFirst":false,"isLocal":true,"isRollback":false,"offsets":[0,0],"only":[7,15,24,25,34],"rates":{"faults":0,"interruptions":20,"kills":40,"partitions":0,"pauses":0,"renewals":0},"seed":12099,"services":[{"back":"copy","buildNeeds":[],"isFirst":false,"isUnchanged":false,"kind":"gated","name":"a","needs":[],"soaks":false,"writesVariables":false}]}"#
      ))
  }

  /// So many parts play at the same time as there are cores for them.
  private static let shards = 8

  /// A simulation that cannot fail proves nothing: each known defect is noticed, for what it is.
  @Test(arguments: [
    (Mutation.probeSkipped, ["promise 2", "promise 1", "had no effect"]),
    (.endBeforeEffect, ["had no effect"]),
    (.rollbackReversed, ["promise 8"]),
    (.leaseIgnored, ["promise 3"]),
    (.fenceIgnored, ["promise 3"]),
    (.resumeForgets, ["promise 1"]),
    (.limitsIgnored, ["outlived its deadline"]),
    (.darkProofSkipped, ["its dark proof did not hold"]),
  ])
  func aBrokenEngineIsNoticed(_ mutation: Mutation, _ words: [String]) {
    for seed in 0..<UInt64(2_000) {
      guard let finding = SimulationSweep.play(seed: seed, mutation: mutation, isShrinking: false) else {
        continue
      }
      #expect(words.contains { finding.words.contains($0) }, "seed \(seed): \(finding.words)")
      print("\(mutation.rawValue): noticed by seed \(seed) of 0..<2000")
      return
    }
    Issue.record("2,000 seeds did not notice: \(mutation.rawValue)")
  }

  /// What is printed of a broken promise is smaller than what was drawn, and breaks the same promise again.
  @Test func aFindingIsShrunkAndCanBePlayedAgain() throws {
    let finding = try #require(
      (0..<UInt64(200)).lazy.compactMap { SimulationSweep.play(seed: $0, mutation: .rollbackReversed) }.first
      {
        $0.drawn.text.utf8.count > 1500
      })
    #expect(finding.shrunk.text.utf8.count < finding.drawn.text.utf8.count)
    let again = try SimulationCase(finding.shrunk.text)
    #expect(again == finding.shrunk)
    #expect(finding.description.contains(finding.shrunk.text))
    #expect(finding.description.contains("@Test func seed\(finding.seed)KeepsThePromises()"))
    #expect { try SimulationSweep.play(again, mutation: .rollbackReversed) } throws: { error in
      "\(error)" == finding.words
    }
  }

  /// Holders that are killed, asleep, cut off and whose clocks drift never act two at once.
  @Test func ofManyHoldersOneActsAtATime() throws {
    var refused = 0
    for seed in 0..<UInt64(300) {
      var contest = LeaseContest(seed: seed)
      refused += try contest.play().refusedWrites
    }
    #expect(refused > 20, "too few were superseded for this to mean anything")
  }

  @Test(arguments: [Mutation.leaseIgnored, .fenceIgnored])
  func aBrokenHolderIsNoticed(_ mutation: Mutation) {
    let isNoticed = (0..<UInt64(200)).contains { seed in
      var contest = LeaseContest(seed: seed, mutation: mutation)
      return (try? contest.play()) == nil
    }
    #expect(isNoticed)
  }

  private func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
