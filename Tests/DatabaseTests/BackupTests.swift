import Concurrency
import Engine
import Foundation
import Model
import Postgres
import Processes
import TestSupport
import Testing

@testable import Databases

/// Copies of a real database: made, proven, damaged, refused, put back.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(5))
)
struct BackupTests {
  struct Bench {
    let schema: SchemaBench
    let scratch: ScratchDirectory
    var path: String { scratch.path + "/backups" }
    var rule: BackupRule
    /// Directories in front of the usual ones.
    var programs = ""
    /// Further secrets.
    var more: [String: Sensitive] = [:]

    init(_ check: BackupRule.Check = .restore, keep: Int = 2, to: String = "./backups") async throws {
      schema = try await SchemaBench()
      scratch = try ScratchDirectory()
      rule = BackupRule(directory: to, keep: keep, check: check)
      try await schema.run(
        """
        CREATE TABLE orders (id int PRIMARY KEY, note text);
        INSERT INTO orders SELECT i, repeat('x', 50) || i FROM generate_series(1, 2000) i;
        CREATE TABLE "Odd name" (v text);
        CREATE SCHEMA other; CREATE TABLE other.empty (i int);
        """)
    }

    var performer: BackupPerformer {
      BackupPerformer(
        secrets: SecretValues(
          values: Dictionary(schema.secrets.all.map { ($0.name, $0.value) }) { first, _ in first }
            .merging(more) { $1 }), stores: .of(scratch.path), clock: SystemClock(),
        process: ["PATH": "\(programs)/usr/bin:/bin", "HOME": scratch.path])
    }

    func call(_ run: Int, at moment: Timestamp = SystemClock().now) -> StepCall {
      StepCall(
        run: RunFacts(
          id: RunID(run), release: run, app: "shop", environment: "prod", commit: "c0ffee", startedAt: moment),
        attempt: 1, beganAt: moment, deadline: SystemClock().now + .seconds(60))
    }

    var step: Step {
      Step(
        id: schema.target.backupStep, title: "back up main",
        action: .backup(BackupRequest(database: schema.target, rule: rule)), limit: .seconds(60))
    }

    func backup(_ run: Int, at moment: Timestamp = SystemClock().now) async -> Outcome {
      await performer.perform(step, call(run, at: moment))
    }

    var shelf: BackupShelf {
      BackupShelf("./backups", root: scratch.path, BackupNames(environment: "prod", database: "main"))
    }

    var files: [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    func restore(_ manifest: BackupManifest, run: Int) async -> Outcome {
      await performer.perform(restoreStep(manifest), call(run))
    }

    func restoreStep(_ manifest: BackupManifest) -> Step {
      Step(
        id: "main.restore", title: "restore main",
        action: .restoreDatabase(
          DatabaseRestore(
            database: schema.target, rule: rule, backup: manifest.id, checksum: manifest.checksum)),
        limit: .seconds(60))
    }

    /// The databases on the server that shipit made beside this one.
    func beside() async throws -> [String] {
      let name = try PostgresAddress(schema.url).part("dbname") ?? ""
      return try await schema.values(
        "SELECT datname FROM pg_database WHERE datname LIKE '\(name)\\_%' ORDER BY 1")
    }
  }

  @Test func aCopyIsCountedPrivateAndKeptInNumber() async throws {
    let bench = try await Bench()
    let moment = SystemClock().now
    for run in 1...4 {
      let outcome = await bench.backup(run, at: moment + .seconds(run))
      #expect(outcome.result?.summary.contains("3 tables, 2000 rows") == true, "\(outcome)")
    }
    let all = bench.shelf.all()
    #expect(all.map(\.run) == [RunID(4), RunID(3)], "the two newest are kept")
    #expect(bench.files.count == 4)
    let newest = try #require(all.first)
    #expect(newest.rows == ["public.orders": 2000, "public.\"Odd name\"": 0, "other.empty": 0])
    #expect(newest.commit == "c0ffee" && newest.bytes > 0 && newest.tool.hasPrefix("pg_dump "))
    for name in bench.files {
      let mode = try FileManager.default.attributesOfItem(atPath: "\(bench.path)/\(name)")[.posixPermissions]
      #expect((mode as? NSNumber)?.intValue == 0o600, "\(name)")
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(bench.path)/\(name)"))
      #expect(bytes.range(of: Data("planted-p".utf8)) == nil, "the password is in \(name)")
    }
    #expect(try await bench.beside() == [], "the scratch databases are gone")
    // A process that was killed after it had finished one is told so; one that had not begins again.
    #expect(await bench.performer.probe(bench.step, bench.call(4, at: moment + .seconds(4))).isDone)
    #expect(await bench.performer.probe(bench.step, bench.call(5, at: moment)) == .absent)
  }

