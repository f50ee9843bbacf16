package import Concurrency
package import HTTP
package import Model
package import SMTP

/// What receivers are made from.
package struct NoticeParts: Sendable {
  package var http: any HTTPTransport
  package var mail: any MailTransport
  package var clock: any TimeSource
  /// Where Slack's API is: `https://slack.com`, or the twin.
  package var slackURL: String
  /// A PEM file of the authorities that mail servers are trusted by, instead of the system's.
  package var certificateAuthorities: String?

  package init(
    http: any HTTPTransport, mail: any MailTransport = MailClient(), clock: any TimeSource, slackURL: String,
    certificateAuthorities: String? = nil
  ) {
    self.http = http
    self.mail = mail
    self.clock = clock
    self.slackURL = slackURL
    self.certificateAuthorities = certificateAuthorities
  }
}

/// One declared receiver, ready or not.
package struct DeclaredReceiver: Sendable {
  /// Kind and the secret's name: `slack (SLACK_WEBHOOK)`.
  package var name: String
  package var events: Set<Notice.Event>
  /// Nil: a secret of it is not at hand.
  package var receiver: (any NoticeReceiver)?
  /// The secrets that are not at hand.
  package var missing: [String]

  /// Of every entry of `notify`, in its order.
  package static func all(
    _ targets: [NotificationTarget], secrets: [String: Sensitive], parts: NoticeParts
  ) -> [DeclaredReceiver] {
    targets.map { target in
      let missing = target.secrets.map(\.name).filter { secrets[$0] == nil }
      let name = name(of: target.receiver)
      let receiver = missing.isEmpty ? receiver(target.receiver, name, secrets, parts) : nil
      let standard = Set(Notice.Event.allCases).filter { $0 != .started || receiver?.canEdit ?? false }
      return DeclaredReceiver(
        name: name, events: target.events ?? standard, receiver: receiver, missing: missing)
    }
  }

  private static func name(of receiver: NotificationTarget.Receiver) -> String {
    switch receiver {
    case .slack(let url): "slack (\(url))"
    case .slackApp(_, let channel): "slack-app (\(channel))"
    case .discord(let url): "discord (\(url))"
    case .webhook(let url, _): "webhook (\(url))"
    case .email(let email):
      "email (\(email.server.split(separator: "/").dropFirst().first.map(String.init) ?? email.server))"
    }
  }

  private static func receiver(
    _ receiver: NotificationTarget.Receiver, _ name: String, _ secrets: [String: Sensitive],
    _ parts: NoticeParts
  ) -> (any NoticeReceiver)? {
    switch receiver {
    case .slack(let url):
      return secrets[url].map { SlackHook(name: name, url: $0, http: parts.http) }
    case .slackApp(let token, let channel):
      return secrets[token].map {
        SlackApplication(
          name: name, token: $0, channel: channel, baseURL: parts.slackURL, http: parts.http)
      }
    case .discord(let url):
      return secrets[url].map { DiscordHook(name: name, url: $0, http: parts.http) }
    case .webhook(let url, let keys):
      return secrets[url].map {
        SignedWebhook(
          name: name, url: $0, keys: keys.compactMap { secrets[$0] }, http: parts.http, clock: parts.clock)
      }
    case .email(let target):
      return MailReceiver(
        name: name, target: target, user: target.userSecret.flatMap { secrets[$0] },
        password: target.passwordSecret.flatMap { secrets[$0] }, transport: parts.mail,
        certificateAuthorities: parts.certificateAuthorities)
    }
  }

  /// What `doctor` says of it. Nothing is sent.
  package func examine() async -> Examination {
    if let receiver { return await receiver.examine() }
    return Examination(
      name, .bad, "\(missing.joined(separator: " and ")) is not set: nobody would be told",
      hint: "set it in the environment of shipit", because: .configuration)
  }
}
