import Concurrency
import Model
import Processes

/// Runs git for a ledger: never interactively, with none of the caller's variables but a few.
struct LedgerGit: Sendable {
  private static let inherited: Set<String> = [
    "PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "http_proxy",
    "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
  ]

  private let launcher: Launcher
  private let environment: [String: String]

  /// - Parameter process: the variables of this process.
  init(process: [String: String], launcher: Launcher = Launcher()) {
    self.launcher = launcher
    environment = process.filter { Self.inherited.contains($0.key) }
      .merging(["LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"]) { _, ours in ours }
  }

  /// Runs one git command, whatever its exit code.
  /// - Parameters:
  ///   - settings: configuration by the environment, where no other process can read it.
  ///   - input: for standard input.
  /// - Throws: `configuration` without git, `timeout`, `cancelled`.
  func run(
    _ arguments: [String], in directory: String, settings: [(key: String, value: String)] = [],
    input: [UInt8] = [], timeout: Duration = .seconds(20)
  ) async throws(Failure) -> ProcessResult {
    var variables = environment
    // Without it ssh would ask for a password on the terminal.
    if variables["GIT_SSH_COMMAND"] == nil, !settings.contains(where: { $0.key == "core.sshcommand" }) {
      variables["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes -o ConnectTimeout=10"
    }
    if !settings.isEmpty {
      variables["GIT_CONFIG_COUNT"] = String(settings.count)
      for (index, setting) in settings.enumerated() {
        variables["GIT_CONFIG_KEY_\(index)"] = setting.key
        variables["GIT_CONFIG_VALUE_\(index)"] = setting.value
      }
    }
    let result: ProcessResult
    do {
      result = try await launcher.run(
        ProcessSpecification(
          "git", ["--no-pager"] + arguments, environment: variables, directory: directory, input: input,
          outputLimit: 256 << 20), timeout: timeout)
    } catch is CancellationError {
      throw Failure(.cancelled, "git was stopped", place: place(arguments))
    } catch let error as ProcessError where error.code == .notFound {
      throw Failure(
        .configuration, "`state: git` needs git, which could not be started", cause: error.description,
        hint: "install git, and have it in PATH")
    } catch {
      throw Failure(.failed, "git could not be run", place: place(arguments), cause: "\(error)")
    }
    if result.timedOut {
      throw Failure(
        .timeout, "git did not end within \(Int(timeout.inSeconds)) s", place: place(arguments),
        cause: Self.words(of: result))
    }
    return result
  }

  private func place(_ arguments: [String]) -> String {
    "git " + (arguments.first { !$0.hasPrefix("-") } ?? "")
  }

  /// What git said, without its prefixes and without credentials; at most the last four lines.
  static func words(of result: ProcessResult) -> String {
    let lines = result.errorText.split(separator: "\n").map { line in
      let prefix = ["fatal: ", "error: ", "remote: "].first { line.hasPrefix($0) } ?? ""
      return withoutCredentials(String(line.dropFirst(prefix.count)))
    }
    let told = lines.filter { !$0.isEmpty && !$0.hasPrefix("hint:") }.suffix(4)
    return told.isEmpty ? "it ended with \(result.exit) and said nothing" : told.joined(separator: "; ")
  }

  /// Takes user and password out of every address in a text.
  static func withoutCredentials(_ text: String) -> String {
    var rest = Substring(text)
    var result = ""
    while let scheme = rest.firstRange(of: "://") {
      result += rest[..<scheme.upperBound]
      rest = rest[scheme.upperBound...]
      let authority = rest.prefix { $0 != "/" && $0 != "'" && $0 != "\"" && !$0.isWhitespace }
      if let at = authority.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
    }
    return result + rest
  }
}
