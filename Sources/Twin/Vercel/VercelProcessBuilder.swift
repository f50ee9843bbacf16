import Concurrency
import Dispatch
import FoundationEssentials
import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Builds as Vercel's: the files in a directory of their own, the commands as real processes there, and the
/// output served from disk.
final class VercelProcessBuilder: VercelBuilder {
  private struct State {
    var work: [String: Task<Void, Never>] = [:]
    /// Deployment → the directory that is served.
    var outputs: [String: String] = [:]
    var queue: [VercelTwin.TimedBuildEvent] = []
    var isStopping = false
  }

  private let state = Locked(State())
  private let directory: WorkDirectory
  private let keeper: Keeper
  private let onEvent: @Sendable () -> Void

  /// - Throws: `Refusal` when there is no room for its directory or its keeper.
  init(onEvent: @escaping @Sendable () -> Void) throws {
    self.onEvent = onEvent
    directory = try WorkDirectory(folders: ["contents", "deployments"])
    keeper = try Keeper(directory: directory.path)
  }

  var path: String { directory.path }

  func keep(_ bytes: [UInt8], as digest: String) throws {
    // Under another name first: nobody sees half a content.
    let place = place(of: digest)
    let draft = place + "." + String(UInt64.random(in: .min ... .max), radix: 36)
    try Data(bytes).write(to: URL(filePath: draft))
    guard rename(draft, place) == 0 else {
      throw Refusal("cannot keep an upload: \(String(cString: strerror(errno)))")
    }
  }

  func perform(_ effect: VercelTwin.BuildEffect, at now: Timestamp) {
    guard !state.withLock({ $0.isStopping }) else { return }
    switch effect {
    case .keep(let digest, let bytes): try? keep(bytes, as: digest)
    case .build(let job):
      let task = Task { await build(job) }
      state.withLock { $0.work[job.deployment] = task }
    case .cancel(let deployment): state.withLock { $0.work[deployment] }?.cancel()
    case .forget(let deployment):
      state.withLock { $0.outputs[deployment] = nil }
      let place = home(of: deployment)
      DispatchQueue.global().async { try? FileManager.default.removeItem(atPath: place) }
    }
  }

  var nextEvent: Timestamp? { state.withLock { $0.queue.first?.time } }

  func takeEvent(until now: Timestamp) -> VercelTwin.TimedBuildEvent? {
    state.withLock { $0.queue.isEmpty ? nil : $0.queue.removeFirst() }
  }

  func content(of deployment: String, at path: String) async -> [UInt8]? {
    // What is ready at once may still be on its way to the disk.
    if let task = state.withLock({ $0.outputs[deployment] == nil ? $0.work[deployment] : nil }) {
      await task.value
    }
    guard let root = state.withLock({ $0.outputs[deployment] }), VercelTwin.World.isSafe(path) else {
      return nil
    }
    return await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: FileBytes.read(root + "/" + path)) }
    }
  }

  func stop() async {
    let tasks = state.withLock { state in
      state.isStopping = true
      return Array(state.work.values)
    }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
    await keeper.end()
  }

  private func home(of deployment: String) -> String { directory.path + "/deployments/" + deployment }
  private func place(of digest: String) -> String { directory.path + "/contents/" + digest }

  private func emit(_ event: VercelTwin.BuildEvent, of deployment: String) {
    let timed = VercelTwin.TimedBuildEvent(
      time: Timestamp(milliseconds: 0), deployment: deployment, event: event)
    state.withLock { $0.queue.append(timed) }
    onEvent()
  }

  private func build(_ job: VercelTwin.BuildJob) async {
    let id = job.deployment
    do {
      try await layOut(job)
      let home = VercelTwin.Output.joined(home(of: id), VercelTwin.Output.trimmed(job.settings.rootDirectory))
      if !job.isPrebuilt {
        for (step, command) in [
          ("install", job.settings.installCommand), ("build", job.settings.buildCommand),
        ] {
          guard let command, !command.isEmpty else { continue }
          if let failure = try await run(command, step: step, in: home, job) {
            return emit(.built(failure), of: id)
          }
        }
      }
      let folder = VercelTwin.Output.directory(job.settings, isPrebuilt: job.isPrebuilt) { name in
        Self.isDirectory(home + "/" + name)
      }
      let output = VercelTwin.Output.joined(home, folder)
      guard Self.isDirectory(output) else {
        return emit(
          .built(
            VercelTwin.BuildFailure(
              code: "BUILD_OUTPUT_NOT_FOUND", message: "No Output Directory named \"\(folder)\" found",
              step: "buildStep")), of: id)
      }
      state.withLock { $0.outputs[id] = output }
      emit(.built(nil), of: id)
    } catch is CancellationError {
      // Whoever cancelled does not want the answer.
    } catch {
      emit(.output(String(describing: error), isError: true), of: id)
      emit(.built(VercelTwin.BuildFailure(code: "BUILD_FAILED", message: "The build failed")), of: id)
    }
  }

  /// - Returns: why the build failed; nil when the command ended well.
  private func run(
    _ command: String, step: String, in home: String, _ job: VercelTwin.BuildJob
  ) async throws -> VercelTwin.BuildFailure? {
    let id = job.deployment
    emit(.output("Running \"\(command)\"", isError: false), of: id)
    var variables = ["LANG": "C.UTF-8", "HOME": home]
    variables["PATH"] = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    variables.merge(job.environment) { _, own in own }
    let exit = try await Launcher().run(
      ProcessSpecification(
        "/bin/sh", ["-c", command], environment: variables, directory: home, stop: StopLadder([]))
    ) { line in
      self.emit(.output(line.text, isError: line.stream == .error), of: id)
    }.exit
    guard !exit.isSuccess else { return nil }
    return VercelTwin.BuildFailure(
      code: step == "install" ? "INSTALL_FAILED" : "BUILD_UTILS_SPAWN_\(exit.number)",
      message: "Command \"\(command)\" exited with \(exit.number)", step: "buildStep")
  }

  /// Copies the files to the deployment's own place.
  private func layOut(_ job: VercelTwin.BuildJob) async throws {
    let home = home(of: job.deployment)
    if let source = job.directory {
      let result = try await Launcher().run(
        ProcessSpecification(
          "/bin/sh", ["-c", #"mkdir -p -- "$2" && cp -R -p -- "$1/." "$2/""#, "copy", source, home],
          environment: ["PATH": "/usr/bin:/bin"]))
      guard result.exit.isSuccess else { throw Refusal("cannot copy \(source): \(result.errorText)") }
      return
    }
    let problem: String? = await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        do {
          try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
          for file in job.files { try self.lay(file, into: home) }
          continuation.resume(returning: nil)
        } catch {
          continuation.resume(returning: String(describing: error))
        }
      }
    }
    if let problem { throw Refusal("cannot lay the files out: \(problem)") }
    try Task.checkCancellation()
  }

  private func lay(_ file: VercelTwin.SourceFile, into home: String) throws {
    guard VercelTwin.World.isSafe(file.path) else { throw Refusal("\(file.path) leaves the directory") }
    let target = home + "/" + file.path
    let folder = target.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let kind = file.mode & 0o170000
    if kind == 0o120000 {
      let text = String(decoding: FileBytes.read(place(of: file.digest)) ?? [], as: UTF8.self)
      guard symlink(text, target) == 0 else { throw Refusal("cannot link \(file.path)") }
      return
    }
    try FileManager.default.copyItem(atPath: place(of: file.digest), toPath: target)
    if file.mode & 0o111 != 0 { chmod(target, 0o755) }
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
