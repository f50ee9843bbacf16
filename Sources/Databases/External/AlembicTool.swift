import Concurrency
import Model

/// Alembic's table, one row a head. Its scripts are Python: Alembic itself runs them (contract migrations §2.3).
struct AlembicTool: ProgramTool {
  let keepsOneRow = true
  let program = ["alembic"]
  let upgrade = ["upgrade", "head"]

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    guard let table = try await LedgerTable.find("alembic_version", session) else { return MigrationState() }
    guard table.columns["version_num"] != nil else { throw table.stranger("Alembic") }
    let rows = try await session.rows("SELECT version_num FROM \(table.quoted) ORDER BY 1", [])
    return MigrationState(applied: rows.compactMap { $0["version_num"] })
  }

  func count(of pending: [MigrationFile], in state: MigrationState) -> Int {
    // The table tells heads alone: what stands before one in the plan's order is applied with it.
    (pending.lastIndex { state.applied.contains($0.id) } ?? -1) + 1
  }

  func look(_ survey: ProgramSurvey) async throws -> ProgramSurvey.Result {
    let graph = try await graph(survey)
    var result = ProgramSurvey.Result()
    let state = survey.state
    let strangers = state.applied.filter { !graph.contains($0) }
    guard strangers.isEmpty else {
      // What Alembic itself would stop at. Nothing has to be done: this code has to get along with it.
      result.notes.append(
        "the schema is ahead: \(strangers.joined(separator: ", ")) is applied, and no script here has that id; "
          + "this code has to get along with it")
      return result
    }
    guard graph.heads.count < 2 else {
      throw Failure(
        .configuration, "Alembic has several heads: \(graph.heads.joined(separator: ", "))",
        place: "databases.\(survey.database.key).migrations", cause: "`alembic upgrade head` would stop",
        hint: "join them: alembic merge heads -m 'join'")
    }
    result.applied = graph.ancestors(of: state.applied).count
    let pending = graph.pending(after: state.applied)
    guard !pending.isEmpty else { return result }
    let isHere = try await survey.isHere(pending.map(\.path))
    let texts = isHere ? await sql(from: state.applied, survey) : nil
    result.pending = pending.map { revision in
      ProgramSurvey.Pending(
        file: MigrationFile(id: revision.id, name: revision.name), path: revision.path, script: revision.text,
        sql: revision.text.migrationTag + (texts?[revision.id] ?? ProgramSurvey.unknown))
    }
    if texts == nil {
      result.notes.append(
        isHere
          ? "Alembic could not print its SQL (offline mode of env.py): what it does is not reviewed"
          : survey.elsewhere + ": what it does is not reviewed")
    }
    return result
  }

  /// The SQL of what is pending, by revision; nil when Alembic cannot print it.
  private func sql(from applied: [String], _ survey: ProgramSurvey) async -> [String: String]? {
    let range = applied.isEmpty ? "head" : "\(applied[0]):head"
    guard applied.count < 2, let text = await survey.output(["upgrade", range, "--sql"]) else { return nil }
    return AlembicTool.split(text)
  }

  /// Alembic writes `-- Running upgrade A -> B` before each.
  static func split(_ text: String) -> [String: String] {
    var parts: [String: String] = [:]
    var current: String?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if let match = line.wholeMatch(of: #/\s*-- Running upgrade .*-> (\S+?),?(\s.*)?/#) {
        current = String(match.1)
      } else if let id = current {
        // Its own bookkeeping is nothing to review, nor are its transactions.
        let isOwn = line.contains("alembic_version") || ["BEGIN;", "COMMIT;"].contains(line)
        if !isOwn { parts[id, default: ""] += line + "\n" }
      }
    }
    return parts
  }

  private func graph(_ survey: ProgramSurvey) async throws(Failure) -> AlembicGraph {
    let (commit, isDirty) = (survey.commit, survey.isDirty)
    let ini = survey.path("alembic.ini")
    let texts = try await survey.texts([ini])
    guard let text = texts[ini] else {
      throw Failure(
        .configuration, "commit \(commit.prefix(7)) has no \(ini)",
        place: "databases.\(survey.database.key).migrations.directory",
        hint: "directory is where alembic.ini is, from the project's root")
    }
    let location =
      text.firstMatch(of: #/(?m)^\s*script_location\s*=\s*(\S+)/#).map { String($0.1) } ?? "alembic"
    let clean = location.split(separator: "/").filter { $0 != "." && $0 != "%(here)s" }.joined(separator: "/")
    let folder = survey.path("\(clean)/versions")
    guard let names = try await survey.files.names(in: folder, commit: commit, isDirty: isDirty) else {
      throw Failure(
        .configuration, "commit \(commit.prefix(7)) has no directory \(folder)", place: ini,
        cause: "script_location is \(location)", hint: "commit it, or correct script_location")
    }
    let paths = names.filter { $0.hasSuffix(".py") }.map { "\(folder)/\($0)" }
    let scripts = try await survey.texts(paths)
    return try AlembicGraph(
      paths.compactMap { path in scripts[path].flatMap { AlembicRevision(path: path, text: $0) } })
  }
}
