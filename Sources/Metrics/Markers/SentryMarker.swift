import Concurrency
package import HTTP
import JSON
package import Model

/// A release in Sentry with a deploy for each mark (contract metrics §4).
package struct SentryMarker: RolloutMarker {
  private let sender: MarkSender
  private let organization: String
  private let projects: [String]
  private let repository: String?
  private let version: @Sendable (RolloutMark) -> String

  /// - Parameters:
  ///   - url: `https://sentry.io`, `https://de.sentry.io` or an own server, without a slash at the end.
  ///   - token: with `project:releases`.
  ///   - projects: their slugs; one at least.
  ///   - repository: as Sentry knows it, so that commits are matched; nil: none is sent.
  ///   - version: what the service's own SDK reports as its release.
  package init(
    url: String = "https://sentry.io", organization: String, projects: [String], token: Sensitive,
    repository: String? = nil, http: any HTTPTransport, shipit: String,
    version: @escaping @Sendable (RolloutMark) -> String = { $0.commit }
  ) {
    sender = MarkSender(
      name: "Sentry at \(MarkSender.host(of: url))", base: "\(url)/api/0", token: token, http: http,
      version: shipit)
    self.organization = organization
    self.projects = projects
    self.repository = repository
    self.version = version
  }

  package var name: String { sender.name }

  package func leave(_ mark: RolloutMark) async throws(Failure) {
    let version = version(mark)
    let releases = "/organizations/\(MarkSender.encoded(organization))/releases/"
    let release = "\(releases)\(MarkSender.encoded(version))/"
    var body: [String: JSON] = [
      "version": .string(version), "projects": .array(projects.map(JSON.string)),
    ]
    if let repository {
      body["refs"] = [["repository": .string(repository), "commit": .string(mark.commit)]]
    }
    // The same version again is an update.
    _ = try await sender.send("POST", releases, .object(body))
    // Deploys are not: the name says whether ours is there (contract §4).
    let found = try await sender.send("GET", "\(release)deploys/").array ?? []
    let name = Self.deploy(mark)
    if !found.contains(where: { $0["name"]?.string == name && $0["environment"]?.string == mark.environment })
    {
      _ = try await sender.send(
        "POST", "\(release)deploys/",
        [
          "environment": .string(mark.environment), "name": .string(name),
          "dateFinished": .string(mark.at.iso8601), "projects": .array(projects.map(JSON.string)),
        ])
    }
    guard mark.event == .completed else { return }
    _ = try await sender.send("PUT", release, ["dateReleased": .string(mark.at.iso8601)])
  }

  /// Short, for names have 64 characters at most; what tells marks apart comes first.
  private static func deploy(_ mark: RolloutMark) -> String {
    String("\(mark.release) \(mark.event.rawValue) \(mark.share) \(mark.rollout)".prefix(64))
  }
}
