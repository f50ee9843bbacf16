import Concurrency
import Foundation
import Ledgers
import Model
import SQLite
import Testing

/// Records of rollouts in each kind of ledger: whoever comes second with the same knowledge loses, and knows it.
@Suite(.timeLimit(.minutes(5)))
struct LedgerRolloutTests {
  @Test(arguments: LedgerKind.available) func oneIsReadElsewhereAsItWasWritten(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    #expect(try await bench.ours.rollouts().isEmpty)
    #expect(try await bench.theirs.rollout("new-checkout") == nil)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ci"))
    let record = Sample.rollout(at: bench.now)
    #expect(try await bench.ours.write(record, lease: lease))
    let other = Sample.rollout("dark-mode", at: bench.now)
    #expect(try await bench.ours.write(other, lease: lease))
    #expect(try await bench.theirs.rollout("new-checkout") == record)
    #expect(try await bench.theirs.rollouts() == [other, record])
    #expect(try await bench.theirs.rollout("new") == nil)
  }

  @Test(arguments: LedgerKind.available) func ofTwoWithTheSameKnowledgeOneWins(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ci"))
    let first = Sample.rollout(at: bench.now)
    #expect(try await bench.ours.write(first, lease: lease))
    #expect(try await bench.ours.write(first, lease: lease) == false)
    // A person's word comes in between, which needs no lease.
    var ordered = first
    ordered.version = 2
    ordered.orders.append(RolloutOrder(.abort, by: "bo", at: bench.now))
    #expect(try await bench.theirs.write(ordered, lease: nil))
    var late = first
    late.version = 2
    late.credit = .seconds(600)
    #expect(try await bench.ours.write(late, lease: lease) == false)
    #expect(try await bench.ours.rollout("new-checkout") == ordered)
    late = ordered
    late.version = 4
    #expect(try await bench.ours.write(late, lease: lease) == false)
    late.version = 3
    #expect(try await bench.ours.write(late, lease: lease))
    #expect(try await bench.theirs.rollout("new-checkout") == late)
    #expect(try await bench.ours.renew(lease).fence == lease.fence)
  }

  @Test(arguments: LedgerKind.available) func ofManyAtTheSameTimeOneWins(_ kind: LedgerKind) async throws {
    let bench = try await LedgerBench(kind)
    let now = bench.now
    let won = await withTaskGroup(of: Bool?.self) { group in
      for number in 0..<6 {
        let ledger = number % 2 == 0 ? bench.ours : bench.theirs
        group.addTask {
          var record = Sample.rollout(at: now)
          record.by = "p\(number)"
          return try? await ledger.write(record, lease: nil)
        }
      }
      return await group.reduce(into: [Bool?]()) { $0.append($1) }
    }
    #expect(won.count { $0 == true } == 1)
    #expect(won.count { $0 == false } == 5)
  }

  @Test(arguments: LedgerKind.available) func whoWasFencedOutWritesNothing(_ kind: LedgerKind) async throws {
    let bench = try await LedgerBench(kind)
    let old = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let record = Sample.rollout(at: bench.now)
    #expect(try await bench.ours.write(record, lease: old))
    try await bench.pass(bench.timing.duration)
    let new = try await bench.theirs.acquire(holder: Sample.holder("bo"))
    var late = record
    late.version = 2
    let written = late
    #expect(await failure { try await bench.ours.write(written, lease: old) }?.kind == .stale)
    #expect(try await bench.theirs.rollout("new-checkout") == record)
    #expect(try await bench.theirs.write(written, lease: new))
  }

  /// A ledger of an earlier shipit has no room for them yet.
  @Test func aLocalLedgerOfEarlierDaysTakesThem() async throws {
    let scratch = try Scratch()
    let clock = StillClock()
    var ledger = try await LocalLedger.open(root: scratch.path, environment: "prod", time: clock)
    await ledger.close()
    let database = try await Database.open(scratch.path + "/.shipit/prod.db", DatabaseOptions())
    try await database.transaction { try $0.script("DROP TABLE rollouts") }
    await database.close()
    ledger = try await LocalLedger.open(root: scratch.path, environment: "prod", time: clock)
    #expect(try await ledger.write(Sample.rollout(at: clock.now), lease: nil))
    #expect(try await ledger.rollouts().count == 1)
  }
}
