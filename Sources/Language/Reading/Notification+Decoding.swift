import Model

extension NotificationTarget {
  /// Nil for receivers that are not supported yet, which are reported by then.
  init?(fields: Fields) {
    guard let receiver = Receiver(fields: fields) else { return nil }
    let words = fields["on"]?.list.compactMap { $0.text.flatMap(Notice.Event.init(rawValue:)) }
    self.init(receiver, events: words.map(Set.init))
  }
}

extension NotificationTarget.Receiver {
  fileprivate init?(fields: Fields) {
    if let url = fields["slack"]?.secret {
      self = .slack(urlSecret: url)
    } else if let app = fields["slack-app"]?.fields, let token = app["token"]?.secret,
      let channel = app["channel"]?.text
    {
      self = .slackApp(tokenSecret: token, channel: channel)
    } else if let url = fields["discord"]?.secret {
      self = .discord(urlSecret: url)
    } else if let hook = fields["webhook"]?.fields, let url = hook["url"]?.secret {
      self = .webhook(urlSecret: url, keySecrets: hook["keys"]?.list.compactMap(\.secret) ?? [])
    } else if let mail = fields["email"]?.fields, let server = mail["server"]?.text,
      let from = mail["from"]?.text
    {
      self = .email(
        EmailTarget(
          server: server, from: from, to: mail["to"]?.list.compactMap(\.text) ?? [],
          userSecret: mail["user"]?.secret, passwordSecret: mail["password"]?.secret))
    } else {
      return nil
    }
  }
}
