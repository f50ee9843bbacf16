import AWS
import Concurrency
import Foundation
import Postgres
import Processes
import TestSupport
import Testing

/// A database of many parts in a bucket: a kill in the middle of it, and the memory that shipit takes.
///
/// 40 MB in `make test`, 200 MB with `SHIPIT_LONG=1`.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"),
  .enabled(
    if: BackupTools.isThere("moto_server"), "moto_server is not there: make setup puts it into build/venv"),
  .serialized, .timeLimit(.minutes(20))
)
struct LargeBucketTests {
  private static let megabytes = Checkout.isLong ? 200 : 40

  @Test("a killed upload is no copy and is taken back by the next, in bounded memory")
  func killed() async throws {
    try await ObjectServer.with { server in
      let bench = try await BucketCommandTests.Bench(server) {
        "{to: \"\($0)\", credentials: {id: {secret: BACKUP_ID}, secret: {secret: BACKUP_KEY}}}"
      }
      // What does not compress to less than half of it.
      _ = try await bench.values(
        """
        CREATE TABLE filler AS SELECT n, string_agg(md5(random()::text || n || k), '') AS bytes
        FROM generate_series(1, \(Self.megabytes * 2048)) AS n, generate_series(1, 32) AS k GROUP BY n
        """)
      let process = try Launcher().start(
        ProcessSpecification(
          Checkout.binary, ["backup", "demo"],
          environment: bench.project.variables.merging(bench.variables) { $1 },
          directory: bench.project.path)
      ) { _ in }
      while !server.seen.withLock({ $0.contains { $0.contains("partNumber=2") } }) {
        try await Task.sleep(for: .milliseconds(5))
      }
      _ = await process.stop(StopLadder([]))
      let left = try await server.storage.uploads("")
      #expect(left.count == 1, "it was killed in the middle")
      let list = try await bench.shipit("backup", "list", "demo")
      #expect(list.output.contains("no backup there"), "\(list.text)")

      let made = try await measure(bench, "backup", "demo")
      #expect(made.code == "0" && made.text.contains("restored and counted"), "\(made.text)")
      let uploads = try await server.storage.uploads("")
      #expect(uploads.isEmpty, "what was killed is taken back")
      let keys = try await server.keys()
      #expect(keys.count == 2, "\(keys)")
      let bytes = try await server.storage.list("").map(\.bytes).max() ?? 0
      #expect(bytes > Self.megabytes << 20, "\(bytes)")
      let drill = try await measure(bench, "backup", "drill", "demo")
      #expect(drill.code == "0" && drill.text.contains("can be restored"), "\(drill.text)")
      print(
        "\(bytes >> 20) MB in a bucket: backup \(made.memory / 1024) MB, drill \(drill.memory / 1024) MB resident"
      )
      if !Checkout.isAddressSanitized {
        #expect(made.memory < 120 << 10 && drill.memory < 100 << 10)
      }
    }
  }

  /// The largest that the process itself had resident, in KiB; its children are not counted.
  private func measure(
    _ bench: BucketCommandTests.Bench, _ arguments: String...
  ) async throws -> (text: String, code: String, memory: Int) {
    let script = """
      import os, sys
      pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
      _, status, usage = os.wait4(pid, 0)
      print("memory", usage.ru_maxrss, os.waitstatus_to_exitcode(status))
      """
    let result = try await Launcher().run(
      ProcessSpecification(
        "python3", ["-c", script, Checkout.binary] + arguments,
        environment: bench.project.variables.merging(bench.variables) { $1 }, directory: bench.project.path),
      timeout: .seconds(900))
    let last = result.text.split(separator: "\n").last?.split(separator: " ") ?? []
    return (
      result.text + result.errorText, last.last.map(String.init) ?? "", Int(last.dropFirst().first ?? "") ?? 0
    )
  }
}
