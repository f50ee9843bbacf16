import Foundation
import Processes
import TestSupport
import Testing

/// The real Sqitch, through the built program, on a real PostgreSQL; and a command of which nothing is known.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(5))
)
struct SqitchTests {
  private static let isThere = FileManager.default.isExecutableFile(atPath: "/usr/bin/sqitch")

  private func bench() async throws -> ProgramBench {
    let bench = try await ProgramBench("sqitch", "./db")
    try bench.project.write("[core]\n\tengine = pg\n", to: "db/sqitch.conf")
    try write(bench, ["orders": "CREATE TABLE orders (id int);"], plan: ["orders"])
    try await bench.project.commit("sqitch")
    return bench
  }

  private func write(_ bench: ProgramBench, _ scripts: [String: String], plan: [String]) throws {
    var text = "%syntax-version=1.0.0\n%project=shop\n\n"
    for (index, name) in plan.enumerated() {
      text += "\(name) 2026-01-\(10 + index)T00:00:00Z Ann <ann@example.com> # \(name)\n"
    }
    try bench.project.write(text, to: "db/sqitch.plan")
    for (name, sql) in scripts {
      try bench.project.write("-- \(name)\nBEGIN;\n\(sql)\nCOMMIT;\n", to: "db/deploy/\(name).sql")
      try bench.project.write("BEGIN;\nDROP TABLE IF EXISTS \(name);\nCOMMIT;\n", to: "db/revert/\(name).sql")
    }
  }

  @Test(.enabled(if: SqitchTests.isThere, "sqitch is not installed (make setup)"))
  func whatIsPendingIsReviewedAppliedOnceAndSurvivesAnOldCheckout() async throws {
    let bench = try await bench()
    let first = try await bench.project.git("rev-parse", "HEAD")
    try write(
      bench, ["drop": "ALTER TABLE orders DROP COLUMN id;", "note": "ALTER TABLE orders ADD note text;"],
      plan: ["orders", "drop", "note"])
    try await bench.project.commit("more")
    let status = try await bench.shipit("migrate", "status", "demo")
    #expect(status.code == 0, "\(status.text)")
    for part in ["orders  expand", "drop  contract", "note  expand", "line 3: drops a column"] {
      #expect(status.output.contains(part), "\(part) is missing in \(status.text)")
    }
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 0, "\(up.text)")
    #expect(
      try await bench.values("SELECT change FROM sqitch.changes ORDER BY committed_at")
        == ["orders", "drop", "note"])
    #expect(try await bench.shipit("migrate", "up", "demo", "--yes").output.contains("nothing to do"))
    _ = try await bench.project.git("switch", "--detach", first)
    let old = try await bench.shipit("migrate", "status", "demo")
    #expect(old.code == 0 && old.output.contains("the schema is ahead: drop, note"), "\(old.text)")
  }

  /// By itself Sqitch would revert the table that was just made.
  @Test(.enabled(if: SqitchTests.isThere, "sqitch is not installed (make setup)"))
  func aFailureHalfWayRevertsNothing() async throws {
    let bench = try await bench()
    try write(bench, ["bad": "SELECT nothing FROM orders;"], plan: ["orders", "bad"])
    try await bench.project.commit("broken")
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 7, "\(up.text)")
    #expect(up.text.contains("column \"nothing\" does not exist"), "\(up.text)")
    #expect(up.text.contains("applied, and they stay: orders"), "\(up.text)")
    #expect(try await bench.values("SELECT to_regclass('orders') IS NULL") == ["f"])
    try write(bench, ["bad": "ALTER TABLE orders ADD note text;"], plan: ["orders", "bad"])
    try await bench.project.commit("mended")
    let again = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(again.code == 0 && again.text.contains("1 migration applied"), "\(again.text)")
  }

  @Test(.enabled(if: SqitchTests.isThere, "sqitch is not installed (make setup)"))
  func twoAtOnceWaitForEachOther() async throws {
    let bench = try await bench()
    let up = try await bench.migratingBesideAnother()
    #expect(up.code == 0 && up.text.contains("changes this schema"), "\(up.text)")
    #expect(try await bench.values("SELECT count(*) FROM orders") == ["0"])
  }

  @Test func aCommandRunsOnceForEachContentAndAgainWhenItFailed() async throws {
    let bench = try await ProgramBench("command", "./db", program: ["sh", "apply.sh"])
    // psql is of the project's choosing; the address comes by PGHOST and the others.
    try bench.project.write("psql -q -v ON_ERROR_STOP=1 -f all.sql", to: "db/apply.sh")
    try bench.project.write("CREATE TABLE IF NOT EXISTS a (i int); SELECT nothing;", to: "db/all.sql")
    try await bench.project.commit("broken")
    let status = try await bench.shipit("migrate", "status", "demo")
    #expect(status.code == 0 && status.output.contains("sh apply.sh  unknown"), "\(status.text)")
    let up = try await bench.shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == 7 && up.text.contains("column \"nothing\" does not exist"), "\(up.text)")
    try bench.project.write(
      "-- shipit: expand\nCREATE TABLE IF NOT EXISTS a (i int); INSERT INTO a VALUES (1);", to: "db/all.sql")
    try await bench.project.commit("mended")
    #expect(try await bench.shipit("migrate", "status", "demo").output.contains("sh apply.sh  expand"))
    #expect(try await bench.shipit("migrate", "up", "demo", "--yes").code == 0)
    #expect(try await bench.values("SELECT i FROM a") == ["1"])
    #expect(try await bench.shipit("migrate", "up", "demo", "--yes").output.contains("nothing to do"))
    try bench.project.write("psql -q -v ON_ERROR_STOP=1 -f all.sql # again", to: "db/apply.sh")
    try await bench.project.commit("changed")
    #expect(try await bench.shipit("migrate", "up", "demo", "--yes").code == 0)
    #expect(try await bench.values("SELECT i FROM a") == ["1", "1"])
  }
}
