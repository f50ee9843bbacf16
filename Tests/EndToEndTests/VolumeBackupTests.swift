import Foundation
import JSON
import Postgres
import TestSupport
import Testing

/// Copies that Railway makes of the volume under a database.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"),
  .timeLimit(.minutes(5))
)
struct `A volume is copied by Railway before migrations` {
  @Test func `once for each run, and nothing is migrated where it cannot be copied`() async throws {
    let url = try await PostgresServer.shared().freshDatabase().url
    let project = try await GitProject()
    let file = "environments/demo.yaml"
    let text = try project.scratch.read("project/" + file)
    func write(_ service: String) throws {
      try project.write(
        text + """

          databases:
            main:
              engine: postgres
              url: {secret: MAIN_URL}
              backup: {to: "railway:\(service)"}
              migrations: {tool: dbmate, directory: ./migrations}

          """, to: file)
    }
    try write("store")
    try project.write("-- migrate:up\nCREATE TABLE a (i int);\n", to: "migrations/1_a.sql")
    try await project.commit("first")
    var seed =
      try JSON(
        parsing: Array(
          String(contentsOfFile: Checkout.root + "/Tests/Support/two-services-seed.json", encoding: .utf8)
            .utf8)
      ).object ?? [:]
    var demo = seed["projects"]?.array?.first?.object ?? [:]
    demo["services"] = .array(
      (demo["services"]?.array ?? []) + [["name": "store", "volume": ["mountPath": "/data"]]])
    seed["projects"] = [.object(demo)]
    try project.scratch.write(JSON.object(seed).serialized(), to: "seed.json")
    let twin = try await TwinProcess.start(for: project, seed: project.scratch.path + "/seed.json")
    do {
      var variables = twin.variables
      variables["MAIN_URL"] = url
      func shipit(_ arguments: String...) async throws -> ShipitResult {
        try await project.shipit(arguments, variables: variables)
      }
      func copies() async throws -> Int {
        let listed = try await shipit("backup", "list", "demo", "--json")
        #expect(listed.code == 0, "\(listed.text)")
        return try JSON(parsing: Array(listed.output.utf8))["databases"]?.array?.first?["backups"]?.array?
          .count
          ?? -1
      }
      let plan = try await shipit("plan", "demo")
      #expect(plan.text.contains("only Railway can put it back"), "\(plan.text)")
      #expect(try await copies() == 0)
      let deployed = try await shipit("deploy", "demo", "--yes")
      #expect(deployed.code == 0, "\(deployed.text)")
      #expect(deployed.text.contains("by Railway"), "\(deployed.text)")
      #expect(try await copies() == 1)
      let made = try await shipit("backup", "demo")
      #expect(made.code == 0, "\(made.text)")
      #expect(try await copies() == 2)
      for command in [["backup", "drill", "demo"], ["restore", "demo", "main"]] {
        let refused = try await project.shipit(command, variables: variables)
        #expect(
          refused.code == 2 && refused.text.contains("Railway's dashboard"), "\(command): \(refused.text)")
      }

      // A service without a volume: the deploy ends before the schema is touched.
      try write("web")
      try project.write("-- migrate:up\nCREATE TABLE b (i int);\n", to: "migrations/2_b.sql")
      try await project.commit("second")
      let failed = try await shipit("deploy", "demo", "--yes")
      #expect(failed.code == 2 && failed.text.contains("web has no volume"), "\(failed.code) \(failed.text)")
      let status = try await shipit("migrate", "status", "demo")
      #expect(status.text.contains("2_b.sql"), "\(status.text)")
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }
}
