import Concurrency
package import HTTP

/// A transport without a network: a closure answers, and every request is kept.
package final class ScriptedTransport: HTTPTransport {
  package typealias Script = @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse

  private let script: Script
  private let log = Locked<[HTTPRequest]>([])

  package init(_ script: @escaping Script) { self.script = script }

  /// Everything that was sent, in order.
  package var requests: [HTTPRequest] { log.withLock { $0 } }

  package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    log.withLock { $0.append(request) }
    return try await script(request)
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
}

extension HTTPResponse {
  /// A response with a text body.
  package static func text(
    _ status: Int, _ body: String, headers: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
  }
}
