/// One entry of `marks:`: where the steps of rollouts are marked. It names secrets and holds none.
package enum MarkTarget: Sendable, Hashable, Codable {
  /// Annotations.
  /// - dashboard: the uid of the one dashboard they are for; nil: all.
  case grafana(url: String, tokenSecret: String, dashboard: String?)
  /// A release with a deploy for each mark.
  /// - url: nil: Sentry's own service.
  case sentry(
    url: String?, organization: String, projects: [String], tokenSecret: String, repository: String?)

  /// The secret that it needs, with the key under which it stands.
  package var secret: (name: String, key: String) {
    switch self {
    case .grafana(_, let token, _): (token, "grafana.token")
    case .sentry(_, _, _, let token, _): (token, "sentry.token")
    }
  }
}
