import Concurrency
import JSON
import Model
import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Runs Vercel's own command line tool, for what it alone does well: `vercel build` (contract §10, §12).
struct CommandLineBuilder: Sendable {
  let launcher: Launcher
  /// Of this process.
  let variables: [String: String]

  /// The oldest version accepted: the contract was read from 58.4, and flags differ before it.
  static let oldest = 58

  /// What the tool may see of this process: no other variable, so that no secret reaches it by accident and no
  /// coding tool's variable changes what it prints (contract §1).
  static let allowed: Set<String> = [
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "CI", "SHELL", "USER", "HTTPS_PROXY", "HTTP_PROXY",
    "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS", "NVM_DIR", "COREPACK_HOME", "npm_config_registry", "npm_config_cache",
  ]

  func environment(_ place: Place, owner: String) -> [String: String] {
    var environment = variables.filter { CommandLineBuilder.allowed.contains($0.key) }
    environment["PATH"] = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    // Both or neither; the project is known to us, so nothing has to be linked or asked (contract §1).
    environment["VERCEL_ORG_ID"] = owner
    environment["VERCEL_PROJECT_ID"] = place.project
    environment["VERCEL_TELEMETRY_DISABLED"] = "1"
    environment["NO_UPDATE_NOTIFIER"] = "1"
    environment["NO_COLOR"] = "1"
    return environment
  }

  /// The tool's version, `58.4.4`.
  /// - Throws: `Failure` of kind configuration when it is missing or too old.
  func version() async throws(Failure) -> String {
    let hint = "install it: `npm install --global vercel@latest`"
    let result: ProcessResult
    do {
      result = try await launcher.run(
        ProcessSpecification(
          "vercel", ["--version"],
          environment: variables.filter { CommandLineBuilder.allowed.contains($0.key) }
            .merging(["VERCEL_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"]) { $1 }),
        timeout: .seconds(60))
    } catch {
      if error is CancellationError {
        throw Failure(.cancelled, "asking for the version of `vercel` was stopped")
      }
      throw Failure(
        .configuration, "Vercel's command line tool cannot be started", place: "vercel --version",
        cause: (error as? ProcessError)?.description ?? "\(error)", hint: hint)
    }
    guard let version = CommandLineBuilder.version(in: result.text + "\n" + result.errorText) else {
      throw Failure(
        .configuration, "`vercel --version` names no version", place: "vercel --version",
        cause: String(result.errorText.prefix(200)), hint: hint)
    }
    guard let major = version.split(separator: ".").first.flatMap({ Int($0) }),
      major >= CommandLineBuilder.oldest
    else {
      throw Failure(
        .configuration,
        "Vercel's command line tool \(version) is too old: \(CommandLineBuilder.oldest) or newer is needed",
        place: "vercel --version", hint: hint)
    }
    return version
  }

  static func version(in text: String) -> String? {
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\r" }) {
      let parts = word.split(separator: ".", omittingEmptySubsequences: false)
      if parts.count >= 3, parts[0].allSatisfy(\.isNumber), parts[1].allSatisfy(\.isNumber),
        !parts[0].isEmpty,
        parts[2].first?.isNumber == true
      {
        return String(word)
      }
    }
    return nil
  }
}

extension VercelPlatform {
  /// Builds an unpacked commit here; its output is then in the tree's `.vercel/output`.
  func build(
    _ tree: PrivateDirectory, root: String?, _ request: Deployment.Request, _ place: Place, _ call: StepCall
  ) async throws(Trouble) {
    do throws(Failure) {
      let version = try await builder.version()
      call.report(.progress("building with vercel \(version)"))
      let (project, values) = try await buildInputs(request, place, call)
      let owner = place.team ?? project.owner ?? ""
      var settings = project.buildSettings
      if let root { settings["rootDirectory"] = .string(root) }
      let link: JSON = [
        "projectId": .string(place.project), "orgId": .string(owner), "projectName": .string(place.name),
        "settings": .object(settings),
      ]
      try tree.write(link.serialized(pretty: true), to: ".vercel/project.json")
      let handed = try BuildVariables(values)
      try tree.write(handed.file, to: ".vercel/.env.production.local")
      defer { unlink(tree.path + "/.vercel/.env.production.local") }
      // The user's own login and settings are none of this build's.
      let configuration = try PrivateDirectory(in: temporaryDirectory)
      // What the tool needs itself is not to be overwritten.
      let environment = builder.environment(place, owner: owner).merging(handed.environment) { own, _ in own }
      try await runBuild(tree.path, configuration.path, environment, place, call)
    } catch {
      throw Trouble(
        outcome: error.kind == .cancelled ? .cancelled(moved: false) : .failed(error, moved: false))
    }
  }

