import Concurrency
import Ledgers
import Model
import Testing

/// What others than the holder may ask of every kind of ledger: that the holder stop, and that it be fenced out.
@Suite(.timeLimit(.minutes(5)))
struct LedgerRequestTests {
  private func request(_ by: String, _ reason: String, _ bench: LedgerBench) -> CancelRequest {
    CancelRequest(by: "\(by)@phone", reason: reason, at: bench.now)
  }

  // MARK: Cancel

  @Test(arguments: LedgerKind.available) func aRequestReachesTheHolderWithItsNextRenewal(_ kind: LedgerKind)
    async throws
  {
    let bench = try await LedgerBench(kind)
    #expect(try await bench.theirs.requestCancel(request("bo", "too early", bench)) == nil)
    var lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    #expect(lease.cancel == nil)
    lease = try await bench.ours.renew(lease)
    #expect(lease.cancel == nil)
    let wanted = request("bo", "wrong branch", bench)
    let asked = try await bench.theirs.requestCancel(wanted)
    #expect(asked?.holder.name == "ann@laptop" && asked?.cancel == wanted)
    lease = try await bench.ours.renew(lease)
    #expect(lease.cancel == wanted)
    // Who asked first stands, and it stays asked.
    let second = try await bench.theirs.requestCancel(request("cy", "me too", bench))
    #expect(second?.cancel == wanted)
    lease = try await bench.ours.renew(lease)
    #expect(lease.cancel == wanted)
    // The holder goes on writing until it has stopped, and the request goes with its lease.
    let run = try await bench.ours.open(Sample.plan(), by: "ann", at: bench.now, lease: lease)
    try await bench.ours.close(run.id, result: Sample.result(), release: nil, lease: lease)
    await bench.ours.release(lease)
    #expect(try await bench.theirs.requestCancel(wanted) == nil)
    let next = try await bench.theirs.acquire(holder: Sample.holder("bo"))
    #expect(next.cancel == nil)
    #expect(try await bench.theirs.renew(next).cancel == nil)
  }

  @Test(arguments: LedgerKind.available) func aRequestIsNoSignOfLife(_ kind: LedgerKind) async throws {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    try await bench.pass(bench.timing.duration * 2 / 3)
    #expect(try await bench.theirs.requestCancel(request("bo", "hangs", bench)) != nil)
    #expect(try await bench.theirs.holder()?.cancel?.reason == "hangs")
    try await bench.pass(bench.timing.duration / 2)
    #expect(try await bench.theirs.holder() == nil)
    let next = try await bench.theirs.acquire(holder: Sample.holder("bo"))
    #expect(next.fence > lease.fence)
  }

  // MARK: Expel

  @Test(arguments: LedgerKind.available) func anExpelledHolderIsFencedOut(_ kind: LedgerKind) async throws {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let run = try await bench.ours.open(Sample.plan(), by: "ann", at: bench.now, lease: lease)
    let seen = try #require(try await bench.theirs.holder())
    try await bench.theirs.expel(seen, evenIfRenewed: false)
    #expect(try await bench.theirs.holder() == nil)
    // Also while nobody else has taken it.
    let refusal = await failure { try await bench.ours.renew(lease) }
    #expect(refusal?.kind == .stale)
    #expect(refusal?.description.contains("shipit unlock") == true, "\(String(describing: refusal))")
    let now = bench.now
    #expect(
      await failure {
        try await bench.ours.append(Sample.entries(1...1, at: now), to: run.id, lease: lease)
      }?.kind == .stale)
    let next = try await bench.theirs.acquire(holder: Sample.holder("bo"))
    #expect(next.fence > lease.fence)
    #expect(try await bench.theirs.openRun()?.id == run.id)
    // Twice is once: who holds it now was not seen.
    #expect(await failure { try await bench.theirs.expel(seen, evenIfRenewed: true) }?.kind == .stale)
    #expect(try await bench.theirs.holder()?.fence == next.fence)
  }

  @Test(arguments: LedgerKind.available) func whoRenewedSinceItWasSeenIsExpelledOnlyByForce(
    _ kind: LedgerKind
  )
    async throws
  {
    let bench = try await LedgerBench(kind)
    let lease = try await bench.ours.acquire(holder: Sample.holder("ann"))
    let seen = try #require(try await bench.theirs.holder())
    try await bench.pass(.seconds(3))
    _ = try await bench.ours.renew(lease)
    // In PostgreSQL the times were moved back, the seen one's too.
    var shown = seen
    if kind == .postgres { shown.expires = bench.shown(seen.expires) }
    let looked = shown
    let refusal = await failure { try await bench.theirs.expel(looked, evenIfRenewed: false) }
    #expect(refusal?.kind == .leaseHeld, "\(String(describing: refusal))")
    #expect(try await bench.ours.renew(lease).fence == lease.fence)
    try await bench.theirs.expel(looked, evenIfRenewed: true)
    #expect(await failure { try await bench.ours.renew(lease) }?.kind == .stale)
  }
}
