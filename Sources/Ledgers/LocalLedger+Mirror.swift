import Concurrency
import Model
import SQLite

extension LocalLedger {
  /// Makes this the copy of a shared ledger's open run: what was here before goes.
  /// - Parameter record: nil when no run is open.
  func mirror(_ record: RunRecord?, journal: [JournalEntry], lease: Lease) async throws(Failure) {
    try await write(under: lease) { connection in
      try connection.script("DELETE FROM journal; DELETE FROM releases; DELETE FROM runs")
      guard let record else { return }
      try connection.execute(
        "INSERT INTO runs (id, release, by, started_at, plan) VALUES (?1, ?2, ?3, ?4, ?5)",
        [
          SQLValue(record.id.number), SQLValue(record.release), .text(record.by),
          .int(record.startedAt.milliseconds), .text(try text(of: record.plan)),
        ])
      for entry in journal {
        try connection.execute(
          "INSERT INTO journal (run, sequence, entry) VALUES (?1, ?2, ?3)",
          [SQLValue(record.id.number), SQLValue(entry.sequence), .text(try text(of: entry))])
      }
    }
  }
}
