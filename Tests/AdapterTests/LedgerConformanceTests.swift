import Concurrency
import Ledgers
import Model
import Testing

/// What every ledger promises, run over each kind. A new kind is added to `Kind` and must pass.
@Suite(.timeLimit(.minutes(1)))
struct LedgerConformanceTests {
  enum Kind: String, CaseIterable, Sendable { case memory, local }

  /// Two processes' views of one ledger, and their clock.
  final class Bench: Sendable {
    let clock = StillClock()
    let ours: any Ledger
    let theirs: any Ledger
    private let scratch: Scratch

    init(_ kind: Kind) async throws {
      scratch = try Scratch("ledger")
      switch kind {
      case .memory:
        ours = MemoryLedger(environment: "prod", time: clock)
        theirs = ours
      case .local:
        ours = try await LocalLedger.open(root: scratch.path, environment: "prod", time: clock)
        theirs = try await LocalLedger.open(root: scratch.path, environment: "prod", time: clock)
      }
    }
  }

  // MARK: Lease

  @Test(arguments: Kind.allCases) func oneHolderAtATimeAndTheRefusalSaysWhoAndSince(_ kind: Kind) async throws
  {
    let bench = try await Bench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    #expect(lease.duration == .seconds(15) && lease.heartbeat == .seconds(5))
    #expect(try await bench.theirs.holder()?.holder.name == "ann@laptop")
    bench.clock.advance(by: .seconds(7))
    let refusal = await failure { try await bench.theirs.acquire(holder: Sample.holder("bo")) }
    #expect(refusal?.kind == .leaseHeld)
    #expect(refusal?.exitCode == .leaseHeld)
    let text = refusal?.description ?? ""
    for part in ["prod", "ann@laptop", "deploy 1a2b3c4", "7 s", "4242", lease.since.iso8601, "shipit status"]
    {
      #expect(text.contains(part), "\(part) is missing in: \(text)")
    }
  }

  @Test(arguments: Kind.allCases) func renewalKeepsTheLeaseAndItsStart(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    var lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let since = lease.since
    for _ in 0..<4 {
      bench.clock.advance(by: .seconds(10))
      lease = try await bench.ours.renew(lease)
    }
    #expect(lease.since == since)
    #expect(lease.expires == bench.clock.now + .seconds(15))
    #expect(await failure { try await bench.theirs.acquire(holder: Sample.holder("bo")) }?.kind == .leaseHeld)
  }

  @Test(arguments: Kind.allCases) func anExpiredLeaseIsTakenAndItsHolderFencedOut(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let old = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let run = try await bench.ours.open(Sample.plan(), by: "ann", at: bench.clock.now, lease: old)
    bench.clock.advance(by: .seconds(15))
    #expect(try await bench.theirs.holder() == nil)
    let new = try await bench.theirs.acquire(holder: Sample.holder("bo"))
    #expect(new.fence > old.fence)

    let now = bench.clock.now
    let writes: [(String, () async throws -> Void)] = [
      ("renew", { _ = try await bench.ours.renew(old) }),
      ("open", { _ = try await bench.ours.open(Sample.plan(), by: "ann", at: now, lease: old) }),
      ("append", { try await bench.ours.append(Sample.entries(1...1, at: now), to: run.id, lease: old) }),
      ("close", { try await bench.ours.close(run.id, result: Sample.result(), release: nil, lease: old) }),
      ("hold", { try await bench.ours.setHold(Hold(reason: "x", by: "ann", at: now), lease: old) }),
      ("mark", { try await bench.ours.markBad("c0ffee", release: 1, lease: old) }),
      ("clear", { try await bench.ours.clearBad("c0ffee", lease: old) }),
    ]
    for (name, write) in writes {
      let refusal = await failure(write)
      #expect(refusal?.kind == .stale, "\(name)")
      #expect(refusal?.description.contains("bo@laptop") == true, "\(name)")
    }
    await bench.ours.release(old)
    #expect(try await bench.theirs.holder() == new)
    #expect(try await bench.theirs.journal(of: run.id).isEmpty)
    #expect(try await bench.theirs.openRun()?.id == run.id)
  }

  @Test(arguments: Kind.allCases) func aLateHolderGoesOnWhenNobodyTookItsPlace(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    bench.clock.advance(by: .seconds(60))
    let renewed = try await bench.ours.renew(lease)
    #expect(renewed.fence == lease.fence)
    #expect(await failure { try await bench.theirs.acquire(holder: Sample.holder("bo")) }?.kind == .leaseHeld)
  }

  @Test(arguments: Kind.allCases) func aLeaseGivenBackIsFreeAtOnceAndWorthNothing(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    await bench.ours.release(lease)
    #expect(try await bench.theirs.holder() == nil)
    #expect(await failure { try await bench.ours.markBad("c", release: 1, lease: lease) }?.kind == .stale)
    let next = try await bench.theirs.acquire(holder: Sample.holder("bo"))
    #expect(next.fence > lease.fence)
    await bench.ours.release(lease)
    #expect(try await bench.ours.holder() == next)
  }

  @Test(arguments: Kind.allCases) func ofManyContendersOneWins(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let outcomes = await withTaskGroup(of: Failure.Kind?.self) { group in
      for number in 0..<12 {
        let ledger = number % 2 == 0 ? bench.ours : bench.theirs
        group.addTask {
          await failure { try await ledger.acquire(holder: Sample.holder("p\(number)")) }?.kind
        }
      }
      return await group.reduce(into: [Failure.Kind?]()) { $0.append($1) }
    }
    #expect(outcomes.filter { $0 == nil }.count == 1)
    #expect(outcomes.filter { $0 == .leaseHeld }.count == 11)
  }

  // MARK: Runs and journal

