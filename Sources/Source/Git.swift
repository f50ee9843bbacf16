import Concurrency
import Model
import Processes

/// Runs git: never interactively, never writing to the index, with none of the caller's `GIT_*`.
struct Git: Sendable {
  private static let inherited: Set<String> = [
    "PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "SSH_AUTH_SOCK", "http_proxy", "https_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
  ]

  /// Where it runs: the project's root.
  let root: String
  private let launcher: Launcher
  private let environment: [String: String]

  init(root: String, process: [String: String], launcher: Launcher) {
    self.root = root
    self.launcher = launcher
    environment = process.filter { Self.inherited.contains($0.key) }
      .merging(["LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"]) { _, ours in ours }
  }

  /// Runs one git command, whatever its exit code.
  /// - Parameter variables: beside those every command gets.
  /// - Throws: `configuration` without git, `timeout`, `cancelled`.
  func run(
    _ arguments: [String], input: [UInt8] = [], outputLimit: Int = 256 << 20,
    timeout: Duration = .seconds(60), variables: [String: String] = [:]
  ) async throws(Failure) -> ProcessResult {
    // No pager, no hook of a file monitor, no collection of garbage behind our back; paths are no patterns.
    let settings = [
      "--no-pager", "--no-optional-locks", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c",
      "gc.auto=0", "-c", "maintenance.auto=false",
    ]
    let result: ProcessResult
    do {
      result = try await launcher.run(
        ProcessSpecification(
          "git", settings + arguments, environment: environment.merging(variables) { _, new in new },
          directory: root, input: input, outputLimit: outputLimit), timeout: timeout)
    } catch is CancellationError {
      throw Failure(.cancelled, "git was stopped", place: place(arguments))
    } catch let error as ProcessError where error.code == .notFound {
      throw Failure(
        .configuration, "git could not be started in \(root)", cause: error.description,
        hint: "install git, and have it in PATH")
    } catch {
      throw Failure(.failed, "git could not be run", place: place(arguments), cause: "\(error)")
    }
    if result.timedOut {
      throw Failure(
        .timeout, "git did not end within \(Int(timeout.inSeconds)) s", place: place(arguments),
        cause: Self.words(of: result), hint: "run it by itself in \(root)")
    }
    if result.truncated {
      throw Failure(
        .failed, "git gave more than \(outputLimit >> 20) MB", place: place(arguments),
        hint: "deploy a smaller directory")
    }
    return result
  }

  /// Runs one git command that has to end well.
  /// - Throws: `failed` in git's words.
  func output(
    _ arguments: [String], input: [UInt8] = [], outputLimit: Int = 256 << 20,
    variables: [String: String] = [:]
  ) async throws(Failure) -> ProcessResult {
    let result = try await run(
      arguments, input: input, outputLimit: outputLimit, variables: variables)
    guard result.exit.isSuccess else { throw failed(arguments, result) }
    return result
  }

  func failed(_ arguments: [String], _ result: ProcessResult) -> Failure {
    Failure(
      .failed, "git failed in \(root)", place: place(arguments), cause: Self.words(of: result),
      hint: "run it by itself in \(root)")
  }

  private func place(_ arguments: [String]) -> String {
    "git " + arguments.prefix(6).joined(separator: " ")
  }

  /// What git said, without its prefix; at most the last five lines.
  static func words(of result: ProcessResult) -> String {
    let lines = result.errorText.split(separator: "\n").suffix(5).map { line in
      line.hasPrefix("fatal: ") ? String(line.dropFirst(7)) : String(line)
    }
    return lines.isEmpty ? "it ended with \(result.exit) and said nothing" : lines.joined(separator: "\n")
  }
}

/// The parts of output separated by NUL bytes.
func nulSeparated(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] { bytes.split(separator: 0) }

extension String {
  /// Text without blanks and line ends at its edges.
  var trimmed: String {
    let blanks: (Character) -> Bool = { $0.isWhitespace }
    guard let start = firstIndex(where: { !blanks($0) }), let end = lastIndex(where: { !blanks($0) }) else {
      return ""
    }
    return String(self[start...end])
  }
}
