/// What a migration means for the code that runs before it (contract migrations §5.3).
package enum MigrationEffect: String, Sendable, Hashable, Codable, Comparable {
  /// Old code survives it.
  case expand
  /// It changes rows.
  case data
  /// It cannot be told.
  case unknown
  /// Old code does not survive it, or data is lost.
  case contract

  private var weight: Int {
    switch self {
    case .expand: 0
    case .data: 1
    case .unknown: 2
    case .contract: 3
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.weight < right.weight }
}

/// What the review has to say about one statement.
package struct MigrationFinding: Sendable, Hashable, Codable {
  /// In the file, from 1.
  package var line: Int
  package var effect: MigrationEffect
  /// The strongest lock it takes on a table, in PostgreSQL's words; nil: none, or not known.
  package var lock: String?
  /// The table's file is written anew.
  package var rewrites: Bool
  /// Others wait for as long as it takes, which grows with the table.
  package var blocks: Bool
  package var reason: String
  /// The safer way; nil: as it is.
  package var safer: String?

  package init(
    line: Int, effect: MigrationEffect, lock: String? = nil, rewrites: Bool = false, blocks: Bool = false,
    reason: String, safer: String? = nil
  ) {
    self.line = line
    self.effect = effect
    self.lock = lock
    self.rewrites = rewrites
    self.blocks = blocks
    self.reason = reason
    self.safer = safer
  }
}

/// One migration that a plan applies.
package struct PlannedMigration: Sendable, Hashable, Codable {
  /// What the tool's ledger table calls it.
  package var id: String
  /// The file's name.
  package var name: String
  /// Relative to the project.
  package var path: String
  /// SHA-256 of the text, in hex: what was reviewed is what is run.
  package var checksum: String
  package var effect: MigrationEffect
  /// A comment of the file says its effect, against the review.
  package var isTagged: Bool
  package var findings: [MigrationFinding]

  package init(
    id: String, name: String, path: String, checksum: String, effect: MigrationEffect, isTagged: Bool = false,
    findings: [MigrationFinding] = []
  ) {
    self.id = id
    self.name = name
    self.path = path
    self.checksum = checksum
    self.effect = effect
    self.isTagged = isTagged
    self.findings = findings
  }
}

/// Brings the schema of one database forward. Nothing takes it back: rollback runs no migration tool.
package struct SchemaChange: Sendable, Hashable, Codable {
  /// With where it is and whose files they are.
  package var database: DatabaseTarget
  package var migrations: Migrations
  /// Host, port and name, for people; never the password.
  package var place: String
  package var commit: String
  /// The files are those of the working tree.
  package var isDirty: Bool
  /// The newest applied id when the plan was made; nil: none.
  package var from: String?
  /// In the order in which they are applied.
  package var pending: [PlannedMigration]
  /// The services whose deploy applies them; nil: shipit does.
  package var appliedBy: [ServiceName]?

  package init(
    database: DatabaseTarget, migrations: Migrations, place: String, commit: String, isDirty: Bool,
    from: String?,
    pending: [PlannedMigration]
  ) {
    self.database = database
    self.migrations = migrations
    self.place = place
    self.commit = commit
    self.isDirty = isDirty
    self.from = from
    self.pending = pending
  }

  /// The worst of what it means.
  package var effect: MigrationEffect { pending.map(\.effect).max() ?? .expand }
}

/// A migration that a release applied.
package struct ReleasedMigration: Sendable, Hashable, Codable {
  package var database: String
  package var name: String
  package var effect: MigrationEffect

  package init(database: String, name: String, effect: MigrationEffect) {
    self.database = database
    self.name = name
    self.effect = effect
  }
}

extension StepFact {
  /// Names of the migration files that were applied, separated by line ends.
  package static let applied = "applied"
  /// What the ledger table says afterwards.
  package static let schema = "schema"
}
