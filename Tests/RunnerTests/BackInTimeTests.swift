import Concurrency
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// Three machines deploy A, B and C, each a descendant of the one before, in every order, and each of the first two is
/// stopped at every one of its calls of the ledger, as a laptop is that sleeps: whatever happens, once C is live it
/// stays so, and who comes too late is told by whom and by what it was overtaken.
@Suite struct BackInTimeTests {
  /// A machine's view of the shared ledger, which sleeps once, for longer than its lease.
  final class SleepyLedger: Ledger {
    private struct State {
      var calls = 0
      var sleepsAt: Int?
      var until = Timestamp(milliseconds: 0)
    }

    private let shared: MemoryLedger
    private let clock: any TimeSource
    private let state: Locked<State>
    static let nap = Duration.seconds(120)

    init(_ shared: MemoryLedger, _ clock: any TimeSource, sleepsAt: Int?) {
      self.shared = shared
      self.clock = clock
      state = Locked(State(sleepsAt: sleepsAt))
    }

    var hasSlept: Bool { state.withLock { $0.until.milliseconds > 0 } }

    private func pass() async {
      let until = state.withLock { state in
        state.calls += 1
        if state.calls == state.sleepsAt { state.until = clock.now + Self.nap }
        return state.until
      }
      if until > clock.now { try? await clock.sleep(until: until) }
    }

    func acquire(holder: Holder) async throws(Failure) -> Lease {
      await pass()
      return try await shared.acquire(holder: holder)
    }
    func renew(_ lease: Lease) async throws(Failure) -> Lease {
      await pass()
      return try await shared.renew(lease)
    }
    func release(_ lease: Lease) async {
      await pass()
      await shared.release(lease)
    }
    func requestCancel(_ request: CancelRequest) async throws(Failure) -> Lease? {
      await shared.requestCancel(request)
    }
    func expel(_ seen: Lease, evenIfRenewed: Bool) async throws(Failure) {
      try await shared.expel(seen, evenIfRenewed: evenIfRenewed)
    }
    func holder() async throws(Failure) -> Lease? {
      await pass()
      return await shared.holder()
    }
    func open(_ plan: Plan, by: String, at: Timestamp, lease: Lease) async throws(Failure) -> RunRecord {
      await pass()
      return try await shared.open(plan, by: by, at: at, lease: lease)
    }
    func append(_ entries: [JournalEntry], to run: RunID, lease: Lease) async throws(Failure) {
      await pass()
      try await shared.append(entries, to: run, lease: lease)
    }
    func close(_ run: RunID, result: RunResult, release: Release?, lease: Lease) async throws(Failure) {
      await pass()
      try await shared.close(run, result: result, release: release, lease: lease)
    }
    func openRun() async throws(Failure) -> RunRecord? {
      await pass()
      return await shared.openRun()
    }
    func run(_ id: RunID) async throws(Failure) -> RunRecord? { await shared.run(id) }
    func runs(limit: Int) async throws(Failure) -> [RunRecord] { await shared.runs(limit: limit) }
    func journal(of run: RunID) async throws(Failure) -> [JournalEntry] { await shared.journal(of: run) }
    func releases(limit: Int) async throws(Failure) -> [Release] {
      await pass()
      return await shared.releases(limit: limit)
    }
    func release(number: Int) async throws(Failure) -> Release? { await shared.release(number: number) }
    func hold() async throws(Failure) -> Hold? { await shared.hold() }
    func setHold(_ hold: Hold?, lease: Lease?) async throws(Failure) {
      try await shared.setHold(hold, lease: lease)
    }
    func badCommits() async throws(Failure) -> [String: Int] { await shared.badCommits() }
    func markBad(_ commit: String, release: Int, lease: Lease) async throws(Failure) {
      try await shared.markBad(commit, release: release, lease: lease)
    }
    func clearBad(_ commit: String, lease: Lease) async throws(Failure) {
      try await shared.clearBad(commit, lease: lease)
    }
    func decisions(limit: Int) async throws(Failure) -> [Decision] { await shared.decisions(limit: limit) }
    func record(_ decision: Decision) async throws(Failure) { await shared.record(decision) }
    func rollouts() async throws(Failure) -> [RolloutRecord] { await shared.rollouts() }
    func rollout(_ key: String) async throws(Failure) -> RolloutRecord? { await shared.rollout(key) }
    func write(_ rollout: RolloutRecord, lease: Lease?) async throws(Failure) -> Bool {
      try await shared.write(rollout, lease: lease)
    }
    func fingerprintKey() async throws(Failure) -> [UInt8] { await shared.fingerprintKey() }
  }

  /// What one machine came to.
  struct End: Sendable {
    var commit: Int
    var result: OperationResult
    var at: Timestamp
  }

