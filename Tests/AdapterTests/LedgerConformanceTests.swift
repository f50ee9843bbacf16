import Concurrency
import Ledgers
import Model
import Testing

/// What every ledger promises, run over each kind. A new kind is added to `LedgerKind` and must pass.
@Suite(.timeLimit(.minutes(5)))
struct LedgerConformanceTests {
  // MARK: Lease

  @Test(arguments: LedgerKind.available) func oneHolderAtATimeAndTheRefusalSaysWhoAndSince(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    #expect(lease.duration == bench.timing.duration && lease.heartbeat == bench.timing.heartbeat)
    #expect(try await bench.theirs.holder()?.holder.name == "ann@laptop")
    try await bench.pass(.seconds(7))
    let refusal = await failure { try await bench.theirs.acquire(holder: Sample.holder("bo")) }
    #expect(refusal?.kind == .leaseHeld)
    #expect(refusal?.exitCode == .leaseHeld)
    let text = refusal?.description ?? ""
    for part in [
      "prod", "ann@laptop", "deploy 1a2b3c4", kind == .postgres ? " s)" : "(7 s)", "4242",
      bench.shown(lease.since).iso8601,
      "shipit status",
    ] {
      #expect(text.contains(part), "\(part) is missing in: \(text)")
    }
  }

  @Test(arguments: LedgerKind.available) func renewalKeepsTheLeaseAndItsStart(_ kind: LedgerKind) async throws
  {
    let bench = try await LedgerBench(kind)
    var lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let since = lease.since
    for _ in 0..<4 {
      try await bench.pass(bench.timing.duration * 2 / 3)
      lease = try await bench.ours.renew(lease)
    }
    #expect(lease.since == since)
    #expect(kind == .postgres || lease.expires == bench.now + bench.timing.duration)
    #expect(try await bench.theirs.holder()?.holder.name == "ann@laptop")
    #expect(await failure { try await bench.theirs.acquire(holder: Sample.holder("bo")) }?.kind == .leaseHeld)
  }

