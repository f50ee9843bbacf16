import Model
import Postgres

/// Makes, switches and drops databases beside one, over the server's own `postgres` database.
struct ScratchDatabase: Sendable {
  let address: PostgresAddress
  /// The key in the environment file.
  let database: String

  /// The real name of the database on its server.
  var name: String { address.part("dbname") ?? "postgres" }

  /// PostgreSQL's names have 63 bytes.
  func beside(_ word: String, _ run: RunID) -> String {
    let end = "_\(word)_\(run)"
    return String(decoding: name.utf8.prefix(63 - end.utf8.count), as: UTF8.self) + end
  }

  /// Makes an empty one of the same encoding and collation.
  /// - Throws: `Failure`.
  func make(_ scratch: String) async throws(Failure) {
    try await onServer("making the database \(scratch)") { session in
      let kind = try await session.query(
        """
        SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datctype, pg_get_userbyid(datdba) AS owner
        FROM pg_database WHERE datname = $1
        """, [.text(name)]
      ).first
      try await session.run("DROP DATABASE IF EXISTS \(quoted(scratch)) WITH (FORCE)", limit: .seconds(60))
      var sql = "CREATE DATABASE \(quoted(scratch)) TEMPLATE template0"
      if let encoding = kind?["encoding"] { sql += " ENCODING \(literal(encoding))" }
      if let collate = kind?["datcollate"] { sql += " LC_COLLATE \(literal(collate))" }
      if let type = kind?["datctype"] { sql += " LC_CTYPE \(literal(type))" }
      try await session.run(sql, limit: .seconds(120))
    }
  }

  /// Removes one that we made. Trouble is left alone: it is told by its name.
  func drop(_ scratch: String) async {
    try? await onServer("dropping the database \(scratch)") { session in
      try await session.run("DROP DATABASE IF EXISTS \(quoted(scratch)) WITH (FORCE)", limit: .seconds(60))
    }
  }

  /// Puts `next` in the place of the database, which is called `old` from then on. Both names change at one moment;
  /// whoever is connected is cut off and connects to the new one.
  /// - Throws: `Failure`.
  func replace(by next: String, keeping old: String) async throws(Failure) {
    try await onServer("switching \(name)") { session in
      // Until it is renamed nobody may come back.
      try await session.run("ALTER DATABASE \(quoted(name)) ALLOW_CONNECTIONS false", limit: .seconds(15))
      do {
        _ = try await session.query(
          """
          SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
          WHERE datname IN ($1, $2) AND pid <> pg_backend_pid()
          """, [.text(name), .text(next)])
        try await session.run(
          """
          BEGIN;
          ALTER DATABASE \(quoted(name)) RENAME TO \(quoted(old));
          ALTER DATABASE \(quoted(next)) RENAME TO \(quoted(name));
          COMMIT
          """, limit: .seconds(15))
      } catch {
        try? await session.run(
          "ROLLBACK; ALTER DATABASE \(quoted(name)) ALLOW_CONNECTIONS true", limit: .seconds(15))
        throw error
      }
      try await session.run("ALTER DATABASE \(quoted(old)) ALLOW_CONNECTIONS true", limit: .seconds(15))
    }
  }

  /// Which of some databases the server has.
  /// - Throws: `Failure`.
  func existing(_ names: [String]) async throws(Failure) -> Set<String> {
    var found: Set<String> = []
    for name in names {
      let rows = try await onServer("looking for \(name)") { session in
        try await session.query("SELECT datname FROM pg_database WHERE datname = $1", [.text(name)]).count
      }
      if rows > 0 { found.insert(name) }
    }
    return found
  }

  /// How many rows each table of a database has.
  /// - Throws: `Failure`.
  func rows(of scratch: String) async throws(Failure) -> [String: Int64] {
    try await with(address.naming(database: scratch), "counting the rows of \(scratch)") { session in
      try await session.run("SET statement_timeout = 0", limit: .seconds(15))
      return try await TableCount.read(session)
    }
  }

  func onServer<Value: Sendable>(
    _ what: String, _ work: @Sendable (PostgresSession) async throws -> Value
  ) async throws(Failure) -> Value {
    try await with(address.naming(database: "postgres"), what, work)
  }

  private func with<Value: Sendable>(
    _ address: PostgresAddress, _ what: String, _ work: @Sendable (PostgresSession) async throws -> Value
  ) async throws(Failure) -> Value {
    let session = PostgresSession(address, patience: .seconds(600))
    do {
      try await session.open()
      let value = try await work(session)
      await session.close()
      return value
    } catch {
      await session.close()
      guard let error = error as? PostgresError else {
        throw Failure(.failed, "\(what) failed", place: "databases.\(database).url", cause: "\(error)")
      }
      throw Failure(
        error.code == .permission ? .authentication : .failed, "\(what) failed",
        place: "databases.\(database).url",
        cause: error.description,
        hint: error.code == .permission
          ? "the role needs CREATEDB, and owns the database; or write backup: {verify: read}"
          : "see whether the server runs and lets this machine in")
    }
  }

  func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }

  func literal(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
  }
}
