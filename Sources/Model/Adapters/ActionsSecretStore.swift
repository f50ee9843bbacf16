package import Concurrency

/// The secrets of GitHub Actions that an environment keeps.
package protocol ActionsSecretStore: StepPerformer {
  /// The secrets that are there, by name, with the time of the last write by GitHub's clock.
  /// - Throws: `authentication` for a missing right; `failed`.
  func stored() async throws(Failure) -> [String: Timestamp]
}
