import Simulation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Plays simulated runs and contests in a release build and says how many a second, for `make verify`.
///
///     Simulate runs N [FIRST]        N seeds from FIRST on; a broken promise is shrunk and printed as a test
///     Simulate contests N            contests for the lease
///     Simulate mutations             after how many seeds each broken engine is noticed
///     Simulate rollouts N [FIRST]    N rollouts, and after how many each broken round is noticed
///     Simulate rollout SEED          what happens in one rollout
///     Simulate trace SEED            what happens in one run
///     Simulate case TEXT             what happens in a case that was printed
@main enum Simulate {
  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let count = arguments.dropFirst().first.flatMap { UInt64($0) }
    switch (arguments.first, count) {
    case ("runs", let count?): runs(count, from: arguments.dropFirst(2).first.flatMap { UInt64($0) } ?? 0)
    case ("contests", let count?): contests(count)
    case ("mutations", _): mutations()
    case ("rollouts", let count?):
      await rollouts(count, from: arguments.dropFirst(2).first.flatMap { UInt64($0) } ?? 0)
    case ("rollout", let seed?): print(await RolloutSweep.play(seed: seed) { print($0) } ?? "everything held")
    case ("trace", let seed?): trace(SimulationCase(seed: seed))
    case ("case", _):
      guard let read = try? SimulationCase(arguments.count > 1 ? arguments[1] : "") else {
        print("no case")
        exit(2)
      }
      trace(read)
    default:
      print(
        "Simulate runs N [FIRST] | contests N | mutations | trace SEED | rollouts N [FIRST] | rollout SEED")
      exit(2)
    }
  }

  private static func runs(_ count: UInt64, from first: UInt64) {
    let start = processorTime()
    var findings = 0
    var played: UInt64 = 0
    for seed in first..<first + count where findings < 5 {
      played += 1
      guard let finding = SimulationSweep.play(seed: seed) else { continue }
      findings += 1
      print(finding)
    }
    report("\(played) runs", played, processorTime() - start, "\(findings) broken promises")
    if findings > 0 { exit(1) }
  }

  private static func contests(_ count: UInt64) {
    let start = processorTime()
    var taken = 0
    var acts = 0
    var refused = 0
    var killed = 0
    var wait = Duration.zero
    for seed in 0..<count {
      var contest = LeaseContest(seed: seed)
      do {
        let result = try contest.play()
        taken += result.taken
        acts += result.acts
        refused += result.refusedWrites
        killed += result.killed
        wait = max(wait, result.longestWait)
      } catch {
        print("contest \(seed): \(error)")
        exit(1)
      }
    }
    report(
      "\(count) contests", count, processorTime() - start,
      "\(taken) holders, \(killed) killed, \(acts) acts, never two at once; \(refused) stale writes refused; "
        + "free \(wait) after the lease at the latest")
  }

  private static func mutations() {
    for mutation in Mutation.allCases {
      let found = (0..<UInt64(20_000)).first {
        SimulationSweep.play(seed: $0, mutation: mutation, isShrinking: false) != nil
      }
      guard let seed = found, let finding = SimulationSweep.play(seed: seed, mutation: mutation) else {
        print("\(mutation.rawValue): NOT noticed in 20,000 seeds")
        exit(1)
      }
      print("\(mutation.rawValue): noticed at seed \(seed): \(finding.words)")
    }
  }

  private static func rollouts(_ count: UInt64, from first: UInt64) async {
    let start = processorTime()
    var broken = 0
    var played: UInt64 = 0
    for seed in first..<first + count where broken < 5 {
      played += 1
      guard let words = await RolloutSweep.play(seed: seed) else { continue }
      broken += 1
      print(words)
    }
    report("\(played) rollouts", played, processorTime() - start, "\(broken) broken promises")
    if broken > 0 { exit(1) }
    for mutation in RolloutMutation.allCases {
      var noticed: String?
      for seed in 0..<UInt64(2000) where noticed == nil {
        noticed = await RolloutSweep.play(seed: seed, mutation: mutation)
      }
      print("\(mutation.rawValue): \(noticed.map { "noticed at \($0)" } ?? "NOT noticed in 2,000 seeds")")
      if noticed == nil { exit(1) }
    }
  }

  private static func trace(_ theCase: SimulationCase) {
    do {
      try SimulationSweep.play(theCase) { print($0) }
      print("every promise was kept")
    } catch {
      print("\(error)")
    }
  }

  /// Of this process: the machine may be busy with others.
  private static func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  private static func report(_ what: String, _ count: UInt64, _ time: Duration, _ words: String) {
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    print("\(what): \(words); \(Int(Double(count) / max(seconds, 0.001))) a second of processor time")
  }
}
