package import Concurrency
package import Model
import SQLite

extension LocalLedger {
  // MARK: Runs

  package func open(_ plan: Plan, by: String, at: Timestamp, lease: Lease) async throws(Failure) -> RunRecord
  {
    try await write(under: lease) { connection in
      let open = try connection.query("SELECT id FROM runs WHERE result IS NULL").first?[0].int
      try RunRules.checkOpening(openRun: open.map { RunID(Int($0)) }, environment: self.environment)
      let row = try connection.query(
        """
        INSERT INTO runs (id, release, by, started_at, plan)
          SELECT coalesce(max(id), 0) + 1, coalesce(max(release), 0) + 1, ?1, ?2, ?3 FROM runs
          RETURNING id, release
        """, [.text(by), .int(at.milliseconds), .text(try text(of: plan))]
      ).first
      guard let id = row?["id"].int, let release = row?["release"].int else {
        throw SQLiteError(code: .other, message: "the run got no number", path: connection.path)
      }
      return RunRecord(id: RunID(Int(id)), release: Int(release), plan: plan, by: by, startedAt: at)
    }
  }

  package func append(_ entries: [JournalEntry], to run: RunID, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection in
      let last = try connection.query(
        "SELECT max(sequence) FROM journal WHERE run = ?1", [SQLValue(run.number)])
      try RunRules.checkAppending(
        entries, to: run, after: Int(last.first?[0].int ?? 0), isOpen: try Self.isOpen(run, connection))
      for entry in entries {
        try connection.execute(
          "INSERT INTO journal (run, sequence, entry) VALUES (?1, ?2, ?3)",
          [SQLValue(run.number), SQLValue(entry.sequence), .text(try text(of: entry))])
      }
    }
  }

  package func close(_ run: RunID, result: RunResult, release: Release?, lease: Lease) async throws(Failure) {
    let endedAt = release?.endedAt ?? time.now
    try await write(under: lease) { connection in
      let number = try connection.query("SELECT release FROM runs WHERE id = ?1", [SQLValue(run.number)])
      try RunRules.checkClosing(
        run, isOpen: try Self.isOpen(run, connection), number: number.first?[0].int.map { Int($0) },
        release: release)
      try connection.execute(
        "UPDATE runs SET result = ?2, ended_at = ?3 WHERE id = ?1",
        [SQLValue(run.number), .text(try text(of: result)), .int(endedAt.milliseconds)])
      if let release {
        try connection.execute(
          "INSERT INTO releases (number, run, release) VALUES (?1, ?2, ?3)",
          [SQLValue(release.number), SQLValue(run.number), .text(try text(of: release))])
      }
    }
  }

  private static func isOpen(_ run: RunID, _ connection: Connection) throws -> Bool? {
    try connection.query("SELECT result IS NULL FROM runs WHERE id = ?1", [SQLValue(run.number)])
      .first.map { $0[0] == 1 }
  }

  package func openRun() async throws(Failure) -> RunRecord? {
    try await read { try Self.records("WHERE result IS NULL", [], $0).first }
  }

  package func run(_ id: RunID) async throws(Failure) -> RunRecord? {
    try await read { try Self.records("WHERE id = ?1", [SQLValue(id.number)], $0).first }
  }

  package func runs(limit: Int) async throws(Failure) -> [RunRecord] {
    try await read { try Self.records("ORDER BY id DESC LIMIT ?1", [SQLValue(max(0, limit))], $0) }
  }

  static func records(_ clause: String, _ values: [SQLValue], _ connection: Connection) throws
    -> [RunRecord]
  {
    try connection.query("SELECT * FROM runs \(clause)", values).map { row in
      RunRecord(
        id: RunID(Int(row["id"].int ?? 0)), release: Int(row["release"].int ?? 0),
        plan: try value(Plan.self, from: row["plan"]), by: row["by"].text ?? "",
        startedAt: Timestamp(milliseconds: row["started_at"].int ?? 0),
        result: row["result"].isNull ? nil : try value(RunResult.self, from: row["result"]),
        endedAt: row["ended_at"].int.map { Timestamp(milliseconds: $0) })
    }
  }

  package func journal(of run: RunID) async throws(Failure) -> [JournalEntry] {
    try await read { connection in
      try connection.query(
        "SELECT entry FROM journal WHERE run = ?1 ORDER BY sequence", [SQLValue(run.number)]
      ).map { try value(JournalEntry.self, from: $0[0]) }
    }
  }

  // MARK: Releases

  package func releases(limit: Int) async throws(Failure) -> [Release] {
    try await read { connection in
      try connection.query(
        "SELECT release FROM releases ORDER BY number DESC LIMIT ?1", [SQLValue(max(0, limit))]
      ).map { try value(Release.self, from: $0[0]) }
    }
  }

  package func release(number: Int) async throws(Failure) -> Release? {
    try await read { connection in
      try connection.query("SELECT release FROM releases WHERE number = ?1", [SQLValue(number)])
        .first.map { try value(Release.self, from: $0[0]) }
    }
  }

  // MARK: Hold, bad commits, key

  package func hold() async throws(Failure) -> Hold? {
    try await read { try Self.hold($0) }
  }

  static func hold(_ connection: Connection) throws -> Hold? {
    try connection.query("SELECT reason, by, at FROM holds").first.map { row in
      Hold(
        reason: row["reason"].text ?? "", by: row["by"].text ?? "",
        at: Timestamp(milliseconds: row["at"].int ?? 0))
    }
  }

  package func setHold(_ hold: Hold?, lease: Lease?) async throws(Failure) {
    let put: @Sendable (Connection) throws -> Void = { connection in
      try connection.execute("DELETE FROM holds")
      if let hold { try Self.insert(hold, connection) }
    }
    if let lease { try await write(under: lease, put) } else { try await transaction(put) }
  }

  static func insert(_ hold: Hold, _ connection: Connection) throws {
    try connection.execute(
      "INSERT INTO holds (id, reason, by, at) VALUES (1, ?1, ?2, ?3)",
      [.text(hold.reason), .text(hold.by), .int(hold.at.milliseconds)])
  }

  package func badCommits() async throws(Failure) -> [String: Int] {
    try await read { connection in
      let rows = try connection.query("SELECT commit_id, release FROM bad_commits")
      return Dictionary(
        rows.map { ($0[0].text ?? "", Int($0[1].int ?? 0)) }, uniquingKeysWith: { _, last in last })
    }
  }

  package func markBad(_ commit: String, release: Int, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection in
      _ = try connection.execute(
        "INSERT OR REPLACE INTO bad_commits (commit_id, release) VALUES (?1, ?2)",
        [.text(commit), SQLValue(release)])
    }
  }

  package func clearBad(_ commit: String, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection in
      _ = try connection.execute("DELETE FROM bad_commits WHERE commit_id = ?1", [.text(commit)])
    }
  }

  package func decisions(limit: Int) async throws(Failure) -> [Decision] {
    try await read { try Self.decisions(limit, $0) }
  }

  static func decisions(_ limit: Int, _ connection: Connection) throws -> [Decision] {
    try connection.query(
      "SELECT decision FROM decisions ORDER BY id DESC LIMIT ?1", [SQLValue(max(0, limit))]
    ).map { try value(Decision.self, from: $0[0]) }
  }

  package func record(_ decision: Decision) async throws(Failure) {
    try await transaction { try Self.insert(decision, $0) }
  }

  static func insert(_ decision: Decision, _ connection: Connection) throws {
    _ = try connection.execute(
      "INSERT INTO decisions (decision) VALUES (?1)", [.text(try text(of: decision))])
  }

  package func fingerprintKey() async throws(Failure) -> [UInt8] {
    try await read { try Self.key($0) }
  }

  static func key(_ connection: Connection) throws -> [UInt8] {
    guard let key = try connection.query("SELECT fingerprint_key FROM meta").first?[0].blob else {
      throw SQLiteError(code: .corrupt, message: "the fingerprint key is missing", path: connection.path)
    }
    return key
  }
}
