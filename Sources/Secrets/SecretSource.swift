package import Concurrency
package import HTTP
package import Model
package import Processes

/// A place that holds secret values: a file, a program, a service. It is asked for names, and answers with those it
/// has.
///
/// To add one: a case of `SecretSettings.Source` with its keys in the grammar, a conformance here, a line in
/// `SecretPool.source(_:_:_:)`.
package protocol SecretSource: Sendable {
  /// For messages, as in “looked in …”; never a value.
  var description: String { get }

  /// Reads what it has of the names; a name that it lacks is left out, an empty value is a value.
  /// - Throws: why it could not be asked. Then nobody knows which names it has.
  func read(_ names: Set<String>) async throws(Failure) -> SecretAnswer

  /// Whether `write` can keep a value.
  var isWritable: Bool { get }

  /// Keeps values under their names and leaves all others as they are.
  /// - Throws: `configuration` where it is not writable; `stale` where somebody else wrote meanwhile; what the place
  ///   says. Afterwards either all values are kept or none, unless the failure says otherwise.
  func write(_ values: [String: Sensitive]) async throws(Failure)
}

extension SecretSource {
  package var isWritable: Bool { false }

  package func write(_ values: [String: Sensitive]) async throws(Failure) {
    throw Failure(
      .configuration, "shipit cannot write to \(description)",
      hint: "write \(values.keys.sorted().joined(separator: ", ")) there by its own tools")
  }
}

/// A value as a source gave it.
package struct SecretReading: Sendable {
  package var value: Sensitive
  /// The source's own version of it, where it has one.
  package var version: String?

  package init(_ value: Sensitive, version: String? = nil) {
    self.value = value
    self.version = version
  }
}

/// What a source answered.
package struct SecretAnswer: Sendable {
  package var readings: [String: SecretReading]
  /// What to say beside the source's name where a name is missing: that the file does not exist.
  package var note: String?
  /// What the user should mend although values came.
  package var warnings: [String]

  package init(_ readings: [String: SecretReading] = [:], note: String? = nil, warnings: [String] = []) {
    self.readings = readings
    self.note = note
    self.warnings = warnings
  }
}

/// What sources need of the outside.
package struct SecretAccess: Sendable {
  /// The project's root; relative paths begin there, and programs run there.
  package var root: String
  /// The variables of this process.
  package var process: [String: String]
  package var clock: any TimeSource
  package var launcher: Launcher
  /// How long one source may take at most; nil: as long as it may by itself.
  package var patience: Duration?
  /// A client that trusts the authorities of a PEM file, or those of the system.
  package var http: @Sendable (_ authorities: String?) -> any HTTPTransport

  package init(
    root: String, process: [String: String], clock: any TimeSource = SystemClock(),
    launcher: Launcher = Launcher(), patience: Duration? = nil,
    http: @escaping @Sendable (_ authorities: String?) -> any HTTPTransport = { authorities in
      HTTPClient(
        configuration: .init(connectTimeout: .seconds(5), certificateAuthorities: authorities))
    }
  ) {
    self.root = root
    self.process = process
    self.clock = clock
    self.launcher = launcher
    self.patience = patience
    self.http = http
  }

  /// What a command waits for that can do without: the words of somebody on call need no Vault that is down.
  package static let shortPatience = Duration.seconds(5)

  /// A path of the environment file.
  func path(_ written: String) -> String { written.hasPrefix("/") ? written : "\(root)/\(written)" }
}

/// The sources that stand before one, which hold what it is reached by: its token, its key.
struct EarlierSources: Sendable {
  let sources: [any SecretSource]
  /// What was read, for the redactor.
  let seen: Locked<[String: Sensitive]>

  /// - Throws: `configuration` when none of them has it; what they say.
  func credential(_ name: String, of description: String) async throws(Failure) -> Sensitive {
    for source in sources {
      guard let value = try await source.read([name]).readings[name]?.value, !value.isEmpty else { continue }
      seen.withLock { $0[name] = value }
      return value
    }
    let looked = sources.map(\.description).joined(separator: ", then ")
    throw Failure(
      .configuration, "\(description) cannot be asked: \(name), by which it is reached, has no value",
      cause: sources.isEmpty ? "no source stands before it" : "looked in \(looked)",
      hint: sources.isEmpty
        ? "put `environment` before it in `secrets.sources`, and export \(name)"
        : "`read -rs \(name) && export \(name)` in a shell, or `env: {\(name): ${{ secrets.\(name) }}}` in GitHub Actions"
    )
  }
}
