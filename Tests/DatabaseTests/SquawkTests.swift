import Foundation
import TestSupport
import Testing

/// What a linter adds to the review, where it is installed.
@Suite(
  .enabled(if: PostgresServer.missing == nil, "PostgreSQL's server is not installed"),
  .enabled(if: Squawks.isThere, "build/venv has no squawk: make setup puts it there"),
  .timeLimit(.minutes(2))
)
struct SquawkTests {
  @Test func whatItSaysIsToldOnceAndDecidesNothing() async throws {
    let bench = try await ProgramBench("sql", "./db")
    try bench.project.write(
      """
      ALTER TABLE a ADD COLUMN name char(5);
      ALTER TABLE a DROP COLUMN i;
      """, to: "db/1.sql")
    try await bench.project.commit("one")
    _ = try await bench.values("CREATE TABLE a (i int)")
    func status(_ path: String) async throws -> ShipitResult {
      try await bench.project.shipit(
        ["migrate", "status", "demo"],
        variables: ["MAIN_URL": bench.url, "PATH": path + (bench.project.variables["PATH"] ?? "")])
    }
    let with = try await status(Squawks.folder + ":")
    #expect(with.output.contains("squawk says:") && with.output.contains("(ban-char-field)"), "\(with.text)")
    // Dropping a column is judged by shipit already.
    #expect(!with.output.contains("ban-drop-column"), "\(with.text)")
    #expect(with.output.contains("1.sql  contract"))
    let without = try await status("")
    #expect(without.code == 0 && !without.output.contains("squawk"), "\(without.text)")
  }
}

/// The real program.
enum Squawks {
  static let folder = Checkout.root + "/build/venv/bin"
  static let isThere = FileManager.default.isExecutableFile(atPath: folder + "/squawk")
}
