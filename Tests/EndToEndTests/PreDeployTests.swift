import Foundation
import Postgres
import TestSupport
import Testing

/// Migrations that the platform runs, before it starts the new code: shipit says them beforehand and proves afterwards
/// that they are there.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(5))
)
struct PreDeployTests {
  @Test func whatThePlatformAppliesIsProvenWhenTheNewCodeIsLive() async throws {
    let url = try await PostgresServer.shared().freshDatabase().url
    var project = try await GitProject()
    project.variables["MAIN_URL"] = url
    let file = "environments/demo.yaml"
    try project.change(
      file, "      GREETING: hello\n", "      GREETING: hello\n      MAIN_URL: {secret: MAIN_URL}\n")
    // The first service's alone.
    let text = try project.scratch.read("project/" + file)
    let start = try #require(text.firstRange(of: "settings: {start: python3 server.py,"))
    try project.write(
      text.replacingCharacters(
        in: start,
        with: "settings: {start: python3 server.py, pre-deploy: [sh migrations/apply.sh],") + """

          databases:
            main:
              engine: postgres
              url: {secret: MAIN_URL}
              migrations: {tool: dbmate, directory: ./app/migrations, where: pre-deploy}

          """, to: file)
    try project.write("-- migrate:up\nCREATE TABLE a (i int);\n", to: "app/migrations/1_a.sql")
    try project.write(
      """
      psql -q "$MAIN_URL" -v ON_ERROR_STOP=1 -c "CREATE TABLE IF NOT EXISTS a (i int);
        CREATE TABLE IF NOT EXISTS schema_migrations (version varchar(128) PRIMARY KEY);
        INSERT INTO schema_migrations VALUES ('1') ON CONFLICT DO NOTHING"
      """, to: "app/migrations/apply.sh")
    let good = try await project.commit("first")
    let twin = try await TwinProcess.start(for: project)
    do {
      let up = try await project.shipit("migrate", "up", "demo", "--yes", variables: twin.variables)
      #expect(up.code == 2 && up.text.contains("are run by the deploy of api"), "\(up.text)")
      let first = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      #expect(first.code == 0, "\(first.text)")
      #expect(first.text.contains("the deploy of api; proven when it is live"), "\(first.text)")
      #expect(first.text.contains("1 migration applied by the deploy of api"), "\(first.text)")

      // A file that the pre-deploy command does not know: healthy code, and not its schema.
      try project.write("-- migrate:up\nALTER TABLE a ADD COLUMN note text;\n", to: "app/migrations/2_b.sql")
      try await project.commit("second")
      let second = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      #expect(second.code == 7, "\(second.text)")
      #expect(second.text.contains("runs without its schema"), "\(second.text)")
      #expect(second.text.contains("does not have 2_b.sql"), "\(second.text)")
      let status = try await project.shipit("status", "demo", variables: twin.variables)
      #expect(status.output.contains(good.prefix(7)), "\(status.text)")
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }
}
