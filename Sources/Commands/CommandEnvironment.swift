package import Model

/// The variables that commands of the environment file get: an allow-list, so that no secret of the
/// calling process reaches them by accident.
package struct CommandEnvironment: Sendable {
  private static let names: Set<String> = [
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "CI", "RUNNER_OS",
    "RUNNER_ARCH", "RUNNER_TEMP", "GITHUB_ACTIONS", "GITHUB_ACTOR", "GITHUB_BASE_REF", "GITHUB_EVENT_NAME",
    "GITHUB_HEAD_REF", "GITHUB_JOB", "GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_REF_TYPE",
    "GITHUB_REPOSITORY", "GITHUB_RUN_ATTEMPT", "GITHUB_RUN_ID", "GITHUB_RUN_NUMBER", "GITHUB_SERVER_URL",
    "GITHUB_SHA", "GITHUB_WORKFLOW", "GITHUB_WORKSPACE",
  ]

  /// What of this process's variables they see.
  let inherited: [String: String]

  /// - Parameters:
  ///   - process: the variables of this process.
  ///   - extra: further names that commands may see.
  package init(process: [String: String], extra: Set<String> = []) {
    inherited = process.filter { name, _ in
      Self.names.contains(name) || name.hasPrefix("LC_") || extra.contains(name)
    }
  }

  /// The variables of a command within a run.
  package func variables(for run: RunFacts) -> [String: String] {
    variables(environment: run.environment, release: run.release, commit: run.commit)
  }

  /// The variables of a command that is about a release.
  package func variables(environment: String, release: Int, commit: String) -> [String: String] {
    var variables = inherited
    variables["SHIPIT_ENVIRONMENT"] = environment
    variables["SHIPIT_RELEASE"] = String(release)
    variables["SHIPIT_COMMIT"] = commit
    return variables
  }
}
