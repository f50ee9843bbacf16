import Foundation
import Postgres
import Processes
import TestSupport
import Testing

/// A large database copied, tried out and migrated, with the memory that shipit takes for it.
///
/// 12 MB in `make test`, 200 MB with `SHIPIT_LONG=1`.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(20))
)
struct BackupDrillTests {
  private static let megabytes = Checkout.isLong ? 200 : 12

  @Test func aLargeDatabaseIsCopiedAndTriedOutInBoundedMemory() async throws {
    let project = try await GitProject(
      environment: """
        shipit: 1
        environment: demo
        app: shop
        state: local
        databases:
          main:
            engine: postgres
            url: {secret: MAIN_URL}
            migrations: {tool: sql, directory: ./db}
            backup: {to: ./backups, keep: 2, verify: restore}
        """)
    try project.write("backups/\n.shipit/\n", to: ".gitignore")
    try project.write("ALTER TABLE filler ADD COLUMN note text;\n", to: "db/1.sql")
    try await project.commit("a migration")
    let url = try await PostgresServer.shared().freshDatabase().url
    let session = PostgresSession(try PostgresAddress(url), patience: .seconds(300))
    try await session.open()
    // What does not compress: 1,024 random bytes a row.
    try await session.run("CREATE TABLE filler (id int PRIMARY KEY, bytes text)", limit: .seconds(10))
    let rows = Self.megabytes * 1024
    try await session.run(
      """
      INSERT INTO filler SELECT n, string_agg(md5(random()::text || n || k), '')
      FROM generate_series(1, \(rows)) AS n, generate_series(1, 32) AS k GROUP BY n
      """, limit: .seconds(300))
    let size =
      try await session.query("SELECT pg_database_size(current_database()) AS bytes").first?.int("bytes") ?? 0
    await session.close()
    #expect(size > Self.megabytes << 20)

    func shipit(_ arguments: String...) async throws -> (text: String, code: String, memory: Int) {
      // The largest that the process itself had resident, in KiB; its children are not counted.
      let result = try await Launcher().run(
        ProcessSpecification(
          "python3",
          [
            "-c",
            """
            import os, sys
            pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
            _, status, usage = os.wait4(pid, 0)
            print("memory", usage.ru_maxrss, os.waitstatus_to_exitcode(status))
            """, Checkout.binary,
          ] + arguments, environment: project.variables.merging(["MAIN_URL": url]) { $1 },
          directory: project.path),
        timeout: .seconds(900))
      let last = result.text.split(separator: "\n").last?.split(separator: " ") ?? []
      return (
        result.text + result.errorText, last.last.map(String.init) ?? "",
        Int(last.dropFirst().first ?? "") ?? 0
      )
    }
    let up = try await shipit("migrate", "up", "demo", "--yes")
    #expect(up.code == "0" && up.text.contains("restored and counted: 1 table, \(rows) rows"), "\(up.text)")
    let drill = try await shipit("backup", "drill", "demo")
    #expect(drill.code == "0" && drill.text.contains("can be restored"), "\(drill.text)")
    print(
      "\(size >> 20) MB: migrate with a copy \(up.memory / 1024) MB, drill \(drill.memory / 1024) MB resident"
    )
    // ru_maxrss of a child begins with what its parent had: Python's own.
    if !Checkout.isAddressSanitized {
      #expect(up.memory < 100 << 10 && drill.memory < 100 << 10)
    }
  }
}
