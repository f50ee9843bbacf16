import Concurrency
import Foundation
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// A history that is moved from each kind of ledger to each other one, and killed on the way.
@Suite(.timeLimit(.minutes(5)))
struct LedgerMoveTests {
  struct Way: CustomStringConvertible, Sendable {
    var from: LedgerKind
    var to: LedgerKind
    var description: String { "\(from.rawValue) to \(to.rawValue)" }

    /// Each kind once on either side; all ways in the long run.
    static let wanted: [Way] = all.filter { way in
      Checkout.isLong || ["local to git", "git to postgres", "postgres to local"].contains(way.description)
    }

    static let all: [Way] = LedgerKind.available.filter { $0 != .memory }.flatMap { from in
      LedgerKind.available.filter { $0 != .memory && $0 != from }.map { Way(from: from, to: $0) }
    }
  }

  @Test(arguments: Way.wanted) func everythingArrivesAndTheOldOneSaysWhere(_ way: Way) async throws {
    let (old, new) = (try await LedgerBench(way.from), try await LedgerBench(way.to))
    let before = try await fill(old)
    let moved = try await operation(old, new, way).run()
    #expect(moved.runs == 3 && moved.releases == 2 && !moved.wasThere)
    #expect(try await new.movable(.theirs).contents() == before)
    #expect(try await new.theirs.fingerprintKey() == before.fingerprintKey)
    #expect(try await new.theirs.hold()?.reason == "look first")
    #expect(try await new.theirs.badCommits() == ["bad": 2])
    // Numbers go on.
    let lease = try await new.theirs.acquire(holder: Sample.holder("bo"))
    let run = try await new.theirs.open(Sample.plan("next"), by: "bo", at: new.now, lease: lease)
    #expect(run.id == RunID(4) && run.release == 4)

    let refusal = await failure { try await old.theirs.acquire(holder: Sample.holder("bo")) }
    #expect(refusal?.exitCode == .usage)
    for words in ["prod", "mover@laptop", way.store.yaml, "git pull"] {
      #expect(refusal?.description.contains(words) == true, "\(String(describing: refusal))")
    }
    #expect(try await old.movable(.theirs).moved()?.to == way.store)
    // Nothing went from where it came.
    #expect(try await old.movable(.theirs).contents() == before)
  }

  @Test func aMoveThatIsDoneTwiceIsDoneOnceAndOneBackTakesWhatCameSince() async throws {
    let (old, new) = (try await LedgerBench(.local), try await LedgerBench(.git))
    _ = try await fill(old)
    let way = Way(from: .local, to: .git)
    _ = try await operation(old, new, way).run()
    #expect(try await operation(old, new, way).run().wasThere)
    try await release("later", new)
    let later = try await new.movable(.ours).contents()
    let back = try await operation(new, old, Way(from: .git, to: .local)).run()
    #expect(back.runs == 4 && !back.wasThere)
    #expect(try await old.movable(.theirs).contents() == later)
    #expect(try await old.movable(.theirs).moved() == nil)
    try await release("here again", old)
    #expect(try await new.movable(.theirs).moved()?.to == .local)
  }

  @Test(arguments: LedgerKind.available.filter { $0 != .memory })
  func aHistoryOfItsOwnIsNotWrittenOver(_ kind: LedgerKind) async throws {
    let to = LedgerKind.available.last { $0 != kind && $0 != .memory } ?? .local
    let (old, new) = (try await LedgerBench(kind), try await LedgerBench(to))
    _ = try await fill(old)
    try await release("of its own", new)
    let there = try await new.movable(.ours).contents()
    let refusal = await failure { try await operation(old, new, Way(from: kind, to: to)).run() }
    #expect(refusal?.kind == .stale, "\(String(describing: refusal))")
    #expect(refusal?.description.contains("the newest run 1") == true)
    #expect(try await new.movable(.theirs).contents() == there)
    #expect(try await old.movable(.theirs).moved() == nil)
    // Both are free again.
    try await release("more", old)
    try await release("more", new)
  }