  @Test(arguments: Kind.allCases) func aRunKeepsItsPlanJournalResultAndRelease(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let now = bench.clock.now
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let run = try await bench.ours.open(Sample.plan(), by: "ann@laptop", at: now, lease: lease)
    #expect(run.id == RunID(1) && run.release == 1)
    #expect(try await bench.theirs.openRun() == run)
    let entries = Sample.entries(1...40, at: now)
    try await bench.ours.append(Array(entries[..<1]), to: run.id, lease: lease)
    try await bench.ours.append(Array(entries[1...]), to: run.id, lease: lease)
    #expect(try await bench.theirs.journal(of: run.id) == entries)

    bench.clock.advance(by: .seconds(3))
    let release = Sample.release(of: run, endedAt: bench.clock.now)
    try await bench.ours.close(run.id, result: Sample.result(), release: release, lease: lease)
    #expect(try await bench.theirs.openRun() == nil)
    #expect(try await bench.theirs.run(run.id)?.result == Sample.result())
    #expect(try await bench.theirs.run(run.id)?.endedAt == bench.clock.now)
    #expect(try await bench.theirs.release(number: 1) == release)
    #expect(try await bench.theirs.release(number: 2) == nil)
    #expect(try await bench.theirs.run(RunID(2)) == nil)
  }

  @Test(arguments: Kind.allCases) func numbersGrowThoughRunsFail(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    for number in 1...3 {
      let run = try await bench.ours.open(
        Sample.plan("c\(number)"), by: "ann", at: bench.clock.now, lease: lease)
      #expect(run.id.number == number && run.release == number)
      let result = Sample.result(number == 2 ? .rolledBack : .released)
      let release = number == 3 ? nil : Sample.release(of: run, result, endedAt: bench.clock.now)
      try await bench.ours.close(run.id, result: result, release: release, lease: lease)
    }
    #expect(try await bench.theirs.runs(limit: 2).map(\.id.number) == [3, 2])
    #expect(try await bench.theirs.releases(limit: 9).map(\.number) == [2, 1])
    #expect(try await bench.theirs.releases(limit: 9).map(\.isGood) == [false, true])
    #expect(try await bench.theirs.runs(limit: 0).isEmpty)
  }

  @Test(arguments: Kind.allCases) func theJournalRefusesGapsAndRepetitions(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let now = bench.clock.now
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let run = try await bench.ours.open(Sample.plan(), by: "ann", at: now, lease: lease)
    try await bench.ours.append(Sample.entries(1...2, at: now), to: run.id, lease: lease)
    for wrong in [
      Sample.entries(2...2, at: now), Sample.entries(4...4, at: now), Sample.entries(1...1, at: now),
      Sample.entries(3...3, at: now) + Sample.entries(3...3, at: now),
      Sample.entries(3...3, at: now) + Sample.entries(5...5, at: now),
    ] {
      #expect(
        await failure { try await bench.ours.append(wrong, to: run.id, lease: lease) }?.kind == .internalError
      )
    }
    #expect(try await bench.theirs.journal(of: run.id) == Sample.entries(1...2, at: now))
    try await bench.ours.append(Sample.entries(3...3, at: now), to: run.id, lease: lease)
  }

  @Test(arguments: Kind.allCases) func historyCannotBeFalsified(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let now = bench.clock.now
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let run = try await bench.ours.open(Sample.plan(), by: "ann", at: now, lease: lease)
    #expect(
      await failure { try await bench.ours.open(Sample.plan(), by: "ann", at: now, lease: lease) }?.kind
        == .internalError)
    var foreign = Sample.release(of: run, endedAt: now)
    foreign.number = 9
    #expect(
      await failure {
        try await bench.ours.close(run.id, result: Sample.result(), release: foreign, lease: lease)
      }?.kind == .internalError)
    try await bench.ours.close(run.id, result: Sample.result(), release: nil, lease: lease)
    #expect(
      await failure {
        try await bench.ours.close(run.id, result: Sample.result(.mixed), release: nil, lease: lease)
      }?.kind == .internalError)
    #expect(
      await failure { try await bench.ours.append(Sample.entries(1...1, at: now), to: run.id, lease: lease) }?
        .kind == .internalError)
    #expect(
      await failure { try await bench.ours.append([], to: RunID(7), lease: lease) }?.kind == .internalError)
    #expect(try await bench.theirs.run(run.id)?.result == Sample.result())
  }

  // MARK: Hold, bad commits, key

  @Test(arguments: Kind.allCases) func holdsAndBadCommitsStayUntilLifted(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    #expect(try await bench.theirs.hold() == nil)
    let hold = Hold(reason: "it's broken", by: "ann", at: bench.clock.now)
    try await bench.ours.setHold(Hold(reason: "first", by: "bo", at: bench.clock.now), lease: lease)
    try await bench.ours.setHold(hold, lease: lease)
    #expect(try await bench.theirs.hold() == hold)
    try await bench.ours.setHold(nil, lease: lease)
    #expect(try await bench.theirs.hold() == nil)

    try await bench.ours.markBad("aa", release: 3, lease: lease)
    try await bench.ours.markBad("bb", release: 4, lease: lease)
    try await bench.ours.markBad("aa", release: 5, lease: lease)
    #expect(try await bench.theirs.badCommits() == ["aa": 5, "bb": 4])
    try await bench.ours.clearBad("aa", lease: lease)
    #expect(try await bench.theirs.badCommits() == ["bb": 4])
  }

  @Test(arguments: Kind.allCases) func theFingerprintKeyIsOneForAll(_ kind: Kind) async throws {
    let bench = try await Bench(kind)
    let key = try await bench.ours.fingerprintKey()
    #expect(key.count == 32)
    #expect(try await bench.theirs.fingerprintKey() == key)
  }
}
