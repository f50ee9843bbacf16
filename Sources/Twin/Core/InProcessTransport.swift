package import HTTP
import HTTPServer

/// Reaches a twin with scripted services without a socket, so that a whole run fits under one virtual clock.
///
/// The API answers under ``base``; the services under the addresses that the API tells.
package struct InProcessTransport: HTTPTransport {
  /// What to give as `SHIPIT_RAILWAY_URL`.
  package static let base = "http://127.0.0.1:1"

  private let core: TwinCore
  private let services: ScriptedRuntime

  package init(core: TwinCore, services: ScriptedRuntime) {
    self.core = core
    self.services = services
  }

  package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    guard let target = Target(request.url) else {
      throw HTTPError(code: .badURL, message: "not an http URL", nothingSent: true)
    }
    // As the real client: who was told to stop asks nothing and gets no answer.
    if Task.isCancelled { throw HTTPError(code: .cancelled, message: "cancelled", nothingSent: true) }
    if "http://\(target.host)" == InProcessTransport.base { return try await ask(request, target) }
    await core.settle()
    guard let answer = services.answer(address: target.host, path: target.path) else {
      throw HTTPError(code: .refused, message: "\(target.host): connection refused", nothingSent: true)
    }
    return answer
  }

  package func stream(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
    let response = try await send(request)
    return HTTPStream(
      status: response.status, headers: response.headers,
      body: AsyncThrowingStream { continuation in
        continuation.yield(response.body)
        continuation.finish()
      })
  }

  private func ask(_ request: HTTPRequest, _ target: Target) async throws(HTTPError) -> HTTPResponse {
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
    let answer = await core.answer(
      ServerRequest(
        method: request.method, path: target.path, query: target.query, headers: request.headers, body: bytes),
      patience: request.timeout)
    if Task.isCancelled { throw HTTPError(code: .cancelled, message: "cancelled", nothingSent: false) }
    switch answer.body {
    case .bytes(let body): return HTTPResponse(status: answer.status, headers: answer.headers, body: body)
    case .stream(let pieces):
      var body: [UInt8] = []
      for await piece in pieces { body += piece }
      return HTTPResponse(status: answer.status, headers: answer.headers, body: body)
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
