import Foundation
import Model
import Postgres
import Processes
import TestSupport
import Testing

/// The built program against a real PostgreSQL: `migrate`, kills, and migrations within a deploy.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(5))
)
struct CommandTests {
  private static let environment = """
    shipit: 1
    environment: demo
    app: shop
    state: local
    databases:
      main:
        engine: postgres
        url: {secret: MAIN_URL}
        migrations: {tool: encore, directory: ./db/migrations}
    """

  private struct Bench {
    var project: GitProject
    var url: String
    var variables: [String: String] { ["MAIN_URL": url] }

    func values(_ sql: String) async throws -> [String] {
      let session = PostgresSession(try PostgresAddress(url))
      try await session.open()
      let rows = try await session.query(sql).map { $0.texts.values.joined(separator: ",") }
      await session.close()
      return rows
    }

    func shipit(_ arguments: String..., more: [String: String] = [:]) async throws -> ShipitResult {
      let result = try await project.shipit(arguments, variables: variables.merging(more) { _, new in new })
      // The password is in nothing that is printed.
      #expect(!result.text.contains("planted-p"), "\(result.text)")
      return result
    }

    /// No file of the ledger holds the password, as it is or as it is written in an address.
    func expectNothingLeaked() throws {
      let folder = project.path + "/.shipit"
      for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
        #expect(bytes.range(of: Data("planted-p".utf8)) == nil, "\(name)")
      }
    }
  }

  private func bench(_ environment: String = environment) async throws -> Bench {
    let project = try await GitProject(environment: environment)
    return Bench(project: project, url: try await PostgresServer.shared().freshDatabase().url)
  }

  @Test func whatIsPendingIsShownAppliedAndRecorded() async throws {
    let bench = try await bench()
    try bench.project.write("CREATE TABLE a (i int);\n", to: "db/migrations/1_a.up.sql")
    try bench.project.write("\nALTER TABLE a DROP COLUMN i;\n", to: "db/migrations/2_b.up.sql")
    try await bench.project.commit("migrations")
    // The commit counts, not what lies beside it.
    let status = try await bench.shipit("migrate", "status", "demo", "--detailed-exitcode")
    #expect(status.code == 3, "\(status.text)")
    #expect(status.output.contains("1_a.up.sql  expand"))
    #expect(status.output.contains("2_b.up.sql  contract"))
    #expect(status.output.contains("line 2: drops a column"))
    #expect(try await bench.values("SELECT to_regclass('schema_migrations') IS NULL") == ["t"])
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 0, "\(up.text)")
    #expect(up.text.contains("main at 2: 1_a.up.sql, 2_b.up.sql"), "\(up.text)")
    #expect(try await bench.values("SELECT version, dirty FROM schema_migrations").count == 1)
    let again = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(again.code == 0 && again.output.contains("nothing to do"), "\(again.text)")
    #expect(
      try await bench.shipit("migrate", "status", "demo").output.contains(
        "at 2, 2 files applied, nothing pending"))
    #expect(try await bench.shipit("history", "demo").code == 0)
    #expect(try await bench.shipit("status", "demo").code == 0)
    try bench.expectNothingLeaked()
  }

  @Test func aFailureIsToldInFullAndEndsWith7() async throws {
    let bench = try await bench()
    try bench.project.write("CREATE TABLE a (i int);\n", to: "db/migrations/1_a.up.sql")
    try bench.project.write("SELECT 1;\nSELECT nothing FROM a;\n", to: "db/migrations/2_b.up.sql")
    try await bench.project.commit("migrations")
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 7, "\(up.text)")
    for part in [
      "2_b.up.sql failed in main at statement 2 of 2, line 2", "db/migrations/2_b.up.sql:2",
      "column \"nothing\" does not exist", "applied, and they stay: 1_a.up.sql",
      "nothing of 2_b.up.sql remains",
    ] { #expect(up.text.contains(part), "\(part) is missing in: \(up.text)") }
    try bench.project.write("SELECT 2;\n", to: "db/migrations/2_b.up.sql")
    try await bench.project.commit("corrected")
    #expect(try await bench.shipit("migrate", "up", "demo", "--yes").code == 0)
    try bench.expectNothingLeaked()
  }

  @Test func whatCannotBeUsedIsRefused() async throws {
    let bench = try await bench()
    #expect(try await bench.shipit("migrate", "down", "demo").code == 2)
    let missing = try await bench.project.shipit("migrate", "status", "demo")
    #expect(missing.code == 2 && missing.text.contains("MAIN_URL"))
    let none = try await bench.shipit("migrate", "status", "demo")
    #expect(none.code == 2 && none.text.contains("has no directory ./db/migrations"), "\(none.text)")
    let other = try await bench.shipit("migrate", "up", "demo", "orders")
    #expect(other.code == 2 && other.text.contains("no database “orders”"))
    let pooled = try await bench.shipit(
      "migrate", "status", "demo", more: ["MAIN_URL": "postgres://u:planted-pw@h.example:6543/d"])
    #expect(pooled.code == 2 && pooled.text.contains("transaction pooler"))
  }

  private static let copied = environment + "\n    backup: {to: ./backups, keep: 2}\n"

  @Test func aBackupComesBeforeTheMigrationAndStopsItWhenItFails() async throws {
    let bench = try await bench(Self.copied)
    try bench.project.write("CREATE TABLE a (i int);\n", to: "db/migrations/1_a.up.sql")
    // Something stands where the directory should be.
    try bench.project.write("backups/\nbackups\n", to: ".gitignore")
    try bench.project.write("in the way", to: "backups")
    try await bench.project.commit("migrations")
    var up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 7, "\(up.text)")
    #expect(up.text.contains("back up main") && up.text.contains("databases.main.backup.to"), "\(up.text)")
    #expect(try await bench.values("SELECT to_regclass('a') IS NULL") == ["t"], "nothing was migrated")
    try FileManager.default.removeItem(atPath: bench.project.path + "/backups")
    up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 0, "\(up.text)")
    #expect(up.text.contains("restored and counted: 0 tables, 0 rows"), "\(up.text)")
    #expect(try await bench.values("SELECT to_regclass('a') IS NULL") == ["f"])
    // Nothing is pending: nothing is copied.
    let again = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(again.code == 0 && again.output.contains("nothing to do"), "\(again.text)")
    try bench.expectNothingLeaked()
  }

  @Test func aBackupThatWasKilledIsMadeAnewAndNothingIsMigratedBeforeIt() async throws {
    let bench = try await bench(Self.copied.replacing("keep: 2", with: "keep: 2, verify: read"))
    try bench.project.write("INSERT INTO runs VALUES (2);\n", to: "db/migrations/1_a.up.sql")
    try bench.project.write("backups/\n", to: ".gitignore")
    try await bench.project.commit("migrations")
    _ = try await bench.values("CREATE TABLE runs (file int)")
    // The copy waits for this lock.
    let blocker = PostgresSession(try PostgresAddress(bench.url))
    try await blocker.open()
    try await blocker.run("BEGIN; LOCK TABLE runs IN ACCESS EXCLUSIVE MODE", limit: .seconds(5))
    let process = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["migrate", "up", "demo", "--yes"],
        environment: bench.project.variables.merging(bench.variables) { _, new in new },
        directory: bench.project.path)
    ) { _ in }
    while try await bench.values(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    _ = await process.stop(StopLadder([]))
    await blocker.close()
    let list = try await bench.shipit("backup", "list", "demo")
    #expect(list.output.contains("no backup"), "half of one is none: \(list.text)")
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 0, "\(up.text)")
    #expect(try await bench.values("SELECT file FROM runs") == ["2"])
    let files = try FileManager.default.contentsOfDirectory(atPath: bench.project.path + "/backups").sorted()
    #expect(files.count == 2 && files.allSatisfy { !$0.hasSuffix(".part") }, "\(files)")
  }

  @Test func aDatabaseIsCopiedTriedOutAndPutBack() async throws {
    let bench = try await bench(Self.copied)
    try bench.project.write("CREATE TABLE a (i int);\n", to: "db/migrations/1_a.up.sql")
    try bench.project.write("backups/\n", to: ".gitignore")
    try await bench.project.commit("migrations")
    #expect(try await bench.shipit("backup", "list", "demo").output.contains("no backup on this machine"))
    #expect(try await bench.shipit("migrate", "up", "demo", "--yes").code == 0)
    _ = try await bench.values("INSERT INTO a SELECT generate_series(1, 30)")
    // What an incident leaves stops deploys alone.
    #expect(try await bench.shipit("hold", "demo", "--reason", "rows are gone").code == 0)
    let made = try await bench.shipit("backup", "demo")
    #expect(made.code == 0 && made.text.contains("2 tables, 31 rows"), "\(made.text)")
    let listed = try await bench.shipit("backup", "list", "demo")
    #expect(listed.output.contains("restored: 2 tables, 31 rows"), "\(listed.text)")
    let drill = try await bench.shipit("backup", "drill", "demo")
    #expect(drill.code == 0 && drill.output.contains("can be restored"), "\(drill.text)")

    _ = try await bench.values("DELETE FROM a")
    let name = String(bench.url.split(separator: "/").last ?? "")
    #expect(try await bench.shipit("restore", "demo", "main").code == 2, "nobody typed its name")
    #expect(try await bench.shipit("restore", "demo", "main", "--confirm", "main").code == 2)
    #expect(try await bench.values("SELECT count(*) FROM a") == ["0"])
    let restored = try await bench.shipit("restore", "demo", "main", "--confirm", name)
    #expect(restored.text.contains("That stops deploys, not a restore"), "\(restored.text)")
    #expect(try await bench.shipit("status", "demo").text.contains("rows are gone"), "the hold stays")
    #expect(restored.code == 0, "\(restored.text)")
    #expect(restored.text.contains("what was there is the database \(name)_before_"), "\(restored.text)")
    #expect(try await bench.values("SELECT count(*) FROM a") == ["30"])
    #expect(try await bench.shipit("backup", "list", "demo", "--json").output.contains("\"rows\":1"))
    #expect(try await bench.shipit("status", "demo").code == 0)
    #expect(try await bench.shipit("history", "demo").code == 0)
    #expect(try await bench.shipit("backup", "demo", "nothing").code == 2)
    try bench.expectNothingLeaked()
  }

  @Test func aKilledProcessLeavesNothingToRunTwice() async throws {
    let bench = try await bench()
    try bench.project.write(
      "CREATE TABLE gate (open boolean);\nINSERT INTO gate VALUES (false);\nCREATE TABLE runs (file int);\nINSERT INTO runs VALUES (1);\n",
      to: "db/migrations/1_a.up.sql")
    try bench.project.write(
      "INSERT INTO runs VALUES (2);\nSELECT pg_sleep(CASE WHEN open THEN 0 ELSE 60 END) FROM gate;\n",
      to: "db/migrations/2_b.up.sql")
    try bench.project.write("INSERT INTO runs VALUES (3);\n", to: "db/migrations/3_c.up.sql")
    try await bench.project.commit("migrations")
    let process = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["migrate", "up", "demo", "--yes"],
        environment: bench.project.variables.merging(bench.variables) { _, new in new },
        directory: bench.project.path)
    ) { _ in }
    while try await bench.values(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    ).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    _ = await process.stop(StopLadder([]))
    let status = try await bench.shipit("status", "demo")
    #expect(status.text.contains("migrate main"), "\(status.text)")
    try await open(bench)
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 0, "\(up.text)")
    #expect(try await bench.values("SELECT file FROM runs ORDER BY file") == ["1", "2", "3"])
    #expect(try await bench.values("SELECT version FROM schema_migrations") == ["3"])
    try bench.expectNothingLeaked()
  }

  private func open(_ bench: Bench) async throws {
    let session = PostgresSession(try PostgresAddress(bench.url))
    try await session.open()
    _ = try await session.query("UPDATE gate SET open = true")
    await session.close()
  }

  @Test func aDeployMigratesFirstAndDoesNotPutCodeBackAcrossAContract() async throws {
    let services = try String(
      contentsOfFile: Checkout.root + "/Tests/Support/two-services.yaml", encoding: .utf8)
    let databases = "databases:\n" + Self.environment.components(separatedBy: "databases:\n")[1] + "\n"
    let smoke = "  - {name: smoke, run: [sh, -c, test ! -f broken]}\n"
    let bench = try await bench(services + smoke + databases)
    try bench.project.write("CREATE TABLE a (i int, j int);\n", to: "db/migrations/1_a.up.sql")
    try await bench.project.commit("first schema")
    let twin = try await TwinProcess.start(for: bench.project)
    do {
      let plan = try await bench.shipit("plan", "demo", more: twin.variables)
      #expect(plan.code == 0 && plan.output.contains("migrate main"), "\(plan.text)")
      let first = try await bench.shipit("deploy", "demo", "--yes", more: twin.variables)
      #expect(first.code == 0, "\(first.text)")
      #expect(try await bench.values("SELECT version FROM schema_migrations") == ["1"])

      try bench.project.write("ALTER TABLE a DROP COLUMN j;\n", to: "db/migrations/2_b.up.sql")
      try bench.project.write("", to: "broken")
      let broken = try await bench.project.commit("drops")
      let second = try await bench.shipit("deploy", "demo", "--yes", more: twin.variables)
      #expect(second.code == 8, "\(second.text)")
      #expect(second.text.contains("no automatic rollback of code once 2_b.up.sql is applied"))
      #expect(second.text.contains("fix it forward"))
      let live = try await bench.shipit("status", "demo", more: twin.variables)
      #expect(live.output.contains(broken.prefix(7)), "\(live.text)")

      try FileManager.default.removeItem(atPath: bench.project.path + "/broken")
      try await bench.project.commit("fixed")
      let third = try await bench.shipit("deploy", "demo", "--yes", more: twin.variables)
      #expect(third.code == 0, "\(third.text)")
      #expect(try await bench.values("SELECT version FROM schema_migrations") == ["2"])
      let back = try await bench.shipit("rollback", "demo", "--to", "1", "--yes", more: twin.variables)
      #expect(back.text.contains("the schema stays ahead by 1 migration: 2_b.up.sql"), "\(back.text)")
      #expect(back.code == 0, "\(back.text)")
      // The old code comes back to the newer schema, and no tool runs.
      #expect(try await bench.values("SELECT version FROM schema_migrations") == ["2"])
      try bench.expectNothingLeaked()
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }
}
