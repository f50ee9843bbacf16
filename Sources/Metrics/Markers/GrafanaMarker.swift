import Concurrency
package import HTTP
import JSON
package import Model

/// Annotations in Grafana, seen on every dashboard that queries their tags (contract metrics §3).
package struct GrafanaMarker: RolloutMarker {
  private let sender: MarkSender
  private let dashboard: String?

  /// - Parameters:
  ///   - url: the server's, without a slash at the end.
  ///   - token: of a service account that may write annotations.
  ///   - dashboard: the uid of the one dashboard it is for; nil for all.
  package init(
    url: String, token: Sensitive, dashboard: String? = nil, http: any HTTPTransport, version: String
  ) {
    sender = MarkSender(
      name: "Grafana at \(MarkSender.host(of: url))", base: url, token: token, http: http, version: version)
    self.dashboard = dashboard
  }

  package var name: String { sender.name }

  package func leave(_ mark: RolloutMark) async throws(Failure) {
    // Writing is not idempotent: a round that was cut off has left it already.
    let tag = MarkSender.encoded(mark.handle)
    let found = try await sender.send("GET", "/api/annotations?tags=\(tag)&limit=1")
    guard found.array?.isEmpty != false else { return }
    var body: [String: JSON] = [
      "text": .string(mark.text), "time": .int(mark.at.milliseconds),
      "tags": [
        "deploy", "rollout", .string(mark.environment), .string(mark.rollout), .string(mark.event.rawValue),
        .string(mark.handle),
      ],
    ]
    if let dashboard { body["dashboardUID"] = .string(dashboard) }
    _ = try await sender.send("POST", "/api/annotations", .object(body))
  }
}
