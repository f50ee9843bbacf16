package import Model

/// The repository on GitHub whose deployments are told, and how it is reached.
package struct GitHubTarget: Sendable {
  /// Without a slash at the end, such as `https://api.github.com`.
  package var apiURL: String
  /// `owner/name`.
  package var repository: String
  package var token: Sensitive
  /// The page of the run that reports; nil when there is none.
  package var runURL: String?

  package init(apiURL: String, repository: String, token: Sensitive, runURL: String? = nil) {
    self.apiURL = apiURL
    self.repository = repository
    self.token = token
    self.runURL = runURL
  }
}

/// What is deployed, as GitHub records it.
package struct DeploymentSubject: Sendable, Hashable {
  package var app: String
  package var environment: String
  /// The full id of the commit.
  package var commit: String
  package var description: String
  /// The run's number in the ledger: with app and environment the handle by which the deployment is found again.
  package var run: Int
  package var planDigest: String
  /// It goes away again, as that of a preview: another one's never retires it (contract github §3).
  package var isTransient: Bool

  package init(
    app: String, environment: String, commit: String, description: String, run: Int, planDigest: String,
    isTransient: Bool = false
  ) {
    self.isTransient = isTransient
    self.app = app
    self.environment = environment
    self.commit = commit
    self.description = description
    self.run = run
    self.planDigest = planDigest
  }

  /// Older deployments of such an environment are not retired by GitHub itself (contract github §3).
  var isProduction: Bool { ["production", "prod"].contains(environment.lowercased()) }

  /// GitHub knows commits only; what is deployed outside of git is not told.
  var isCommit: Bool { commit.count == 40 && commit.allSatisfy(\.isHexDigit) }
}

/// A state of a deployment (contract github §3).
package enum DeploymentState: String, Sendable, Hashable {
  case inProgress = "in_progress"
  case success, failure, error, inactive
}
