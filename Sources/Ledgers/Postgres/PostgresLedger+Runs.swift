package import Concurrency
package import Model
import Postgres

extension PostgresLedger {
  // MARK: Runs

  package func open(_ plan: Plan, by: String, at: Timestamp, lease: Lease) async throws(Failure) -> RunRecord
  {
    try await write(under: lease) { connection, _, isRepeated in
      let open = try self.records("AND result IS NULL", [], connection).first
      // The answer to our own success was lost: nobody else can have opened a run under this lease.
      if isRepeated, let open, open.startedAt == at, open.by == by, open.plan == plan { return open }
      try RunRules.checkOpening(openRun: open?.id, environment: self.environment)
      let row = try connection.query(
        """
        INSERT INTO shipit.runs (ledger, id, release, by, started_at, plan)
          SELECT $1::int, coalesce(max(id), 0) + 1, coalesce(max(release), 0) + 1, $2, $3::bigint, $4::json
            FROM shipit.runs WHERE ledger = $1::int
          RETURNING id, release
        """, [.int(self.id), .text(by), .int(at.milliseconds), .text(try text(of: plan))]
      ).first
      guard let id = row?.int("id"), let release = row?.int("release") else {
        throw PostgresError(code: .other, message: "the run got no number")
      }
      return RunRecord(id: RunID(Int(id)), release: Int(release), plan: plan, by: by, startedAt: at)
    }
  }

