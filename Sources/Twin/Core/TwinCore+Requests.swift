import Concurrency
import GraphQL
package import HTTPServer
import JSON

/// The public paths: faults, tokens, limits around what Railway would do.
extension TwinCore {
  /// Answers a request to any path.
  /// - Parameter patience: how long the caller waits; a longer wait ends as a cut marked `timeout`.
  package func answer(_ request: ServerRequest, patience: Duration? = nil) async -> ServerResponse {
    settle()
    if request.path == "/_twin" || request.path.hasPrefix("/_twin/") { return answerControl(request) }
    let parts = request.path.split(separator: "/").map(String.init)
    var call: Call
    if request.path == "/graphql/v2" {
      call = Call(request: request, kind: .graphQL)
      readGraphQL(&call)
    } else if parts.count == 5, parts[0] == "project", parts[2] == "environment", parts[4] == "up" {
      call = Call(request: request, kind: .upload(project: parts[1], environment: parts[3]))
      call.operation = "upload"
      call.service = request.query.first { $0.name == "serviceId" }?.value
      call.variables = .object(
        Dictionary(
          request.query.map { ($0.name, JSON.string($0.value)) }, uniquingKeysWith: { first, _ in first }))
    } else {
      return ServerResponse(status: 404, body: .bytes(Array("Not Found".utf8)))
    }
    call.token = token(of: request)
    call.fault = faults.take(
      operations: [call.operation].compactMap { $0 } + call.rootFields, services: serviceNames(of: call))
    let response = await respond(to: call, patience: patience ?? .seconds(365 * 24 * 3600))
    record(call, response)
    return response
  }

  private func respond(to call: Call, patience: Duration) async -> ServerResponse {
    switch call.fault {
    case .refuse:
      return ServerResponse(status: 0, headers: [(ServerResponse.cutMark, "before")], body: .cut)
    case .hang:
      _ = await wait(.seconds(365 * 24 * 3600), patience: patience)
      return .timeout
    case .delay(let seconds):
      // Whoever gave up meanwhile does not stop the platform: the effect takes place all the same.
      if await !wait(.milliseconds(Int64(seconds * 1000)), patience: patience) {
        _ = await respondAfterLimits(to: call)
        return .timeout
      }
    case .edgeRateLimited: return .edgeRateLimit
    case .edgeRefused: return .edgeRefusal
    default: break
    }
    if world.switches.refusesDefaultAgents, isDefaultAgent(call.request.header("User-Agent")) {
      return .edgeRefusal
    }
    let budget = rates.count(call.request.header("Authorization") ?? "", at: time.now)
    if let wait = budget.wait { return .rateLimit(retryAfter: wait, headers: budget.headers) }
    var response = await respondAfterLimits(to: call)
    response.headers = budget.headers + response.headers
    if case .delayAnswer(let seconds) = call.fault {
      if await !wait(.milliseconds(Int64(seconds * 1000)), patience: patience) { return .timeout }
    }
    return response
  }

  /// - Returns: false when the caller's patience ended first, or the server stopped.
  private func wait(_ duration: Duration, patience: Duration) async -> Bool {
    do {
      try await time.source.sleep(for: min(duration, patience))
    } catch {
      return false
    }
    settle()
    return duration < patience
  }

  private func respondAfterLimits(to call: Call) async -> ServerResponse {
    switch call.fault {
    case .rateLimited(let wait): return .rateLimit(retryAfter: wait, headers: [])
    case .status(let status): return .page(status)
    case .error(let message, let code): return .errors(message, code: code ?? "INTERNAL_SERVER_ERROR")
    case .notJSON: return .page(200)
    case .problemBefore: return .errors("Problem processing request", code: nil)
    default: break
    }
    let response: ServerResponse
    switch call.kind {
    case .graphQL: response = await graphQL(call)
    case .upload(let project, let environment):
      response = await upload(call, project: project, environment: environment)
    }
    switch call.fault {
    case .cut: return ServerResponse(status: 0, body: .cut)
    case .tear: return response.torn
    case .problemAfter: return .errors("Problem processing request", code: nil)
    case .unknownStatus(let status): return response.rewritten { $0.replacingStatuses(by: status) }
    case .extraField: return response.rewritten(\.withExtraFields)
    default: return response
    }
  }

  private func token(of request: ServerRequest) -> World.Token? {
    let header = request.header("Authorization") ?? ""
    let bearer = header.lowercased().hasPrefix("bearer ") ? String(header.dropFirst(7)) : nil
    return world.token(bearer: bearer, project: request.header("Project-Access-Token"))
  }

  /// The service a request is about: by name and by id.
  func serviceNames(of call: Call) -> [String] {
    guard let id = call.service else { return [] }
    return [id, world.services[id]?.name].compactMap { $0 }
  }

  private func record(_ call: Call, _ response: ServerResponse) {
    let request = call.request
    log.add(
      RequestRecord(
        number: 0, time: world.now, method: request.method, path: request.path, operation: call.operation,
        rootFields: call.rootFields,
        service: call.service.map { world.services[$0]?.name ?? $0 },
        variables: RequestLog.redacted(call.variables),
        headerNames: request.headers.map { $0.name.lowercased() }.sorted(),
        userAgent: request.header("User-Agent"), tokenKind: call.token?.kind.rawValue,
        status: response.status, fault: call.fault?.name))
  }

  private func isDefaultAgent(_ agent: String?) -> Bool {
    guard let agent, !agent.isEmpty else { return true }
    let lower = agent.lowercased()
    return ["curl/", "libcurl", "python-", "go-http-client", "swift-", "node-fetch", "undici", "axios/"]
      .contains { lower.hasPrefix($0) }
  }
}

/// A request on its way.
struct Call: Sendable {
  enum Kind: Sendable {
    case graphQL
    case upload(project: String, environment: String)
  }

  var request: ServerRequest
  var kind: Kind
  var operation: String?
  var rootFields: [String] = []
  var service: String?
  var query = ""
  var variables: JSON = .object([:])
  var prepared: PreparedOperation?
  var rejection: RequestRejection?
  var token: World.Token?
  var fault: RequestFault?

  init(request: ServerRequest, kind: Kind) {
    self.request = request
    self.kind = kind
  }
}
