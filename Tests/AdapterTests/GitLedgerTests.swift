import Concurrency
import Foundation
import Model
import Processes
import Testing

@testable import Ledgers

/// What the ledger on a git remote does beyond what all ledgers do.
@Suite(.timeLimit(.minutes(5)))
struct GitLedgerTests {
  let clock = StillClock()
  let world: GitLedgerWorld

  init() async throws { world = try await GitLedgerWorld() }

  /// A deploy with a step before, at, and after its cut-over; undoing takes users back.
  private static let plan: Plan = {
    func step(
      _ id: StepID, isCutOver: Bool = false, isRepeatable: Bool = true, undo: [Step] = []
    ) -> Step {
      Step(
        id: id, title: id.rawValue, action: .command(CommandStep(name: id.rawValue, command: ["true"])),
        limit: .seconds(9), isCutOver: isCutOver, isRepeatable: isRepeatable, undo: undo)
    }
    var plan = Sample.plan()
    plan.steps = [
      step("build"), step("switch", isCutOver: true, undo: [step("switch.undo", isCutOver: true)]),
      step("check"), step("seed", isRepeatable: false),
    ]
    return plan
  }()

  private func began(_ step: StepID, _ sequence: Int) -> JournalEntry {
    JournalEntry(
      sequence: sequence, at: clock.now, fact: .began(step, attempt: 1, latestEffect: clock.now + .seconds(9))
    )
  }

  // MARK: The chain

