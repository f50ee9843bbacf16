import Foundation
import JSON
import Postgres
import TestSupport
import Testing

/// shipit killed with SIGKILL at writes of its journal while it copies a real database, migrates it, builds an index and
/// deploys, then run again: nothing is migrated twice or without a copy, and no code runs without its schema.
///
/// A sample in `make test`, before and after every write with `SHIPIT_LONG=1`.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"), .serialized,
  .timeLimit(.minutes(60))
)
struct KillDatabaseTests {
  @Test func aKilledDeployNeverRunsCodeWithoutItsSchema() async throws {
    let database = try await Database()
    try await KillStage.with(try await Self.project(database.url)) { stage in
      try write(0, stage)
      try await stage.deploy("first", expecting: 0)
      let writes = try await stage.count(expecting: 0) {
        try write(1, stage)
        try await stage.commit("count")
      }
      try #require(writes > 30, "only \(writes) writes were seen")
      print("a deploy with a copy, two migrations and an index makes \(writes) writes")
      for (round, place) in KillPlace.sweep(to: writes, sample: 6).enumerated() {
        try await kill(place, round + 2, database, stage)
      }
    }
  }

  private static func project(_ url: String) async throws -> GitProject {
    var project = try await GitProject()
    project.variables["MAIN_URL"] = url
    let file = "environments/demo.yaml"
    try project.change(file, "within: 4s", "within: 3s")
    // One service gets the address: the other is not held up by its name alone.
    try project.change(
      file, "      GREETING: hello\n", "      GREETING: hello\n      MAIN_URL: {secret: MAIN_URL}\n")
    let text = try project.scratch.read("project/" + file)
    try project.write(
      text + """

        databases:
          main:
            engine: postgres
            url: {secret: MAIN_URL}
            migrations: {tool: sql, directory: ./db/migrations}
            scripts: [{sql: ./db/indexes.sql, indexes: concurrently, needs: [migrations]}]
            backup: {before: migrations, to: ./backups, keep: 3, verify: read}

        """, to: file)
    try project.write(".shipit/\n__pycache__/\nbackups/\n", to: ".gitignore")
    return project
  }

  /// Two migrations and an index of a round. Each file leaves a row whenever it is applied.
  private func write(_ round: Int, _ stage: KillStage) throws {
    if round == 0 {
      try stage.project.write("CREATE TABLE runs (file text NOT NULL);\n", to: "db/migrations/0000_runs.sql")
    }
    for part in ["a", "b"] {
      try stage.project.write(
        """
        INSERT INTO runs VALUES ('\(round)\(part)');
        CREATE TABLE t\(round)\(part) (i int);

        """, to: "db/migrations/\(String(format: "%04d", round + 1))\(part).sql")
    }
    try stage.project.write(
      "CREATE INDEX runs_\(round) ON runs (file) WHERE file = '\(round)';\n", to: "db/indexes.sql")
  }

  private func kill(_ place: KillPlace, _ round: Int, _ database: Database, _ stage: KillStage) async throws {
    try write(round, stage)
    let commit = try await stage.commit("a deploy \(place)")
    let known = try await stage.deployments().map(\.id)
    try await stage.killed(at: place, "deploy", unless: 0)

    let isThere = try await stage.deployments().contains { $0.message.contains(commit) }
    let files = ["\(round)a", "\(round)b"]
    if isThere {
      #expect(try await database.runs(of: round) == files, "\(place): code was deployed without its schema")
    }
    let rows = try await database.values("SELECT count(*) FROM runs").first ?? ""
    if try await !database.runs(of: round).isEmpty {
      #expect(try newestCopy(stage)["commit"]?.string == commit, "\(place): migrated without a copy")
    }

    let again = try await stage.shipit("deploy")
    #expect(again.code == 0, "\(place), then run again: \(again.text)")
    #expect(try await stage.serves(commit), "\(place): the new commit is not live at the end")
    #expect(try await stage.made(since: Set(known)) == ["api upload": 1, "web upload": 1], "\(place)")
    #expect(try await database.runs(of: round) == files, "\(place): after \(rows) rows")
    #expect(
      try await database.values(
        "SELECT count(*) FROM pg_index WHERE NOT indisvalid OR indexrelid = 'runs_\(round)'::regclass")
        == ["1"], "\(place): the index")
    let copy = try newestCopy(stage)
    #expect(copy["commit"]?.string == commit, "\(place): \(copy.serialized())")
    // The copy is of the state before this round.
    #expect(copy["rows"]?["public.t\(round)a"] == nil, "\(place): \(copy.serialized())")
    let left = try FileManager.default.contentsOfDirectory(atPath: stage.project.path + "/backups")
    #expect(left.count == 6 || round < 3, "\(place): \(left)")
    #expect(!left.contains { $0.hasSuffix(".part") }, "\(place): \(left)")
  }

  private func newestCopy(_ stage: KillStage) throws -> JSON {
    let folder = stage.project.path + "/backups"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }
    let newest = try #require(names.max(), "there is no copy")
    return try JSON(parsing: Array(Data(contentsOf: URL(fileURLWithPath: folder + "/" + newest))))
  }

  private struct Database {
    let url: String

    init() async throws { url = try await PostgresServer.shared().freshDatabase().url }

    func values(_ sql: String) async throws -> [String] {
      let session = PostgresSession(try PostgresAddress(url))
      try await session.open()
      let rows = try await session.query(sql).map { $0.texts.values.joined(separator: ",") }
      await session.close()
      return rows
    }

    /// Every application of a round's files.
    func runs(of round: Int) async throws -> [String] {
      try await values("SELECT file FROM runs WHERE file IN ('\(round)a', '\(round)b') ORDER BY file")
    }
  }
}
