package import Concurrency

extension VercelTwin {
  /// What the world asks of the builder.
  package enum BuildEffect: Sendable {
    /// Keep a content that came inside a request.
    case keep(digest: String, bytes: [UInt8])
    /// Lay the files out, run the commands; answers ``BuildEvent/built(_:)``.
    case build(BuildJob)
    case cancel(String)
    /// Nobody will ask for what it serves.
    case forget(String)
  }

  /// All that is needed to build a deployment.
  package struct BuildJob: Sendable {
    package var deployment: String
    package var files: [SourceFile]
    /// Where the files of its commit lie, when they are not uploaded.
    package var directory: String?
    package var settings: Settings
    package var isPrebuilt: Bool
    /// The deployment's variables with those of the platform, and nothing else.
    package var environment: [String: String]
  }

  /// What the builder reports about a deployment.
  package enum BuildEvent: Sendable {
    case output(String, isError: Bool)
    /// The build ended: nil when well.
    case built(BuildFailure?)
  }

  package struct TimedBuildEvent: Sendable {
    package var time: Timestamp
    package var deployment: String
    package var event: BuildEvent
  }

  /// Which part of a deployment's files is served (contract §2.5, §8).
  enum Output {
    static let prebuilt = ".vercel/output/static"

    /// The directory that is served, relative to the root directory of the project.
    /// - Parameter has: whether there is such a directory with files.
    static func directory(_ settings: Settings, isPrebuilt: Bool, has: (String) -> Bool) -> String {
      if isPrebuilt { return prebuilt }
      if let wanted = settings.outputDirectory, !wanted.isEmpty { return trimmed(wanted) }
      return has("public") ? "public" : ""
    }

    /// Without slashes at its ends; empty for the place itself.
    static func trimmed(_ path: String?) -> String {
      let parts = (path ?? "").split(separator: "/").filter { $0 != "." }
      return parts.joined(separator: "/")
    }

    static func joined(_ first: String, _ second: String) -> String {
      [first, second].filter { !$0.isEmpty }.joined(separator: "/")
    }
  }
}

/// What builds the deployments of the twin and keeps what they serve: real commands, or a script in memory.
///
/// The calls come from one actor, one at a time; what happens is fetched as events.
package protocol VercelBuilder: Sendable {
  /// Keeps an uploaded content under its SHA-1.
  func keep(_ bytes: [UInt8], as digest: String) throws

  func perform(_ effect: VercelTwin.BuildEffect, at now: Timestamp)

  /// The moment of the earliest event not fetched yet.
  var nextEvent: Timestamp? { get }

  /// Takes the earliest event, if its moment is not after `now`.
  func takeEvent(until now: Timestamp) -> VercelTwin.TimedBuildEvent?

  /// A file that a deployment serves, by its path relative to what is served; nil when there is none.
  func content(of deployment: String, at path: String) async -> [UInt8]?

  /// Ends every build and removes what was written.
  func stop() async
}

/// Builds that happen in memory: what a test under a virtual clock runs instead of commands.
///
/// What is served is a part of the uploaded files, changed by the test's own function where a build command
/// would run. Where they bring none, there are a page and a `/version.json` with the deployment's commit.
package final class VercelScriptedBuilder: VercelBuilder {
  /// From the files, by path, to what is served; or why not.
  package typealias Build =
    @Sendable (VercelTwin.BuildJob, [String: [UInt8]]) throws(VercelTwin.BuildFailure)
    -> [String: [UInt8]]

  private struct State {
    var contents: [String: [UInt8]] = [:]
    var outputs: [String: [String: [UInt8]]] = [:]
    var queue: [VercelTwin.TimedBuildEvent] = []
  }

  private let state = Locked(State())
  private let build: Build

  package init(build: @escaping Build = { _, files in files }) {
    self.build = build
  }

  package func keep(_ bytes: [UInt8], as digest: String) {
    state.withLock { $0.contents[digest] = bytes }
  }

  package func perform(_ effect: VercelTwin.BuildEffect, at now: Timestamp) {
    switch effect {
    case .keep(let digest, let bytes): keep(bytes, as: digest)
    case .build(let job):
      var failure: VercelTwin.BuildFailure?
      do throws(VercelTwin.BuildFailure) {
        let output = try output(of: job)
        state.withLock { $0.outputs[job.deployment] = output }
      } catch {
        failure = error
      }
      let event = VercelTwin.TimedBuildEvent(time: now, deployment: job.deployment, event: .built(failure))
      state.withLock { $0.queue.append(event) }
    case .cancel: break
    case .forget(let deployment): state.withLock { $0.outputs[deployment] = nil }
    }
  }

  package var nextEvent: Timestamp? { state.withLock { $0.queue.first?.time } }

  package func takeEvent(until now: Timestamp) -> VercelTwin.TimedBuildEvent? {
    state.withLock { state in
      guard let first = state.queue.first, first.time <= now else { return nil }
      return state.queue.removeFirst()
    }
  }

  package func content(of deployment: String, at path: String) async -> [UInt8]? {
    state.withLock { $0.outputs[deployment]?[path] }
  }

  package func stop() async {}

  private func output(of job: VercelTwin.BuildJob) throws(VercelTwin.BuildFailure) -> [String: [UInt8]] {
    let contents = state.withLock { $0.contents }
    let root = VercelTwin.Output.trimmed(job.settings.rootDirectory)
    var files: [String: [UInt8]] = [:]
    for file in job.files {
      guard let path = VercelScriptedBuilder.path(file.path, below: root) else { continue }
      files[path] = contents[file.digest] ?? []
    }
    files = try build(job, files)
    var folder = VercelTwin.Output.directory(job.settings, isPrebuilt: job.isPrebuilt) { name in
      files.keys.contains { $0.hasPrefix(name + "/") }
    }
    // A command that would make the directory does not run here.
    if !job.isPrebuilt, !files.keys.contains(where: { $0.hasPrefix(folder + "/") }) { folder = "" }
    var output: [String: [UInt8]] = [:]
    for (path, bytes) in files {
      if let inner = VercelScriptedBuilder.path(path, below: folder) { output[inner] = bytes }
    }
    let commit = job.environment["SHIPIT_COMMIT"] ?? job.environment["VERCEL_GIT_COMMIT_SHA"] ?? ""
    if output["index.html"] == nil {
      output["index.html"] = Array("<!doctype html><title>\(job.deployment)</title><p>\(commit)</p>".utf8)
    }
    if output["version.json"] == nil { output["version.json"] = Array(#"{"version":"\#(commit)"}"#.utf8) }
    return output
  }

  private static func path(_ path: String, below folder: String) -> String? {
    if folder.isEmpty { return path }
    return path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : nil
  }
}

extension VercelTwin.BuildFailure: Error {}