  @Test func anOpenRunIsSettledFirst() async throws {
    let (old, new) = (try await LedgerBench(.local), try await LedgerBench(.git))
    let lease = try await old.ours.acquire(holder: Sample.holder("ann"))
    _ = try await old.ours.open(Sample.plan(), by: "ann", at: old.now, lease: lease)
    let busy = await failure { try await operation(old, new, Way(from: .local, to: .git)).run() }
    #expect(busy?.kind == .leaseHeld)
    await old.ours.release(lease)
    let refusal = await failure { try await operation(old, new, Way(from: .local, to: .git)).run() }
    #expect(refusal?.kind == .policy && refusal?.hint?.contains("shipit settle prod") == true)
    #expect(try await old.movable(.ours).moved() == nil)
  }

  /// The process ends between two writes: whichever ledger counts then has everything, and the same command again
  /// ends the move.
  @Test(arguments: Way.wanted) func killedBetweenAnyTwoWritesNothingIsLost(_ way: Way) async throws {
    for write in Checkout.isLong ? Array(1...5) : [3, 4] {
      let (old, new) = (try await LedgerBench(way.from), try await LedgerBench(way.to))
      let before = try await fill(old)
      let kill = KillCount(write)
      let died = await failure {
        try await MoveOperation(
          of: "prod", from: Mortal(old.movable(.ours), kill), to: Mortal(new.movable(.ours), kill),
          called: way.store, holder: Sample.holder("mover"), clock: SystemClock()
        ).run()
      }
      let isMoved = try await old.movable(.theirs).moved() != nil
      let counts = isMoved ? new : old
      #expect(
        try await counts.movable(.theirs).contents() == before, "\(way), killed at write \(write): \(isMoved)"
      )
      guard died != nil else {
        #expect(write > 4, "the move ended although it was killed at write \(write)")
        continue
      }
      // The killed one's leases run out.
      try await old.pass(old.timing.duration + .seconds(1))
      try await new.pass(new.timing.duration + .seconds(1))
      let again = try MoveOperation(
        of: "prod", from: old.movable(.theirs), to: new.movable(.theirs), called: way.store,
        holder: Sample.holder("again"), clock: SystemClock())
      #expect(try await again.run().wasThere == isMoved)
      #expect(try await new.movable(.theirs).contents() == before)
      #expect(try await old.movable(.theirs).moved()?.to == way.store)
    }
  }

  private func operation(_ old: LedgerBench, _ new: LedgerBench, _ way: Way) throws -> MoveOperation {
    try MoveOperation(
      of: "prod", from: old.movable(.ours), to: new.movable(.ours), called: way.store,
      holder: Sample.holder("mover"), clock: SystemClock())
  }

  /// Two releases, a run without one, a hold, a bad mark and two decisions.
  private func fill(_ bench: LedgerBench) async throws -> LedgerContents {
    try await release("first", bench)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let failed = try await bench.ours.open(Sample.plan("bad"), by: "ann", at: bench.now, lease: lease)
    try await bench.ours.append(Sample.entries(1...9, at: bench.now), to: failed.id, lease: lease)
    try await bench.ours.append(Sample.entries(10...12, at: bench.now), to: failed.id, lease: lease)
    try await bench.ours.close(failed.id, result: Sample.result(.rolledBack), release: nil, lease: lease)
    try await bench.ours.markBad("bad", release: 2, lease: lease)
    try await bench.ours.setHold(Hold(reason: "look first", by: "bo", at: bench.now), lease: lease)
    await bench.ours.release(lease)
    for person in ["ann", "bo"] {
      try await bench.ours.record(Decision(.holdLifted, by: person, at: bench.now))
    }
    #expect(try await bench.ours.write(Sample.rollout(at: bench.now), lease: nil))
    try await release("third", bench)
    let contents = try await bench.movable(.ours).contents()
    #expect(contents.runs.count == 3 && contents.releases.map(\.number) == [1, 3])
    #expect(contents.journals[RunID(2)]?.count == 12)
    #expect(contents.decisions.map(\.by) == ["bo", "ann"])
    #expect(contents.rollouts.map(\.key) == ["new-checkout"])
    return contents
  }

  private func release(_ commit: String, _ bench: LedgerBench) async throws {
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let run = try await bench.ours.open(Sample.plan(commit), by: "ann", at: bench.now, lease: lease)
    try await bench.ours.append(Sample.entries(1...3, at: bench.now), to: run.id, lease: lease)
    let release = Sample.release(of: run, endedAt: bench.now)
    try await bench.ours.close(run.id, result: Sample.result(), release: release, lease: lease)
    await bench.ours.release(lease)
  }
}

