import Concurrency
import Model

/// Django's table, one row a migration. Its scripts are Python: Django itself runs them, each in a transaction of its own
/// unless it says `atomic = False`, and has no lock (contract migrations §2.3).
struct DjangoTool: ProgramTool {
  let program = ["python3", "manage.py"]
  let upgrade = ["migrate", "--noinput", "--no-color"]

  func state(_ session: any DatabaseSession) async throws -> MigrationState {
    guard let table = try await LedgerTable.find("django_migrations", session) else {
      return MigrationState()
    }
    guard table.columns["app"] != nil, table.columns["name"] != nil else { throw table.stranger("Django") }
    let rows = try await session.rows("SELECT app, name FROM \(table.quoted) ORDER BY id", [])
    return MigrationState(applied: rows.map { "\($0["app"] ?? "").\($0["name"] ?? "")" })
  }

  func count(of pending: [MigrationFile], in state: MigrationState) -> Int {
    let applied = Set(state.applied)
    return pending.prefix { applied.contains($0.id) }.count
  }

  func look(_ survey: ProgramSurvey) async throws -> ProgramSurvey.Result {
    // `shop/migrations/0001_initial.py` is migration `0001_initial` of the app `shop`, unless its configuration has
    // another label: Django knows.
    var paths: [String: String] = [:]
    for name in try await survey.names() {
      guard let match = name.wholeMatch(of: #/(?:.*/)?([A-Za-z_]\w*)/migrations/([A-Za-z0-9]\w*)\.py/#) else {
        continue
      }
      if match.2.hasPrefix("__") { continue }
      paths["\(match.1).\(match.2)"] = survey.path(name)
    }
    guard !paths.isEmpty else {
      throw Failure(
        .configuration, "there is no APP/migrations/NAME.py below \(survey.migrations.directory)",
        place: "databases.\(survey.database.key).migrations.directory",
        hint: "directory is where manage.py is, from the project's root")
    }
    var result = ProgramSurvey.Result()
    let apps = Set(paths.keys.map { $0.prefix { $0 != "." } })
    let gone = survey.state.applied.filter { id in
      paths[id] == nil && apps.contains(id.prefix { $0 != "." })
    }
    if !gone.isEmpty {
      result.notes.append("applied, and no file of it is here: \(gone.joined(separator: ", "))")
    }
    let texts = try await survey.texts(paths.values.sorted())
    let isHere = try await survey.isHere(paths.values.sorted())
    guard isHere, let plan = await survey.output(["showmigrations", "--plan", "--no-color"]) else {
      result.notes.append(
        isHere
          ? "`manage.py showmigrations --plan` failed: what is pending is told by the files alone, and is not reviewed"
          : survey.elsewhere + ": what is pending is told by the files alone, and is not reviewed")
      let applied = Set(survey.state.applied)
      for (id, path) in paths.sorted(by: { $0.value < $1.value }) where !applied.contains(id) {
        let text = texts[path] ?? ""
        result.pending.append(pending(id, path, text, text.migrationTag + ProgramSurvey.unknown))
      }
      result.applied = paths.count - result.pending.count
      return result
    }
    for line in plan.split(separator: "\n") {
      guard let match = line.wholeMatch(of: #/\s*\[([ X])\]\s+(\w+)\.(\w+).*/#) else { continue }
      if match.1 == "X" {
        result.applied += 1
        continue
      }
      let (id, app, name) = ("\(match.2).\(match.3)", String(match.2), String(match.3))
      // An app that is installed as a package has its files elsewhere.
      let path = paths[id] ?? "\(app) (a package)"
      let text = texts[path] ?? ""
      let sql = await survey.output(["sqlmigrate", app, name, "--no-color"])
      result.pending.append(pending(id, path, text, text.migrationTag + DjangoTool.reviewed(sql)))
    }
    return result
  }

  private func pending(_ id: String, _ path: String, _ text: String, _ sql: String) -> ProgramSurvey.Pending {
    ProgramSurvey.Pending(file: MigrationFile(id: id, name: id), path: path, script: text, sql: sql)
  }

  /// What `sqlmigrate` prints, without Django's own transaction.
  static func reviewed(_ sql: String?) -> String {
    guard let sql, !sql.contains("CANNOT BE WRITTEN AS SQL") else { return ProgramSurvey.unknown }
    return sql.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !["BEGIN;", "COMMIT;"].contains($0) }.joined(separator: "\n")
  }
}
