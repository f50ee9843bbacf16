import Concurrency
import HTTP
import Model
import Processes

/// What platform adapters are made from, besides the address of their API.
struct AdapterParts: Sendable {
  var environment: Model.Environment
  /// The project's directory.
  var root: String
  var http: HTTPClient
  var clock: any TimeSource
  /// Starts the platforms' own command line tools.
  var launcher: Launcher
  /// The variables of this process, of which a child gets what it is allowed.
  var process: [String: String]
  /// The accounts' secrets, and where variables are written also theirs.
  var secrets: SecretValues
  var packer: any SourcePacker
  var history: any RevisionHistory
  /// The repository's remotes, for platforms that build pushed commits.
  var repository: any CommitRepository
  /// Where private files may be made.
  var temporaryDirectory: String
  /// shipit's own, told to the platforms.
  var version: String
  /// Told of each secret that an adapter learns, with a name for it, before it can stand in anything printed.
  var hide: @Sendable (String, Sensitive) -> Void
  /// In 0..<1, for the jitter of waits.
  var random: @Sendable () -> Double = { Double.random(in: 0..<1) }

  /// Where a program is; nil: it is not installed.
  func path(of program: String) -> String? {
    try? ProgramSearch(path: process["PATH"]).locate(program)
  }
}

/// Where a platform's API is asked.
struct Endpoint: Sendable, Hashable {
  var url: String
  /// On this machine: the twin, which has made what it was asked for by the time it answers.
  var isLoopback: Bool
}