extension LedgerMoveTests.Way {
  /// What the environment file says of where it goes.
  fileprivate var store: StateStore {
    switch to {
    case .git: .git
    case .postgres: .postgres(urlSecret: "LEDGER_URL")
    case .local, .memory: .local
    }
  }
}

/// Counts writes, and from the wanted one on nothing is written any more: the process is gone.
final class KillCount: Sendable {
  private let left: Locked<Int>

  init(_ write: Int) { left = Locked(write) }

  /// - Throws: from the wanted write on.
  func write() throws(Failure) {
    let isAlive = left.withLock { left in
      left -= 1
      return left > 0
    }
    guard isAlive else { throw Failure(.internalError, "killed") }
  }

  var isAlive: Bool { left.withLock { $0 > 0 } }
}

/// A ledger whose process is killed before its N-th write.
private struct Mortal: MovableLedger {
  let ledger: any MovableLedger
  let kill: KillCount

  init(_ ledger: any MovableLedger, _ kill: KillCount) {
    self.ledger = ledger
    self.kill = kill
  }

  func acquireForMove(holder: Holder) async throws(Failure) -> Lease {
    try kill.write()
    return try await ledger.acquireForMove(holder: holder)
  }

  func contents() async throws(Failure) -> LedgerContents { try await ledger.contents() }

  func replace(with contents: LedgerContents, lease: Lease) async throws(Failure) {
    try kill.write()
    try await ledger.replace(with: contents, lease: lease)
  }

  func moved() async throws(Failure) -> LedgerMove? { try await ledger.moved() }

  func leave(for move: LedgerMove, lease: Lease) async throws(Failure) {
    try kill.write()
    try await ledger.leave(for: move, lease: lease)
  }

  // A dead process gives nothing back.
  func release(_ lease: Lease) async {
    guard (try? kill.write()) != nil else { return }
    await ledger.release(lease)
  }

  func acquire(holder: Holder) async throws(Failure) -> Lease { try await ledger.acquire(holder: holder) }
  func renew(_ lease: Lease) async throws(Failure) -> Lease { try await ledger.renew(lease) }
  func holder() async throws(Failure) -> Lease? { try await ledger.holder() }
  func requestCancel(_ request: CancelRequest) async throws(Failure) -> Lease? { nil }
  func expel(_ seen: Lease, evenIfRenewed: Bool) async throws(Failure) {}

  func open(_ plan: Plan, by: String, at: Timestamp, lease: Lease) async throws(Failure) -> RunRecord {
    try await ledger.open(plan, by: by, at: at, lease: lease)
  }

  func append(_ entries: [JournalEntry], to run: RunID, lease: Lease) async throws(Failure) {}
  func close(_ run: RunID, result: RunResult, release: Release?, lease: Lease) async throws(Failure) {}
  func openRun() async throws(Failure) -> RunRecord? { try await ledger.openRun() }
  func run(_ id: RunID) async throws(Failure) -> RunRecord? { try await ledger.run(id) }
  func runs(limit: Int) async throws(Failure) -> [RunRecord] { try await ledger.runs(limit: limit) }
  func journal(of run: RunID) async throws(Failure) -> [JournalEntry] { try await ledger.journal(of: run) }
  func releases(limit: Int) async throws(Failure) -> [Release] { try await ledger.releases(limit: limit) }
  func release(number: Int) async throws(Failure) -> Release? { try await ledger.release(number: number) }
  func hold() async throws(Failure) -> Hold? { try await ledger.hold() }
  func setHold(_ hold: Hold?, lease: Lease?) async throws(Failure) {}
  func badCommits() async throws(Failure) -> [String: Int] { try await ledger.badCommits() }
  func markBad(_ commit: String, release: Int, lease: Lease) async throws(Failure) {}
  func clearBad(_ commit: String, lease: Lease) async throws(Failure) {}
  func decisions(limit: Int) async throws(Failure) -> [Decision] { try await ledger.decisions(limit: limit) }
  func record(_ decision: Decision) async throws(Failure) {}
  func rollouts() async throws(Failure) -> [RolloutRecord] { try await ledger.rollouts() }
  func rollout(_ key: String) async throws(Failure) -> RolloutRecord? { try await ledger.rollout(key) }
  func write(_ rollout: RolloutRecord, lease: Lease?) async throws(Failure) -> Bool { false }
  func fingerprintKey() async throws(Failure) -> [UInt8] { try await ledger.fingerprintKey() }
}
