/// What a request carries as its body.
package enum HTTPBody: Sendable, Equatable {
  case none
  case bytes([UInt8])
  /// The content of a file, streamed from its descriptor; the path must be readable when the request starts.
  case file(path: String)
}

/// One HTTP request.
package struct HTTPRequest: Sendable, Equatable {
  package var method: String
  package var url: String
  /// Header fields in the order they are sent. Names are compared without regard to case.
  package var headers: [(name: String, value: String)]
  package var body: HTTPBody
  /// The budget from the call to the last byte of the answer.
  package var timeout: Duration
  /// Longest body accepted, in bytes after decompression; a longer one fails with `bodyTooLarge`.
  /// Holds for `send`; a streamed body has no limit, since only 256 KiB of it are held.
  package var bodyLimit: Int
  /// A connection of its own, not taken from or returned to the pool: what a health probe wants.
  package var freshConnection: Bool
  /// Fails with `timeout` when the other side sends nothing for this long, in whole seconds: for log streams.
  package var stallTimeout: Duration?

  package init(
    method: String = "GET", url: String, headers: [(name: String, value: String)] = [],
    body: HTTPBody = .none,
    timeout: Duration = .seconds(30), bodyLimit: Int = 16 << 20, freshConnection: Bool = false,
    stallTimeout: Duration? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.bodyLimit = bodyLimit
    self.freshConnection = freshConnection
    self.stallTimeout = stallTimeout
  }

  package static func == (left: HTTPRequest, right: HTTPRequest) -> Bool {
    left.method == right.method && left.url == right.url && left.body == right.body
      && left.headers.elementsEqual(right.headers, by: ==)
  }
}

/// One HTTP response, whole.
package struct HTTPResponse: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first value of a header, its name compared without regard to case.
  package func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }

  /// The body as text; bytes that are not UTF-8 are replaced.
  package var text: String { String(decoding: body, as: UTF8.self) }
}

/// A response whose body arrives in pieces.
package struct HTTPStream: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  /// The body's pieces; the transfer pauses while 256 KiB wait unread.
  package var body: AsyncThrowingStream<[UInt8], any Error>

  package init(
    status: Int, headers: [(name: String, value: String)], body: AsyncThrowingStream<[UInt8], any Error>
  ) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// Why no (complete) response came back.
package struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure a caller decides by.
  package enum Code: String, Sendable {
    case badURL
    /// The name does not resolve.
    case nameNotFound
    /// Nothing listens there, or the network is unreachable. No byte of the request was sent.
    case refused
    /// The certificate or the handshake was refused.
    case tls
    case timeout
    /// The connection broke after the request had begun: the effect is unknown.
    case connectionLost
    case bodyTooLarge
    case cancelled
    case other
  }

  package var code: Code
  /// libcurl's words, with the host and port, never with headers or body.
  package var message: String
  /// True when it is certain that the server saw nothing of the request.
  package var nothingSent: Bool

  package init(code: Code, message: String, nothingSent: Bool) {
    self.code = code
    self.message = message
    self.nothingSent = nothingSent
  }

  package var description: String { message }
}

/// Sends requests. The real one is `HTTPClient`; tests hand in a transport of their own.
package protocol HTTPTransport: Sendable {
  /// Sends a request and collects the whole response. Any status is a response, not an error.
  func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse

  /// Sends a request and gives the response's body in pieces.
  func stream(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream
}
