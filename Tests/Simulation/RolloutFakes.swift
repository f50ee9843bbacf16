import Analysis
import Concurrency
import JSON
import Ledgers
import Metrics
import Model
import Rollouts

/// The flag as a process reaches it. It compares versions before it writes, as every store's adapter does.
struct SimulatedFlag: FlagProvider {
  let process: RolloutProcess
  private var world: RolloutWorld { process.world }

  var name: String { "the flag" }
  var servesShares: Bool { true }

  func read() async throws(Failure) -> FlagState {
    try await process.enter("read the flag")
    if isTroubled(15) { throw Failure(.failed, "the flag's store does not answer") }
    let state = present
    try process.leave("read the flag")
    return state
  }

  func set(_ share: FlagShare, expected: FlagState, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    try await change("set \(share)", share, expected, isComplete: false)
  }

  func complete(expected: FlagState, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    try await change("complete", .everybody, expected, isComplete: true)
  }

  func off(known: FlagState?, note: FlagNote) async throws(FlagRefusal) -> FlagState {
    try await refusing { () async throws(Failure) in try await process.enter("off") }
    if isTroubled(60) {
      throw FlagRefusal(.unreachable, Failure(.failed, "the flag's store does not answer"))
    }
    if world.mutation == .neverOff {
      var state = present
      (state.isOn, state.share) = (false, .nobody)
      return state
    }
    world.state.withLock { state in
      state.judge.off(state)
      guard state.flag.isOn else { return }
      state.flag.isOn = false
      state.flag.share = 0
      state.flag.by = nil
      state.flag.version += 1
    }
    world.tell("\(process.name): off")
    try refusing { () throws(Failure) in try process.leave("off") }
    return present
  }

  private func change(
    _ what: String, _ share: FlagShare, _ expected: FlagState, isComplete: Bool
  ) async throws(FlagRefusal) -> FlagState {
    try await refusing { () async throws(Failure) in try await process.enter(what) }
    guard LeaseGate.mayAct() else {
      throw FlagRefusal(.unreachable, Failure(.stale, LeaseGate.words))
    }
    if isTroubled(40) {
      throw FlagRefusal(.unreachable, Failure(.failed, "the flag's store does not answer"))
    }
    let before = present
    let isDone = before.isOn && before.share == share && expected.draw.salt == before.draw.salt
    if !isDone || !isComplete {
      if isDone { return before }
      guard world.mutation == .writesOver || expected.version == before.version else {
        throw FlagRefusal(
          .changedByOther, Failure(.stale, "somebody changed the flag"), found: before)
      }
    }
    world.state.withLock { state in
      state.judge.set(share.thousandths, isComplete: isComplete, state)
      guard !isDone else { return }
      state.flag.isOn = true
      state.flag.share = share.thousandths
      state.flag.by = nil
      state.flag.version += 1
    }
    world.tell("\(process.name): \(what)")
    try refusing { () throws(Failure) in try process.leave(what) }
    if isTroubled(40) {
      throw FlagRefusal(.ambiguous, Failure(.unknown, "the answer of the flag's store was lost"))
    }
    return present
  }

  private var present: FlagState {
    let flag = world.state.withLock { $0.flag }
    return FlagState(
      key: "f", isOn: flag.isOn,
      share: flag.isOn ? FlagShare(thousandths: flag.share) ?? .nobody : .nobody,
      draw: FlagDraw(
        contextKind: "user", salt: flag.salt,
        order: flag.isOn && flag.share < 100_000 ? ["on", "off"] : []),
      variations: [FlagVariation(id: "on", value: true), FlagVariation(id: "off", value: false)], wanted: 0,
      whenOff: 1, version: FlagVersion(world.mutation == .seesNoChange ? "-" : "\(flag.version)"),
      lastChange: FlagAuthor(name: flag.by ?? "shipit", at: world.now))
  }

  private func isTroubled(_ perMille: Int) -> Bool {
    !world.state.withLock { $0.isQuiet } && world.chance(perMille)
  }

  private func refusing(_ body: () async throws(Failure) -> Void) async throws(FlagRefusal) {
    do throws(Failure) { try await body() } catch { throw FlagRefusal(.ambiguous, error) }
  }

  private func refusing(_ body: () throws(Failure) -> Void) throws(FlagRefusal) {
    do throws(Failure) { try body() } catch { throw FlagRefusal(.ambiguous, error) }
  }
}

/// The metric: 99 is good, 92 neither, 80 bad.
struct SimulatedMetric: MetricSource {
  let process: RolloutProcess
  let hasHistory: Bool

  var name: String { "the store" }

  func read(at moment: Timestamp) async throws(CancellationError) -> MetricReading {
    do throws(Failure) { try await process.enter("read the metric") } catch { throw CancellationError() }
    return reading(at: moment)
  }

