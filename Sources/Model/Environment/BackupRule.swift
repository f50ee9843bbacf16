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
    /// By reading back what is stored, which tells nothing of what is in it: all that can be done without a key.
    case stored
  }

  package var before: Moment
  /// The directory, relative to the project, or a bucket, as it is written; see `place`.
  package var directory: String
  /// How many are kept.
  package var keep: Int
  package var check: Check
  /// Of a bucket; nil: those of the process environment.
  package var credentials: BackupCredentials?
  /// Nil: copies are kept as they are.
  package var encryption: BackupEncryption?
  /// Nil: by hand, and before what `before` says.
  package var schedule: BackupSchedule?

  /// - Throws: `Failure` for what only a stored record could have: the file's was checked when it was read.
  package var place: BackupPlace {
    get throws(Failure) {
      do throws(BackupBucket.Mistake) { return try BackupPlace(parsing: directory) } catch {
        throw Failure(.configuration, error.message, place: directory, hint: error.help)
      }
    }
  }

  /// The service whose volume Railway copies.
  package var volume: String? { if case .volume(let service)? = try? place { service } else { nil } }

  /// Where the copies are, for people.
  package var whereabouts: String {
    switch try? place {
    case .bucket(let bucket): bucket.address
    case .volume(let service): "Railway's copies of the volume of \(service)"
    case .directory, nil: directory
    }
  }

  package init(directory: String, before: Moment = .migrations, keep: Int = 7, check: Check = .restore) {
    self.directory = directory
    self.before = before
    self.keep = keep
    self.check = check
  }
}

/// By whom copies can be read, and how shipit does.
package struct BackupEncryption: Sendable, Hashable, Codable {
  package enum Identity: Sendable, Hashable, Codable {
    /// The name of the secret that holds the key.
    case secret(String)
    /// The key's file, relative to the project, absolute, or below `~/`.
    case file(String)
  }

  /// Public keys of age, or of SSH.
  package var recipients: [String]
  /// Nil: copies can be made here, and not read.
  package var identity: Identity?

  package init(recipients: [String], identity: Identity? = nil) {
    self.recipients = recipients
    self.identity = identity
  }
}

/// When copies are due.
package struct BackupSchedule: Sendable, Hashable, Codable {
  /// Five fields of cron.
  package var cron: String
  /// Whose clock is meant.
  package var timezone: String

  package init(cron: String, timezone: String = "UTC") {
    self.cron = cron
    self.timezone = timezone
  }
}
