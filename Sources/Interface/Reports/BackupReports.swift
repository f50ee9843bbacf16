package import Concurrency
package import Model

/// The copies of an environment's databases that this machine has.
package struct BackupListReport: Report {
  package static let kind = "backups"

  package struct Database: Codable, Sendable, Hashable {
    package var database: String
    package var directory: String
    package var keep: Int
    /// Newest first.
    package var backups: [Backup]

    package init(database: String, directory: String, keep: Int, backups: [Backup]) {
      self.database = database
      self.directory = directory
      self.keep = keep
      self.backups = backups
    }
  }

  package struct Backup: Codable, Sendable, Hashable {
    package var id: String
    package var madeAt: Moment
    package var bytes: Int64
    package var size: String
    package var commit: String
    package var release: Int
    package var server: String
    package var check: BackupRule.Check
    package var tables: Int
    package var rows: Int64

    /// - Parameter size: in words.
    package init(_ manifest: BackupManifest, size: String) {
      id = manifest.id
      madeAt = Moment(manifest.madeAt)
      bytes = manifest.bytes
      self.size = size
      commit = manifest.commit
      release = manifest.release
      server = manifest.server
      check = manifest.check
      tables = manifest.rows.count
      rows = manifest.rows.values.reduce(0, +)
    }

    fileprivate var proof: String {
      check == .restore
        ? "restored: \(count(tables, "table")), \(count(Int(rows), "row"))" : "read to its end"
    }
  }

  package var environment: String
  package var now: Moment
  package var databases: [Database]

  package init(environment: String, now: Timestamp, databases: [Database]) {
    self.environment = environment
    self.now = Moment(now)
    self.databases = databases
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines: [Line] = []
    for database in databases {
      if !lines.isEmpty { lines.append(.empty) }
      lines.append(
        Line(
          [
            .strong("\(environment) \(database.database)"),
            .faint("  \(database.directory), keeps \(database.keep)"),
          ],
          overflow: .wrap(hanging: 2)))
      if database.backups.isEmpty {
        lines.append(
          Line([
            .warning(
              database.directory.hasPrefix("s3://") ? "  no backup there" : "  no backup on this machine")
          ]))
        lines.append(
          .labelled(
            "next", [.accent("shipit backup \(environment) \(database.database)")], indent: 2, width: 6))
      }
      for backup in database.backups {
        lines.append(Line([Span("  \(backup.id)"), Span("  \(backup.size)")], overflow: .wrap(hanging: 4)))
        lines.append(
          Line(
            [
              .faint("    \(backup.madeAt.timestamp.relative(to: now.timestamp)), "), .good(backup.proof),
              .faint(backup.commit.isEmpty ? "" : ", at \(short(backup.commit))"),
            ], overflow: .wrap(hanging: 4)))
      }
    }
    return lines
  }
}

/// What a trial of a copy showed.
package struct BackupDrillReport: Report {
  package static let kind = "backup-drill"

  package var environment: String
  package var database: String
  package var backup: String
  package var madeAt: Moment
  package var bytes: Int64
  package var size: String
  package var took: Seconds
  package var tables: Int
  package var rows: Int64
  /// The copy knows how many rows it should hold, and holds them.
  package var isCounted: Bool
  package var now: Moment

  package init(
    environment: String, _ manifest: BackupManifest, size: String, took: Duration, rows: [String: Int64],
    now: Timestamp
  ) {
    self.environment = environment
    database = manifest.database
    backup = manifest.id
    madeAt = Moment(manifest.madeAt)
    bytes = manifest.bytes
    self.size = size
    self.took = Seconds(took)
    tables = rows.count
    self.rows = rows.values.reduce(0, +)
    isCounted = !manifest.rows.isEmpty
    self.now = Moment(now)
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    [
      Line(
        [
          .good("\(symbols.good) "), .strong(backup),
          Span(" can be restored: \(size) in \(took.duration.words)"),
        ], overflow: .wrap(hanging: 2)),
      Line(
        [
          Span("  \(count(tables, "table")), \(count(Int(rows), "row"))"),
          .faint(isCounted ? ", as many as when it was made" : ""),
          .faint("; made \(madeAt.timestamp.relative(to: now.timestamp))"),
        ], overflow: .wrap(hanging: 2)),
      Line(
        [.faint("  into a scratch database, which is dropped again; \(database) was not touched")],
        overflow: .wrap(hanging: 2)),
    ]
  }
}
