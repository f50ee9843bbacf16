import Concurrency
import Model

/// What must not be so before a schema is changed (contract migrations §3.1, §9).
struct Preflight {
  let database: String
  let place: String
  let session: any DatabaseSession

  /// - Throws: `Failure` for a database that cannot be written to.
  func checkWritable() async throws -> (version: String, name: String) {
    let row =
      try await session.rows(
        """
        SELECT current_setting('server_version') AS version, current_database() AS name,
          pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') AS readonly
        """, []
      ).first ?? [:]
    if row["standby"] == "t" || row["readonly"] == "on" {
      throw Failure(
        .configuration, "the database \(database) at \(place) is read-only",
        place: "databases.\(database).url",
        cause: row["standby"] == "t" ? "it is a standby" : "default_transaction_read_only is on",
        hint: "give the address of the primary")
    }
    let version = row["version"].map { String($0.prefix { $0 != " " }) } ?? "unknown"
    return (version, row["name"] ?? "")
  }

  /// A migration that was begun outside of a transaction and left.
  func refusal(ofDirty state: MigrationState, _ tool: MigrationToolName) -> Failure? {
    guard let dirty = state.dirty else { return nil }
    let (mark, back) =
      switch tool {
      case .sql:
        (
          "its row in shipit_migrations has no finished_at",
          "UPDATE shipit_migrations SET finished_at = now() WHERE id = '\(dirty)', or DELETE its row to run it again"
        )
      case .prisma:
        (
          "its row in _prisma_migrations has no finished_at (P3009)",
          "prisma migrate resolve --rolled-back \(dirty), to run it again, or --applied \(dirty)"
        )
      case .encore, .golangMigrate, .dbmate, .supabase, .alembic, .django, .sqitch, .command:
        (
          "schema_migrations says version \(dirty), dirty",
          "UPDATE schema_migrations SET dirty = false, with the version that is really there"
        )
      }
    return Failure(
      .failed, "the schema of \(database) at \(place) was left half-way in \(dirty)",
      place: "databases.\(database).migrations", cause: mark,
      hint: "see what of it is there, finish it or take it back by hand, then: \(back)")
  }

  /// Indexes that a failed concurrent build left, and that nobody builds now.
  func invalidIndexes() async throws -> Failure? {
    let rows = try await session.rows(
      """
      SELECT n.nspname AS schema, c.relname AS index, t.relname AS table
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE NOT i.indisvalid AND c.relkind = 'i'
        AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
      ORDER BY 1, 2
      """, [])
    guard let first = rows.first, let index = first["index"], let table = first["table"] else { return nil }
    let names = rows.compactMap { row in row["index"].map { "\(row["schema"] ?? "public").\($0)" } }
    return Failure(
      .failed,
      "\(database) at \(place) has \(names.count == 1 ? "an invalid index" : "invalid indexes"): "
        + names.joined(separator: ", "), place: "databases.\(database)",
      cause: "a concurrent build of \(index) on \(table) failed; a unique one may still refuse rows, and "
        + "IF NOT EXISTS takes it for the real one",
      hint: "DROP INDEX CONCURRENTLY \(names[0]), then build it again: shipit migrate status")
  }

  /// A transaction that holds locks and is open for long: whoever changes a table waits behind it, and
  /// everybody else behind them.
  func longTransaction(over limit: Duration) async throws -> Failure? {
    let rows = try await session.rows(
      """
      SELECT a.pid, a.state, coalesce(a.application_name, '') AS application,
        floor(extract(epoch FROM clock_timestamp() - a.xact_start))::bigint AS age,
        left(regexp_replace(a.query, '\\s+', ' ', 'g'), 100) AS query
      FROM pg_stat_activity a
      WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.state <> 'idle'
        AND a.xact_start < clock_timestamp() - $1::bigint * interval '1 millisecond'
        AND EXISTS (
          SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
            JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation'
            AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast'))
      ORDER BY a.xact_start LIMIT 1
      """, [String(limit.wholeMilliseconds)])
    guard let row = rows.first, let pid = row["pid"] else { return nil }
    let who = row["application"].flatMap { $0.isEmpty ? nil : " of \($0)" } ?? ""
    return Failure(
      .failed,
      "a transaction that is open for \(row["age"] ?? "?") s is in the way in \(database) at \(place)",
      place: "databases.\(database)",
      cause: "pid \(pid)\(who), \(row["state"] ?? "active"): \(row["query"] ?? "its query cannot be seen")",
      hint: "let it end, or end it: SELECT pg_terminate_backend(\(pid)); then the same command again")
  }
}

/// shipit's own lock around everything it does to a schema, and the tool's (contract migrations §4). The server
/// frees it when the connection ends, so that nobody is kept out by the dead.
struct MigrationLock {
  let session: any DatabaseSession
  let clock: any TimeSource

  static let expression = "hashtextextended('shipit:migrate:' || current_database(), 0)"

  /// Waits until both are ours.
  /// - Parameters:
  ///   - tool: the key of the tool's own lock.
  ///   - waits: told once who has it.
  /// - Throws: `Failure` of kind leaseHeld when it is still somebody else's at the deadline.
  func take(tool: Int64?, until deadline: Timestamp, waits: (String) -> Void) async throws {
    var keys = [Self.expression]
    if let tool { keys.append("\(tool)::bigint") }
    for key in keys {
      var hasTold = false
      while try await session.rows("SELECT pg_try_advisory_lock(\(key)) AS mine", []).first?["mine"] != "t" {
        let holder = try await holder(key)
        if !hasTold { waits(holder) }
        hasTold = true
        guard clock.now < deadline else {
          throw Failure(
            .leaseHeld, "somebody else changes this schema", cause: holder,
            hint: "wait for its end, then the same command again")
        }
        try await clock.sleep(for: .milliseconds(250))
      }
    }
  }

  /// Waits until no session of a tool is left that somebody began who is dead: their lock went with them.
  func outwaitTools(until deadline: Timestamp, waits: (String) -> Void) async throws {
    var hasTold = false
    while true {
      let rows = try await session.rows(
        """
        SELECT pid, left(query, 120) AS query FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()
        """, [ExternalProgram.session])
      guard let row = rows.first else { return }
      let who = "a migration tool that was left alone, pid \(row["pid"] ?? "?")"
      if !hasTold { waits(who) }
      hasTold = true
      guard clock.now < deadline else {
        throw Failure(
          .leaseHeld, "somebody else changes this schema", cause: "\(who): \(row["query"] ?? "")",
          hint: "let it end, or end it: SELECT pg_terminate_backend(\(row["pid"] ?? "PID"))")
      }
      try await clock.sleep(for: .milliseconds(250))
    }
  }

  /// Who has it, from `pg_locks`, which splits the key in two.
  private func holder(_ key: String) async throws -> String {
    let row = try await session.rows(
      """
      SELECT a.pid, coalesce(a.application_name, '') AS application,
        floor(extract(epoch FROM clock_timestamp() - a.backend_start))::bigint AS age
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (l.classid::bigint << 32) | l.objid::bigint = \(key) LIMIT 1
      """, []
    ).first
    guard let row, let pid = row["pid"] else { return "another session" }
    return "pid \(pid) (\(row["application"] ?? "")), connected for \(row["age"] ?? "?") s"
  }
}
