import Analysis
import Concurrency
import JSON
import Ledgers
import Metrics
import Model
import Rollouts
import TestSupport
import Zones

/// One rollout with a flag, a store and a ledger in memory, and a clock that a test moves.
final class RolloutBench: Sendable {
  let clock = ManualClock(Timestamp(iso8601: "2026-11-26T10:00:00Z") ?? Timestamp(milliseconds: 0))
  let ledger: MemoryLedger
  let flag: HeldFlag
  let store: HeldStore
  let target: Locked<RolloutTarget>
  let digest = Locked("d1")
  /// Why shares are raised within a freeze.
  let freezeOverride = Locked<String?>(nil)

  init(hasHistory: Bool = true, _ change: (inout RolloutTarget) -> Void = { _ in }) {
    ledger = MemoryLedger(environment: "prod", time: clock)
    flag = HeldFlag(clock: clock)
    store = HeldStore(hasHistory: hasHistory)
    var metric = MetricTarget(
      name: "errors", question: .template("http-errors", labels: [], window: .seconds(300)), pass: "< 1",
      abort: "> 2", minSamples: 100)
    metric.limits.noData = 6
    var target = RolloutTarget(
      key: "new-checkout", flag: FlagTarget(.flagd(file: "flags.json")), store: nil,
      steps: [10.0, 25, 100].map { RolloutStep(share: share($0), bake: .seconds(1800)) }, metrics: [metric])
    change(&target)
    self.target = Locked(target)
  }

  private func parts() throws -> RolloutParts {
    let target = target.withLock { $0 }
    let store = store
    return RolloutParts(
      target, flag: flag,
      measures: { _ in target.metrics.map { RolloutMeasure($0, from: store, query: "q") } },
      calendar: try RaiseCalendar(target) { _ in .utc }, ledger: ledger, clock: clock, by: "ci@actions",
      digest: digest.withLock { $0 }, freezeOverride: freezeOverride.withLock { $0 })
  }

  private func holding<Value>(_ body: (RolloutHold) async throws -> Value) async throws -> Value {
    let lease = try await ledger.acquire(
      holder: Holder(name: "ci", purpose: "rollout tick", process: 1, nonce: "n"))
    let hold = RolloutHold(lease: { lease }, mayAct: { true })
    do {
      let value = try await body(hold)
      await ledger.release(lease)
      return value
    } catch {
      await ledger.release(lease)
      throw error
    }
  }

  func start(release: Int = 7, commit: String = "c0ffee", again: Bool = false) async throws -> RolloutResult {
    try await holding { hold in
      try await RolloutStart(parts(), under: hold).run(
        .init(app: "shop", environment: "prod", release: release, commit: commit, again: again))
    }
  }

  /// One round, so much later.
  func tick(after seconds: Int = 300) async throws -> RolloutResult {
    clock.advance(by: .seconds(seconds))
    return try await holding { try await RolloutRound(parts(), under: $0).run() }
  }

  /// Rounds at each interval, until one ends otherwise than with a wait.
  func ticks(atMost count: Int = 20) async throws -> RolloutResult {
    for _ in 0..<count {
      let result = try await tick()
      if case .waits = result.outcome { continue }
      return result
    }
    return try await tick()
  }

  func replay(from: Timestamp) async throws -> RolloutReplay.Played {
    try await RolloutReplay(parts()).run(.missing, from: from, to: clock.now)
  }

  var word: RolloutWord { RolloutWord(ledger, clock: clock, by: "bo@phone") }
  var record: RolloutRecord { get async throws { await ledger.rollout("new-checkout") ?? .missing } }
}

extension RolloutRecord {
  static let missing = RolloutRecord(
    key: "missing", environment: "", app: "", release: 0, commit: "", digest: "", steps: [], by: "",
    startedAt: Timestamp(milliseconds: 0))
}

func share(_ percent: Double) -> FlagShare { FlagShare(percent: percent) ?? .nobody }

