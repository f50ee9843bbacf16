import Foundation
import Model
import Postgres
import Processes
import TestSupport
import Testing

/// The built program, when the copy before a migration goes wrong or is killed: nothing is migrated, nothing is left behind.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(20))
)
struct BackupFaultTests {
  private struct Bench {
    let project: GitProject
    let url: String

    init(_ rule: String = "{to: ./backups, verify: read}") async throws {
      project = try await GitProject(
        environment: """
          shipit: 1
          environment: demo
          app: shop
          state: local
          protect: {deadline: 15m}
          databases:
            main:
              engine: postgres
              url: {secret: MAIN_URL}
              migrations: {tool: encore, directory: ./db/migrations}
              backup: \(rule)
          """)
      url = try await PostgresServer.shared().freshDatabase().url
      try project.write("backups/\n.shipit/\n", to: ".gitignore")
      try project.write("CREATE TABLE migrated (i int);\n", to: "db/migrations/1_a.up.sql")
      try await project.commit("migrations")
      _ = try await values("CREATE TABLE rows AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i")
    }

    var variables: [String: String] { ["MAIN_URL": url] }
    var directory: String { project.path + "/backups" }

    /// A shim in front of the programs.
    func with(_ shim: ProgramShim) -> [String: String] {
      variables.merging(["PATH": shim.path + (project.variables["PATH"] ?? "")]) { _, new in new }
    }

    func values(_ sql: String) async throws -> [String] {
      let session = PostgresSession(try PostgresAddress(url), patience: .seconds(300))
      try await session.open()
      let rows = try await session.query(sql).map { $0.texts.values.joined(separator: ",") }
      await session.close()
      return rows
    }

    struct Ended {
      var code: Int32
      var text: String
    }

    func up(_ variables: [String: String]) async throws -> Ended {
      let result = try await project.shipit("migrate", "up", "demo", "--yes", variables: variables)
      return Ended(code: result.code, text: result.text)
    }

    /// The run ended because of the copy; neither schema nor directory has anything new, and it works afterwards.
    func expectStopped(_ result: Ended, _ words: String, code: Int32 = 7) async throws {
      #expect(result.code == code, "\(result.text)")
      #expect(result.text.contains(words), "“\(words)” is missing in: \(result.text)")
      #expect(!result.text.contains("planted-p"), "\(result.text)")
      #expect(try await values("SELECT to_regclass('migrated') IS NULL") == ["t"], "nothing is migrated")
      let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
      #expect(files == [], "nothing is left that looks like a copy")
      let again = try await up(variables)
      #expect(again.code == 0, "\(again.text)")
      #expect(try await values("SELECT to_regclass('migrated') IS NULL") == ["f"])
    }

    /// The program in a view of the file system of its own, which `before` prepares.
    func up(before script: String, _ variables: [String: String]) async throws -> Ended {
      let result = try await Launcher().run(
        ProcessSpecification(
          "unshare",
          [
            "-m", "sh", "-c", script + "\nexec \"$@\"", "sh", Checkout.binary, "migrate", "up", "demo",
            "--yes",
          ],
          environment: project.variables.merging(variables) { _, new in new }, directory: project.path),
        timeout: .seconds(60))
      guard case .code(let code) = result.exit else { throw Failure(.failed, "\(result.exit)") }
      return Ended(code: code, text: result.text + result.errorText)
    }
  }

  /// Whether this user may mount in a namespace of its own.
  private static func mayMount() async -> Bool {
    let mount = ProcessSpecification(
      "unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
      environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
    return (try? await Launcher().run(mount, timeout: .seconds(10)))?.exit.isSuccess ?? false
  }

  @Test func aTruncatedCopyStopsTheMigration() async throws {
    let bench = try await Bench()
    let shim = try ProgramShim(
      in: bench.project.scratch.path, dump: "\"$real\" \"$@\" && truncate -s -200 \"$file\"")
    try await bench.expectStopped(try await bench.up(bench.with(shim)), "reading the backup of main failed")
  }

  @Test func aLimitOfTheFileStopsTheMigration() async throws {
    let bench = try await Bench()
    let shim = try ProgramShim(
      in: bench.project.scratch.path, dump: "ulimit -f 4; trap '' XFSZ; exec \"$real\" \"$@\"")
    try await bench.expectStopped(try await bench.up(bench.with(shim)), "File too large")
  }

  @Test(.enabled("only who may mount can fill a disk of 64 KiB") { await mayMount() })
  func aFullDiskStopsTheMigration() async throws {
    let bench = try await Bench()
    try FileManager.default.createDirectory(atPath: bench.directory, withIntermediateDirectories: true)
    let result = try await bench.up(
      before: "mount -t tmpfs -o size=64k tmpfs backups", bench.variables)
    try await bench.expectStopped(result, "No space left on device")
  }

  @Test(.enabled("only who may mount can hide the programs that fit") { await mayMount() })
  func programsThatAreTooOldStopTheMigration() async throws {
    let bench = try await Bench()
    let shim = try ProgramShim(in: bench.project.scratch.path, version: "9.6.24")
    let result = try await bench.up(
      before: "mount -t tmpfs tmpfs /usr/lib/postgresql; mount --bind /bin/false /usr/bin/pg_dump",
      bench.with(shim))
    try await bench.expectStopped(result, "pg_dump 9.6.24, which is too old", code: 2)
  }

  @Test func aLostConnectionStopsTheMigration() async throws {
    let bench = try await Bench()
    // It waits for this lock, and is cut off while it waits.
    let blocker = PostgresSession(try PostgresAddress(bench.url))
    try await blocker.open()
    try await blocker.run("BEGIN; LOCK TABLE rows IN ACCESS EXCLUSIVE MODE", limit: .seconds(5))
    async let running = bench.up(bench.variables)
    while try await bench.values(
      """
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'
      """
    ).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    let result = try await running
    await blocker.close()
    try await bench.expectStopped(result, "terminating connection")
  }

  @Test func aTrialThatWasKilledIsClearedAwayByTheNext() async throws {
    let bench = try await Bench("{to: ./backups}")
    let backup = try await bench.project.shipit("backup", "demo", variables: bench.variables)
    #expect(backup.code == 0, "\(backup.text)")
    let name = try PostgresAddress(bench.url).part("dbname") ?? ""
    let marked = """
      SELECT datname FROM pg_database WHERE datname LIKE '\(name)\\_drill\\_%'
      AND shobj_description(oid, 'pg_database') LIKE 'shipit: %'
      """
    let shim = try ProgramShim(in: bench.project.scratch.path, restore: "sleep 60")
    let process = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["backup", "drill", "demo"],
        environment: bench.project.variables.merging(bench.with(shim)) { _, new in new },
        directory: bench.project.path)
    ) { _ in }
    while try await bench.values(marked).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    _ = await process.stop(StopLadder([]))
    let left = try #require(try await bench.values(marked).first, "it was killed before it could drop it")
    let drill = try await bench.project.shipit("backup", "drill", "demo", variables: bench.variables)
    #expect(drill.code == 0, "\(drill.text)")
    #expect(drill.text.contains("dropped \(left), which a killed trial left"), "\(drill.text)")
    #expect(try await bench.values(marked) == [])
  }
}