  @Test func whatAKilledProcessLeftGoesAndAnotherDatabasesStays() async throws {
    let bench = try await Bench()
    try FileManager.default.createDirectory(atPath: bench.path, withIntermediateDirectories: true)
    let ours = "prod-main-20260101T000000Z-r1.dump.part"
    // Of a database called main-two, which is copied at this moment.
    let other = "prod-main-two-20260101T000000Z-r1.dump.part"
    for name in [ours, other] { try bench.scratch.write("half", to: "backups/\(name)") }
    #expect(await bench.backup(2).result != nil)
    #expect(!bench.files.contains(ours) && bench.files.contains(other), "\(bench.files)")
  }

  @Test func aCopyIsOfOneMomentWhateverIsWrittenMeanwhile() async throws {
    let bench = try await Bench()
    let writing = Task {
      for number in 0..<200 where !Task.isCancelled {
        try await bench.schema.run("INSERT INTO orders SELECT 10000 + \(number)")
      }
    }
    let outcome = await bench.backup(1)
    writing.cancel()
    _ = await writing.result
    #expect(outcome.result != nil, "\(outcome)")
  }

  @Test func aDamagedFileIsNoCopy() async throws {
    let bench = try await Bench(.read)
    #expect(await bench.backup(1).result?.summary.contains("read to its end") == true)
    let manifest = try #require(bench.shelf.all().first)
    let file = FileHandle(forUpdatingAtPath: bench.shelf.path(manifest.file))
    try file?.truncate(atOffset: UInt64(manifest.bytes - 100))
    try file?.close()
    let failure = try #require(await bench.restore(manifest, run: 2).failure)
    #expect(failure.message.contains("damaged"), "\(failure)")
    await #expect { try await drill(bench) } throws: { ($0 as? Failure)?.message.contains("damaged") == true }
  }

  private func drill(_ bench: Bench) async throws -> [String: Int64] {
    try await bench.performer.drill(
      bench.schema.target, bench.rule, environment: "prod", id: nil, limit: .seconds(60)
    ).rows
  }

  @Test func aTrialRestoresAndCounts() async throws {
    let bench = try await Bench()
    await #expect { try await drill(bench) } throws: {
      ($0 as? Failure)?.hint == "shipit backup prod main"
    }
    _ = await bench.backup(1)
    // What happened since is of no interest to it.
    try await bench.schema.run("DELETE FROM orders")
    #expect(try await drill(bench)["public.orders"] == 2000)
    #expect(try await bench.beside() == [])
    #expect(try await bench.schema.values("SELECT count(*) FROM orders") == ["0"])
  }

  @Test func whatKilledTrialsLeftGoesAndNothingElse() async throws {
    let bench = try await Bench()
    let name = try PostgresAddress(bench.schema.url).part("dbname") ?? ""
    let mark = "shipit: scratch copy of \(name), may be dropped"
    let names = ["left", "used", "unmarked", "foreign"].map { "\(name)_drill_\($0)" }
    // Marked, but of another name: somebody's copy of a comment.
    let kept = "\(name)_kept"
    for other in names + [kept] { try await bench.schema.run("CREATE DATABASE \(other)") }
    for other in [names[0], names[1], kept] {
      try await bench.schema.run("COMMENT ON DATABASE \(other) IS '\(mark)'")
    }
    try await bench.schema.run(
      "COMMENT ON DATABASE \(names[3]) IS '\(mark.replacing(name, with: "orders"))'")
    // As a trial holds it that runs at this moment.
    let holder = PostgresSession(try PostgresAddress(bench.schema.url).naming(database: "postgres"))
    try await holder.open()
    _ = try await holder.query("SELECT pg_advisory_lock(\(0x7368_6970), hashtext('\(names[1])'))")
    #expect(await bench.backup(1).result != nil)
    #expect(try await Set(bench.beside()) == Set(names.dropFirst() + [kept]))
    await holder.close()
    // The server lets go of the lock when it has noticed.
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = \(0x7368_6970)"
    while try await bench.schema.values(held) != ["0"] {
      try await Task.sleep(for: .milliseconds(10))
    }
    _ = try await drill(bench)
    #expect(try await Set(bench.beside()) == Set(names.dropFirst(2) + [kept]))
  }

  @Test func aTruncatedDumpIsFoundBeforeItIsCalledOne() async throws {
    var bench = try await Bench(.read)
    try bench.useDump("\"$real\" \"$@\" && truncate -s -200 \"$file\"")
    let outcome = await bench.backup(1)
    let failure = try #require(outcome.failure, "\(outcome)")
    #expect(failure.message == "reading the backup of main failed", "\(failure)")
    #expect(failure.cause?.contains("end of file") == true, "\(failure)")
    #expect(bench.files == [], "nothing is left that looks like a copy")
  }

