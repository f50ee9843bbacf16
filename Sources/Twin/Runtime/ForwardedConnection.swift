#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A client's connection and the one to the process behind it. Only the forwarder's thread touches it.
struct ForwardedConnection {
  private var client: Int32
  private var server: Int32 = -1
  private var toServer: [UInt8] = []
  private var toClient: [UInt8] = []
  private var isConnecting = false
  private var clientEnded = false
  private var serverEnded = false
  private var clientShut = false
  private var serverShut = false
  private var hasAnswered = false
  /// Whoever is behind it; nil: nobody.
  private let target: UInt16?
  private let answered: @Sendable (UInt16, Int, Duration) -> Void
  private var meter = ResponseMeter()
  /// Since when a request waits for its answer.
  private var askedAt: ContinuousClock.Instant?
  private(set) var isOver = false

  private static let limit = 256 << 10

  /// Takes a waiting connection; nil when there is none.
  /// - Parameter answered: told the port behind it, an answer's status, and how long it took.
  init?(
    accepting listener: Int32, to port: UInt16?,
    answered: @escaping @Sendable (UInt16, Int, Duration) -> Void
  ) {
    target = port
    self.answered = answered
    client = accept(listener, nil, nil)
    guard client >= 0 else { return nil }
    _ = fcntl(client, F_SETFD, FD_CLOEXEC)
    _ = fcntl(client, F_SETFL, O_NONBLOCK)
    #if canImport(Darwin)
      var yes: Int32 = 1
      setsockopt(client, SOL_SOCKET, SO_NOSIGPIPE, &yes, socklen_t(MemoryLayout<Int32>.size))
    #endif
    if let port { connectTo(port) } else { apologise() }
  }

  /// What to wait for: of the client, then of the server.
  var interests: [pollfd] {
    var clientEvents: Int32 = 0
    if !clientEnded, toServer.count < Self.limit { clientEvents |= Int32(POLLIN) }
    if !toClient.isEmpty { clientEvents |= Int32(POLLOUT) }
    var serverEvents: Int32 = 0
    if !serverEnded, !isConnecting, toClient.count < Self.limit { serverEvents |= Int32(POLLIN) }
    if isConnecting || !toServer.isEmpty { serverEvents |= Int32(POLLOUT) }
    // A descriptor that nothing is wanted of is left out, or its hang-up would wake the loop for ever.
    return [
      pollfd(fd: clientEvents == 0 ? -1 : client, events: Int16(clientEvents), revents: 0),
      pollfd(fd: serverEvents == 0 ? -1 : server, events: Int16(serverEvents), revents: 0),
    ]
  }

  /// Moves what can be moved.
  mutating func handle(client clientPoll: pollfd, server serverPoll: pollfd) {
    if isConnecting, serverPoll.revents != 0 { finishConnecting() }
    if clientPoll.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0, !clientEnded { readClient() }
    if serverPoll.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0, server >= 0, !isConnecting, !serverEnded {
      readServer()
    }
    if !isOver { flush() }
  }

  /// Closes both sides.
  mutating func end() {
    if client >= 0 { close(client) }
    if server >= 0 { close(server) }
    client = -1
    server = -1
    isOver = true
  }

  private mutating func connectTo(_ port: UInt16) {
    server = Loopback.stream()
    guard server >= 0 else { return apologise() }
    _ = fcntl(server, F_SETFL, O_NONBLOCK)
    var place = Loopback.address(port)
    let socket = server
    let result = withUnsafePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result == 0 { return }
    guard errno == EINPROGRESS else { return apologise() }
    isConnecting = true
  }

  private mutating func finishConnecting() {
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(server, SOL_SOCKET, SO_ERROR, &error, &length)
    isConnecting = false
    if error != 0 { apologise() }
  }

  /// Nothing answers: say so as the platform's edge does.
  private mutating func apologise() {
    if server >= 0 { close(server) }
    server = -1
    isConnecting = false
    serverEnded = true
    toServer = []
    note(502)
    let body = #"{"status":"error","code":502,"message":"Application failed to respond"}"#
    toClient = Array(
      "HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
        .utf8)
  }

  private mutating func note(_ status: Int) {
    let took = askedAt.map { ContinuousClock.now - $0 } ?? .zero
    askedAt = nil
    if let target { answered(target, status, took) }
  }

  private mutating func readClient() {
    switch Self.take(client) {
    case .bytes(let bytes):
      askedAt = askedAt ?? .now
      if server >= 0 { toServer += bytes }
    case .end: clientEnded = true
    case .failed: end()
    case .later: break
    }
  }

  private mutating func readServer() {
    switch Self.take(server) {
    case .bytes(let bytes):
      hasAnswered = true
      toClient += bytes
      for status in meter.take(bytes) { note(status) }
    case .end:
      if hasAnswered { serverEnded = true } else { apologise() }
    case .failed: if hasAnswered { end() } else { apologise() }
    case .later: break
    }
  }

  private mutating func flush() {
    if server >= 0, !isConnecting, !toServer.isEmpty, !Self.give(&toServer, to: server) {
      if hasAnswered { return end() }
      apologise()
    }
    if !toClient.isEmpty, !Self.give(&toClient, to: client) { return end() }
    if clientEnded, toServer.isEmpty, server >= 0, !isConnecting, !serverShut {
      shutdown(server, Int32(SHUT_WR))
      serverShut = true
    }
    if serverEnded, toClient.isEmpty, !clientShut {
      shutdown(client, Int32(SHUT_WR))
      clientShut = true
    }
    if clientEnded, serverEnded, toClient.isEmpty { end() }
  }

  private enum Taken {
    case bytes([UInt8])
    case end, failed, later
  }

  private static func take(_ descriptor: Int32) -> Taken {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count > 0 { return .bytes(Array(buffer[..<count])) }
    if count == 0 { return .end }
    return errno == EAGAIN || errno == EINTR ? .later : .failed
  }

  /// - Returns: false when the other side is gone.
  private static func give(_ bytes: inout [UInt8], to descriptor: Int32) -> Bool {
    #if canImport(Darwin)
      let flags: Int32 = 0
    #else
      let flags = Int32(MSG_NOSIGNAL)
    #endif
    let count = send(descriptor, bytes, bytes.count, flags)
    if count < 0 { return errno == EAGAIN || errno == EINTR }
    bytes.removeFirst(count)
    return true
  }
}
