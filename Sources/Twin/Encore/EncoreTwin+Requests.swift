import Concurrency
import GraphQL
package import HTTPServer
import JSON

/// The platform's own paths: faults and tokens around what Encore would do.
extension EncoreTwin {
  package func answer(_ request: ServerRequest, patience: Duration?) async -> ServerResponse {
    settle()
    if request.path == "/_twin" || request.path.hasPrefix("/_twin/") {
      var inner = request
      inner.path = String(request.path.dropFirst("/_twin".count))
      return await control(inner)
    }
    var call = EncoreCall(request)
    if request.path == "/v2" || request.path.hasPrefix("/v2/") {
      call.operations = ["registry"]
    } else if let route = EncoreRoute(request) {
      call.route = route
      call.operations = [route.operation]
      if route == .graphQL { read(&call) }
    } else {
      return EncoreReply.failure(404, code: "not_found", style: .bare)
    }
    let subjects = [call.route?.environment, call.route?.app].compactMap { $0 }
    call.fault = faults.take(operations: call.operations, services: subjects)
    let asked = call
    let style = call.route?.style ?? .bare
    let isGraphQL = call.route == .graphQL
    let words = FaultGate.Words(
      rateLimited: { EncoreReply.rateLimit(retryAfter: $0, style: style) },
      error: { message, code in
        isGraphQL
          ? .errors(message, code: code)
          : EncoreReply.failure(400, code: code ?? "unknown", message: message, style: style)
      })
    let response = await FaultGate(clock: time.source, words: words).respond(call.fault, patience: patience) {
      await effect(of: asked)
    }
    record(asked, response)
    return response
  }

  private func effect(of call: EncoreCall) async -> ServerResponse {
    settle()
    guard let route = call.route else { return registry.answer(call.request) }
    guard let kind = route.tokenKind else { return tokens(route, call) }
    guard let token = world.token(bearer: call.request.header("Authorization"), kind: kind) else {
      return EncoreReply.failure(401, code: "unauthenticated", style: route.style)
    }
    if let app = route.app, world.apps[app] != nil, token.app != app {
      return EncoreReply.failure(403, code: "permission_denied", style: route.style)
    }
    if route == .graphQL { return await graphQL(call, token: token) }
    let answer = await platform(route, call, token: token)
    settle()
    return answer
  }

  private func record(_ call: EncoreCall, _ response: ServerResponse) {
    let request = call.request
    log.add(
      RequestRecord(
        number: 0, time: world.now, method: request.method, path: request.path,
        operation: call.operations.first, rootFields: Array(call.operations.dropFirst()),
        service: call.route?.environment, variables: EncoreCall.redacted(call.body),
        headerNames: request.headers.map { $0.name.lowercased() }.sorted(),
        userAgent: request.header("User-Agent"), tokenKind: call.route?.tokenKind?.rawValue,
        status: response.status, fault: call.fault?.name))
    guard call.route != nil else { return }
    var answer = JSON.null
    if case .bytes(let bytes) = response.body {
      answer = (try? JSON(parsing: bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
    }
    recording?.add(
      platform: name, method: request.method, path: request.path, query: request.query, request: call.body,
      status: response.status, response: answer)
  }
}

/// A request on its way.
struct EncoreCall: Sendable {
  var request: ServerRequest
  /// Nil for the registry.
  var route: EncoreRoute?
  /// The names that faults and counters know it by: the route's, then those of GraphQL.
  var operations: [String] = []
  /// The body, read as JSON or as a form; null when it is neither.
  var body: JSON
  var prepared: PreparedOperation?
  var rejection: RequestRejection?
  var fault: RequestFault?

  init(_ request: ServerRequest) {
    self.request = request
    if request.header("Content-Type")?.hasPrefix("application/x-www-form-urlencoded") == true {
      body = .object(Form.fields(String(decoding: request.body, as: UTF8.self)).mapValues(JSON.string))
    } else {
      body = (try? JSON(parsing: request.body)) ?? .null
    }
  }

  private static let secretMembers: Set<String> = [
    "plaintextValue", "auth_key", "client_secret", "refresh_token", "Value", "InitialSecrets", "query",
  ]

  /// The body without secrets: what may be one is a fingerprint.
  static func redacted(_ body: JSON) -> JSON {
    switch body {
    case .object(let members):
      .object(
        Dictionary(
          uniqueKeysWithValues: members.map { name, value in
            (name, secretMembers.contains(name) ? RequestLog.fingerprint(value) : redacted(value))
          }))
    case .array(let elements): .array(elements.map(redacted))
    default: body
    }
  }
}

/// Answers in the shapes of Encore.
enum EncoreReply {
  static func success(_ data: JSON, style: EncoreRoute.Style) -> ServerResponse {
    switch style {
    case .enveloped: .json(200, ["ok": true, "data": data])
    case .bare: .json(200, data)
    }
  }

  static func failure(
    _ status: Int, code: String, message: String? = nil, detail: JSON = .null, style: EncoreRoute.Style
  ) -> ServerResponse {
    switch style {
    case .enveloped: .json(status, ["ok": false, "error": ["code": .string(code), "detail": detail]])
    case .bare:
      .json(status, ["code": .string(code), "message": .string(message ?? code), "details": detail])
    }
  }
}

extension EncoreReply {
  static func rateLimit(retryAfter: Int?, style: EncoreRoute.Style) -> ServerResponse {
    var response = failure(429, code: "resource_exhausted", style: style)
    if let retryAfter { response.headers.append(("Retry-After", String(retryAfter))) }
    return response
  }
}

/// Fields of `application/x-www-form-urlencoded`.
enum Form {
  static func fields(_ text: String) -> [String: String] {
    var result: [String: String] = [:]
    for field in text.split(separator: "&") {
      let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      result[decoded(pair[0])] = pair.count > 1 ? decoded(pair[1]) : ""
    }
    return result
  }

  private static func decoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
