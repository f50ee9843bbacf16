package import Concurrency
package import HTTPServer
package import JSON

/// The part of the emulated GitHub that shipit needs: deployments and their statuses (contract github §3) and secrets of
/// Actions (§6) over REST, with tokens, rights and faults.
///
/// ```json
/// {"repositories": ["demo/app"], "tokens": [{"token": "…", "permission": "write"}]}
/// ```
package actor GitHubTwin: Emulation {
  nonisolated package let name = "github"
  nonisolated package let endpointVariable = "SHIPIT_GITHUB_URL"

  let recording: Recording?
  var time: TwinTime
  var faults = FaultTable()
  private var log = RequestLog()
  private var world: GitHubWorld

  /// - Throws: what the seed refuses.
  package init(_ setup: EmulationSetup) throws {
    recording = setup.recording
    time = TwinTime(setup.clock)
    world = try GitHubWorld(setup.seed)
  }

  package func answer(_ request: ServerRequest, patience: Duration?) async -> ServerResponse {
    let call = GitHubCall(request)
    let fault = faults.take(operations: [call?.operation].compactMap(\.self), services: [])
    let response = await FaultGate(clock: time.source, words: GitHubWorld.words).respond(
      fault, patience: patience
    ) { perform(call, request) }
    log.add(
      RequestRecord(
        number: 0, time: time.now, method: request.method, path: request.path, operation: call?.operation,
        rootFields: [], service: nil, variables: .null,
        headerNames: request.headers.map { $0.name.lowercased() }.sorted(),
        userAgent: request.header("User-Agent"), tokenKind: nil, status: response.status, fault: fault?.name))
    record(request, response)
    return response
  }

  private func perform(_ call: GitHubCall?, _ request: ServerRequest) -> ServerResponse {
    let now = String(time.now.iso8601.prefix(19)) + "Z"
    do throws(GitHubProblem) {
      let access = try world.access(request)
      guard let call, world.repositories.contains(call.repository) else { throw .notFound }
      return try world.answer(call, request, access, now: now)
    } catch { return error.response }
  }

  private func record(_ request: ServerRequest, _ response: ServerResponse) {
    guard let recording, case .bytes(let bytes) = response.body else { return }
    recording.add(
      platform: name, method: request.method, path: request.path, query: request.query,
      request: request.body.isEmpty ? .null : (try? JSON(parsing: request.body)) ?? .null,
      status: response.status, response: (try? JSON(parsing: bytes)) ?? .null)
  }

  package func answer(
    _ request: ServerRequest, at host: String, patience: Duration?
  ) async -> ServerResponse? { nil }

  package func control(_ request: ServerRequest) async -> ServerResponse {
    if request.method == "POST", request.path == "/secrets/keys" {
      world.replaceKeys()
      return .json(200, ["secrets": world.secretsOverview])
    }
    if request.method == "POST", request.path == "/comments", let input = try? JSON(parsing: request.body) {
      world.plant(input, now: String(time.now.iso8601.prefix(19)) + "Z")
      return .json(200, ["comments": world.commentsOverview])
    }
    return ControlSurface.answer(request, overview: overview, log: log, faults: &faults)
  }

  package func settle() {}
  package var nextDue: Timestamp? { nil }
  package func stop() {}

  package var overview: JSON {
    [
      "deployments": .array(world.deployments.map(\.overview)), "secrets": world.secretsOverview,
      "comments": world.commentsOverview, "issues": .array(world.issues.map(\.overview)),
    ]
  }
}
