import Model

/// A file that did not go through.
struct FileTrouble: Error {
  var migration: MigrationText
  var error: DatabaseError

  /// It ran outside of a transaction of ours: part of it may be there.
  var mayHaveMoved: Bool { TransactionUse(migration.script) != .none }

  /// Which file, which statement, which line, the server's words, and what is applied.
  func failure(_ change: SchemaChange, _ progress: Applied) -> Failure {
    let path = progress.rest.first { $0.name == migration.file.name }?.path ?? migration.file.name
    let statements = migration.script.statements
    let index = error.position.flatMap { migration.script.statement(at: $0) } ?? error.statement ?? 0
    let statement = statements.indices.contains(index) ? statements[index] : nil
    let line =
      error.position.map { SQLScript.line(of: $0, in: migration.text) } ?? statement?.line ?? 1
    let which =
      statement.map { _ in "statement \(index + 1) of \(statements.count), line \(line)" } ?? "line \(line)"
    var cause = error.words
    if let statement { cause += "\n\(statement.excerpt)" }
    if let hint = error.hint { cause += "\n\(hint)" }
    let done = progress.applied.map(\.name)
    let isWhole = !mayHaveMoved
    var hint =
      done.isEmpty ? "nothing was applied" : "applied, and they stay: \(done.joined(separator: ", "))"
    hint +=
      isWhole
      ? "; nothing of \(migration.file.name) remains"
      : "; \(migration.file.name) ran outside of a transaction: see what of it is there"
    let open = progress.rest.dropFirst().map(\.name)
    if !open.isEmpty { hint += "; not begun: \(open.joined(separator: ", "))" }
    hint += ". Correct it in a new commit, then deploy that"
    return Failure(
      .failed, "\(migration.file.name) failed in \(change.database.key) at \(which)",
      place: "\(path):\(line)",
      cause: cause, hint: hint)
  }
}