  @Test func aDumpThatLostRowsIsFoundByCountingThem() async throws {
    var bench = try await Bench()
    try bench.useDump("\"$real\" \"$@\" --exclude-table-data=orders")
    let failure = try #require(await bench.backup(1).failure)
    #expect(failure.message.contains("does not hold what the database held"), "\(failure)")
    #expect(failure.cause == "public.orders: 2000 rows when it was made, 0 rows restored")
    #expect(bench.files == [])
    #expect(try await bench.beside() == [])
  }

  @Test func anEmptyDumpIsNoCopy() async throws {
    var bench = try await Bench(.read)
    try bench.useDump("exit 0")
    #expect(await bench.backup(1).failure?.message == "the backup of main is empty")
  }

  @Test func aFullDiskStopsIt() async throws {
    var bench = try await Bench()
    try bench.useDump("ulimit -f 4; exec \"$real\" \"$@\"")
    let failure = try #require(await bench.backup(1).failure)
    #expect(failure.message == "copying main failed", "\(failure)")
    #expect(bench.files == [])
  }

  @Test func aLostConnectionStopsIt() async throws {
    let bench = try await Bench()
    // It waits for this lock, and is cut off while it waits.
    let blocker = try await bench.schema.session()
    try await blocker.run("BEGIN; LOCK TABLE other.empty IN ACCESS EXCLUSIVE MODE", limit: .seconds(5))
    let killer = Task {
      while true {
        try await Task.sleep(for: .milliseconds(20))
        let cut = try await bench.schema.values(
          """
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'
          """)
        if !cut.isEmpty { return }
      }
    }
    var rule = bench
    // Counting would wait for the lock too.
    rule.rule.check = .read
    let failure = try #require(await rule.backup(1).failure)
    killer.cancel()
    await blocker.close()
    #expect(failure.message == "copying main failed", "\(failure)")
    #expect(failure.cause?.contains("terminating connection") == true, "\(failure)")
    #expect(bench.files == [])
  }

  @Test func aServerThatIsTooNewIsToldBeforehand() async throws {
    await #expect {
      try await PostgresPrograms.find(major: 99, path: "/usr/bin:/bin", of: "main", launcher: Launcher())
    } throws: {
      let failure = $0 as? Failure
      return failure?.kind == .configuration && failure?.message.contains("PostgreSQL 99") == true
        && failure?.cause?.contains("too old") == true
    }
  }

  @Test func noCopyIsRemovedBeforeARestore() async throws {
    var bench = try await Bench(.read, keep: 5)
    let moment = SystemClock().now
    for run in 1...3 { _ = await bench.backup(run, at: moment + .seconds(run)) }
    // Fewer are to be kept since; the oldest is wanted.
    bench.rule.keep = 1
    let oldest = try #require(bench.shelf.all().last)
    let environment = Environment(name: "prod", app: "shop", databases: [bench.schema.target])
    let steps = DatabaseSteps.restore(
      DatabaseRestore(
        database: bench.schema.target, rule: bench.rule, backup: oldest.id, checksum: oldest.checksum),
      environment)
    for step in steps {
      let outcome = await bench.performer.perform(step, bench.call(4, at: moment + .seconds(4)))
      #expect(outcome.result != nil, "\(outcome)")
    }
  }

  @Test func aRestoreSwitchesByNameAndKeepsWhatWasThere() async throws {
    let bench = try await Bench()
    _ = await bench.backup(1)
    let manifest = try #require(bench.shelf.all().first)
    try await bench.schema.run("DELETE FROM orders; CREATE TABLE later (i int)")
    let connected = try await bench.schema.session()
    let outcome = await bench.restore(manifest, run: 2)
    let kept = try #require(outcome.result?.facts["kept"], "\(outcome)")
    await #expect(throws: (any Error).self) { try await connected.query("SELECT 1") }
    #expect(try await bench.schema.values("SELECT count(*) FROM orders") == ["2000"])
    #expect(try await bench.schema.values("SELECT to_regclass('later') IS NULL") == ["t"])
    #expect(try await bench.beside() == [kept])
    // Asked after a crash, it has happened; it is not done again.
    #expect(await bench.performer.probe(bench.restoreStep(manifest), bench.call(2)).isDone)
    #expect(await bench.performer.probe(bench.restoreStep(manifest), bench.call(3)) == .absent)
  }
}

extension BackupTests.Bench {
  /// A `pg_dump` in front of the real one.
  mutating func useDump(_ script: String) throws {
    programs = try ProgramShim(in: scratch.path, dump: script).path
  }
}

extension Finding {
  fileprivate var isDone: Bool { if case .done = self { true } else { false } }
}
