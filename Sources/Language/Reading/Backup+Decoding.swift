import Model

extension EnvironmentDecoder {
  /// A rule for backups as it was written; nil when something of it was refused.
  func backup(_ fields: Fields?) -> BackupRule? {
    guard let fields, let directory = fields["to"]?.text else { return nil }
    var rule = BackupRule(directory: directory)
    if let before = fields["before"]?.text.flatMap(BackupRule.Moment.init(rawValue:)) { rule.before = before }
    if let keep = fields["keep"]?.int { rule.keep = keep }
    if let check = fields["verify"]?.text.flatMap(BackupRule.Check.init(rawValue:)) { rule.check = check }
    if rule.volume != nil { rule.check = .stored }
    let credentials = fields["credentials"]?.fields
    if let id = credentials?["id"]?.secret, let secret = credentials?["secret"]?.secret {
      rule.credentials = BackupCredentials(id: id, secret: secret)
    }
    if let encryption = fields["encrypt"]?.fields {
      let recipients = encryption["age"]?.list.compactMap(\.text) ?? []
      let identity = encryption["identity"]?.fields
      rule.encryption = BackupEncryption(
        recipients: recipients,
        identity: identity?["secret"]?.text.map { .secret($0) } ?? identity?["file"]?.text.map { .file($0) })
      if rule.encryption?.identity == nil { rule.check = .stored }
    }
    rule.schedule = fields["schedule"]?.text.map {
      BackupSchedule(cron: $0, timezone: fields["timezone"]?.text ?? "UTC")
    }
    return rule
  }
}
