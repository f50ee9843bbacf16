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
    // The copy that is put back must not be the one that goes.
    rule.keep += 1
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
