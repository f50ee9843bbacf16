internal import CCurl

/// The HTTP client: libcurl on one thread, which starts with the first request.
///
/// HTTP/2 over TLS with fallback to HTTP/1.1, connections kept and reused, certificates always verified,
/// gzip answers unpacked, redirects given back as the responses they are. Proxy variables are honoured,
/// except for loopback hosts. A request with an effect is never sent twice.
package final class HTTPClient: HTTPTransport {
  /// What holds for every request of a client.
  package struct Configuration: Sendable {
    package var userAgent: String
    /// Most connections to one host at a time; further requests wait, within their own budget.
    package var connectionsPerHost: Int
    /// Budget for name, connection and TLS handshake together.
    package var connectTimeout: Duration
    /// A PEM file of the authorities to trust instead of the system's.
    package var certificateAuthorities: String?

    package init(
      userAgent: String = "shipit", connectionsPerHost: Int = 32, connectTimeout: Duration = .seconds(10),
      certificateAuthorities: String? = nil
    ) {
      self.userAgent = userAgent
      self.connectionsPerHost = connectionsPerHost
      self.connectTimeout = connectTimeout
      self.certificateAuthorities = certificateAuthorities
    }
  }

  private let loop: TransferLoop

  package init(configuration: Configuration = Configuration()) {
    loop = TransferLoop(configuration)
  }

  deinit {
    loop.close()
  }

  /// Ends every request under way with `cancelled` and gives the thread and all connections back, without
  /// waiting for that. Later requests fail with `cancelled`. The end of the client's life does the same.
  package func close() {
    loop.close()
  }

  package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let transfer = Transfer(request, target: try HTTPTarget(request.url), streams: false)
    return try await answer(transfer).get()
  }

  package func stream(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
    let transfer = Transfer(request, target: try HTTPTarget(request.url), streams: true)
    let reader = StreamReader(transfer, loop, client: self)
    let head = try await answer(transfer).get()
    return HTTPStream(
      status: head.status, headers: head.headers,
      body: AsyncThrowingStream(unfolding: { try await reader.next() }))
  }

  private func answer(_ transfer: Transfer) async -> Result<HTTPResponse, HTTPError> {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        transfer.expect(continuation)
        loop.add(transfer)
      }
    } onCancel: {
      loop.cancel(transfer)
    }
  }
}

/// The reading end of a streamed body. The transfer ends with it, and the client lives as long.
private final class StreamReader: Sendable {
  private let transfer: Transfer
  private let loop: TransferLoop
  private let client: HTTPClient

  init(_ transfer: Transfer, _ loop: TransferLoop, client: HTTPClient) {
    self.transfer = transfer
    self.loop = loop
    self.client = client
  }

  deinit {
    loop.cancel(transfer)
  }

  /// Everything that has arrived since the last piece; nil at the end.
  func next() async throws -> [UInt8]? {
    try await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if transfer.give(to: continuation) { loop.resume(transfer) }
      }
    } onCancel: {
      loop.cancel(transfer)
    }.get()
  }
}
