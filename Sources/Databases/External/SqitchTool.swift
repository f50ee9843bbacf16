import Concurrency
import Model

/// Sqitch's plan and registry. It runs each script through `psql`, with `--mode change`: by itself it would revert the
/// whole run when one script fails (contract migrations §2.3).
struct SqitchTool: ProgramTool {
  let program = ["sqitch"]
  /// The address comes by `PGHOST` and the others, never in an argument.
  let upgrade = ["deploy", "--mode", "change", "--no-verify", "db:pg:"]
  /// Who is recorded; without it Sqitch asks for a configuration of its own.
  let variables = ["SQITCH_FULLNAME": "shipit", "SQITCH_EMAIL": "shipit@localhost", "SQITCH_PAGER": "cat"]

  func furtherPaths(
    _ migrations: Migrations, _ files: any MigrationFiles, commit: String
  ) async throws(Failure) -> [String] {
    [PostgresObserver.path("sqitch.plan", in: migrations.directory)]
  }

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    let found = try await session.rows(
      "SELECT to_regclass('sqitch.changes') IS NOT NULL AS there", [])
    guard found.first?["there"] == "t" else { return MigrationState() }
    let rows = try await session.rows(
      "SELECT change FROM sqitch.changes ORDER BY committed_at, planned_at", [])
    return MigrationState(applied: SqitchTool.numbered(rows.compactMap { $0["change"] }))
  }

  /// A change that was reworked has its name twice.
  private static func numbered(_ names: [String]) -> [String] {
    var seen: [String: Int] = [:]
    return names.map { name in
      seen[name, default: 0] += 1
      return seen[name] == 1 ? name : "\(name)@\(seen[name] ?? 0)"
    }
  }

  func count(of pending: [MigrationFile], in state: MigrationState) -> Int {
    let applied = Set(state.applied)
    return pending.prefix { applied.contains($0.id) }.count
  }

  func look(_ survey: ProgramSurvey) async throws -> ProgramSurvey.Result {
    let file = survey.path("sqitch.plan")
    guard let plan = try await survey.texts([file])[file] else {
      throw Failure(
        .configuration, "commit \(survey.commit.prefix(7)) has no \(file)",
        place: "databases.\(survey.database.key).migrations.directory",
        hint: "directory is where sqitch.plan is, from the project's root")
    }
    let names = SqitchTool.changes(plan)
    let ids = SqitchTool.numbered(names.map(\.name))
    var result = ProgramSurvey.Result()
    let strangers = survey.state.applied.filter { !ids.contains($0) }
    guard strangers.isEmpty else {
      // Sqitch itself would stop at it. Nothing has to be done: this code has to get along with it.
      result.notes.append(
        "the schema is ahead: \(strangers.joined(separator: ", ")) is deployed, and sqitch.plan here has no such "
          + "change; this code has to get along with it")
      return result
    }
    result.applied = survey.state.applied.count
    let applied = Set(survey.state.applied)
    let paths = names.map { survey.path("deploy/\($0.script).sql") }
    let texts = try await survey.texts(paths)
    for (index, id) in ids.enumerated() where !applied.contains(id) {
      guard let text = texts[paths[index]] else {
        throw Failure(
          .configuration, "commit \(survey.commit.prefix(7)) has no \(paths[index])", place: file,
          cause: "sqitch.plan names \(id)", hint: "commit the script, or correct the plan")
      }
      let sql = text.split(separator: "\n", omittingEmptySubsequences: false)
        .map { ["BEGIN;", "COMMIT;"].contains($0.uppercased()) || $0.hasPrefix("\\") ? "" : String($0) }
        .joined(separator: "\n")
      result.pending.append(
        ProgramSurvey.Pending(
          file: MigrationFile(id: id, name: id), path: paths[index], script: text, sql: sql))
    }
    return result
  }

  /// The changes of a plan in their order, and their scripts' names: a change that is reworked later has its first script
  /// under the name of the tag before the second.
  static func changes(_ plan: String) -> [(name: String, script: String)] {
    var changes: [(name: String, script: String)] = []
    var tag: String?
    for line in plan.split(separator: "\n") {
      let line = line.drop { $0 == " " || $0 == "\t" }
      guard let first = line.first, first != "%", first != "#" else { continue }
      let word = line.prefix { $0 != " " && $0 != "\t" }
      if first == "@" {
        tag = String(word)
        continue
      }
      let name = String(word.first == "+" ? word.dropFirst() : word)
      // It is the earlier one whose script is renamed.
      if let earlier = changes.lastIndex(where: { $0.name == name }), let tag {
        changes[earlier].script = name + tag
      }
      changes.append((name, name))
    }
    return changes
  }
}
