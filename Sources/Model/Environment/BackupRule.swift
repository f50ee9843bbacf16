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
  /// The directory, relative to the project, or a bucket, as it is written; see `place`.
  package var directory: String
  /// How many are kept.
  package var keep: Int
  package var check: Check
  /// Of a bucket; nil: those of the process environment.
  package var credentials: BackupCredentials?

  /// - Throws: `Failure` for what only a stored record could have: the file's was checked when it was read.
  package var place: BackupPlace {
    get throws(Failure) {
      do throws(BackupBucket.Mistake) { return try BackupPlace(parsing: directory) } catch {
        throw Failure(.configuration, error.message, place: directory, hint: error.help)
      }
    }
  }

  /// Where the copies are, for people.
  package var whereabouts: String {
    if case .bucket(let bucket) = try? place { return bucket.address }
    return directory
  }

  package init(directory: String, before: Moment = .migrations, keep: Int = 7, check: Check = .restore) {
    self.directory = directory
    self.before = before
    self.keep = keep
    self.check = check
  }
}