  /// The project, and the values the build reads: stored ones that can be read, then the declared ones, whose
  /// secrets come from shipit's own sources and never from Vercel (contract §6.4).
  private func buildInputs(_ request: Deployment.Request, _ place: Place, _ call: StepCall)
    async throws(Failure) -> (ProjectAnswer, [String: Sensitive])
  {
    let declared = try plannedValues(request.variables ?? [:], of: place.name)
    let project: ProjectAnswer
    let stored: [StoredVariable]
    do throws(APIError) {
      project = try await client.project(place)
      stored = try await client.variables(place, decrypt: true).filter(\.isForProduction)
    } catch { throw error.failure("reading what the build of \(place.name) needs", scope: scope(place)) }
    var values: [String: Sensitive] = [:]
    var unseen: [String] = []
    for variable in stored where declared[variable.key] == nil && variable.type != "system" {
      if let value = variable.value { values[variable.key] = value } else { unseen.append(variable.key) }
    }
    for (key, value) in declared { values[key] = value.value }
    values["SHIPIT_COMMIT"] = Sensitive(request.commit)
    values["SHIPIT_RELEASE"] = Sensitive("\(call.run.release)")
    if !unseen.isEmpty {
      call.report(
        .log(
          "this build does not see \(unseen.sorted().joined(separator: ", ")): Vercel keeps them secret and they "
            + "are not declared under `variables`"))
    }
    return (project, values)
  }

  private func runBuild(
    _ directory: String, _ configuration: String, _ environment: [String: String], _ place: Place,
    _ call: StepCall
  ) async throws(Failure) {
    let tail = Locked<[String]>([])
    let result: ProcessResult
    do {
      result = try await builder.launcher.run(
        ProcessSpecification(
          "vercel",
          [
            "build", "--prod", "--yes", "--standalone", "--non-interactive", "--cwd", directory,
            "--global-config", configuration,
          ], environment: environment, directory: directory, outputLimit: 0),
        timeout: max(.seconds(1), call.deadline - clock.now)
      ) { line in
        tail.withLock { lines in
          lines.append(String(line.text.prefix(300)))
          if lines.count > 8 { lines.removeFirst() }
        }
        call.report(.log(line.text))
      }
    } catch {
      if error is CancellationError { throw Failure(.cancelled, "building \(place.name) was stopped") }
      throw Failure(
        .failed, "`vercel build` cannot be started", place: "vercel build",
        cause: (error as? ProcessError)?.description ?? "\(error)", hint: "`shipit doctor`")
    }
    guard result.exit.isSuccess, !result.timedOut else {
      let lines = tail.withLock { $0 }
      throw Failure(
        result.timedOut ? .timeout : .failed,
        result.timedOut ? "building \(place.name) did not end in time" : "building \(place.name) failed",
        place: "vercel build of \(place.name)",
        cause: lines.isEmpty ? nil : await client.scrub(lines.joined(separator: " | ")),
        hint: "see the build log above; the same by hand: `vercel build --prod --standalone`")
    }
  }
}

/// The variables of a build: in the file that `vercel build` reads, and those that the file cannot carry in the
/// tool's own environment.
struct BuildVariables: Sendable {
  /// What Vercel's tool writes for values it may not read: a build with them would be broken (contract §6.4).
  static let placeholders = ["[SENSITIVE]", "[REDACTED]"]

  private(set) var file = ""
  private(set) var environment: [String: String] = [:]

  /// - Throws: `Failure` of kind configuration for a placeholder, naming the variable.
  init(_ values: [String: Sensitive]) throws(Failure) {
    for (key, value) in values.sorted(by: { $0.key < $1.key }) {
      let plain = value.reveal()
      if BuildVariables.placeholders.contains(plain) {
        throw Failure(
          .configuration, "the value of \(key) is the placeholder \(plain), not the value itself",
          place: "variables.\(key)",
          hint: "declare \(key) as `{secret: \(key)}` and give its real value to shipit")
      }
      if let quoted = BuildVariables.quoted(plain) {
        file += "\(key)=\(quoted)\n"
      } else {
        environment[key] = plain
      }
    }
  }

  /// In quotation marks that every reader of such files takes as they are meant: the tool's own knows one line
  /// a value, trims it, and turns `\n` into a new line within double ones. Nil: it cannot be written so.
  static func quoted(_ value: String) -> String? {
    let isPlain = value.unicodeScalars.allSatisfy {
      ($0.value >= 32 && $0.value != 127 && $0.value != 0x2028 && $0.value != 0x2029) || $0 == "\n"
        || $0 == "\t"
    }
    guard isPlain, value.first?.isWhitespace != true, value.last?.isWhitespace != true, value.last != "\\"
    else { return nil }
    if !value.contains("\n"), !value.contains("'") { return "'\(value)'" }
    guard !value.contains("\""), !value.contains("\\n"), !value.contains("\\r") else { return nil }
    return "\"\(value.replacing("\n", with: "\\n"))\""
  }
}
