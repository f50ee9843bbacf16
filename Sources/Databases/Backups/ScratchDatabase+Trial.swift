import Model
import Postgres

/// Databases for a trial. A killed process leaves one behind, so each says whose it is, and whoever uses one holds a lock of
/// the server with its name: one with our mark and without the lock is nobody's any more.
extension ScratchDatabase {
  /// The first half of the locks' keys, which keeps them apart from other programs'.
  private static let locks = 0x7368_6970

  /// What stands in the comment of a scratch database. It has the name of the database that was copied, which its server
  /// has once.
  var mark: String { "shipit: scratch copy of \(name), may be dropped" }

  /// Makes an empty database, does something with it and drops it, however that ended.
  /// - Returns: what the work returns.
  /// - Throws: `Failure`; what the work throws.
  func trial<Value: Sendable>(
    _ scratch: String, _ work: () async throws -> Value
  ) async throws -> Value {
    let holder = PostgresSession(address.naming(database: "postgres"), patience: .seconds(60))
    do {
      try await hold(scratch, holder)
      try await make(scratch)
      try await label(scratch)
      let value = try await work()
      await drop(scratch)
      await holder.close()
      return value
    } catch {
      await drop(scratch, ifHeldBy: holder)
      await holder.close()
      throw error
    }
  }

  /// Drops what killed trials of this database left.
  /// - Returns: the names of those that are gone. What cannot be dropped stays for the next time.
  func dropLeftovers() async -> [String] {
    let dropped = try? await onServer("looking for scratch databases of \(name)") { session in
      // A name that begins otherwise is none that we made, whatever its comment says.
      let names = try await session.query(
        """
        SELECT datname FROM pg_database
        WHERE shobj_description(oid, 'pg_database') = $1 AND strpos(datname, '_drill_') > 0
          AND pg_has_role(datdba, 'USAGE')
        ORDER BY 1
        """, [.text(mark)]
      ).compactMap { $0["datname"] }
      var dropped: [String] = []
      for scratch in names {
        let lock = "(\(Self.locks), hashtext(\(literal(scratch))))"
        guard try await session.query("SELECT pg_try_advisory_lock\(lock) AS ours").first?["ours"] == "t"
        else { continue }
        if (try? await session.run(
          "DROP DATABASE IF EXISTS \(quoted(scratch)) WITH (FORCE)", limit: .seconds(60)))
          != nil
        {
          dropped.append(scratch)
        }
        _ = try await session.query("SELECT pg_advisory_unlock\(lock)")
      }
      return dropped
    }
    return dropped ?? []
  }

  /// Takes the lock of a scratch database; it goes with the session. Another one's process may have died a moment ago.
  private func hold(_ scratch: String, _ session: PostgresSession) async throws(Failure) {
    do {
      try await session.open()
      // The lock is ours for as long as the session is there, which does nothing meanwhile.
      _ = try await session.query(
        "SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'statement_timeout')"
      )
      try await session.run("SET lock_timeout = '15s'", limit: .seconds(15))
      _ = try await session.query("SELECT pg_advisory_lock(\(Self.locks), hashtext(\(literal(scratch))))")
    } catch {
      await session.close()
      throw Failure(
        .failed, "the scratch database \(scratch) cannot be used", place: "databases.\(database).url",
        cause: "\(error)", hint: "see whether another backup or drill runs")
    }
  }

  private func label(_ scratch: String) async throws(Failure) {
    try await onServer("marking the database \(scratch)") { session in
      try await session.run("COMMENT ON DATABASE \(quoted(scratch)) IS \(literal(mark))", limit: .seconds(15))
    }
  }

  /// What another one holds is not ours to drop.
  private func drop(_ scratch: String, ifHeldBy session: PostgresSession) async {
    let isOurs = try? await session.query("SELECT 1 AS one").first?["one"]
    if isOurs == "1" { await drop(scratch) }
  }
}