  func history(
    at moments: [Timestamp]
  ) async throws(CancellationError) -> [(at: Timestamp, reading: MetricReading)] {
    moments.map { ($0, reading(at: $0)) }
  }

  private func reading(at moment: Timestamp) -> MetricReading {
    let world = process.world
    var outcome = world.truth(at: min(moment, world.now))
    if world.mutation == .countsNoData, outcome == .noData { outcome = .pass }
    let reading: Reading =
      switch outcome {
      case .pass: .value(99)
      case .hold: .value(92)
      case .breach: .value(80)
      case .noData: .noData(reason: "empty")
      case .error: .error(reason: "provider")
      }
    return MetricReading(StoreAnswer(reading, storeTime: world.now), samples: 1000)
  }
}

/// The ledger as a process reaches it.
struct SimulatedRollouts: Ledger {
  let process: RolloutProcess
  private var memory: MemoryLedger { process.world.ledger }

  func rollouts() async throws(Failure) -> [RolloutRecord] { await memory.rollouts() }

  func rollout(_ key: String) async throws(Failure) -> RolloutRecord? {
    try await process.enter("read the record")
    let record = await memory.rollout(key)
    try process.leave("read the record")
    return record
  }

  func write(_ rollout: RolloutRecord, lease: Lease?) async throws(Failure) -> Bool {
    try await process.enter("write the record")
    let world = process.world
    var rollout = rollout
    let before = await memory.rollout(rollout.key)
    switch world.mutation {
    case .noIntent: rollout.intent = nil
    case .lastWriterWins: rollout.version = (before?.version ?? 0) + 1
    case .keepsCredit:
      if let before, before.share != rollout.share, let progress = before.progress, rollout.progress == nil {
        rollout.progress = progress
        rollout.credit = before.credit
      }
    default: break
    }
    let isWritten = try await memory.write(rollout, lease: lease)
    if isWritten {
      let written = rollout
      world.state.withLock { $0.judge.recorded(written, after: before) }
    }
    world.tell(
      "\(process.name): \(isWritten ? "wrote" : "lost with") \(rollout.version) \(rollout.status.rawValue) at \(rollout.share?.description ?? "-"), \(rollout.lastAction ?? "-"), credit \(rollout.credit.wholeMilliseconds / 1000), intent \(rollout.intent.map { "\($0.kind)" } ?? "-"), pause \(rollout.pause?.why ?? "-")"
    )
    try process.leave("write the record")
    return isWritten
  }

  func markBad(_ commit: String, release: Int, lease: Lease) async throws(Failure) {
    try await process.enter("mark the commit")
    try await memory.markBad(commit, release: release, lease: lease)
    try process.leave("mark the commit")
  }

  func setHold(_ hold: Hold?, lease: Lease?) async throws(Failure) {
    try await process.enter("leave a hold")
    try await memory.setHold(hold, lease: lease)
    try process.leave("leave a hold")
  }

  func acquire(holder: Holder) async throws(Failure) -> Lease { try await memory.acquire(holder: holder) }
  func renew(_ lease: Lease) async throws(Failure) -> Lease { try await memory.renew(lease) }
  func release(_ lease: Lease) async { await memory.release(lease) }
  func holder() async throws(Failure) -> Lease? { await memory.holder() }
  func requestCancel(_ request: CancelRequest) async throws(Failure) -> Lease? { nil }
  func expel(_ seen: Lease, evenIfRenewed: Bool) async throws(Failure) {}

  func open(_ plan: Plan, by: String, at: Timestamp, lease: Lease) async throws(Failure) -> RunRecord {
    try await memory.open(plan, by: by, at: at, lease: lease)
  }

  func append(_ entries: [JournalEntry], to run: RunID, lease: Lease) async throws(Failure) {}
  func close(_ run: RunID, result: RunResult, release: Release?, lease: Lease) async throws(Failure) {}
  func openRun() async throws(Failure) -> RunRecord? { nil }
  func run(_ id: RunID) async throws(Failure) -> RunRecord? { nil }
  func runs(limit: Int) async throws(Failure) -> [RunRecord] { [] }
  func journal(of run: RunID) async throws(Failure) -> [JournalEntry] { [] }
  func releases(limit: Int) async throws(Failure) -> [Release] { [] }
  func release(number: Int) async throws(Failure) -> Release? { nil }
  func hold() async throws(Failure) -> Hold? { await memory.hold() }
  func badCommits() async throws(Failure) -> [String: Int] { await memory.badCommits() }
  func clearBad(_ commit: String, lease: Lease) async throws(Failure) {}
  func decisions(limit: Int) async throws(Failure) -> [Decision] { [] }
  func record(_ decision: Decision) async throws(Failure) {}
  func fingerprintKey() async throws(Failure) -> [UInt8] { await memory.fingerprintKey() }
}