  /// Tries until it is neither locked out nor overtaken by something older, as a person or a CI system does.
  private static func insist(
    _ commit: Int, on stage: Stage, asleepAt call: Int?, clock: VirtualClock
  ) async throws -> End {
    var sleepsAt = call
    for _ in 0..<60 {
      var machine = stage.next()
      machine.by = "\(["nobody", "ann", "bo", "cy"][commit])@desk"
      machine.view = SleepyLedger(stage.ledger.memory, clock, sleepsAt: sleepsAt)
      let result = await machine.deploy(commit)
      let isBehind = stage.commits.values.allSatisfy { $0 <= Stage.commits[commit] }
      guard result.exit == .leaseHeld || (result.exit == .stale && isBehind) else {
        return End(commit: commit, result: result, at: clock.now)
      }
      if (machine.view as? SleepyLedger)?.hasSlept ?? false { sleepsAt = nil }
      try await clock.sleep(for: .seconds(5))
    }
    throw Failure(.timeout, "machine \(commit) never came to an end")
  }

  private static let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]]

  /// - Parameter asleep: at which of its calls the first and the second machine sleep.
  private func play(_ order: [Int], asleep: (Int?, Int?)) throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.observing = .milliseconds(100)
        $0.switchesAtOnce = true
      }
      let ends = Locked<[End]>([])
      for (place, commit) in order.enumerated() {
        let call = [asleep.0, asleep.1, nil][place]
        _ = spawn {
          guard let end = try? await Self.insist(commit, on: stage, asleepAt: call, clock: clock) else {
            return
          }
          ends.withLock { $0.append(end) }
        }
        // While the one before is at it, or asleep.
        try await clock.sleep(for: .seconds(2))
      }
      let story = "order \(order), asleep at \(asleep)"
      try await stage.until(.seconds(1200)) { ends.withLock { $0.count == 3 } }
      #expect(stage.commits == ["api": Stage.commits[3], "web": Stage.commits[3]], "\(story)")
      let wentLive = stage.platform.wentLive
      for service in ["api", "web"] as [ServiceName] {
        let commits = wentLive.filter { $0.service == service }.map(\.commit)
        #expect(commits == commits.sorted(), "\(story): \(service) went \(commits)")
      }
      #expect(await stage.ledger.memory.openRun() == nil, "\(story)")
      for end in ends.withLock({ $0 }) {
        guard end.result.exit != .done else { continue }
        #expect(end.result.exit == .stale, "\(story): machine \(end.commit) ended \(end.result)")
        #expect(end.commit != 3, "\(story): \(end.result.failure.map(\.description) ?? "")")
        // Who, and what: one that is newer.
        let text = end.result.failure?.description ?? end.result.result?.failure?.description ?? ""
        guard end.commit < 3 else { continue }
        let newer = (end.commit + 1)...3
        #expect(newer.contains { text.contains(Stage.commits[$0].prefix(7)) }, "\(story): \(text)")
        #expect(newer.contains { text.contains(["", "", "bo@desk", "cy@desk"][$0]) }, "\(story): \(text)")
      }
    }
  }

  @Test(arguments: orders) func oneAfterAnotherOrSideBySide(_ order: [Int]) throws {
    try play(order, asleep: (nil, nil))
  }

  @Test(arguments: orders, 1...34) func theFirstSleepsAnywhere(_ order: [Int], _ call: Int) throws {
    try play(order, asleep: (call, nil))
  }

  @Test(arguments: orders) func theFirstAndTheSecondSleepAnywhere(_ order: [Int]) throws {
    for first in stride(from: 1, through: 34, by: 3) {
      for second in stride(from: 1 + first % 2, through: 34, by: 2) {
        try play(order, asleep: (first, second))
      }
    }
  }

  /// Somebody without our ledger: the platform alone tells of them.
  @Test func whatSomebodyElsePutLiveMeanwhileIsNotReplaced() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.durations["api.prove"] = .seconds(60) }
      let box = stage.started { await stage.deploy(1) }
      try await stage.until { stage.platform.performed.contains("api.prove") }
      stage.platform.script.withLock {
        $0.deployments["web"] = "by-hand"
        $0.commits["web"] = Stage.commits[3]
      }
      let result = try await stage.end(of: box)
      #expect(result.exit == .stale)
      let failure = try #require(result.result?.failure)
      #expect(failure.message == "somebody else deployed web since the plan was made")
      #expect(failure.cause?.hasPrefix("Railway serves by-hand of c3c3c3c, created ") == true)
      #expect(!stage.platform.performed.contains("web.deploy"))
      // What this run had moved is put back, and what is theirs stays.
      #expect(stage.commits == ["api": Stage.commits[0], "web": Stage.commits[3]])
    }
  }

  @Test func aPlatformThatDoesNotTellRightThenStopsNothing() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock { $0.liveFails = Failure(.failed, "Railway answered 503") }
      #expect(await stage.deploy(1).exit == .done)
    }
  }

  /// Its own deployment, whose answer was lost, is nobody else's.
  @Test func aStepThatIsTriedAgainDoesNotMistakeItsOwnDeploymentForAnothers() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platform.script.withLock {
        $0.outcomes["api.deploy"] = [
          .retry(Failure(.failed, "the answer was lost"), after: .seconds(1)),
          .done(StepResult(externalID: "first-api", proof: .served)),
        ]
      }
      #expect(await stage.deploy(1).exit == .done)
    }
  }
}
