package import HTTP
import HTTPServer

/// Reaches emulated platforms without a socket, so that a whole run fits under one virtual clock.
///
/// Each API answers under its base; services, deployments and edges under the addresses that the APIs tell.
package struct InProcessTransport: HTTPTransport {
  /// What to give as `SHIPIT_RAILWAY_URL`.
  package static let base = "http://127.0.0.1:1"

  /// What to give as the variable of each platform.
  package static let bases = [
    "railway": base, "vercel": "http://127.0.0.1:2", "encore": "http://127.0.0.1:3",
    "notifications": "http://127.0.0.1:4",
    "github": "http://127.0.0.1:5", "launchdarkly": "http://127.0.0.1:6",
    "markers": "http://127.0.0.1:7",
  ]

  private let platforms: [any Emulation]

  /// Railway alone, with scripted services.
  package init(core: TwinCore, services: ScriptedRuntime) {
    self.init([core])
  }

  /// - Parameter platforms: each under its own base, all on the same clock.
  package init(_ platforms: [any Emulation]) {
    self.platforms = platforms
  }

  package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let (target, answer) = try await answer(request)
    return try await response(to: target, answer)
  }

  package func stream(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
    let (target, answer) = try await answer(request)
    if case .stream(let pieces) = answer.body {
      return HTTPStream(
        status: answer.status, headers: answer.headers,
        body: AsyncThrowingStream { continuation in
          let task = Task {
            for await piece in pieces { continuation.yield(piece) }
            continuation.finish()
          }
          continuation.onTermination = { _ in task.cancel() }
        })
    }
    let response = try await response(to: target, answer)
    return HTTPStream(
      status: response.status, headers: response.headers,
      body: AsyncThrowingStream { continuation in
        continuation.yield(response.body)
        continuation.finish()
      })
  }

  private func answer(_ request: HTTPRequest) async throws(HTTPError) -> (Target, ServerResponse) {
    guard let target = Target(request.url) else {
      throw HTTPError(code: .badURL, message: "not an http URL", nothingSent: true)
    }
    // As the real client: who was told to stop asks nothing and gets no answer.
    if Task.isCancelled { throw HTTPError(code: .cancelled, message: "cancelled", nothingSent: true) }
    let asked = try serverRequest(request, target)
    let base = "http://\(target.host)"
    if let platform = platforms.first(where: { InProcessTransport.bases[$0.name] == base }) {
      return (target, await platform.answer(asked, patience: request.timeout))
    }
    for platform in platforms {
      if let answer = await platform.answer(asked, at: target.host, patience: request.timeout) {
        return (target, answer)
      }
    }
    throw HTTPError(code: .refused, message: "\(target.host): connection refused", nothingSent: true)
  }

  private func serverRequest(
    _ request: HTTPRequest, _ target: Target
  ) throws(HTTPError) -> ServerRequest {
    var bytes: [UInt8] = []
    switch request.body {
    case .none: break
    case .bytes(let given): bytes = given
    case .file(let path):
      guard let read = FileBytes.read(path) else {
        throw HTTPError(code: .other, message: "cannot read the body's file", nothingSent: true)
      }
      bytes = read
    }
    return ServerRequest(
      method: request.method, path: target.path, query: target.query, headers: request.headers, body: bytes)
  }

  private func response(
    to target: Target, _ answer: ServerResponse
  ) async throws(HTTPError) -> HTTPResponse {
    if Task.isCancelled { throw HTTPError(code: .cancelled, message: "cancelled", nothingSent: false) }
    switch answer.body {
    case .bytes(let body): return HTTPResponse(status: answer.status, headers: answer.headers, body: body)
    case .stream(let pieces):
      var body: [UInt8] = []
      for await piece in pieces { body += piece }
      return HTTPResponse(status: answer.status, headers: answer.headers, body: body)
    case .torn:
      throw HTTPError(code: .connectionLost, message: "\(target.host): connection lost", nothingSent: false)
    case .upgraded:
      throw HTTPError(code: .other, message: "\(target.host) speaks another protocol", nothingSent: false)
    case .cut:
      switch answer.headers.first(where: { $0.name == ServerResponse.cutMark })?.value {
      case "before":
        throw HTTPError(code: .refused, message: "\(target.host): connection refused", nothingSent: true)
      case "timeout":
        throw HTTPError(code: .timeout, message: "\(target.host): timed out", nothingSent: false)
      default:
        throw HTTPError(code: .connectionLost, message: "\(target.host): connection lost", nothingSent: false)
      }
    }
  }

  /// The parts of an http URL that matter here.
  private struct Target {
    var host: String
    var path: String
    var query: [(name: String, value: String)] = []

    init?(_ url: String) {
      guard url.hasPrefix("http://") else { return nil }
      let rest = url.dropFirst(7)
      let slash = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
      host = String(rest[..<slash])
      let pieces = rest[slash...].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      path = pieces.first.map { Target.decoded($0) } ?? ""
      if path.isEmpty { path = "/" }
      for field in pieces.count > 1 ? pieces[1].split(separator: "&") : [] {
        let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        query.append((Target.decoded(pair[0]), pair.count > 1 ? Target.decoded(pair[1]) : ""))
      }
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
}