  @Test(arguments: LedgerKind.available) func anExpiredLeaseIsTakenAndItsHolderFencedOut(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    let old = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let run = try await bench.ours.open(Sample.plan(), by: "ann", at: bench.now, lease: old)
    try await bench.pass(bench.timing.duration)
    #expect(try await bench.theirs.holder() == nil)
    let new = try await bench.theirs.acquire(holder: Sample.holder("bo"))
    #expect(new.fence > old.fence)

    let now = bench.now
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

  @Test(arguments: LedgerKind.available) func aLateHolderGoesOnWhenNobodyTookItsPlace(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    try await bench.pass(bench.timing.duration * 4)
    let renewed = try await bench.ours.renew(lease)
    #expect(renewed.fence == lease.fence)
    #expect(await failure { try await bench.theirs.acquire(holder: Sample.holder("bo")) }?.kind == .leaseHeld)
  }

  @Test(arguments: LedgerKind.available) func aLeaseGivenBackIsFreeAtOnceAndWorthNothing(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    await bench.ours.release(lease)
    #expect(try await bench.theirs.holder() == nil)
    #expect(await failure { try await bench.ours.markBad("c", release: 1, lease: lease) }?.kind == .stale)
    let next = try await bench.theirs.acquire(holder: Sample.holder("bo"))
    #expect(next.fence > lease.fence)
    await bench.ours.release(lease)
    #expect(try await bench.ours.holder() == next)
  }

  @Test(arguments: LedgerKind.available) func ofManyContendersOneWins(_ kind: LedgerKind) async throws {
    let bench = try await LedgerBench(kind)
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

  @Test(arguments: LedgerKind.available) func aRunKeepsItsPlanJournalResultAndRelease(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    let now = bench.now
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let run = try await bench.ours.open(Sample.plan(), by: "ann@laptop", at: now, lease: lease)
    #expect(run.id == RunID(1) && run.release == 1)
    #expect(try await bench.theirs.openRun() == run)
    let entries = Sample.entries(1...40, at: now)
    try await bench.ours.append(Array(entries[..<1]), to: run.id, lease: lease)
    try await bench.ours.append(Array(entries[1...]), to: run.id, lease: lease)
    try await bench.publish(lease)
    #expect(try await bench.theirs.journal(of: run.id) == entries)

    try await bench.pass(.seconds(3))
    let release = Sample.release(of: run, endedAt: bench.now)
    try await bench.ours.close(run.id, result: Sample.result(), release: release, lease: lease)
    #expect(try await bench.theirs.openRun() == nil)
    #expect(try await bench.theirs.run(run.id)?.result == Sample.result())
    #expect(try await bench.theirs.run(run.id)?.endedAt == bench.now)
    #expect(try await bench.theirs.release(number: 1) == release)
    #expect(try await bench.theirs.release(number: 2) == nil)
    #expect(try await bench.theirs.run(RunID(2)) == nil)
  }

  @Test(arguments: LedgerKind.available) func numbersGrowThoughRunsFail(_ kind: LedgerKind) async throws {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    for number in 1...3 {
      let run = try await bench.ours.open(
        Sample.plan("c\(number)"), by: "ann", at: bench.now, lease: lease)
      #expect(run.id.number == number && run.release == number)
      let result = Sample.result(number == 2 ? .rolledBack : .released)
      let release = number == 3 ? nil : Sample.release(of: run, result, endedAt: bench.now)
      try await bench.ours.close(run.id, result: result, release: release, lease: lease)
    }
    #expect(try await bench.theirs.runs(limit: 2).map(\.id.number) == [3, 2])
    #expect(try await bench.theirs.releases(limit: 9).map(\.number) == [2, 1])
    #expect(try await bench.theirs.releases(limit: 9).map(\.isGood) == [false, true])
    #expect(try await bench.theirs.runs(limit: 0).isEmpty)
  }

  @Test(arguments: LedgerKind.available) func theJournalRefusesGapsAndRepetitions(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    let now = bench.now
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
    try await bench.publish(lease)
    #expect(try await bench.theirs.journal(of: run.id) == Sample.entries(1...2, at: now))
    try await bench.ours.append(Sample.entries(3...3, at: now), to: run.id, lease: lease)
  }

  @Test(arguments: LedgerKind.available) func historyCannotBeFalsified(_ kind: LedgerKind) async throws {
    let bench = try await LedgerBench(kind)
    let now = bench.now
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

  @Test(arguments: LedgerKind.available) func holdsAndBadCommitsStayUntilLifted(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    #expect(try await bench.theirs.hold() == nil)
    let hold = Hold(reason: "it's broken", by: "ann", at: bench.now)
    try await bench.ours.setHold(Hold(reason: "first", by: "bo", at: bench.now), lease: lease)
    try await bench.ours.setHold(hold, lease: lease)
    #expect(try await bench.theirs.hold() == hold)
    try await bench.ours.setHold(nil, lease: lease)
    #expect(try await bench.theirs.hold() == nil)
    // A person on call does not wait for the holder, and takes nothing from it.
    try await bench.theirs.setHold(hold, lease: nil)
    #expect(try await bench.theirs.hold() == hold)
    let renewed = try await bench.ours.renew(lease)
    #expect(renewed.fence == lease.fence)
    try await bench.theirs.setHold(nil, lease: nil)
    #expect(try await bench.theirs.hold() == nil)

    try await bench.ours.markBad("aa", release: 3, lease: lease)
    try await bench.ours.markBad("bb", release: 4, lease: lease)
    try await bench.ours.markBad("aa", release: 5, lease: lease)
    #expect(try await bench.theirs.badCommits() == ["aa": 5, "bb": 4])
    try await bench.ours.clearBad("aa", lease: lease)
    #expect(try await bench.theirs.badCommits() == ["bb": 4])
  }

  @Test(arguments: LedgerKind.available) func theFingerprintKeyIsOneForAll(_ kind: LedgerKind) async throws {
    let bench = try await LedgerBench(kind)
    let key = try await bench.ours.fingerprintKey()
    #expect(key.count == 32)
    #expect(try await bench.theirs.fingerprintKey() == key)
  }
}
