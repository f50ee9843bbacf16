import Concurrency
import Foundation
import Model
import Processes
import SQLite
import Testing

@testable import Ledgers

@Suite(.timeLimit(.minutes(5)))
struct LocalLedgerTests {
  let scratch: Scratch
  let clock = StillClock()
  var path: String { scratch.path + "/.shipit/prod.db" }

  init() throws { scratch = try Scratch("local-ledger") }

  private func open(_ environment: String = "prod", machine: String? = nil) async throws -> LocalLedger {
    try await LocalLedger.open(
      root: scratch.path, environment: environment, time: clock, busyTimeout: .milliseconds(200),
      machine: machine)
  }

  // MARK: Files

  @Test func aLedgerOfAnOlderShipitGetsWhatItLacks() async throws {
    var ledger = try await open()
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    let run = try await ledger.open(Sample.plan(), by: "ann", at: clock.now, lease: lease)
    await ledger.release(lease)
    await ledger.close()
    let database = try await Database.open(path)
    try await database.transaction { connection in
      try connection.script(
        "DROP TABLE moved; ALTER TABLE lease DROP COLUMN cancel; PRAGMA user_version = 1")
    }
    await database.close()
    ledger = try await open()
    #expect(try await ledger.openRun() == run)
    #expect(try await ledger.moved() == nil)
    _ = try await ledger.acquire(holder: Sample.holder("bo"))
    let request = CancelRequest(by: "ann", reason: "mine", at: clock.now)
    #expect(try await ledger.requestCancel(request)?.cancel == request)
  }

  @Test func filesArePrivateAndGitSeesNone() async throws {
    let ledger = try await open()
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    #expect(scratch.mode(".shipit") == 0o700)
    for name in ["prod.db", "prod.db-wal", "prod.lock", ".gitignore"] {
      #expect(scratch.mode(".shipit/" + name) == 0o600, "\(name)")
    }
    #expect(scratch.read(".shipit/.gitignore") == Data("*\n".utf8))
    await ledger.release(lease)
  }

  @Test func aDirectoryOthersCouldReadIsClosed() async throws {
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/.shipit", withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o755])
    _ = try await open()
    #expect(scratch.mode(".shipit") == 0o700)
  }

  @Test func environmentsDoNotShareAnything() async throws {
    let prod = try await open("prod")
    let staging = try await open("staging")
    _ = try await prod.acquire(holder: Sample.holder("ann"))
    _ = try await staging.acquire(holder: Sample.holder("bo"))
    #expect(try await prod.fingerprintKey() != staging.fingerprintKey())
  }

  @Test(arguments: ["../prod", "", ".", ".hidden", "a/b"]) func aNameThatIsNoFileNameIsRefused(
    _ name: String
  ) async throws {
    #expect(await failure { try await open(name) }?.kind == .configuration)
    #expect(scratch.mode(".shipit") == nil)
  }

