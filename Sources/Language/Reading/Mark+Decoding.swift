import Model

extension MarkTarget {
  /// Nil when something of it was refused.
  init?(fields: Fields) {
    if let grafana = fields["grafana"]?.fields, let url = grafana["url"]?.text,
      let token = grafana["token"]?.secret
    {
      self = .grafana(
        url: Self.plain(url), tokenSecret: token, dashboard: grafana["dashboard"]?.text)
    } else if let sentry = fields["sentry"]?.fields, let organization = sentry["organization"]?.text,
      let token = sentry["token"]?.secret
    {
      self = .sentry(
        url: sentry["url"]?.text.map(Self.plain), organization: organization,
        projects: sentry["projects"]?.list.compactMap(\.text) ?? [], tokenSecret: token,
        repository: sentry["repository"]?.text)
    } else {
      return nil
    }
  }

  private static func plain(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }
}
