package import Concurrency
import FoundationEssentials
package import HTTP
package import Model
package import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Builds images of Encore applications with `encore build docker` and pushes them (contract §8).
///
/// Its exit code proves nothing, for a cut stream ends with 0: done means that the registry has the tag, with the
/// digest that is recorded.
package struct EncoreImageBuilder: StepPerformer {
  private let repository: any CommitRepository
  private let registry: ImageRegistry
  private let clock: any TimeSource
  private let launcher: Launcher
  /// The variables of this process, of which the build gets few.
  private let process: [String: String]
  private let redact: @Sendable (String) -> String
  private let temporaryDirectory: String

  /// - Parameters:
  ///   - process: the variables of this process.
  ///   - redact: takes secrets out of output lines that become part of a failure.
  ///   - temporaryDirectory: where the checkout is made, in a private directory that goes away.
  ///   - hide: told of passwords and tokens for registries, with a name for each, before they are used.
  package init(
    repository: any CommitRepository, http: any HTTPTransport, clock: any TimeSource,
    launcher: Launcher = Launcher(), process: [String: String],
    redact: @escaping @Sendable (String) -> String = { $0 }, temporaryDirectory: String = "/tmp",
    hide: @escaping @Sendable (String, Sensitive) -> Void = { _, _ in }
  ) {
    self.repository = repository
    self.clock = clock
    self.launcher = launcher
    self.process = process
    self.redact = redact
    self.temporaryDirectory = temporaryDirectory
    let docker = DockerConfiguration(process: process, launcher: launcher)
    registry = ImageRegistry(
      http: http,
      credentials: { registry in
        let found = await docker.credentials(for: registry)
        if let found { hide("registry password", found.password) }
        return found
      }, hide: hide)
  }

  package func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    guard case .buildImage(let build) = step.action else {
      return .failed(
        Failure(.internalError, "the step \(step.id) builds no image", place: step.id.rawValue), moved: false)
    }
    do throws(Failure) {
      return .done(try await make(build, call))
    } catch {
      return error.kind == .cancelled ? .cancelled(moved: false) : .failed(error, moved: false)
    }
  }

  /// Building leaves nothing that runs: it is done again, and what was pushed is found.
  package func probe(_ step: Step, _ call: StepCall) async -> Finding { .absent }

  /// The cancelled task stops the program; a tag that came through is used by nobody.
  package func abandon(_ step: Step, _ call: StepCall) async -> Abandonment { .cancelled }

  private func make(_ build: ImageBuild, _ call: StepCall) async throws(Failure) -> StepResult {
    let image = try ImageReference(build.image, service: build.service)
    // A tag that names the commit stays what it is: it is neither built nor pushed twice.
    if image.tag.contains(build.commit), let digest = try await registry.digest(of: image) {
      return result(build, digest, "\(image.tag.prefix(12)) is in the registry already")
    }
    let directory = try privateDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    call.report(.progress("checking \(build.commit.prefix(7)) out"))
    let root = try await repository.checkOut(build.commit, to: directory)
    let application = build.path == "." || build.path.isEmpty ? root : "\(root)/\(build.path)"
    guard FileManager.default.fileExists(atPath: application + "/encore.app") else {
      throw Failure(
        .configuration, "the commit \(build.commit.prefix(7)) has no encore.app in \(build.path)",
        place: "services.\(build.service).source.encore.directory",
        hint: "name the directory that holds encore.app")
    }
    let configuration = try build.configuration.map { file throws(Failure) in
      try check(file, root, build)
      return "\(root)/\(file)"
    }
    try await install(application, call)
    let began = clock.now
    try await run(build, application, configuration, call)
    call.report(.progress("asking \(image.registry) for the digest"))
    guard let digest = try await pushed(image) else {
      throw Failure(
        .failed, "encore ended well, but \(image.registry) has no \(image.name):\(image.tag)",
        place: "\(image.baseURL)/v2/\(image.name)/manifests/\(image.tag)",
        cause: "its daemon was cut off, or the push failed: both end with exit code 0",
        hint:
          "run the command again; when it happens again, run `encore daemon -f` beside it and read what it says"
      )
    }
    let seconds = (clock.now - began).components.seconds
    return result(build, digest, "built and pushed in \(seconds) s")
  }

  private func result(_ build: ImageBuild, _ digest: String, _ how: String) -> StepResult {
    StepResult(
      externalID: build.image, summary: "\(how), \(digest.prefix(19))",
      facts: [StepFact.digest: digest, "image": build.image])
  }

  /// What was pushed may take a moment to show.
  private func pushed(_ image: ImageReference) async throws(Failure) -> String? {
    for attempt in 0..<4 {
      if attempt > 0 {
        do { try await clock.sleep(for: .seconds(1)) } catch { throw Failure(.cancelled, "stopped") }
      }
      if let digest = try await registry.digest(of: image) { return digest }
    }
    return nil
  }

  // MARK: Before the build

  /// Every `$env` must be a variable of the service: a missing one shows only when the container starts.
  private func check(_ file: String, _ root: String, _ build: ImageBuild) throws(Failure) {
    guard let data = try? Data(contentsOf: URL(filePath: "\(root)/\(file)")) else {
      throw Failure(
        .configuration, "the commit \(build.commit.prefix(7)) has no file \(file)",
        place: "services.\(build.service).source.encore.config",
        hint: "commit it; the path counts from the project's root")
    }
    let found: InfraConfiguration
    do { found = try InfraConfiguration(String(decoding: data, as: UTF8.self)) } catch {
      throw Failure(
        .configuration, "\(file) cannot be read: \(error.what)",
        place: "\(file):\(error.line):\(error.column)",
        hint: "correct it; its schema is https://encore.dev/schemas/infra.schema.json")
    }
    let missing = found.uses.filter { !build.variables.contains($0.name) }
    guard let first = missing.first else { return }
    let names = missing.map { "\($0.name) (\(file):\($0.line):\($0.column))" }
    throw Failure(
      .configuration,
      "\(file) reads \(missing.count == 1 ? "a variable" : "\(missing.count) variables") that \(build.service) does not have: "
        + names.joined(separator: ", "),
      place: "\(file):\(first.line):\(first.column)",
      cause: "a missing one shows only when the container starts",
      hint: "add \(missing.count == 1 ? "it" : "them") under services.\(build.service).variables")
  }

  /// TypeScript applications need their packages, exactly those of the lock file.
  private func install(_ application: String, _ call: StepCall) async throws(Failure) {
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(application)/\(name)") }
    guard exists("package.json"), !exists("node_modules") else { return }
    let ways: [(lock: String, command: [String])] = [
      ("package-lock.json", ["npm", "ci", "--no-audit", "--no-fund"]),
      ("pnpm-lock.yaml", ["pnpm", "install", "--frozen-lockfile"]),
      ("yarn.lock", ["yarn", "install", "--frozen-lockfile"]),
      ("bun.lock", ["bun", "install", "--frozen-lockfile"]),
    ]
    guard let way = ways.first(where: { exists($0.lock) }) else {
      throw Failure(
        .configuration, "the application has a package.json and no lock file beside it",
        place: "package.json",
        hint: "commit one of \(ways.map(\.lock).joined(separator: ", "))")
    }
    call.report(.progress("installing packages: \(way.command.joined(separator: " "))"))
    try await program(way.command, in: application, call, what: "installing packages")
  }

  // MARK: The build

  private func run(
    _ build: ImageBuild, _ application: String, _ configuration: String?, _ call: StepCall
  ) async throws(Failure) {
    // Railway runs linux/amd64, whatever this machine is.
    var command = ["encore", "build", "docker", build.image, "--push", "--os", "linux", "--arch", "amd64"]
    if let configuration { command += ["--config", configuration] }
    call.report(.progress("building \(build.image)"))
    try await program(command, in: application, call, what: "encore build docker")
  }

  private func program(
    _ command: [String], in directory: String, _ call: StepCall, what: String
  ) async throws(Failure) {
    let tail = Tail()
    let result: ProcessResult
    do {
      result = try await launcher.run(
        ProcessSpecification(
          command[0], Array(command.dropFirst()), environment: environment, directory: directory,
          stop: StopLadder([.init(signal: 15, wait: .milliseconds(1500))]), outputLimit: 0),
        timeout: max(.seconds(1), call.deadline - clock.now)
      ) { line in
        tail.add(line.text)
        call.report(.log(line.text))
      }
    } catch is CancellationError {
      throw Failure(.cancelled, "\(what) was stopped")
    } catch let error as ProcessError where error.code == .notFound {
      throw Failure(
        .configuration, "\(command[0]) could not be started", cause: error.description,
        hint: command[0] == "encore"
          ? "install Encore: https://encore.dev/docs/install" : "install \(command[0]), and have it in PATH")
    } catch {
      throw Failure(.failed, "\(what) could not be run", cause: "\(error)")
    }
    if result.timedOut {
      throw Failure(
        .timeout, "\(what) did not end in time", cause: tail.text.map(redact),
        hint: "see why it takes so long")
    }
    guard result.exit.isSuccess else {
      let isIncomplete = tail.text?.contains("infra configuration is incomplete") ?? false
      throw Failure(
        isIncomplete ? .configuration : .failed, "\(what) ended with \(result.exit)", place: command[0],
        cause: tail.text.map(redact),
        hint: isIncomplete
          ? "add what it lists to the infrastructure configuration (`source.encore.config`)"
          : "run it by itself: \(command.joined(separator: " "))")
    }
  }

  /// What a build may see: nothing of the run's secrets.
  private var environment: [String: String] {
    let names: Set<String> = [
      "PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME",
      "XDG_RUNTIME_DIR",
      "DOCKER_CONFIG", "DOCKER_HOST", "ENCORE_CONFIG_DIR", "ENCORE_CACHE_DIR", "ENCORE_DATA_DIR",
      "ENCORE_PLATFORM_API_URL", "ENCORE_INSTALL", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS",
      "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE",
      "SSL_CERT_DIR",
    ]
    var environment = process.filter { names.contains($0.key) || $0.key.hasPrefix("LC_") }
    environment["NO_COLOR"] = "1"
    return environment
  }

  private func privateDirectory() throws(Failure) -> String {
    var template = Array("\(temporaryDirectory)/shipit-image-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw Failure(
        .failed, "no private directory can be made in \(temporaryDirectory)",
        cause: String(cString: strerror(errno)), hint: "set TMPDIR to a directory you can write to")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// The last lines of a program's output, for its failure.
private final class Tail: Sendable {
  private let lines = Locked<[String]>([])

  func add(_ line: String) {
    lines.withLock { lines in
      lines.append(String(line.prefix(500)))
      if lines.count > 12 { lines.removeFirst() }
    }
  }

  var text: String? { lines.withLock { $0.isEmpty ? nil : $0.joined(separator: "\n") } }
}