  @Test func recordsOutliveTheProcess() async throws {
    let first = try await open()
    let lease = try await first.acquire(holder: Sample.holder("ann"))
    let run = try await first.open(Sample.plan(), by: "ann", at: clock.now, lease: lease)
    try await first.append(Sample.entries(1...3, at: clock.now), to: run.id, lease: lease)
    // Not closed: what a killed process leaves.
    let copy = try Scratch("copy")
    for name in ["prod.db", "prod.db-wal"] {
      try copy.write(".shipit/" + name, try #require(scratch.read(".shipit/" + name)))
    }
    let second = try await LocalLedger.open(root: copy.path, environment: "prod", time: clock)
    #expect(try await second.openRun() == run)
    #expect(try await second.journal(of: run.id) == Sample.entries(1...3, at: clock.now))
    #expect(try await second.fingerprintKey() == first.fingerprintKey())
  }

  @Test func aWriteTornByTheCrashIsDroppedAndAllBeforeItKept() async throws {
    let first = try await open()
    let lease = try await first.acquire(holder: Sample.holder("ann"))
    let run = try await first.open(Sample.plan(), by: "ann", at: clock.now, lease: lease)
    try await first.append(Sample.entries(1...1, at: clock.now), to: run.id, lease: lease)
    let whole = try #require(scratch.read(".shipit/prod.db-wal"))
    try await first.append(Sample.entries(2...2, at: clock.now), to: run.id, lease: lease)
    let longer = try #require(scratch.read(".shipit/prod.db-wal"))
    #expect(longer.count > whole.count)
    let copy = try Scratch("copy")
    try copy.write(".shipit/prod.db", try #require(scratch.read(".shipit/prod.db")))
    try copy.write(".shipit/prod.db-wal", longer.prefix((whole.count + longer.count) / 2))
    let second = try await LocalLedger.open(root: copy.path, environment: "prod", time: clock)
    #expect(try await second.journal(of: run.id) == Sample.entries(1...1, at: clock.now))
  }

  // MARK: Unusable files

  private func expectRefusal(_ parts: [String]) async {
    let refusal = await failure {
      let ledger = try await open()
      _ = try await ledger.acquire(holder: Sample.holder("ann"))
    }
    #expect(refusal?.kind == .failed)
    #expect(refusal?.hint?.isEmpty == false)
    let text = refusal?.description ?? ""
    for part in parts { #expect(text.contains(part), "\(part) is missing in: \(text)") }
  }

  @Test func aFileOfAnotherProgramIsRefusedAndNotTouched() async throws {
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/.shipit", withIntermediateDirectories: true)
    let foreign = try await Database.open(path)
    try await foreign.script("CREATE TABLE cookies (id INTEGER); PRAGMA journal_mode = DELETE")
    await foreign.close()
    let before = scratch.read(".shipit/prod.db")
    await expectRefusal([path, "not a ledger of shipit", "mv "])
    #expect(scratch.read(".shipit/prod.db") == before)

    try scratch.write(".shipit/prod.db", String(repeating: "not a database. ", count: 400))
    await expectRefusal([path, "not a ledger of shipit"])
    #expect(scratch.read(".shipit/prod.db")?.count == 6400)
  }

  @Test func aFileOfANewerShipitIsRefused() async throws {
    let ledger = try await open()
    try await ledger.database.script("PRAGMA user_version = 9")
    await ledger.close()
    await expectRefusal([path, "newer shipit", "version 9"])
  }

  @Test func aDamagedFileIsRefusedBeforeAnythingIsDone() async throws {
    let ledger = try await open()
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    let run = try await ledger.open(Sample.plan(), by: "ann", at: clock.now, lease: lease)
    try await ledger.append(Sample.entries(1...400, at: clock.now), to: run.id, lease: lease)
    await ledger.release(lease)
    await ledger.close()
    var bytes = try #require(scratch.read(".shipit/prod.db"))
    for index in stride(from: 4096 * 3, to: bytes.count, by: 7) { bytes[index] ^= 0x5A }
    try scratch.write(".shipit/prod.db", bytes)
    await expectRefusal([path, "damaged", "mv "])
    #expect(scratch.read(".shipit/prod.db") == bytes)
  }

  @Test func aDirectoryThatCannotBeMadeIsNamed() async throws {
    try scratch.write(".shipit", "a file in the way")
    await expectRefusal([scratch.path + "/.shipit", "--root"])
  }

  @Test func aReadOnlyDirectoryIsNamed() async throws {
    // Root writes everywhere; a directory that nobody can write to stands in for it.
    let refusal = await failure {
      try await LocalLedger.open(root: "/proc/self", environment: "prod", time: clock)
    }
    #expect(refusal?.kind == .failed)
    #expect(refusal?.description.contains("/proc/self/.shipit") == true)
  }

  @Test func aFullDiskLosesNothingAndSaysSo() async throws {
    let ledger = try await open()
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    let run = try await ledger.open(Sample.plan(), by: "ann", at: clock.now, lease: lease)
    try await ledger.append(Sample.entries(1...5, at: clock.now), to: run.id, lease: lease)
    let pages = try await ledger.database.query("PRAGMA page_count")[0][0].int ?? 0
    try await ledger.database.script("PRAGMA max_page_count = \(pages)")
    let refusal = await failure {
      try await ledger.append(Sample.entries(6...2000, at: clock.now), to: run.id, lease: lease)
    }
    #expect(refusal?.kind == .failed)
    #expect(refusal?.description.contains("no room") == true)
    #expect(refusal?.description.contains(path) == true)
    #expect(try await ledger.journal(of: run.id) == Sample.entries(1...5, at: clock.now))
    try await ledger.database.script("PRAGMA max_page_count = 1000000")
    try await ledger.append(Sample.entries(6...7, at: clock.now), to: run.id, lease: lease)
    #expect(try await ledger.journal(of: run.id).count == 7)
  }

  @Test func aLedgerRemovedMeanwhileStopsItsHolder() async throws {
    let ledger = try await open()
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    try FileManager.default.removeItem(atPath: path)
    let refusal = await failure { try await ledger.renew(lease) }
    #expect(refusal?.kind == .stale)
    #expect(refusal?.description.contains("removed or replaced") == true)
  }

  @Test func anotherProcessWritingWithoutEndIsNamed() async throws {
    let ledger = try await open()
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    let other = try await Database.open(path)
    try await other.script("BEGIN IMMEDIATE")
    #expect(await failure { try await ledger.renew(lease) }?.description.contains("busy") == true)
    try await other.script("ROLLBACK")
    _ = try await ledger.renew(lease)
    await other.close()
  }

  // MARK: The kernel lock

  /// A process that holds the environment as another shipit would: the row and the lock of its fence.
  private static let holderScript = """
    import fcntl, json, sqlite3, struct, sys, time
    path, machine, expires = sys.argv[1], sys.argv[2], int(sys.argv[3])
    lock = open(path[:-3] + ".lock", "r+b")
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("BEGIN IMMEDIATE")
    fence = base.execute("SELECT fence FROM lease").fetchone()[0] + 1
    fcntl.fcntl(lock, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, fence, 1, 0))
    holder = {"name": "bo@laptop", "purpose": "deploy", "process": 77, "nonce": "bo's"}
    base.execute(
      "UPDATE lease SET fence=?, holder=?, machine=?, locked=1, since=?, expires=?, duration=15000,"
      " heartbeat=5000", (fence, json.dumps(holder), machine, expires - 15000, expires))
    base.execute("COMMIT")
    print("holding", flush=True)
    time.sleep(600)
    """

  private func startHolder(machine: String) async throws -> RunningProcess {
    let lines = AsyncStream<String>.makeStream()
    let process = try Launcher().start(
      ProcessSpecification(
        "python3",
        [
          "-c", Self.holderScript, path, machine, String((clock.now + .seconds(15)).milliseconds),
        ], environment: ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"])
    ) { lines.continuation.yield($0.text) }
    for await line in lines.stream {
      if line == "holding" { break }
      Issue.record("the holder says: \(line)")
    }
    return process
  }

  #if os(Linux)
    @Test func aKilledHolderIsSupersededAtOnce() async throws {
      let ledger = try await open(machine: "laptop")
      let process = try await startHolder(machine: "laptop")
      #expect(try await ledger.holder()?.holder.name == "bo@laptop")
      #expect(await failure { try await ledger.acquire(holder: Sample.holder("ann")) }?.kind == .leaseHeld)
      process.signal(9)
      _ = await process.wait()
      #expect(try await ledger.holder() == nil)
      let lease = try await ledger.acquire(holder: Sample.holder("ann"))
      #expect(lease.fence == 2)
    }

    @Test func aHolderOnAnotherMachineIsBelievedUntilItsLeaseEnds() async throws {
      let ledger = try await open(machine: "laptop")
      let process = try await startHolder(machine: "desktop")
      process.signal(9)
      _ = await process.wait()
      #expect(await failure { try await ledger.acquire(holder: Sample.holder("ann")) }?.kind == .leaseHeld)
      clock.advance(by: .seconds(15))
      _ = try await ledger.acquire(holder: Sample.holder("ann"))
    }

    @Test func aSuspendedHolderIsSupersededByTimeAndItsDeathFreesNothing() async throws {
      let ledger = try await open(machine: "laptop")
      let process = try await startHolder(machine: "laptop")
      clock.advance(by: .seconds(16))
      let lease = try await ledger.acquire(holder: Sample.holder("ann"))
      process.signal(9)
      _ = await process.wait()
      let other = try await open(machine: "laptop")
      #expect(try await other.holder() == lease)
      #expect(await failure { try await other.acquire(holder: Sample.holder("cy")) }?.kind == .leaseHeld)
    }
  #endif

  @Test func aLedgerThatIsGoneFreesItsLease() async throws {
    let other = try await open()
    do {
      let ledger = try await open()
      _ = try await ledger.acquire(holder: Sample.holder("ann"))
      #expect(try await other.holder() != nil)
      await ledger.close()
    }
    #expect(try await other.holder() == nil)
  }
}
