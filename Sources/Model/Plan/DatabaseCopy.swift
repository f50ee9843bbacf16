package import Concurrency

/// Makes a copy of a database and proves it good. Changes nothing in the database.
package struct BackupRequest: Sendable, Hashable, Codable {
  package var database: DatabaseTarget
  package var rule: BackupRule

  package init(database: DatabaseTarget, rule: BackupRule) {
    self.database = database
    self.rule = rule
  }
}

/// Puts a copy in the place of a database: restored beside it, counted, and switched by name. What was there stays
/// under another name.
package struct DatabaseRestore: Sendable, Hashable, Codable {
  package var database: DatabaseTarget
  package var rule: BackupRule
  /// The copy's id.
  package var backup: String
  /// SHA-256 of its file in hex.
  package var checksum: String

  package init(database: DatabaseTarget, rule: BackupRule, backup: String, checksum: String) {
    self.database = database
    self.rule = rule
    self.backup = backup
    self.checksum = checksum
  }
}

/// What is known of a copy of a database; stands beside its file.
package struct BackupManifest: Sendable, Hashable, Codable {
  /// Of this text.
  package var format = 1
  /// Its file's name without an ending; sorts by time.
  package var id: String
  package var app: String
  package var environment: String
  /// The key in the environment file.
  package var database: String
  package var engine: DatabaseTarget.Engine
  /// The server's version, such as `17.4`.
  package var server: String
  /// The program that made it, such as `pg_dump 17.4`.
  package var tool: String
  package var run: RunID
  package var release: Int
  /// What was being deployed.
  package var commit: String
  package var madeAt: Timestamp
  package var seconds: Int
  package var bytes: Int64
  /// SHA-256 of the file in hex.
  package var checksum: String
  /// Who can read it: recipients of age; nil: it is not encrypted.
  package var recipients: [String]?
  /// Rows by table, or keys by database of Redis, at the moment of the copy; empty: not counted.
  package var rows: [String: Int64]
  /// How it was proven good.
  package var check: BackupRule.Check

  package init(
    id: String, app: String, environment: String, database: String, engine: DatabaseTarget.Engine = .postgres,
    server: String, tool: String, run: RunID, release: Int, commit: String, madeAt: Timestamp, seconds: Int,
    bytes: Int64, checksum: String, recipients: [String]? = nil, rows: [String: Int64],
    check: BackupRule.Check
  ) {
    self.recipients = recipients
    self.id = id
    self.app = app
    self.environment = environment
    self.database = database
    self.engine = engine
    self.server = server
    self.tool = tool
    self.run = run
    self.release = release
    self.commit = commit
    self.madeAt = madeAt
    self.seconds = seconds
    self.bytes = bytes
    self.checksum = checksum
    self.rows = rows
    self.check = check
  }
}

extension BackupManifest {
  /// The name of the file with the copy.
  package var file: String { BackupManifest.file(id, engine, isEncrypted: recipients != nil) }

  package static func file(_ id: String, _ engine: DatabaseTarget.Engine, isEncrypted: Bool) -> String {
    "\(id).\(engine.ending)" + (isEncrypted ? ".age" : "")
  }
}

extension DatabaseTarget.Engine {
  /// Of the files of its copies.
  fileprivate var ending: String {
    switch self {
    case .postgres: "dump"
    case .redis: "rdb"
    }
  }
}