/// A flag in memory that others can change.
final class HeldFlag: FlagProvider {
  struct Kept: Sendable {
    var isOn = false
    var share = FlagShare.nobody
    var salt = "s1"
    var version = 1
    var by: String?
    var writes: [String] = []
    /// Thrown by the next write, after it took effect or instead.
    var refusal: FlagRefusal?
    var takesEffect = false
    var usage: FlagUsage?
    /// Done once, just before the next write lands.
    var before: (@Sendable () async -> Void)?
  }

  let kept = Locked(Kept())
  let clock: any TimeSource
  let name = "flag new-checkout"
  let servesShares = true

  init(clock: any TimeSource) { self.clock = clock }

  func change(by person: String, _ body: (inout Kept) -> Void) {
    kept.withLock { kept in
      body(&kept)
      kept.by = person
      kept.version += 1
    }
  }

  func read() async throws(Failure) -> FlagState { state(kept.withLock { $0 }) }

  private func state(_ kept: Kept) -> FlagState {
    var state = bare(kept)
    state.usage = kept.usage
    return state
  }

  private func bare(_ kept: Kept) -> FlagState {
    FlagState(
      key: "new-checkout", isOn: kept.isOn, share: kept.isOn ? kept.share : .nobody,
      draw: FlagDraw(contextKind: "user", salt: kept.salt),
      variations: [FlagVariation(id: "on", value: true), FlagVariation(id: "off", value: false)], wanted: 0,
      whenOff: 1, version: FlagVersion("\(kept.version)"),
      lastChange: FlagAuthor(name: kept.by ?? "shipit", at: clock.now))
  }

  func set(_ share: FlagShare, expected: FlagState, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    let before = kept.withLock { kept in
      defer { kept.before = nil }
      return kept.before
    }
    await before?()
    return try write("\(share)", expected) {
      $0.isOn = true; $0.share = share
    }
  }

  func complete(expected: FlagState, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    try write("complete", expected) {
      $0.isOn = true; $0.share = .everybody
    }
  }

  func off(known: FlagState?, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    // What is off already leaves no version behind, as in every store.
    if let state = kept.withLock({ $0.isOn || $0.refusal != nil ? nil : state($0) }) { return state }
    return try write("off", nil) {
      $0.isOn = false; $0.share = .nobody
    }
  }

  private func write(
    _ what: String, _ expected: FlagState?, _ body: (inout Kept) -> Void
  ) throws(FlagRefusal) -> FlagState {
    let (refusal, after) = kept.withLock { kept -> (FlagRefusal?, Kept) in
      if let expected, expected.version.text != "\(kept.version)" {
        return (FlagRefusal(.changedByOther, Failure(.stale, "changed")), kept)
      }
      let refusal = kept.refusal
      kept.refusal = nil
      guard refusal == nil || kept.takesEffect else { return (refusal, kept) }
      body(&kept)
      kept.version += 1
      kept.by = nil
      kept.writes.append(what)
      return (refusal, kept)
    }
    if let refusal { throw refusal }
    return state(after)
  }

  var writes: [String] { kept.withLock { $0.writes } }
}

/// A store whose answer a test says, for every moment.
final class HeldStore: MetricSource {
  let answer = Locked<@Sendable (Timestamp) -> Reading>({ _ in .value(0.2) })
  let asked = Locked<[Timestamp]>([])
  let samples = Locked(2500.0)
  /// What it says of those who do not have the feature: value and samples.
  let baseline = Locked<(Double, Double)?>(nil)
  let name = "the store"
  let hasHistory: Bool

  init(hasHistory: Bool) { self.hasHistory = hasHistory }

  func says(_ reading: Reading) { answer.withLock { $0 = { _ in reading } } }

  func read(at moment: Timestamp) async throws(CancellationError) -> MetricReading {
    asked.withLock { $0.append(moment) }
    return reading(moment)
  }

  private func reading(_ moment: Timestamp) -> MetricReading {
    MetricReading(
      StoreAnswer(answer.withLock { $0 }(moment)), samples: samples.withLock { $0 },
      baseline: baseline.withLock { $0 }.map { .init(.value($0.0), samples: $0.1) })
  }

  func history(
    at moments: [Timestamp]
  ) async throws(CancellationError) -> [(at: Timestamp, reading: MetricReading)] {
    moments.map { ($0, reading($0)) }
  }
}
