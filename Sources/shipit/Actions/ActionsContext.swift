import Crypto
import GitHub
import Interface
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The job of GitHub Actions that this process works in (contract github §7).
struct ActionsContext: Sendable {
  /// Appended to by whoever has something for the run's page or for later steps; each step has files of its own.
  let summaryPath: String?
  let outputPath: String?
  /// `GITHUB_TOKEN`, where the step was given it.
  let token: Sensitive?
  /// Nil without token or repository.
  let target: GitHubTarget?
  /// The command that runs this job again, and it alone.
  let rerun: String?
  /// Where the repository was checked out.
  private let workspace: String?

  /// Nil outside of Actions.
  init?(_ variables: [String: String]) {
    guard ActionsContext.isActive(variables) else { return nil }
    func value(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }
    summaryPath = value("GITHUB_STEP_SUMMARY")
    outputPath = value("GITHUB_OUTPUT")
    rerun = value("GITHUB_RUN_ID").map { "gh run rerun \($0) --failed" }
    workspace = value("GITHUB_WORKSPACE").map(Project.absolute)
    let server = value("GITHUB_SERVER_URL") ?? "https://github.com"
    let api = ActionsContext.apiURL(variables)
    token = value("GITHUB_TOKEN").map { Sensitive($0) }
    if let token, let repository = value("GITHUB_REPOSITORY"),
      Endpoints.isAllowed(api)
    {
      let attempt = value("GITHUB_RUN_ATTEMPT").map { "/attempts/\($0)" } ?? ""
      target = GitHubTarget(
        apiURL: api, repository: repository, token: token,
        runURL: value("GITHUB_RUN_ID").map { "\(server)/\(repository)/actions/runs/\($0)\(attempt)" })
    } else {
      target = nil
    }
  }

  static func isActive(_ variables: [String: String]) -> Bool { variables["GITHUB_ACTIONS"] == "true" }

  /// Where GitHub's API is asked, without a slash at the end.
  static func apiURL(_ variables: [String: String]) -> String {
    let named = [endpointVariable, "GITHUB_API_URL"].lazy.compactMap { variables[$0] }.first { !$0.isEmpty }
    let url = named ?? "https://api.github.com"
    return url.hasSuffix("/") ? String(url.dropLast()) : url
  }

  /// The variable that points at another GitHub API, such as the twin's.
  static let endpointVariable = "SHIPIT_GITHUB_URL"

  /// The way from the repository's top to a directory of it, as annotations name files; empty, or ending with a
  /// slash.
  func folder(of directory: String) -> String {
    guard let workspace, directory.hasPrefix(workspace + "/") else { return "" }
    return directory.dropFirst(workspace.count + 1) + "/"
  }

  /// Adds to the step's summary; without effect when there is none, or it cannot be written.
  func append(summary: String) { ActionsContext.append(summary, to: summaryPath) }

  /// Adds to the step's outputs.
  func append(outputs: [(name: String, value: String)]) {
    let delimiter = "ghadelimiter_" + Hex.encode(randomBytes(16))
    let text = outputs.compactMap { ActionsReport.entry($0.name, $0.value, delimiter: delimiter) }.joined()
    ActionsContext.append(text, to: outputPath)
  }

  private static func append(_ text: String, to path: String?) {
    guard let path, !text.isEmpty else { return }
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written > 0 else { return }
      bytes = bytes.dropFirst(written)
    }
  }
}
