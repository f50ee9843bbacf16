package import Concurrency

/// Where secrets of GitHub Actions are kept: a repository, or one of its environments (contract github §6).
package struct ActionsSecretsPlace: Sendable, Hashable, Codable {
  /// `owner/name`.
  package var repository: String
  /// nil: the repository's own secrets.
  package var environment: String?

  package init(repository: String, environment: String? = nil) {
    self.repository = repository
    self.environment = environment
  }

  /// "acme/shop, environment production".
  package var words: String { repository + (environment.map { ", environment \($0)" } ?? "") }
}

/// `secrets.github`: which secrets the jobs of a repository get.
package struct ActionsSecretsTarget: Sendable, Hashable, Codable {
  package var place: ActionsSecretsPlace
  /// The secret that holds the token, which needs the right to write secrets.
  package var tokenSecret: String
  /// By the name a job knows it under, the secret.
  package var names: [String: String]

  package init(place: ActionsSecretsPlace, tokenSecret: String, names: [String: String]) {
    self.place = place
    self.tokenSecret = tokenSecret
    self.names = names
  }
}

/// Writes secrets of GitHub Actions; others are kept.
package struct ActionsSecretsWrite: Sendable, Hashable, Codable {
  package struct Value: Sendable, Hashable, Codable {
    package var secret: String
    /// Tells whether the value is still the planned one.
    package var fingerprint: String

    package init(secret: String, fingerprint: String) {
      self.secret = secret
      self.fingerprint = fingerprint
    }
  }

  package var place: ActionsSecretsPlace
  /// By the name a job knows it under.
  package var set: [String: Value]

  package init(place: ActionsSecretsPlace, set: [String: Value]) {
    self.place = place
    self.set = set
  }
}

/// What shipit wrote into the secrets of GitHub Actions, as far as its own runs know: there is no other way to tell what
/// stands there, for no value can be read.
package struct WrittenActionsSecrets: Sendable, Hashable, Codable {
  package struct Entry: Sendable, Hashable, Codable {
    package var value: ActionsSecretsWrite.Value
    /// When GitHub took it, by GitHub's clock.
    package var at: Timestamp

    package init(value: ActionsSecretsWrite.Value, at: Timestamp) {
      self.value = value
      self.at = at
    }
  }

  package var place: ActionsSecretsPlace
  package var entries: [String: Entry]

  package init(place: ActionsSecretsPlace, entries: [String: Entry] = [:]) {
    self.place = place
    self.entries = entries
  }
}

/// What a plan does to the secrets of GitHub Actions.
package struct PlannedActionsSecrets: Sendable, Hashable, Codable {
  /// What earlier runs wrote there.
  package var before: WrittenActionsSecrets
  package var changes: [VariableChange]

  package init(before: WrittenActionsSecrets, changes: [VariableChange] = []) {
    self.before = before
    self.changes = changes
  }

  /// The step that writes them.
  package static let step = StepID("github.secrets")
}
