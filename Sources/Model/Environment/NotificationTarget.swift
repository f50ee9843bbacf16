/// One entry of `notify:`: who is told, and of what. It names secrets and holds none.
package struct NotificationTarget: Sendable, Hashable, Codable {
  package enum Receiver: Sendable, Hashable, Codable {
    /// An incoming webhook of Slack: its address is the secret.
    case slack(urlSecret: String)
    /// An application of Slack that may write into a channel.
    case slackApp(tokenSecret: String, channel: String)
    /// A webhook of Discord: its address is the secret.
    case discord(urlSecret: String)
    /// Standard Webhooks: signed with every key, of which there are two while one is rotated.
    case webhook(urlSecret: String, keySecrets: [String])
    case email(EmailTarget)
  }

  package var receiver: Receiver
  /// Nil: everything; the beginning of a run only where its message becomes the result.
  package var events: Set<Notice.Event>?

  package init(_ receiver: Receiver, events: Set<Notice.Event>? = nil) {
    self.receiver = receiver
    self.events = events
  }

  /// The secrets it needs, with the key under which each stands.
  package var secrets: [(name: String, key: String)] {
    switch receiver {
    case .slack(let url): [(url, "slack")]
    case .slackApp(let token, _): [(token, "slack-app.token")]
    case .discord(let url): [(url, "discord")]
    case .webhook(let url, let keys): [(url, "webhook.url")] + keys.map { ($0, "webhook.keys") }
    case .email(let email):
      [email.userSecret.map { ($0, "email.user") }, email.passwordSecret.map { ($0, "email.password") }]
        .compactMap(\.self)
    }
  }
}

/// A mail server, and who writes to whom.
package struct EmailTarget: Sendable, Hashable, Codable {
  /// `smtp://host:587` (STARTTLS) or `smtps://host:465`.
  package var server: String
  package var from: String
  package var to: [String]
  package var userSecret: String?
  package var passwordSecret: String?

  package init(
    server: String, from: String, to: [String], userSecret: String? = nil, passwordSecret: String? = nil
  ) {
    self.server = server
    self.from = from
    self.to = to
    self.userSecret = userSecret
    self.passwordSecret = passwordSecret
  }
}

// Found before the generic one by what the compiler writes for `Environment`: records of earlier versions know
// no `notify`, and must stay readable.
extension KeyedDecodingContainer {
  func decode(_ type: [NotificationTarget].Type, forKey key: Key) throws -> [NotificationTarget] {
    try decodeIfPresent(type, forKey: key) ?? []
  }
}