  package func append(_ entries: [JournalEntry], to run: RunID, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection, _, isRepeated in
      let facts = try connection.query(
        """
        SELECT result IS NULL AS open,
          (SELECT max(sequence) FROM shipit.journal WHERE ledger = $1::int AND run = $2::int) AS last
        FROM shipit.runs WHERE ledger = $1::int AND id = $2::int
        """, [.int(self.id), PostgresValue(run.number)]
      ).first
      let last = Int(facts?.int("last") ?? 0)
      if isRepeated, let first = entries.first, first.sequence <= last {
        let stored = try self.entries(of: run, connection).filter { $0.sequence >= first.sequence }
        if stored == entries { return }
      }
      try RunRules.checkAppending(entries, to: run, after: last, isOpen: facts.map { $0["open"] == "t" })
      guard !entries.isEmpty else { return }
      try self.insert(entries, of: run, connection)
    }
  }

  func insert(_ entries: [JournalEntry], of run: RunID, _ connection: PostgresConnection) throws {
    try connection.query(
      """
      INSERT INTO shipit.journal (ledger, run, sequence, entry)
        SELECT $1::int, $2::int, (entry ->> 'sequence')::int, entry FROM json_array_elements($3::json) entry
      """, [.int(id), PostgresValue(run.number), .text(try text(of: entries))])
  }

  package func close(_ run: RunID, result: RunResult, release: Release?, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection, now, isRepeated in
      let known = try self.records("AND id = $2::int", [PostgresValue(run.number)], connection).first
      if isRepeated, let known, known.result == result { return }
      try RunRules.checkClosing(
        run, isOpen: known.map { $0.result == nil }, number: known?.release, release: release)
      try connection.query(
        "UPDATE shipit.runs SET result = $3::json, ended_at = $4::bigint WHERE ledger = $1::int AND id = $2::int",
        [
          .int(self.id), PostgresValue(run.number), .text(try text(of: result)),
          .int((release?.endedAt ?? now).milliseconds),
        ])
      if let release { try self.insert(release, connection) }
    }
  }

  func insert(_ release: Release, _ connection: PostgresConnection) throws {
    try connection.query(
      "INSERT INTO shipit.releases (ledger, number, run, release) VALUES ($1::int, $2::int, $3::int, $4::json)",
      [
        .int(id), PostgresValue(release.number), PostgresValue(release.run.number),
        .text(try text(of: release)),
      ])
  }

  package func openRun() async throws(Failure) -> RunRecord? {
    try await read { try self.records("AND result IS NULL", [], $0).first }
  }

  package func run(_ id: RunID) async throws(Failure) -> RunRecord? {
    try await read { try self.records("AND id = $2::int", [PostgresValue(id.number)], $0).first }
  }

  package func runs(limit: Int) async throws(Failure) -> [RunRecord] {
    try await read {
      try self.records("ORDER BY id DESC LIMIT $2::int", [PostgresValue(max(0, limit))], $0)
    }
  }

  func records(
    _ clause: String, _ values: [PostgresValue], _ connection: PostgresConnection
  ) throws -> [RunRecord] {
    try connection.query("SELECT * FROM shipit.runs WHERE ledger = $1::int \(clause)", [.int(id)] + values)
      .map { row in
        RunRecord(
          id: RunID(Int(row.int("id") ?? 0)), release: Int(row.int("release") ?? 0),
          plan: try value(Plan.self, fromJSON: row["plan"]), by: row["by"] ?? "",
          startedAt: Timestamp(milliseconds: row.int("started_at") ?? 0),
          result: try row["result"].map { try value(RunResult.self, fromJSON: $0) },
          endedAt: row.int("ended_at").map { Timestamp(milliseconds: $0) })
      }
  }

  package func journal(of run: RunID) async throws(Failure) -> [JournalEntry] {
    try await read { try self.entries(of: run, $0) }
  }

  private func entries(of run: RunID, _ connection: PostgresConnection) throws -> [JournalEntry] {
    try connection.query(
      "SELECT entry FROM shipit.journal WHERE ledger = $1::int AND run = $2::int ORDER BY sequence",
      [.int(id), PostgresValue(run.number)]
    ).map { try value(JournalEntry.self, fromJSON: $0["entry"]) }
  }

  // MARK: Releases

  package func releases(limit: Int) async throws(Failure) -> [Release] {
    try await read { connection in
      try connection.query(
        "SELECT release FROM shipit.releases WHERE ledger = $1::int ORDER BY number DESC LIMIT $2::int",
        [.int(self.id), PostgresValue(max(0, limit))]
      ).map { try value(Release.self, fromJSON: $0["release"]) }
    }
  }

  package func release(number: Int) async throws(Failure) -> Release? {
    try await read { connection in
      try connection.query(
        "SELECT release FROM shipit.releases WHERE ledger = $1::int AND number = $2::int",
        [.int(self.id), PostgresValue(number)]
      ).first.map { try value(Release.self, fromJSON: $0["release"]) }
    }
  }

  // MARK: Hold, bad commits, key

  package func hold() async throws(Failure) -> Hold? {
    try await read { try self.hold($0) }
  }

  func hold(_ connection: PostgresConnection) throws -> Hold? {
    try connection.query("SELECT hold FROM shipit.ledgers WHERE id = $1::int", [.int(id)]).first?["hold"]
      .map { try value(Hold.self, fromJSON: $0) }
  }

  package func setHold(_ hold: Hold?, lease: Lease?) async throws(Failure) {
    let put: @Sendable (PostgresConnection) throws -> Void = { connection in
      try connection.query(
        "UPDATE shipit.ledgers SET hold = $2::json WHERE id = $1::int",
        [.int(self.id), PostgresValue(try hold.map { try text(of: $0) })])
    }
    if let lease {
      try await write(under: lease) { connection, _, _ in try put(connection) }
    } else {
      try await transaction { connection, _ in try put(connection) }
    }
  }

  package func badCommits() async throws(Failure) -> [String: Int] {
    try await read { try self.bad($0) }
  }

  func bad(_ connection: PostgresConnection) throws -> [String: Int] {
    let rows = try connection.query(
      "SELECT commit_id, release FROM shipit.bad_commits WHERE ledger = $1::int", [.int(id)])
    return Dictionary(
      rows.map { ($0["commit_id"] ?? "", Int($0.int("release") ?? 0)) },
      uniquingKeysWith: { _, last in last })
  }

  package func markBad(_ commit: String, release: Int, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection, _, _ in
      _ = try connection.query(
        """
        INSERT INTO shipit.bad_commits (ledger, commit_id, release) VALUES ($1::int, $2, $3::int)
          ON CONFLICT (ledger, commit_id) DO UPDATE SET release = excluded.release
        """, [.int(self.id), .text(commit), PostgresValue(release)])
    }
  }

  package func clearBad(_ commit: String, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection, _, _ in
      _ = try connection.query(
        "DELETE FROM shipit.bad_commits WHERE ledger = $1::int AND commit_id = $2",
        [.int(self.id), .text(commit)])
    }
  }

  package func decisions(limit: Int) async throws(Failure) -> [Decision] {
    try await read { try self.decisions(limit, $0) }
  }

  func decisions(_ limit: Int, _ connection: PostgresConnection) throws -> [Decision] {
    try connection.query(
      "SELECT decision FROM shipit.decisions WHERE ledger = $1::int ORDER BY id DESC LIMIT $2::int",
      [.int(self.id), PostgresValue(max(0, limit))]
    ).map { try value(Decision.self, fromJSON: $0["decision"]) }
  }

  func insert(_ decision: Decision, _ connection: PostgresConnection) throws {
    try connection.query(
      "INSERT INTO shipit.decisions (ledger, decision) VALUES ($1::int, $2::json)",
      [.int(self.id), .text(try text(of: decision))])
  }

  package func record(_ decision: Decision) async throws(Failure) {
    try await transaction { connection, isRepeated in
      // The answer to our own success was lost.
      if isRepeated {
        let last = try connection.query(
          "SELECT decision FROM shipit.decisions WHERE ledger = $1::int ORDER BY id DESC LIMIT 1",
          [.int(self.id)]
        ).first
        if try last.map({ try value(Decision.self, fromJSON: $0["decision"]) }) == decision { return }
      }
      try self.insert(decision, connection)
    }
  }

  package func fingerprintKey() async throws(Failure) -> [UInt8] {
    try await read { try self.key($0) }
  }

  func key(_ connection: PostgresConnection) throws -> [UInt8] {
    let row = try connection.query(
      "SELECT fingerprint_key FROM shipit.ledgers WHERE id = $1::int", [.int(id)]
    ).first
    guard let key = row?.bytes("fingerprint_key") else {
      throw PostgresError(code: .other, message: "the fingerprint key is missing")
    }
    return key
  }
}
