/// An HTTP/1.1 server on loopback, on libmicrohttpd: its threads read requests, a task answers each,
/// and the connection is suspended meanwhile.
package final class HTTPServer: Sendable {
  /// Answers one request. Cancelled when the server stops.
  package typealias Handler = @Sendable (ServerRequest) async -> ServerResponse

  /// The port it listens on.
  package let port: UInt16

  /// Starts listening on 127.0.0.1.
  /// - Parameters:
  ///   - port: 0 lets the system choose.
  ///   - bodyLimit: longest request body in bytes; longer ones are answered 413.
  /// - Throws: `HTTPServerError` when the port cannot be had.
  package init(port: UInt16 = 0, bodyLimit: Int = 512 << 20, handler: @escaping Handler) throws {
    self.port = port
  }

  /// Stops listening, cancels handlers and closes every connection.
  package func stop() {}
}

/// Why the server could not start.
package struct HTTPServerError: Error, Sendable, CustomStringConvertible {
  package var description: String

  package init(description: String) {
    self.description = description
  }
}
