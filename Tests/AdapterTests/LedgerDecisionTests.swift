import Concurrency
import Foundation
import Ledgers
import Model
import SQLite
import Testing

/// What people decide beside the runs, in each kind of ledger.
@Suite(.timeLimit(.minutes(5)))
struct LedgerDecisionTests {
  static func decision(_ number: Int, by: String = "bo", at: Timestamp) -> Decision {
    Decision(
      .approved, by: "\(by)@desk", at: at, person: by, reason: "number \(number), \"quoted\"\nand Ünïcode",
      digest: "d\(number)", binding: PlanBinding(parts: ["commit": "c0ffee", "services.api": "1"]),
      commit: "c0ffee", subject: "change", changes: ["api: commit a → b"], expires: at + .seconds(3600))
  }

  @Test(arguments: LedgerKind.available) func theyAreKeptInOrderAndSeenByEverybody(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    #expect(try await bench.ours.decisions(limit: 9).isEmpty)
    let decisions = (1...3).map { Self.decision($0, at: bench.now) }
    for decision in decisions { try await bench.ours.record(decision) }
    try await bench.pass(.seconds(2))
    #expect(try await bench.theirs.decisions(limit: 9) == Array(decisions.reversed()))
    #expect(try await bench.theirs.decisions(limit: 2) == [decisions[2], decisions[1]])
    #expect(try await bench.theirs.decisions(limit: 0).isEmpty)
  }

  /// Somebody approves the next deploy while this one is at it: neither stops the other.
  @Test(arguments: LedgerKind.available) func oneIsAddedWhileSomebodyElseHoldsTheLease(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let run = try await bench.ours.open(Sample.plan(), by: "ann", at: bench.now, lease: lease)
    let first = Self.decision(1, at: bench.now)
    try await bench.theirs.record(first)
    try await bench.ours.append(Sample.entries(1...2, at: bench.now), to: run.id, lease: lease)
    _ = try await bench.ours.renew(lease)
    let second = Self.decision(2, at: bench.now)
    try await bench.theirs.record(second)
    let result = Sample.result()
    try await bench.ours.close(
      run.id, result: result, release: Sample.release(of: run, result, endedAt: bench.now), lease: lease)
    await bench.ours.release(lease)
    try await bench.pass(.seconds(2))
    #expect(try await bench.theirs.decisions(limit: 9) == [second, first])
    #expect(try await bench.theirs.journal(of: run.id).count == 2)
    #expect(try await bench.theirs.releases(limit: 9).count == 1)
    #expect(try await bench.theirs.holder() == nil)
  }

  @Test(arguments: LedgerKind.available) func ofManyAtTheSameTimeNoneIsLost(_ kind: LedgerKind) async throws {
    let bench = try await LedgerBench(kind)
    let now = bench.now
    let wanted = Set((1...6).map { Self.decision($0, by: "p\($0)", at: now) })
    await withTaskGroup(of: Void.self) { group in
      for (number, decision) in wanted.enumerated() {
        let ledger = number % 2 == 0 ? bench.ours : bench.theirs
        group.addTask {
          let failure = await failure { try await ledger.record(decision) }
          #expect(failure == nil)
        }
      }
    }
    try await bench.pass(.seconds(2))
    #expect(Set(try await bench.ours.decisions(limit: 99)) == wanted)
  }

  /// A ledger of an earlier shipit has no room for them yet.
  @Test func aLocalLedgerOfEarlierDaysTakesThem() async throws {
    let scratch = try Scratch()
    let clock = StillClock()
    var ledger = try await LocalLedger.open(root: scratch.path, environment: "prod", time: clock)
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    try await ledger.markBad("c0ffee", release: 1, lease: lease)
    await ledger.release(lease)
    await ledger.close()
    let database = try await Database.open(scratch.path + "/.shipit/prod.db", DatabaseOptions())
    try await database.transaction { try $0.script("DROP TABLE decisions") }
    await database.close()
    ledger = try await LocalLedger.open(root: scratch.path, environment: "prod", time: clock)
    let decision = Self.decision(1, at: clock.now)
    try await ledger.record(decision)
    #expect(try await ledger.decisions(limit: 9) == [decision])
    #expect(try await ledger.badCommits() == ["c0ffee": 1])
  }
}
