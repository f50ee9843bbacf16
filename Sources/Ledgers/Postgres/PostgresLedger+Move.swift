import Concurrency
package import Model
import Postgres

extension PostgresLedger: MovableLedger {
  package func contents() async throws(Failure) -> LedgerContents {
    try await read { connection in
      let runs = try self.records("ORDER BY id", [], connection)
      var journals: [RunID: [JournalEntry]] = [:]
      for row in try connection.query(
        "SELECT run, entry FROM shipit.journal WHERE ledger = $1::int ORDER BY run, sequence", [.int(self.id)]
      ) {
        journals[RunID(Int(row.int("run") ?? 0)), default: []].append(
          try value(JournalEntry.self, fromJSON: row["entry"]))
      }
      let releases = try connection.query(
        "SELECT release FROM shipit.releases WHERE ledger = $1::int ORDER BY number", [.int(self.id)])
      return LedgerContents(
        runs: runs, journals: journals,
        releases: try releases.map { try value(Release.self, fromJSON: $0["release"]) },
        hold: try self.hold(connection), bad: try self.bad(connection),
        decisions: try self.decisions(LedgerContents.keptDecisions, connection),
        rollouts: try self.rollouts(connection),
        fingerprintKey: try self.key(connection))
    }
  }

  package func replace(with contents: LedgerContents, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection, _, _ in
      for table in ["journal", "releases", "runs", "bad_commits", "decisions", "rollouts"] {
        try connection.query("DELETE FROM shipit.\(table) WHERE ledger = $1::int", [.int(self.id)])
      }
      try connection.query(
        """
        UPDATE shipit.ledgers SET hold = $2::json, moved = NULL, fingerprint_key = $3::bytea WHERE id = $1::int
        """,
        [
          .int(self.id), PostgresValue(try contents.hold.map { try text(of: $0) }),
          .bytes(contents.fingerprintKey),
        ])
      for run in contents.runs {
        try connection.query(
          """
          INSERT INTO shipit.runs (ledger, id, release, by, started_at, plan, result, ended_at)
            VALUES ($1::int, $2::int, $3::int, $4, $5::bigint, $6::json, $7::json, $8::bigint)
          """,
          [
            .int(self.id), PostgresValue(run.id.number), PostgresValue(run.release), .text(run.by),
            .int(run.startedAt.milliseconds), .text(try text(of: run.plan)),
            PostgresValue(try run.result.map { try text(of: $0) }),
            PostgresValue(run.endedAt?.milliseconds),
          ])
        guard let entries = contents.journals[run.id], !entries.isEmpty else { continue }
        try self.insert(entries, of: run.id, connection)
      }
      for release in contents.releases { try self.insert(release, connection) }
      for decision in contents.decisions.reversed() { try self.insert(decision, connection) }
      for rollout in contents.rollouts { try self.insert(rollout, connection) }
      for (commit, release) in contents.bad {
        try connection.query(
          "INSERT INTO shipit.bad_commits (ledger, commit_id, release) VALUES ($1::int, $2, $3::int)",
          [.int(self.id), .text(commit), PostgresValue(release)])
      }
    }
  }

  package func moved() async throws(Failure) -> LedgerMove? {
    try await read { try self.move($0) }
  }

  package func leave(for move: LedgerMove, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection, _, _ in
      _ = try connection.query(
        "UPDATE shipit.ledgers SET moved = $2::json WHERE id = $1::int",
        [.int(self.id), .text(try text(of: move))])
    }
  }

  func move(_ connection: PostgresConnection) throws -> LedgerMove? {
    try connection.query("SELECT moved FROM shipit.ledgers WHERE id = $1::int", [.int(id)]).first?["moved"]
      .map { try value(LedgerMove.self, fromJSON: $0) }
  }
}
