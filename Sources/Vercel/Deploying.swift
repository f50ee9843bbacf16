import Archive
import Concurrency
import HTTP
import JSON
package import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension VercelPlatform {
  /// Makes exactly one staged production deployment and waits until it is ready (contract §4.1).
  func deploy(_ request: Deployment.Request, _ step: Step, _ call: StepCall) async -> Outcome {
    let place = request.target.place
    if let id = call.externalID { return await watch(id, place, step, call) }
    let id: String
    do throws(Trouble) { id = try await stage(request, place, step, call) } catch { return error.outcome }
    if let trouble = await record(id, call) { return trouble }
    return await watch(id, place, step, call)
  }

  /// Why nothing was made, or why that is not known.
  struct Trouble: Error { var outcome: Outcome }

  private func stage(_ request: Deployment.Request, _ place: Place, _ step: Step, _ call: StepCall)
    async throws(Trouble) -> String
  {
    switch request.source {
    case .directory(let path, let root, let include):
      let tree = try await unpacked(path, root, include, request.commit, call)
      defer { withExtendedLifetime(tree) {} }
      return try await upload(tree, root: root, request, place, step, call)
    case .commandLineBuild(let path, let root, let include):
      let tree = try await unpacked(path, root, include, request.commit, call)
      defer { withExtendedLifetime(tree) {} }
      try await build(tree, root: root, request, place, call)
      return try await uploadOutput(tree.path, shown: path, request, place, step, call)
    case .prebuilt(let path):
      let directory = output(path)
      return try await uploadOutput(directory, shown: path, request, place, step, call)
    case .repository(let name, let commit):
      let source = try await gitSource(name, commit, place)
      var body = try creation(request, place, step, call)
      body["gitSource"] = source
      return try await create(body, place, prebuilt: false)
    case .image: throw Trouble(outcome: .failed(foreign(step), moved: false))
    }
  }

  // MARK: Sources

  /// The commit's files in a private directory, which goes away with what is returned.
  private func unpacked(
    _ path: String, _ root: String?, _ include: [String], _ commit: String, _ call: StepCall
  ) async throws(Trouble) -> PrivateDirectory {
    do throws(Failure) {
      call.report(.progress("packing \(path)"))
      let packed = try await packer.pack(path: path, root: root, include: include, commit: commit)
      let temporary = temporaryDirectory
      return try await disk { () throws(Failure) in
        defer { unlink(packed.file) }
        let directory = try PrivateDirectory(in: temporary)
        do { try ArchiveReader(file: packed.file).extract(to: directory.path) } catch {
          let told = error as? ArchiveError
          throw Failure(
            .failed, "the packed source cannot be unpacked", place: told?.path ?? packed.file,
            cause: told?.message ?? "\(error)",
            hint: "free space in the directory of temporary files (TMPDIR)")
        }
        return directory
      }
    } catch {
      throw Trouble(
        outcome: error.kind == .cancelled ? .cancelled(moved: false) : .failed(error, moved: false))
    }
  }

  private func upload(
    _ tree: PrivateDirectory, root: String?, _ request: Deployment.Request, _ place: Place, _ step: Step,
    _ call: StepCall
  ) async throws(Trouble) -> String {
    let configuration: ProjectConfiguration
    let files: [SourceFile]
    do throws(Failure) {
      (configuration, files) = try await disk { () throws(Failure) in
        (try ProjectConfiguration.read(tree.path, root: root), try SourceFiles.list(tree.path))
      }
    } catch { throw Trouble(outcome: .failed(error, moved: false)) }
    var body = try creation(request, place, step, call)
    var settings = configuration.settings
    if let root { settings["rootDirectory"] = .string(root) }
    if !settings.isEmpty { body["projectSettings"] = .object(settings) }
    body.merge(configuration.deployment) { own, _ in own }
    return try await create(body, files: files, place, prebuilt: false, call)
  }

  /// Where output that was built before lies.
  private func output(_ path: String) -> String { path.hasPrefix("/") ? path : "\(root)/\(path)" }

  package func inspect(_ source: PlannedSource, of service: ServiceName) async throws(Failure) {
    switch source {
    case .commandLineBuild: _ = try await builder.version()
    case .prebuilt(let path):
      let directory = output(path)
      _ = try await disk { () throws(Failure) in try Prebuilt.files(directory, shown: path) }
    case .directory, .image, .repository: break
    }
  }

  private func uploadOutput(
    _ directory: String, shown: String, _ request: Deployment.Request, _ place: Place, _ step: Step,
    _ call: StepCall
  ) async throws(Trouble) -> String {
    let files: [SourceFile]
    do throws(Failure) {
      files = try await disk { () throws(Failure) in try Prebuilt.files(directory, shown: shown) }
    } catch { throw Trouble(outcome: .failed(error, moved: false)) }
    return try await create(
      try creation(request, place, step, call), files: files, place, prebuilt: true, call)
  }

  /// The connected repository at a commit, in the form its host wants (contract §2.3).
  private func gitSource(_ name: String, _ commit: String, _ place: Place) async throws(Trouble) -> JSON {
    let doing = "deploying \(name) to \(place.name)"
    let project: ProjectAnswer
    do { project = try await client.project(place) } catch {
      throw Trouble(outcome: error.readingOutcome(doing, scope: scope(place)))
    }
    func refuse(_ cause: String) -> Trouble {
      Trouble(
        outcome: .failed(
          Failure(
            .configuration, "\(doing): the project is not connected to it",
            place: "Vercel project \(place.name)",
            cause: cause, hint: "connect the repository on vercel.com, or deploy a directory"), moved: false))
    }
    guard let link = project.link else { throw refuse("no repository is connected") }
    let type = link["type"]?.string ?? (link["projectId"] != nil ? "gitlab" : "")
    var source: [String: JSON] = ["type": .string(type), "ref": .string(commit), "sha": .string(commit)]
    switch type {
    case "github", "github-limited":
      guard let repository = link["repoId"], !repository.isNull else {
        throw refuse("it names no repository")
      }
      source["repoId"] = repository
    case "gitlab": source["projectId"] = link["projectId"] ?? .null
    case "bitbucket": source["repoUuid"] = link["uuid"] ?? .null
    default: throw refuse("\(project.linkWords ?? type) cannot be deployed by the API")
    }
    return .object(source)
  }

  // MARK: Creating

  /// What every creation says beside its content. `autoAssignCustomDomains: false` is what stages it
  /// (undocumented for REST, contract §2.3 and §4.1).
  private func creation(_ request: Deployment.Request, _ place: Place, _ step: Step, _ call: StepCall)
    throws(Trouble) -> [String: JSON]
  {
    let body = creation(place, commit: request.commit, step, call)
    return request.cutOver == .beside ? try preview(body, request) : body
  }

  func creation(_ place: Place, commit: String, _ step: Step, _ call: StepCall) -> [String: JSON] {
    let own: JSON = [
      "SHIPIT_COMMIT": .string(commit), "SHIPIT_RELEASE": .string("\(call.run.release)"),
    ]
    return [
      "name": .string(place.name), "project": .string(place.project), "target": "production",
      "autoAssignCustomDomains": false,
      "meta": [
        MetaKey.marker: .string(call.marker(of: step).description), MetaKey.commit: .string(commit),
        MetaKey.release: .string("\(call.run.release)"),
      ], "env": own, "build": ["env": own],
    ]
  }

  /// The handshake: create, upload exactly what is missing, create again (contract §2.2).
  private func create(
    _ body: [String: JSON], files: [SourceFile], _ place: Place, prebuilt: Bool, _ call: StepCall
  ) async throws(Trouble) -> String {
    var body = body
    body["files"] = .array(files.map(\.json))
    var asked: Set<String> = []
    while true {
      do throws(APIError) {
        return try await made(Endpoint.create(place, .object(body), prebuilt: prebuilt))
      } catch {
        guard case .missingFiles(let digests) = error.kind else { throw await trouble(error, place) }
        let wanted = Set(digests)
        // The same ones missing again after they were uploaded: it would go on for ever.
        guard !wanted.isEmpty, !wanted.isSubset(of: asked) else { throw await trouble(error, place) }
        asked.formUnion(wanted)
        try await upload(wanted, of: files, place, call)
      }
    }
  }

  func create(_ body: [String: JSON], _ place: Place, prebuilt: Bool) async throws(Trouble) -> String {
    do throws(APIError) {
      return try await made(Endpoint.create(place, .object(body), prebuilt: prebuilt))
    } catch { throw await trouble(error, place) }
  }

  private func made(_ request: Request) async throws(APIError) -> String {
    let answer = try await client.send(request, .init(timeout: .seconds(120)))
    guard let made = DeploymentAnswer(answer.body) else {
      throw APIError(
        .malformed, "an answer without the deployment's id", operation: request.operation,
        subject: request.subject, status: answer.status)
    }
    return made.id
  }

  private func trouble(_ error: APIError, _ place: Place) async -> Trouble {
    let doing = "deploying \(place.name)"
    guard error.kind == .payment else { return Trouble(outcome: error.outcome(doing, scope: scope(place))) }
    var failure = error.failure(doing, scope: scope(place))
    failure.message = "\(doing): the plan's limit of deployments is reached"
    failure.hint =
      "wait until it resets (the limits are per day, per hour and per five minutes), or change the plan"
    return Trouble(outcome: .failed(failure, moved: false))
  }

  // MARK: Uploading

  /// The most uploads at once (contract §2.1).
  private static let uploadsAtOnce = 50

  /// Uploads the files with these digests, each once, streamed from the disk.
  private func upload(_ digests: Set<String>, of files: [SourceFile], _ place: Place, _ call: StepCall)
    async throws(Trouble)
  {
    var open = digests
    let wanted = files.filter { open.remove($0.digest) != nil }
    guard open.isEmpty else {
      throw Trouble(
        outcome: .failed(
          Failure(
            .failed, "deploying \(place.name): Vercel misses files that are not of this source",
            place: "Vercel createDeployment of \(place.name)", cause: open.sorted().first,
            hint: "run the command again"), moved: false))
    }
    let bytes = wanted.reduce(0) { $0 + $1.size }
    call.report(
      .progress("uploading \(wanted.count) of \(files.count) files, \(max(1, bytes / 1024)) KiB"))
    let client = client
    let failed: APIError? = await withTaskGroup(of: APIError?.self) { group in
      var next = 0
      var running = 0
      var failed: APIError?
      while true {
        while failed == nil, running < VercelPlatform.uploadsAtOnce, next < wanted.count {
          let file = wanted[next]
          next += 1
          running += 1
          group.addTask {
            do throws(APIError) {
              let timeout = Duration.seconds(60 + file.size / (64 << 10))
              _ = try await client.send(
                Endpoint.upload(place, file.body, digest: file.digest, size: file.size),
                .init(timeout: timeout))
              return nil
            } catch { return error }
          }
        }
        guard running > 0, let result = await group.next() else { break }
        running -= 1
        if let error = result, failed == nil {
          failed = error
          group.cancelAll()
        }
      }
      return failed
    }
    guard let failed else { return }
    // An upload changes nothing that anybody sees and may be repeated.
    let outcome = failed.outcome("uploading the source of \(place.name)", scope: scope(place))
    if case .ambiguous(let failure) = outcome { throw Trouble(outcome: .retry(failure, after: nil)) }
    throw Trouble(outcome: outcome)
  }

  /// Records an id before anything else is done; an outcome when that failed.
  func record(_ id: String, _ call: StepCall, moved: Bool = false) async -> Outcome? {
    do {
      try await call.identify(id)
      return nil
    } catch is CancellationError {
      return .cancelled(moved: moved)
    } catch {
      return .ambiguous(
        Failure(
          .unknown, "\(id) was made, but its id could not be recorded", cause: "\(error)",
          hint: "`shipit status` looks for it"))
    }
  }
}
