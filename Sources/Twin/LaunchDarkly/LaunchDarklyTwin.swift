package import Concurrency
package import HTTPServer
package import JSON

/// The part of the emulated LaunchDarkly that a rollout needs: flags over REST, and the endpoints from which real
/// SDKs evaluate them (contract launchdarkly §9).
///
/// ```json
/// {"project": "shop", "environments": [{"key": "production", "sdkKey": "…", "requireApproval": false}],
///  "tokens": [{"token": "…", "name": "ci", "role": "writer"}],
///  "flags": [{"key": "new-checkout", "salt": "9f1c2d", "variations": [true, false]}]}
/// ```
package actor LaunchDarklyTwin: Emulation {
  nonisolated package let name = "launchdarkly"
  nonisolated package let endpointVariable = "SHIPIT_LAUNCHDARKLY_URL"

  let recording: Recording?
  var time: TwinTime
  var faults = FaultTable()
  private var log = RequestLog()
  private var world: LaunchDarklyWorld
  private var streams: [Int: (environment: String, pieces: AsyncStream<[UInt8]>.Continuation)] = [:]
  private var opened = 0
  private var saidAt: Timestamp

  /// - Throws: what the seed refuses.
  package init(_ setup: EmulationSetup) throws {
    recording = setup.recording
    time = TwinTime(setup.clock)
    saidAt = setup.clock.now
    world = try LaunchDarklyWorld(setup.seed, now: setup.clock.now.milliseconds)
  }

  package func answer(_ request: ServerRequest, patience: Duration?) async -> ServerResponse {
    let operation = LaunchDarklyWorld.operation(request) ?? (request.path.hasPrefix("/api/") ? nil : "sdk")
    let fault = faults.take(operations: [operation].compactMap(\.self), services: [])
    let response = await FaultGate(clock: time.source, words: Self.words).respond(fault, patience: patience) {
      operation == "sdk" ? sdk(request) : rest(request)
    }
    log.add(
      RequestRecord(
        number: 0, time: time.now, method: request.method, path: request.path, operation: operation,
        rootFields: [], service: nil, variables: .null,
        headerNames: request.headers.map { $0.name.lowercased() }.sorted(),
        userAgent: request.header("User-Agent"), tokenKind: nil, status: response.status, fault: fault?.name))
    if operation != "sdk", let recording, case .bytes(let bytes) = response.body {
      recording.add(
        platform: name, method: request.method, path: request.path, query: request.query,
        request: request.body.isEmpty ? .null : (try? JSON(parsing: request.body)) ?? .null,
        status: response.status, response: (try? JSON(parsing: bytes)) ?? .null)
    }
    return response
  }

  private static let words = FaultGate.Words(
    rateLimited: { wait in
      var response = LaunchDarklyProblem(429, "rate_limited", "You've exceeded the API rate limit.").response
      if let wait { response.headers.append(("Retry-After", String(wait))) }
      return response
    },
    error: { message, code in
      let statuses = [
        "optimistic_locking_error": 409, "method_not_allowed": 405, "forbidden": 403, "unauthorized": 401,
        "not_found": 404, "service_unavailable": 503,
      ]
      return LaunchDarklyProblem(statuses[code ?? ""] ?? 400, code ?? "invalid_request", message).response
    })

  private func rest(_ request: ServerRequest) -> ServerResponse {
    do throws(LaunchDarklyProblem) {
      let before = world
      let response = try world.answer(request, at: time.now)
      broadcast(since: before)
      return response
    } catch { return error.response }
  }

  // MARK: SDKs

  private func sdk(_ request: ServerRequest) -> ServerResponse {
    if request.method == "POST" {
      if request.path == "/bulk" { noteEvaluations(request) }
      return ServerResponse(status: 202)
    }
    let key = request.header("Authorization") ?? ""
    guard let environment = world.environments.first(where: { $0.sdkKey == key })?.key else {
      return ServerResponse(status: 401)
    }
    switch request.path {
    case "/sdk/latest-all":
      let form = world.sdkForm(of: environment)
      let tag = "\"\(form.hashValue)\""
      if request.header("If-None-Match") == tag {
        return ServerResponse(status: 304, headers: [("ETag", tag)])
      }
      var response = ServerResponse.json(200, form)
      response.headers.append(("ETag", tag))
      return response
    case "/all": return open(environment)
    default: return ServerResponse(status: 404)
    }
  }

  private func open(_ environment: String) -> ServerResponse {
    let (pieces, continuation) = AsyncStream.makeStream(of: [UInt8].self)
    opened += 1
    let number = opened
    streams[number] = (environment, continuation)
    continuation.onTermination = { _ in Task { await self.forget(number) } }
    continuation.yield(Self.event("put", ["path": "/", "data": world.sdkForm(of: environment)]))
    return ServerResponse(
      status: 200, headers: [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")],
      body: .stream(pieces))
  }

  private func forget(_ number: Int) { streams[number] = nil }

  private static func event(_ name: String, _ data: JSON) -> [UInt8] {
    Array("event: \(name)\ndata: \(data.serialized())\n\n".utf8)
  }

  private func broadcast(since before: LaunchDarklyWorld) {
    for (key, flag) in world.flags {
      for (environment, config) in flag.environments
      where before.flags[key]?.environments[environment]?["version"] != config["version"] {
        let change: JSON = ["path": .string("/flags/\(key)"), "data": world.sdkForm(flag, environment)]
        for stream in streams.values where stream.environment == environment {
          stream.pieces.yield(Self.event("patch", change))
        }
      }
    }
  }

  /// A summary of evaluations makes the flag's status active.
  private func noteEvaluations(_ request: ServerRequest) {
    let key = request.header("Authorization") ?? ""
    guard let environment = world.environments.first(where: { $0.sdkKey == key })?.key,
      let events = (try? JSON(parsing: request.body))?.array
    else { return }
    for event in events where event["kind"]?.string == "summary" {
      for flag in (event["features"]?.object ?? [:]).keys {
        world.flags[flag]?.lastRequested[environment] = time.now.iso8601
      }
    }
  }

  // MARK: Emulation

  package func answer(
    _ request: ServerRequest, at host: String, patience: Duration?
  ) async -> ServerResponse? { nil }

  package func control(_ request: ServerRequest) async -> ServerResponse {
    ControlSurface.answer(request, overview: overview, log: log, faults: &faults)
  }

  /// A quiet stream is given up by SDKs after five minutes: a comment now and then keeps it.
  package func settle() {
    guard time.now - saidAt >= .seconds(60) else { return }
    saidAt = time.now
    for stream in streams.values { stream.pieces.yield(Array(":\n".utf8)) }
  }

  package var nextDue: Timestamp? { nil }

  package func stop() {
    for stream in streams.values { stream.pieces.finish() }
    streams = [:]
  }

  package var overview: JSON { world.overview }
}
