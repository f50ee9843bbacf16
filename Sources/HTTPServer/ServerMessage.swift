/// A request as the server received it, whole.
package struct ServerRequest: Sendable {
  package var method: String
  /// The path without the query, percent-decoded.
  package var path: String
  /// The query's fields in order, percent-decoded.
  package var query: [(name: String, value: String)]
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(
    method: String, path: String, query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = [], body: [UInt8] = []
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
  }

  /// The first value of a header, its name compared without regard to case.
  package func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }
}

/// What the server answers.
package struct ServerResponse: Sendable {
  /// How the body is sent.
  package enum Body: Sendable {
    case bytes([UInt8])
    /// Sent as it arrives, chunked, until the stream ends.
    case stream(AsyncStream<[UInt8]>)
    /// After the answer 101 the connection speaks another protocol: these bytes are sent as they arrive, until
    /// the stream ends or the client goes. What the client sends is dropped.
    case upgraded(AsyncStream<[UInt8]>)
    /// The connection is closed without an answer, for fault injection.
    case cut
    /// Announced whole, and the connection is closed in the middle of it, for fault injection.
    case torn([UInt8])
  }

  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: Body

  package init(status: Int, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}