  @Test func theChainIsAnOrphanAndTheProjectIsNotTouched() async throws {
    let machine = try await world.machine("ours")
    try await world.git([
      "-C", machine, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet",
      "--allow-empty", "-m", "code",
    ])
    let code = try await world.git(["-C", machine, "rev-parse", "HEAD"])
    func repository() throws -> [String: Data] {
      let names = try FileManager.default.subpathsOfDirectory(atPath: machine + "/.git")
      return Dictionary(
        uniqueKeysWithValues: names.compactMap { name in
          FileManager.default.contents(atPath: "\(machine)/.git/\(name)").map { (name, $0) }
        })
    }
    let before = try repository()
    let ledger = try await world.ledger(machine, time: clock)
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    let run = try await ledger.open(Self.plan, by: "ann", at: clock.now, lease: lease)
    try await ledger.append([began("switch", 1)], to: run.id, lease: lease)
    try await ledger.close(
      run.id, result: Sample.result(), release: Sample.release(of: run, endedAt: clock.now), lease: lease)
    await ledger.release(lease)

    #expect(try repository() == before)
    #expect(try await world.git(["-C", machine, "status", "--porcelain"]) == "")
    let roots = try await world.git(["-C", world.remote, "rev-list", "--max-parents=0", "refs/shipit/prod"])
    #expect(roots.split(separator: "\n").count == 1)
    let reachable = try await world.git(["-C", world.remote, "rev-list", "--objects", "refs/shipit/prod"])
    #expect(!reachable.contains(code))
    #expect(
      try await world.files() == [
        "fingerprint-key", "head.json", "journals/00/0001/0000001.jsonl", "releases/00/0001.json",
        "runs/00/0001.json",
      ])
    let log = try await world.git(["-C", world.remote, "log", "--format=%B", "refs/shipit/prod"])
    let nonces = log.split(separator: "\n").filter { $0.hasPrefix("nonce: ") }
    #expect(nonces.count == 5 && Set(nonces).count == 5)
  }

  @Test func aRenewalIsOneCommitOfTheSameFiles() async throws {
    let ledger = try await world.ledger(try await world.machine("ours"), time: clock)
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    let tree = try await world.git(["-C", world.remote, "rev-parse", "refs/shipit/prod^{tree}"])
    _ = try await ledger.renew(lease)
    _ = try await ledger.renew(lease)
    #expect(try await world.git(["-C", world.remote, "rev-parse", "refs/shipit/prod^{tree}"]) == tree)
    #expect(try await world.commits() == 3)
  }

  @Test func whatWasMadeForAWhileGoesWithTheLedger() async throws {
    let machine = try await world.machine("ours")
    do {
      let ledger = try await world.ledger(machine, time: clock)
      _ = try await ledger.holder()
      #expect(try FileManager.default.contentsOfDirectory(atPath: machine + "/.shipit/git").count > 2)
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: machine + "/.shipit/git")
    #expect(left.filter { $0.hasSuffix(".git") || $0.hasSuffix(".own") } == [])
  }

  // MARK: When the journal is pushed

  @Test func aCutOverDoesNotBeginBeforeTheRemoteKnows() async throws {
    let ours = try await world.ledger(try await world.machine("ours"), time: clock)
    let theirs = try await world.ledger(try await world.machine("theirs"), time: clock)
    let lease = try await ours.acquire(holder: Sample.holder("ann"))
    let run = try await ours.open(Self.plan, by: "ann", at: clock.now, lease: lease)
    #expect(try await theirs.openRun() == run)
    let commits = try await world.commits()
    try await ours.append([began("build", 1)], to: run.id, lease: lease)
    #expect(try await world.commits() == commits)
    #expect(try await ours.journal(of: run.id).count == 1)
    try await ours.append([began("switch", 2)], to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id) == [began("build", 1), began("switch", 2)])
    try await ours.append([began("check", 3)], to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id).count == 2)
    // The undo's names are in no plan, and its steps take users back.
    try await ours.append(
      [
        JournalEntry(
          sequence: 4, at: clock.now, fact: .turned(reason: .failure, nil, undo: Self.plan.steps[1].undo))
      ],
      to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id).count == 4)
    try await ours.append([began("switch.undo", 5)], to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id).count == 5)
  }

  /// Another machine would otherwise do it once more: nothing that it leaves could be found.
  @Test func whatMustNotBeDoneTwiceIsToldBeforeAndAfter() async throws {
    let ours = try await world.ledger(try await world.machine("ours"), time: clock)
    let theirs = try await world.ledger(try await world.machine("theirs"), time: clock)
    let lease = try await ours.acquire(holder: Sample.holder("ann"))
    let run = try await ours.open(Self.plan, by: "ann", at: clock.now, lease: lease)
    try await ours.append([began("seed", 1)], to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id).count == 1)
    let end = JournalEntry(
      sequence: 2, at: clock.now, fact: .ended("seed", attempt: 1, .done(StepResult())))
    try await ours.append([end], to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id).count == 2)
    try await ours.append([began("check", 3)], to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id).count == 2)
  }

  @Test func theBeginOfASchemaChangeIsOnTheRemoteBeforeItBegins() async throws {
    let ours = try await world.ledger(try await world.machine("ours"), time: clock)
    let theirs = try await world.ledger(try await world.machine("theirs"), time: clock)
    let lease = try await ours.acquire(holder: Sample.holder("ann"))
    var plan = Self.plan
    let change = SchemaChange(
      database: DatabaseTarget(key: "main", url: .secret("MAIN_URL")), migrations: Migrations(tool: .sql),
      place: "db.example/shop", commit: "c0ffee", isDirty: false, from: nil, pending: [])
    plan.steps.append(
      Step(id: "main.migrations", title: "migrate main", action: .migrate(change), limit: .seconds(9)))
    let run = try await ours.open(plan, by: "ann", at: clock.now, lease: lease)
    try await ours.append([began("build", 1)], to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id).isEmpty)
    try await ours.append([began("main.migrations", 2)], to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id).map(\.sequence) == [1, 2])
  }

  @Test func whatGathersIsPushedInTheBackgroundAfterAWhile() async throws {
    let ours = try await world.ledger(try await world.machine("ours"), time: clock)
    let theirs = try await world.ledger(try await world.machine("theirs"), time: clock)
    let lease = try await ours.acquire(holder: Sample.holder("ann"))
    let run = try await ours.open(Self.plan, by: "ann", at: clock.now, lease: lease)
    clock.advance(by: .seconds(14))
    try await ours.append([began("build", 1)], to: run.id, lease: lease)
    #expect(try await theirs.journal(of: run.id).isEmpty)
    clock.advance(by: .seconds(2))
    try await ours.append([began("check", 2)], to: run.id, lease: lease)
    while try await theirs.journal(of: run.id).count < 2 { try await Task.sleep(for: .milliseconds(5)) }
  }

  @Test func aLeaseInDoubtIsAskedForBeforeAnythingIsWritten() async throws {
    let ours = try await world.ledger(try await world.machine("ours"), time: clock)
    let theirs = try await world.ledger(try await world.machine("theirs"), time: clock)
    let old = try await ours.acquire(holder: Sample.holder("ann"))
    let run = try await ours.open(Self.plan, by: "ann", at: clock.now, lease: old)
    _ = try await theirs.holder()
    clock.advance(by: .seconds(90))
    _ = try await theirs.acquire(holder: Sample.holder("bo"))
    let refusal = await failure { try await ours.append([began("build", 1)], to: run.id, lease: old) }
    #expect(refusal?.kind == .stale)
    #expect(try await theirs.journal(of: run.id).isEmpty)
  }

  // MARK: After a crash

  @Test func aTakerElsewhereGetsRunPlanAndWhatWasPushed() async throws {
    let here = try await world.machine("ours")
    let run: RunRecord
    do {
      let ours = try await world.ledger(here, time: clock)
      let lease = try await ours.acquire(holder: Sample.holder("ann"))
      run = try await ours.open(Self.plan, by: "ann", at: clock.now, lease: lease)
      try await ours.append([began("build", 1), began("switch", 2)], to: run.id, lease: lease)
      try await ours.append([began("check", 3)], to: run.id, lease: lease)
    }
    let theirs = try await world.ledger(try await world.machine("theirs"), time: clock)
    _ = try await theirs.holder()
    clock.advance(by: .seconds(90))
    let lease = try await theirs.acquire(holder: Sample.holder("bo"))
    #expect(try await theirs.openRun() == run)
    #expect(try await theirs.journal(of: run.id).map(\.sequence) == [1, 2])
    try await theirs.append([began("switch", 3)], to: run.id, lease: lease)
    await theirs.release(lease)

    // The first machine has another entry 3: what was taken over is the truth.
    let truth = try await theirs.journal(of: run.id)
    let again = try await world.ledger(here, time: clock)
    let last = try await again.acquire(holder: Sample.holder("ann"))
    #expect(last.fence == 3)
    #expect(try await again.journal(of: run.id) == truth)
    #expect(truth.last?.fact == began("switch", 3).fact)
  }

  @Test func theMachineOfTheCrashKnowsMore() async throws {
    let here = try await world.machine("ours")
    let run: RunRecord
    do {
      let ours = try await world.ledger(here, time: clock)
      let lease = try await ours.acquire(holder: Sample.holder("ann"))
      run = try await ours.open(Self.plan, by: "ann", at: clock.now, lease: lease)
      try await ours.append([began("build", 1), began("switch", 2)], to: run.id, lease: lease)
      try await ours.append([began("check", 3)], to: run.id, lease: lease)
    }
    let again = try await world.ledger(here, time: clock)
    #expect(try await again.journal(of: run.id).count == 3)
    clock.advance(by: .seconds(90))
    let lease = try await again.acquire(holder: Sample.holder("ann"))
    #expect(try await again.journal(of: run.id).count == 3)
    _ = try await again.renew(lease)
    let theirs = try await world.ledger(try await world.machine("theirs"), time: clock)
    #expect(try await theirs.journal(of: run.id).map(\.sequence) == [1, 2, 3])
  }

  @Test func anotherShipitOfThisMachineIsKeptOutWithoutTheNetwork() async throws {
    let here = try await world.machine("ours")
    let first = try await world.ledger(here, time: clock)
    _ = try await first.acquire(holder: Sample.holder("ann"))
    let second = try await world.ledger(here, time: clock)
    try FileManager.default.moveItem(atPath: world.remote, toPath: world.remote + ".away")
    #expect(await failure { try await second.acquire(holder: Sample.holder("bo")) }?.kind == .leaseHeld)
  }

  // MARK: Whose lease it is

  @Test func aHolderIsWatchedForTheWholeLeaseOnTheWatchersClock() async throws {
    let ours = try await world.ledger(try await world.machine("ours"), time: clock)
    let ann = try await ours.acquire(holder: Sample.holder("ann"))
    // A clock that is a day ahead makes no lease older.
    let ahead = StillClock()
    ahead.advance(by: .seconds(86400))
    var options = GitLedgerWorld.impatient
    options.patience = nil
    let told = Locked<[String]>([])
    let theirs = try await world.ledger(
      try await world.machine("theirs"), time: ahead, options: options
    ) { line in told.withLock { $0.append(line) } }
    let start = ahead.now
    let lease = try await theirs.acquire(holder: Sample.holder("bo"))
    #expect(ahead.now - start >= .seconds(90) && ahead.now - start < .seconds(92))
    #expect(lease.fence == ann.fence + 1)
    #expect(told.withLock { $0 }.count == 1)
    #expect(told.withLock { $0 }.first?.contains("ann@laptop") == true)
  }

  @Test func aHolderThatMovesIsAliveAtOnce() async throws {
    let ours = try await world.ledger(try await world.machine("ours"), time: clock)
    let lease = try await ours.acquire(holder: Sample.holder("ann"))
    var options = GitLedgerWorld.impatient
    options.patience = nil
    // Time passes for the watcher only while it waits; the holder renews as soon as the watch has begun.
    let watching = AsyncStream<Void>.makeStream()
    let theirs = try await world.ledger(
      try await world.machine("theirs"), time: RealSteps(), options: options
    ) { _ in watching.continuation.yield() }
    async let refusal = failure { try await theirs.acquire(holder: Sample.holder("bo")) }
    for await _ in watching.stream { break }
    _ = try await ours.renew(lease)
    #expect(await refusal?.kind == .leaseHeld)
  }

  /// A clock whose sleeps are short, so that a watch goes on while the test acts.
  private struct RealSteps: TimeSource {
    let system = SystemClock()
    var now: Timestamp { system.now }
    func sleep(until moment: Timestamp) async throws { try await Task.sleep(for: .milliseconds(20)) }
  }
}
