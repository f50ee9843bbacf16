/// Plays cases and tells what broke, in a form that a test can take.
package enum SimulationSweep {
  /// A case that breaks a promise, as small as it could be made.
  package struct Finding: Sendable, CustomStringConvertible {
    package let seed: UInt64
    package let words: String
    /// As drawn, and made smaller.
    package let drawn: SimulationCase
    package let shrunk: SimulationCase

    /// The finding as a Swift test.
    package var description: String {
      """
      seed \(seed): \(words)
        // \(shrunk.services.count) of \(drawn.services.count) services, \(shrunk.only?.count ?? 0) troubles
        @Test func seed\(seed)KeepsThePromises() throws {
          try SimulationSweep.play(
            SimulationCase(
              #"\(shrunk.text)"#))
        }
      """
    }
  }

  /// Plays one case.
  /// - Parameter trace: gets every line of what happened.
  /// - Throws: `Violation`, whose description names the promise.
  package static func play(
    _ theCase: SimulationCase, mutation: Mutation? = nil, trace: ((String) -> Void)? = nil
  ) throws {
    let simulation = Simulation(theCase, mutation: mutation)
    simulation.trace.isOn = trace != nil
    defer { for line in simulation.trace.lines { trace?(line) } }
    try simulation.play()
  }

  /// Plays the case of a seed.
  /// - Returns: nil when every promise was kept.
  package static func play(
    seed: UInt64, mutation: Mutation? = nil, isShrinking: Bool = true
  ) -> Finding? {
    let drawn = SimulationCase(seed: seed)
    guard let (violation, struck) = breaks(drawn, mutation) else { return nil }
    var shrunk = drawn
    if isShrinking {
      shrunk.only = struck
      var shrinking = SimulationShrinking(promise: violation.promise, mutation: mutation)
      if shrinking.stillBreaks(shrunk) { shrunk = shrinking.smallest(shrunk) } else { shrunk = drawn }
    }
    return Finding(
      seed: seed, words: breaks(shrunk, mutation)?.0.description ?? violation.description, drawn: drawn,
      shrunk: shrunk)
  }

  static func breaks(_ theCase: SimulationCase, _ mutation: Mutation?) -> (Violation, [Int])? {
    let simulation = Simulation(theCase, mutation: mutation)
    do throws(Violation) {
      try simulation.play()
      return nil
    } catch {
      return (error, simulation.struck)
    }
  }
}

/// Makes a case that breaks a promise smaller, as long as it breaks the same one.
struct SimulationShrinking {
  let promise: Promise
  let mutation: Mutation?
  /// How many more cases are played at most.
  private var budget = 3000

  init(promise: Promise, mutation: Mutation?) {
    self.promise = promise
    self.mutation = mutation
  }

  mutating func stillBreaks(_ theCase: SimulationCase) -> Bool {
    guard budget > 0 else { return false }
    budget -= 1
    return SimulationSweep.breaks(theCase, mutation)?.0.promise == promise
  }

  mutating func smallest(_ theCase: SimulationCase) -> SimulationCase {
    var best = theCase
    while budget > 0 {
      let before = best
      withoutServices(&best)
      simpler(&best)
      fewerTroubles(&best)
      if best == before { break }
    }
    return best
  }

  private mutating func withoutServices(_ best: inout SimulationCase) {
    for name in best.services.map(\.name).reversed() where best.services.count > 1 {
      var smaller = best
      smaller.services.removeAll { $0.name == name }
      for index in smaller.services.indices {
        smaller.services[index].needs.removeAll { $0 == name }
        smaller.services[index].buildNeeds.removeAll { $0 == name }
      }
      if stillBreaks(smaller) { best = smaller }
    }
  }

  /// One thing less at a time.
  private mutating func simpler(_ best: inout SimulationCase) {
    var changes: [(inout SimulationCase) -> Void] = [
      { $0.database = nil }, { $0.database?.isContract = false }, { $0.database?.hasIndex = false },
      { $0.database?.hasBackup = false }, { $0.database?.files = 1 }, { $0.command = nil },
      { $0.isCommandFirst = false }, { $0.hasCheck = false }, { $0.deadline = 1800 },
      { $0.contenders = 1 }, { $0.offsets = $0.offsets.map { _ in 0 } },
      { $0.drifts = $0.drifts.map { _ in 0 } }, { $0.isLocal = true }, { $0.rates.kills = 0 },
      { $0.rates.interruptions = 0 }, { $0.rates.pauses = 0 }, { $0.rates.renewals = 0 },
      { $0.rates.partitions = 0 }, { $0.rates.faults = 0 },
    ]
    for index in best.services.indices {
      changes += [
        { $0.services[index].soaks = false }, { $0.services[index].writesVariables = false },
        { $0.services[index].isFirst = false }, { $0.services[index].isUnchanged = false },
        { $0.services[index].kind = .gated }, { $0.services[index].back = .copy },
        { $0.services[index].needs = [] }, { $0.services[index].buildNeeds = [] },
      ]
    }
    for change in changes {
      var smaller = best
      change(&smaller)
      if smaller != best, stillBreaks(smaller) { best = smaller }
    }
  }

  /// Leaves troubles out: halves, then quarters, then one at a time.
  private mutating func fewerTroubles(_ best: inout SimulationCase) {
    var size = max(1, (best.only ?? []).count / 2)
    while true {
      var start = 0
      while let only = best.only, start < only.count {
        var smaller = best
        smaller.only = Array(only[..<start] + only.dropFirst(start + size))
        if stillBreaks(smaller) { best = smaller } else { start += size }
      }
      if size == 1 { return }
      size /= 2
    }
  }
}
