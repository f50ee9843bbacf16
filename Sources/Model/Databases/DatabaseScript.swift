/// A file of SQL beside the migrations, run once for each content.
package struct DatabaseScript: Sendable, Hashable, Codable {
  /// Relative to the project.
  package var path: String
  /// Each index is built without a lock, one statement at a time.
  package var concurrently: Bool
  /// It comes after the database's migrations.
  package var afterMigrations: Bool

  package init(path: String, concurrently: Bool = false, afterMigrations: Bool = false) {
    self.path = path
    self.concurrently = concurrently
    self.afterMigrations = afterMigrations
  }
}

/// A script that has to be run.
package struct PlannedScript: Sendable, Hashable, Codable {
  package var script: DatabaseScript
  /// Of its text.
  package var checksum: String
  /// What is to be done, for people: names of indexes, or nothing.
  package var indexes: [String]

  package init(script: DatabaseScript, checksum: String, indexes: [String] = []) {
    self.script = script
    self.checksum = checksum
    self.indexes = indexes
  }
}

/// Runs scripts in one database.
package struct ScriptRun: Sendable, Hashable, Codable {
  package var database: DatabaseTarget
  package var scripts: [PlannedScript]
  /// Host, port and name, for people; never the password.
  package var place: String
  package var commit: String
  package var isDirty: Bool
  package var lockTimeout: Duration
  package var statementTimeout: Duration

  package init(
    database: DatabaseTarget, scripts: [PlannedScript], place: String, commit: String, isDirty: Bool,
    lockTimeout: Duration = .seconds(5), statementTimeout: Duration = .seconds(600)
  ) {
    self.database = database
    self.scripts = scripts
    self.place = place
    self.commit = commit
    self.isDirty = isDirty
    self.lockTimeout = lockTimeout
    self.statementTimeout = statementTimeout
  }
}

/// `CREATE INDEX`, read as far as it takes to know one again.
package struct IndexStatement: Sendable, Hashable {
  package var name: String
  /// With its schema where it has one.
  package var table: [String]
  package var isUnique: Bool
  /// The statement with `CONCURRENTLY`, and without `IF NOT EXISTS`, which would take an invalid one for done.
  package var sql: String
  /// What two statements of the same index have in common.
  package var shape: String

  /// - Returns: nil for any other statement, and for an index without a name.
  package init?(_ statement: SQLScript.Statement) {
    var tokens = statement.tokens[...]
    func word(_ wanted: String) -> Bool {
      guard tokens.first == .word(wanted) else { return false }
      tokens.removeFirst()
      return true
    }
    guard word("create") else { return nil }
    isUnique = word("unique")
    guard word("index") else { return nil }
    _ = word("concurrently")
    if word("if") { guard word("not"), word("exists") else { return nil } }
    guard tokens.first != .word("on"), let name = tokens.popFirst()?.identifier, word("on") else {
      return nil
    }
    _ = word("only")
    var table: [String] = []
    while let part = tokens.first?.identifier {
      tokens.removeFirst()
      table.append(part)
      guard tokens.first == .symbol(".") else { break }
      tokens.removeFirst()
    }
    guard !table.isEmpty else { return nil }
    self.name = name
    self.table = table
    let head = statement.text.prefixMatch(
      of: #/(?i)create\s+(unique\s+)?index\s+(concurrently\s+)?(if\s+not\s+exists\s+)?/#)
    guard let head else { return nil }
    sql = "CREATE \(isUnique ? "UNIQUE " : "")INDEX CONCURRENTLY " + statement.text[head.range.upperBound...]
    shape = IndexStatement.shape(of: statement.text)
  }

  /// A definition without what the server writes otherwise: case, blanks, quotes, parentheses, casts, the schema, and
  /// what is so by itself.
  package static func shape(of definition: String) -> String {
    var text = definition.lowercased()
    for part in ["concurrently", "if not exists", "using btree", " asc", "nulls last"] {
      text = text.split(separator: part, omittingEmptySubsequences: false).joined(separator: " ")
    }
    text = text.replacing(#/::[a-z_ ]+(\[\])?/#, with: "")
    text = text.replacing(#/\bon\s+(only\s+)?("?[a-z0-9_]+"?\.)?/#, with: "on ")
    return String(text.filter { !$0.isWhitespace && !"()\";".contains($0) })
  }
}
