import Foundation
import Postgres
import Processes
import TestSupport
import Testing

/// The built program, with copies in a bucket.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"),
  .enabled(
    if: BackupTools.isThere("moto_server"), "moto_server is not there: make setup puts it into build/venv"),
  .serialized, .timeLimit(.minutes(10))
)
struct BucketCommandTests {
  struct Bench {
    let project: GitProject
    let url: String
    let server: ObjectServer
    var variables: [String: String]

    init(_ server: ObjectServer, _ rule: (String) -> String) async throws {
      self.server = server
      project = try await GitProject(
        environment: """
          shipit: 1
          environment: demo
          app: shop
          state: local
          databases:
            main:
              engine: postgres
              url: {secret: MAIN_URL}
              migrations: {tool: encore, directory: ./db/migrations}
              backup: \(rule(server.to))
          """)
      url = try await PostgresServer.shared().freshDatabase().url
      variables = ["MAIN_URL": url, "BACKUP_ID": "AKIDEXAMPLE", "BACKUP_KEY": "planted-bucket-key"]
      try project.write(".shipit/\n", to: ".gitignore")
      try project.write("CREATE TABLE migrated (i int);\n", to: "db/migrations/1_a.up.sql")
      try await project.commit("migrations")
      _ = try await values("CREATE TABLE rows AS SELECT i, md5(i::text) FROM generate_series(1, 2000) i")
    }

    func values(_ sql: String) async throws -> [String] {
      let session = PostgresSession(try PostgresAddress(url), patience: .seconds(300))
      try await session.open()
      let rows = try await session.query(sql).map { $0.texts.values.joined(separator: ",") }
      await session.close()
      return rows
    }

    func shipit(_ arguments: String..., without name: String? = nil) async throws -> ShipitResult {
      let result = try await project.shipit(arguments, variables: variables.filter { $0.key != name })
      for secret in ["planted-p", "planted-bucket-key", "AGE-SECRET-KEY"] {
        #expect(!result.text.contains(secret), "\(result.text)")
      }
      return result
    }

    var isMigrated: Bool {
      get async throws { try await values("SELECT to_regclass('migrated') IS NULL") == ["f"] }
    }
  }

  private static func rule(_ to: String) -> String {
    "{to: \"\(to)\", credentials: {id: {secret: BACKUP_ID}, secret: {secret: BACKUP_KEY}}}"
  }

