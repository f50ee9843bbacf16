import Concurrency
package import Model
import SQLite

extension LocalLedger: MovableLedger {
  package func contents() async throws(Failure) -> LedgerContents {
    try await read { connection in
      let runs = try Self.records("ORDER BY id", [], connection)
      var journals: [RunID: [JournalEntry]] = [:]
      for row in try connection.query("SELECT run, entry FROM journal ORDER BY run, sequence") {
        journals[RunID(Int(row[0].int ?? 0)), default: []].append(try value(JournalEntry.self, from: row[1]))
      }
      let bad = try connection.query("SELECT commit_id, release FROM bad_commits")
      return LedgerContents(
        runs: runs, journals: journals,
        releases: try connection.query("SELECT release FROM releases ORDER BY number").map {
          try value(Release.self, from: $0[0])
        }, hold: try Self.hold(connection),
        bad: Dictionary(
          bad.map { ($0[0].text ?? "", Int($0[1].int ?? 0)) }, uniquingKeysWith: { _, last in last }),
        decisions: try Self.decisions(LedgerContents.keptDecisions, connection),
        rollouts: try Self.rollouts(connection),
        fingerprintKey: try Self.key(connection))
    }
  }

  package func replace(with contents: LedgerContents, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection in
      try connection.script(
        """
        DELETE FROM journal; DELETE FROM releases; DELETE FROM runs; DELETE FROM holds; DELETE FROM bad_commits;
        DELETE FROM decisions; DELETE FROM rollouts; DELETE FROM moved
        """)
      try connection.execute("UPDATE meta SET fingerprint_key = ?1", [.blob(contents.fingerprintKey)])
      for run in contents.runs {
        try connection.execute(
          """
          INSERT INTO runs (id, release, by, started_at, plan, result, ended_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
          """,
          [
            SQLValue(run.id.number), SQLValue(run.release), .text(run.by), .int(run.startedAt.milliseconds),
            .text(try text(of: run.plan)), SQLValue(try run.result.map { try text(of: $0) }),
            SQLValue(run.endedAt?.milliseconds),
          ])
        for entry in contents.journals[run.id] ?? [] {
          try connection.execute(
            "INSERT INTO journal (run, sequence, entry) VALUES (?1, ?2, ?3)",
            [SQLValue(run.id.number), SQLValue(entry.sequence), .text(try text(of: entry))])
        }
      }
      for release in contents.releases {
        try connection.execute(
          "INSERT INTO releases (number, run, release) VALUES (?1, ?2, ?3)",
          [SQLValue(release.number), SQLValue(release.run.number), .text(try text(of: release))])
      }
      if let hold = contents.hold { try Self.insert(hold, connection) }
      for decision in contents.decisions.reversed() { try Self.insert(decision, connection) }
      for rollout in contents.rollouts { try Self.insert(rollout, connection) }
      for (commit, release) in contents.bad {
        try connection.execute(
          "INSERT INTO bad_commits (commit_id, release) VALUES (?1, ?2)", [.text(commit), SQLValue(release)])
      }
    }
  }

  package func moved() async throws(Failure) -> LedgerMove? {
    try await read { try Self.move($0) }
  }

  package func leave(for move: LedgerMove, lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection in
      _ = try connection.execute(
        "INSERT OR REPLACE INTO moved (id, move) VALUES (1, ?1)", [.text(try text(of: move))])
    }
  }

  static func move(_ connection: Connection) throws -> LedgerMove? {
    try connection.query("SELECT move FROM moved").first.map { try value(LedgerMove.self, from: $0[0]) }
  }
}
