package import Model

/// Steps about whole databases.
package enum DatabaseSteps {
  /// Copies a database.
  package static func backup(of database: DatabaseTarget, _ rule: BackupRule, _ environment: Environment)
    -> Step
  {
    Step(
      id: database.backupStep, title: "back up \(database.key)",
      action: .backup(BackupRequest(database: database, rule: rule)), limit: environment.protect.deadline,
      isRepeatable: true, expected: .seconds(10))
  }

  /// Copies what is there, then puts an older copy in its place.
  package static func restore(_ restore: DatabaseRestore, _ environment: Environment) -> [Step] {
    var rule = restore.rule
    // Whichever copy is put back must not be one that goes: the next backup removes what is too many.
    rule.keep = .max
    let copy = backup(of: restore.database, rule, environment)
    return [
      copy,
      Step(
        id: StepID("\(restore.database.key).restore"), title: "restore \(restore.database.key)",
        needs: [copy.id],
        action: .restoreDatabase(restore), limit: environment.protect.deadline, expected: .seconds(20)),
    ]
  }
}
