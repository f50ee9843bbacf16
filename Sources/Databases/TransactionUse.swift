import Concurrency
import Model

/// How a file stands to transactions.
enum TransactionUse: Sendable, Hashable {
  /// It runs in one, with its row of the ledger table.
  case none
  /// It holds a statement that refuses to run in one.
  case needsNone(String)
  /// It begins or ends transactions of its own.
  case own

  init(_ script: SQLScript) {
    for statement in script.statements {
      if let what = Self.refusing(statement.tokens) {
        self = .needsNone(what)
        return
      }
    }
    let ends: Set<String> = ["begin", "commit", "rollback", "start", "abort", "end"]
    let isOwn = script.statements.contains { statement in
      if case .word(let word)? = statement.tokens.first { ends.contains(word) } else { false }
    }
    self = isOwn ? .own : .none
  }

  /// What of a statement refuses to run in a transaction (contract migrations §3).
  private static func refusing(_ tokens: [SQLScript.Token]) -> String? {
    let words = tokens.prefix(8).map { token in if case .word(let word) = token { word } else { "" } }
    guard let first = words.first else { return nil }
    let second = words.count > 1 ? words[1] : ""
    switch first {
    case "create" where words.contains("index") && words.contains("concurrently"):
      return "CREATE INDEX CONCURRENTLY"
    case "drop" where second == "index" && words.contains("concurrently"): return "DROP INDEX CONCURRENTLY"
    case "reindex" where words.contains("concurrently"): return "REINDEX CONCURRENTLY"
    case "alter" where tokens.contains(.word("detach")) && tokens.contains(.word("concurrently")):
      return "DETACH PARTITION CONCURRENTLY"
    case "vacuum": return "VACUUM"
    case "create" where ["database", "tablespace"].contains(second): return "CREATE \(second.uppercased())"
    case "drop" where ["database", "tablespace"].contains(second): return "DROP \(second.uppercased())"
    case "alter" where second == "system": return "ALTER SYSTEM"
    default: return nil
    }
  }
}

/// Runs one file with its bookkeeping.
struct FileRun {
  private let session: any DatabaseSession
  private let limits: Migrations

  init(_ session: any DatabaseSession, _ limits: Migrations) {
    self.session = session
    self.limits = limits
  }

  private var lock: Int64 { limits.lockTimeout.wholeMilliseconds }
  private var statement: Int64 { limits.statementTimeout.wholeMilliseconds }
  /// Longer than the server's, so that it is the server who speaks.
  private func patience(_ statements: Int) -> Duration {
    limits.statementTimeout * max(1, statements) + limits.lockTimeout + .seconds(15)
  }

  /// Everything or nothing: the file and what is written about it.
  /// - Throws: `DatabaseError`; what it says of a statement counts within the text. Lost while it was
  ///   committing means that it is not known.
  func inTransaction(_ text: String, before: String, after: String) async throws {
    try await session.run(
      """
      BEGIN; SET LOCAL lock_timeout = '\(lock)ms'; SET LOCAL statement_timeout = '\(statement)ms';
      SET LOCAL idle_in_transaction_session_timeout = '60s'; \(before)
      """, limit: .seconds(30))
    do {
      try await session.run(text, limit: patience(SQLScript(text).statements.count))
      try await session.run(after, limit: .seconds(30))
      try await session.run("COMMIT", limit: patience(1))
      // What a file sets for the session must not reach the next one.
      try await session.run("RESET search_path", limit: .seconds(15))
    } catch {
      if (error as? DatabaseError)?.isLost != true {
        // A connection on which this fails ends with everything on it.
        try? await session.run("ROLLBACK", limit: .seconds(15))
      }
      throw error
    }
  }

  /// Without a transaction around it: what is written before says that it was begun, and stays when it fails.
  func alone(_ text: String, before: String, after: String) async throws {
    try await session.run("BEGIN; \(before); COMMIT", limit: .seconds(30))
    try await session.run(
      "SET lock_timeout = '\(lock)ms'; SET statement_timeout = '\(statement)ms'", limit: .seconds(15))
    try await session.run(text, limit: patience(SQLScript(text).statements.count))
    try await session.run(
      "SET lock_timeout = '5s'; SET statement_timeout = '15s'; RESET search_path", limit: .seconds(15))
    try await session.run("BEGIN; \(after); COMMIT", limit: .seconds(30))
  }
}
