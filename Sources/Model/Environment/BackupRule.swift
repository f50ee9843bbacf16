/// When copies of a database are made, where they go, and how they are proven good.
package struct BackupRule: Sendable, Hashable, Codable {
  package enum Moment: String, Sendable, Hashable, Codable, CaseIterable {
    /// Before pending migrations.
    case migrations
    /// Before every deploy.
    case deploy
  }

  package enum Check: String, Sendable, Hashable, Codable, CaseIterable {
    /// Into a scratch database on the same server, with every table's rows counted.
    case restore
    /// By reading all of it.
    case read
  }

  package var before: Moment
  /// The directory, relative to the project.
  package var directory: String
  /// How many are kept.
  package var keep: Int
  package var check: Check

  package init(directory: String, before: Moment = .migrations, keep: Int = 7, check: Check = .restore) {
    self.directory = directory
    self.before = before
    self.keep = keep
    self.check = check
  }
}
