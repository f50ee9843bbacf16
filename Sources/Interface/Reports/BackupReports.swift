package import Concurrency
package import Model

/// The copies of an environment's databases that this machine has.
package struct BackupListReport: Report {
  package static let kind = "backups"

  package struct Database: Codable, Sendable, Hashable {
    package var database: String
    package var directory: String
    package var keep: Int
    /// Nil: there is no schedule.
    package var turn: Turn?
    /// Newest first.
    package var backups: [Backup]

    package init(database: String, directory: String, keep: Int, turn: Turn? = nil, backups: [Backup]) {
      self.turn = turn
      self.database = database
      self.directory = directory
      self.keep = keep
      self.backups = backups
    }
  }

  /// When a schedule wants a copy.
  package struct Turn: Codable, Sendable, Hashable {
    package var schedule: String
    /// Since then one is due and not made.
    package var overdueSince: Moment?
    package var next: Moment?
    /// Both by the schedule's clock.
    package var overdueWords: String?
    package var nextWords: String?

    package init(
      schedule: String, overdueSince: Timestamp?, next: Timestamp?, words: (Timestamp) -> String
    ) {
      self.schedule = schedule
      self.overdueSince = overdueSince.map(Moment.init)
      self.next = next.map(Moment.init)
      overdueWords = overdueSince.map(words)
      nextWords = next.map(words)
    }

    fileprivate func line(_ now: Moment) -> Line {
      var spans: [Span] = []
      if let overdueSince, let overdueWords {
        spans.append(
          .warning("  overdue since \(overdueWords), \(overdueSince.timestamp.relative(to: now.timestamp))"))
      }
      let next = nextWords.map { "next \($0)" } ?? "never again"
      spans.append(.faint(spans.isEmpty ? "  \(next)" : "; \(next)"))
      return Line(spans, overflow: .wrap(hanging: 4))
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
    package var isEncrypted: Bool
    package var engine: DatabaseTarget.Engine

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
      isEncrypted = manifest.recipients != nil
      engine = manifest.engine
    }

    fileprivate var proof: Span {
      switch check {
      case .restore where engine == .redis: .good("loaded: \(count(Int(rows), "key"))")
      case .restore: .good("restored: \(count(tables, "table")), \(count(Int(rows), "row"))")
      case .read: .good("read to its end")
      case .stored: .warning("read back, not tried out")
      }
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
      if let turn = database.turn { lines.append(turn.line(now)) }
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
              .faint("    \(backup.madeAt.timestamp.relative(to: now.timestamp)), "), backup.proof,
              .faint(backup.isEncrypted ? ", encrypted" : ""),
              .faint(backup.commit.isEmpty ? "" : ", at \(short(backup.commit))"),
            ], overflow: .wrap(hanging: 4)))
      }
    }
    return lines
  }
}

/// That no copy is due.
package struct BackupDueReport: Report {
  package static let kind = "backup-due"

  package struct Database: Codable, Sendable, Hashable {
    package var database: String
    package var madeAt: Moment
    package var turn: BackupListReport.Turn

    package init(database: String, madeAt: Timestamp, turn: BackupListReport.Turn) {
      self.database = database
      self.madeAt = Moment(madeAt)
      self.turn = turn
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
    [Line([.good("\(symbols.good) "), Span("no backup of \(environment) is due")])]
      + databases.map { database in
        let next = database.turn.nextWords.map { "; next \($0)" } ?? ""
        let made = database.madeAt.timestamp.relative(to: now.timestamp)
        return Line(
          [.faint("  \(database.database): made \(made)\(next)")], overflow: .wrap(hanging: 4))
      }
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
  package var engine: DatabaseTarget.Engine
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
    engine = manifest.engine
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
          Span(
            engine == .redis
              ? "  \(count(Int(rows), "key"))" : "  \(count(tables, "table")), \(count(Int(rows), "row"))"),
          .faint(isCounted && engine == .postgres ? ", as many as when it was made" : ""),
          .faint("; made \(madeAt.timestamp.relative(to: now.timestamp))"),
        ], overflow: .wrap(hanging: 2)),
      Line(
        [
          .faint(
            engine == .redis
              ? "  by a scratch server of its own; \(database) was not touched"
              : "  into a scratch database, which is dropped again; \(database) was not touched")
        ],
        overflow: .wrap(hanging: 2)),
    ]
  }
}
