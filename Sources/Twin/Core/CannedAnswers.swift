import HTTPServer
import JSON

extension ServerResponse {
  /// A header that says, in the process only, how a connection was cut: `before`, `timeout`, or after the effect.
  static let cutMark = "X-Twin-Cut"

  /// Of which half arrives.
  var torn: ServerResponse {
    guard case .bytes(let body) = body else { return self }
    var torn = self
    torn.body = .torn(body)
    return torn
  }

  static let timeout = ServerResponse(status: 0, headers: [(cutMark, "timeout")], body: .cut)

  static func json(_ status: Int, _ value: JSON) -> ServerResponse {
    ServerResponse(
      status: status, headers: [("Content-Type", "application/json")],
      body: .bytes(Array(value.serialized().utf8)))
  }

  /// HTTP 200 with an error, as resolvers fail.
  static func errors(_ message: String, code: String?) -> ServerResponse {
    var error: [String: JSON] = ["message": .string(message), "traceId": "5527782523421805956"]
    if let code { error["extensions"] = ["code": .string(code)] }
    return .json(200, ["errors": [.object(error)], "data": nil])
  }

  /// An HTML page, as gateways answer.
  static func page(_ status: Int) -> ServerResponse {
    ServerResponse(
      status: status, headers: [("Content-Type", "text/html")],
      body: .bytes(Array("<html><body><h1>\(status)</h1></body></html>".utf8)))
  }

  static func rateLimit(retryAfter: Int?, headers: [(name: String, value: String)]) -> ServerResponse {
    var response = ServerResponse.json(
      429,
      ["errors": [["message": "Rate limit exceeded", "extensions": ["code": "RATE_LIMITED"]]], "data": nil])
    response.headers += headers
    if let retryAfter, !headers.contains(where: { $0.name == "Retry-After" }) {
      response.headers.append(("Retry-After", String(retryAfter)))
    }
    return response
  }

  static let edgeRateLimit = ServerResponse(
    status: 429, headers: [("Content-Type", "text/plain")], body: .bytes(Array("error code: 1015".utf8)))

  static let edgeRefusal = ServerResponse(
    status: 403, headers: [("Content-Type", "text/html")],
    body: .bytes(Array("<html><body>Access denied. error code: 1010</body></html>".utf8)))

  /// The answer with its JSON body changed; anything else stays.
  func rewritten(_ change: (JSON) -> JSON) -> ServerResponse {
    guard case .bytes(let bytes) = body, let value = try? JSON(parsing: bytes) else { return self }
    var response = self
    response.body = .bytes(Array(change(value).serialized().utf8))
    return response
  }
}

extension JSON {
  /// Every member called `status` that is a text replaced.
  func replacingStatuses(by status: String) -> JSON {
    switch self {
    case .array(let elements): .array(elements.map { $0.replacingStatuses(by: status) })
    case .object(let members):
      .object(
        Dictionary(
          uniqueKeysWithValues: members.map { name, value in
            (
              name,
              name == "status" && value.string != nil ? .string(status) : value.replacingStatuses(by: status)
            )
          }))
    default: self
    }
  }

  /// Every object with one more member.
  var withExtraFields: JSON {
    switch self {
    case .array(let elements): .array(elements.map(\.withExtraFields))
    case .object(let members):
      .object(members.mapValues(\.withExtraFields).merging(["aFieldOfTomorrow": "new"]) { old, _ in old })
    default: self
    }
  }
}
