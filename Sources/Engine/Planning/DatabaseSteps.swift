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

  /// What a plan says of copies that cannot be tried out here; nil: they can.
  package static func warning(about rule: BackupRule, of database: DatabaseTarget) -> String? {
    if let service = rule.volume {
      return "the copy of \(database.key) is Railway's, of the volume of \(service) as after a power cut; "
        + "it is not tried out, and only Railway can put it back"
    }
    guard rule.encryption != nil, rule.encryption?.identity == nil else { return nil }
    return "the copy of \(database.key) is encrypted and not tried out: there is no key here to read it "
      + "(databases.\(database.key).backup.encrypt.identity); try it out where there is one: "
      + "shipit backup drill --identity FILE"
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