  @Test("a copy goes to the bucket before the migration, is listed, tried out and put back from there")
  func wholeWay() async throws {
    try await ObjectServer.with { server in
      let bench = try await Bench(server, Self.rule)
      let none = try await bench.shipit("backup", "list", "demo", without: "MAIN_URL")
      #expect(none.code == 0 && none.output.contains("no backup there"), "\(none.text)")
      let up = try await bench.shipit("migrate", "up", "demo", "--yes")
      #expect(up.code == 0 && up.text.contains("restored and counted: 1 table, 2000 rows"), "\(up.text)")
      #expect(try await bench.isMigrated)
      let keys = try await server.keys()
      #expect(keys.count == 2 && keys.allSatisfy { $0.hasPrefix("shop/prod/shop/demo-main-") }, "\(keys)")
      let files = try FileManager.default.subpathsOfDirectory(atPath: bench.project.path)
      #expect(!files.contains { $0.hasSuffix(".dump") || $0.hasSuffix(".part") }, "none is on this disk")
      let list = try await bench.shipit("backup", "list", "demo", without: "MAIN_URL")
      #expect(list.output.contains("s3://acme-backups/shop/prod, keeps 7"), "\(list.text)")
      #expect(list.output.contains("restored: 1 table, 2000 rows"), "\(list.text)")
      let drill = try await bench.shipit("backup", "drill", "demo")
      #expect(drill.code == 0 && drill.output.contains("can be restored"), "\(drill.text)")
      _ = try await bench.values("DELETE FROM rows")
      let name = String(bench.url.split(separator: "/").last ?? "")
      let back = try await bench.shipit("restore", "demo", "main", "--confirm", name)
      #expect(back.code == 0, "\(back.text)")
      #expect(try await bench.values("SELECT count(*) FROM rows") == ["2000"])
      for name in try FileManager.default.contentsOfDirectory(atPath: bench.project.path + "/.shipit") {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: bench.project.path + "/.shipit/" + name))
        #expect(bytes.range(of: Data("planted-bucket-key".utf8)) == nil, "\(name)")
      }
    }
  }

  @Test("what a bucket refuses stops the deploy before anything is migrated, with the documented code")
  func refused() async throws {
    try await ObjectServer.with { server in
      let bench = try await Bench(server, Self.rule)
      let missing = try await bench.shipit("migrate", "up", "demo", "--yes", without: "BACKUP_KEY")
      #expect(missing.code == 2 && missing.text.contains("BACKUP_KEY is not set"), "\(missing.text)")
      server.misbehave("GET", "list-type", .answer(403, "<Error><Code>InvalidAccessKeyId</Code></Error>"))
      let list = try await bench.shipit("backup", "list", "demo")
      #expect(list.code == 4 && list.text.contains("InvalidAccessKeyId"), "\(list.text)")
      server.misbehave("GET", "list-type", .answer(403, "<Error><Code>InvalidAccessKeyId</Code></Error>"))
      let refused = try await bench.shipit("migrate", "up", "demo", "--yes")
      #expect(refused.code == 4 && refused.text.contains("s3:PutObject"), "\(refused.text)")
      server.misbehave("PUT", "partNumber", times: 9, .answer(503, "<Error><Code>SlowDown</Code></Error>"))
      let slow = try await bench.shipit("migrate", "up", "demo", "--yes")
      #expect(slow.code == 7 && slow.text.contains("SlowDown"), "\(slow.text)")
      #expect(try await server.keys() == [])
      #expect(try await !bench.isMigrated)
      let other = try await Bench(server) { Self.rule($0.replacing("acme-backups", with: "no-such-bucket")) }
      let none = try await other.shipit("migrate", "up", "demo", "--yes")
      #expect(none.code == 2 && none.text.contains("there is no bucket no-such-bucket"), "\(none.text)")
      #expect(try await !other.isMigrated)
    }
  }

  @Test(
    "an encrypted copy is made in CI without the key, said so in the plan, and put back where the key is",
    .enabled(if: BackupTools.isThere("age", "age-keygen"), "age is not installed"))
  func encrypted() async throws {
    let pair = try await EncryptionTests.Pair()
    try await ObjectServer.with { server in
      let bench = try await Bench(server) {
        Self.rule($0).dropLast() + ", encrypt: {age: [\(pair.recipient)]}}"
      }
      let up = try await bench.shipit("migrate", "up", "demo", "--yes")
      #expect(up.code == 0 && up.text.contains("there is no key here to read it"), "\(up.text)")
      #expect(up.text.contains("read back, not tried out"), "\(up.text)")
      let drill = try await bench.shipit("backup", "drill", "demo")
      #expect(drill.code == 2 && drill.text.contains("--identity FILE"), "\(drill.text)")
      try bench.project.write(pair.key + "\n", to: ".shipit/key.txt")
      let tried = try await bench.shipit("backup", "drill", "demo", "--identity", ".shipit/key.txt")
      #expect(tried.code == 0 && tried.output.contains("can be restored"), "\(tried.text)")
      let name = String(bench.url.split(separator: "/").last ?? "")
      let refused = try await bench.shipit("restore", "demo", "main", "--confirm", name)
      #expect(refused.code == 2, "\(refused.text)")
      _ = try await bench.values("DELETE FROM rows")
      let back = try await bench.shipit(
        "restore", "demo", "main", "--confirm", name, "--identity", ".shipit/key.txt")
      #expect(back.code == 0, "\(back.text)")
      #expect(try await bench.values("SELECT count(*) FROM rows") == ["2000"])
    }
  }

  @Test("what is due is made, and then nothing is; the list tells what is overdue and what comes next")
  func schedule() async throws {
    try await ObjectServer.with { server in
      let bench = try await Bench(server) {
        Self.rule($0).dropLast() + ", schedule: \"0 3 1 1 *\", timezone: Europe/Oslo, verify: read}"
      }
      let none = try await bench.shipit("backup", "list", "demo")
      #expect(
        none.output.contains("overdue since") && none.output.contains("03:00 Europe/Oslo"), "\(none.text)")
      let made = try await bench.shipit("backup", "demo", "--due")
      #expect(made.code == 0 && made.text.contains("read to its end"), "\(made.text)")
      let again = try await bench.shipit("backup", "demo", "--due")
      #expect(again.code == 0 && again.output.contains("no backup of demo is due"), "\(again.text)")
      #expect(again.output.contains("next"), "\(again.text)")
      #expect(try await server.keys().count == 2)
      let list = try await bench.shipit("backup", "list", "demo")
      #expect(!list.output.contains("overdue") && list.output.contains("next"), "\(list.text)")
      let json = try await bench.shipit("backup", "list", "demo", "--json")
      #expect(json.output.contains("\"nextWords\""), "\(json.text)")
      let plain = try await Bench(server, Self.rule)
      let unscheduled = try await plain.shipit("backup", "demo", "--due")
      #expect(unscheduled.code == 2 && unscheduled.text.contains("has a schedule"), "\(unscheduled.text)")
    }
  }
}
