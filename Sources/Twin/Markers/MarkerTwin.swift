package import Concurrency
package import HTTPServer
package import JSON

/// The parts of an emulated Grafana and Sentry that take marks (contract metrics §3, §4): annotations; releases and
/// their deploys.
///
/// ```json
/// {"tokens": ["…"], "organization": "acme", "projects": ["shop"]}
/// ```
package actor MarkerTwin: Emulation {
  nonisolated package let name = "markers"
  nonisolated package let endpointVariable = "SHIPIT_SENTRY_URL"

  var time: TwinTime
  private var world: MarkerWorld
  private var faults = FaultTable()
  private var log = RequestLog()

  /// - Throws: what the seed refuses.
  package init(_ setup: EmulationSetup) throws {
    time = TwinTime(setup.clock)
    world = try MarkerWorld(setup.seed)
  }

  package func answer(_ request: ServerRequest, patience: Duration?) async -> ServerResponse {
    let operation = MarkerWorld.operation(request)
    let fault = faults.take(operations: [operation].compactMap(\.self), services: [])
    let response = await FaultGate(clock: time.source, words: Self.words).respond(fault, patience: patience) {
      world.answer(request, at: time.now)
    }
    log.add(
      RequestRecord(
        number: 0, time: time.now, method: request.method, path: request.path, operation: operation,
        rootFields: [], service: nil, variables: .null,
        headerNames: request.headers.map { $0.name.lowercased() }.sorted(),
        userAgent: request.header("User-Agent"), tokenKind: nil, status: response.status, fault: fault?.name))
    return response
  }

  private static let words = FaultGate.Words(
    rateLimited: { wait in
      var response = ServerResponse.json(
        429, ["detail": "You are attempting to use this endpoint too frequently."])
      if let wait { response.headers.append(("Retry-After", String(wait))) }
      return response
    },
    error: { message, code in .json(code.flatMap(Int.init) ?? 400, ["message": .string(message)]) })

  package func answer(
    _ request: ServerRequest, at host: String, patience: Duration?
  ) async -> ServerResponse? { nil }

  package func control(_ request: ServerRequest) async -> ServerResponse {
    ControlSurface.answer(request, overview: overview, log: log, faults: &faults)
  }

  package func settle() {}
  package var nextDue: Timestamp? { nil }
  package func stop() {}
  package var overview: JSON { world.overview }
}
