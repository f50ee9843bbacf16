package import HTTP
package import Model

/// A status at each step on the deployment that a run made: what GitHub shows of it says how far the flag is.
///
/// Its state stays `success` whatever the flag does: the code is live, and what is live in GitHub is the newest
/// deployment of which that is the last state (contract github §3).
package struct DeploymentMarker: RolloutMarker {
  private let client: GitHubClient
  private let repository: String

  /// - Parameter version: shipit's own, for the `User-Agent`.
  package init(_ target: GitHubTarget, http: any HTTPTransport, version: String) {
    client = GitHubClient(target: target, http: http, version: version)
    repository = target.repository
  }

  package var name: String { "GitHub deployments of \(repository)" }

  package func leave(_ mark: RolloutMark) async throws(Failure) {
    let lane = "\(mark.app)/\(mark.environment)/"
    let deployments = try await client.deployments(environment: mark.environment, commit: mark.commit)
    guard let ours = deployments.first(where: { $0.run?.hasPrefix(lane) == true }) else {
      throw Failure(
        .failed, "GitHub has no deployment of \(mark.commit.prefix(8)) by shipit", place: name,
        hint: "deployments are told by runs in GitHub Actions: see docs/github-actions.md")
    }
    // Of a release that was replaced meanwhile a success would make GitHub believe it is back.
    guard try await client.state(of: ours) == DeploymentState.success.rawValue else { return }
    try await client.setState(.success, of: ours, description: mark.text)
  }
}
