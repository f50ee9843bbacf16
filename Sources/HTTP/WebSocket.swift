internal import Concurrency
internal import Crypto

/// A WebSocket client (RFC 6455) over a connection of libcurl, which makes name, proxy and TLS.
///
/// No extension and no sub-protocol is asked for. Pings are answered while `receive` waits. One call at a time;
/// a call that is cancelled or runs out of time leaves the WebSocket of no further use.
///
/// ```swift
/// let socket = try await WebSocket.open("wss://example.com/feed", within: .seconds(5))
/// try await socket.send(.text("hello"), within: .seconds(1))
/// let answer = try await socket.receive(within: .seconds(5))
/// await socket.close(within: .seconds(1))
/// ```
package actor WebSocket {
  private let connection: Connection
  private var reader: WebSocketFrameReader
  private var assembly: WebSocketAssembly
  private var isClosed = false

  /// Connects and shakes hands.
  /// - Parameters:
  ///   - url: an address of wss or ws.
  ///   - messageLimit: the longest message accepted, in bytes.
  ///   - timeout: the budget for both together.
  /// - Throws: `WebSocketError`.
  package static func open(
    _ url: String, headers: [(name: String, value: String)] = [],
    configuration: HTTPClient.Configuration = .init(), messageLimit: Int = 1 << 20,
    within timeout: Duration = .seconds(10)
  ) async throws(WebSocketError) -> WebSocket {
    let deadline = ContinuousClock.now + timeout
    let parts = try Parts(url)
    let connection: Connection
    do {
      connection = try await Connection.open(
        parts.httpURL, Connection.Options(configuration: configuration, timeout: timeout))
    } catch { throw WebSocketError(error) }
    var handshake = WebSocketHandshake()
    var headers = headers
    if !headers.contains(where: { $0.name.lowercased() == "user-agent" }) {
      headers.append(("User-Agent", configuration.userAgent))
    }
    let request = try handshake.request(host: parts.host, path: parts.path, headers: headers)
    let rest: [UInt8]
    do throws(WebSocketError) {
      rest = try await shakeHands(&handshake, request, over: connection, until: deadline)
    } catch {
      throw error.overdue("\(connection.place): the handshake was not answered", within: timeout)
    }
    return WebSocket(connection, rest: rest, messageLimit: messageLimit)
  }

  private init(_ connection: Connection, rest: [UInt8], messageLimit: Int) {
    self.connection = connection
    reader = WebSocketFrameReader(from: .server, payloadLimit: messageLimit)
    assembly = WebSocketAssembly(messageLimit: messageLimit)
    reader.append(rest)
  }

  private static func shakeHands(
    _ handshake: inout WebSocketHandshake, _ request: [UInt8], over connection: Connection,
    until deadline: ContinuousClock.Instant
  ) async throws(WebSocketError) -> [UInt8] {
    try await connection.say(request, until: deadline)
    var answer: HTTPResponse?
    while true {
      let bytes: [UInt8]
      do throws(WebSocketError) { bytes = try await connection.hear(until: deadline) } catch {
        guard let answer, error.code != .cancelled else { throw error }
        throw noWebSocket(answer, connection)
      }
      switch try handshake.take(bytes) {
      case .more: continue
      case .open(let rest): return rest
      case .other(let other):
        answer = other
        // Its body explains; it is waited for only where its end is known, and only so much of it.
        guard let left = handshake.bodyLeft(other), left > 0, other.body.count < 64 << 10 else {
          throw noWebSocket(other, connection)
        }
      }
    }
  }

  private static func noWebSocket(_ answer: HTTPResponse, _ connection: Connection) -> WebSocketError {
    WebSocketError(
      code: .noWebSocket, message: "\(connection.place): the handshake was answered with \(answer.status)",
      answer: answer)
  }

  /// Sends a message in one frame.
  /// - Throws: `WebSocketError`.
  package func send(_ message: WebSocketMessage, within timeout: Duration) async throws(WebSocketError) {
    switch message {
    case .text(let text): try await send(WebSocketFrame(.text, Array(text.utf8)), within: timeout)
    case .binary(let bytes): try await send(WebSocketFrame(.binary, bytes), within: timeout)
    }
  }

  /// The next message.
  /// - Throws: `WebSocketError`; with `closed` when the other side closes instead. After `violation` and `tooLarge`
  ///   the other side has been told why.
  package func receive(within timeout: Duration) async throws(WebSocketError) -> WebSocketMessage {
    let deadline = ContinuousClock.now + timeout
    do throws(WebSocketError) {
      while true {
        guard let frame = try reader.next() else {
          reader.append(try await connection.hear(until: deadline))
          continue
        }
        switch try assembly.take(frame) {
        case .message(let message): return message
        case .ping(let payload): try await send(WebSocketFrame(.pong, payload), within: deadline - .now)
        case .close(let code, let reason): throw await closed(code, reason, until: deadline)
        case .pong, nil: break
        }
      }
    } catch {
      if let code = error.closeCode, error.code != .closed, !isClosed {
        try? await send(.close(code), within: .seconds(1))
        isClosed = true
      }
      throw error.overdue("\(connection.place): no message came", within: timeout)
    }
  }

  /// Says goodbye and waits for the other side to do so, at most so long. Later calls fail with `closed`.
  package func close(_ code: UInt16 = 1000, within timeout: Duration) async {
    guard !isClosed else { return }
    let deadline = ContinuousClock.now + timeout
    do throws(WebSocketError) {
      try await send(.close(code), within: timeout)
      isClosed = true
      while true {
        if let frame = try reader.next() {
          if frame.opcode == .close { return }
        } else {
          reader.append(try await connection.hear(until: deadline))
        }
      }
    } catch {
      isClosed = true
    }
  }

  private func send(_ frame: WebSocketFrame, within timeout: Duration) async throws(WebSocketError) {
    guard !isClosed else {
      throw WebSocketError(code: .closed, message: "\(connection.place): the WebSocket is closed")
    }
    try await connection.say(frame.encoded(mask: randomBytes(4)), until: .now + timeout)
  }

  private func closed(
    _ code: UInt16?, _ reason: String, until deadline: ContinuousClock.Instant
  ) async -> WebSocketError {
    if !isClosed { try? await send(.close(code ?? 1000), within: .seconds(1)) }
    isClosed = true
    let words = (code.map { " with code \($0)" } ?? "") + (reason.isEmpty ? "" : ": \(reason)")
    return WebSocketError(
      code: .closed, message: "\(connection.place): the server closed the WebSocket\(words)", closeCode: code)
  }
}

extension WebSocketError {
  /// The same, with the whole budget in its words when that ran out.
  fileprivate func overdue(_ words: String, within timeout: Duration) -> WebSocketError {
    guard code == .timeout else { return self }
    return WebSocketError(code: .timeout, message: "\(words) within \(timeout.inSeconds) s")
  }
}

extension Connection {
  fileprivate func say(
    _ bytes: [UInt8], until deadline: ContinuousClock.Instant
  ) async throws(WebSocketError) {
    do { try await send(bytes, within: deadline - .now) } catch { throw WebSocketError(error) }
  }

  /// What arrives next; never empty.
  fileprivate func hear(until deadline: ContinuousClock.Instant) async throws(WebSocketError) -> [UInt8] {
    let bytes: [UInt8]
    do { bytes = try await receive(within: deadline - .now) } catch { throw WebSocketError(error) }
    guard !bytes.isEmpty else {
      throw WebSocketError(
        code: .connectionLost, message: "\(place): the connection ended without a goodbye")
    }
    return bytes
  }
}

/// The parts of a WebSocket's address.
private struct Parts {
  /// The same place for libcurl, which knows no ws.
  var httpURL: String
  /// Host and port as they are written.
  var host: String
  var path: String

  init(_ url: String) throws(WebSocketError) {
    let schemes = [("wss://", "https://"), ("ws://", "http://")]
    guard let (scheme, like) = schemes.first(where: { url.lowercased().hasPrefix($0.0) }) else {
      throw WebSocketError(code: .badURL, message: "the address must begin with wss:// or ws://")
    }
    let rest = url.dropFirst(scheme.count)
    let authority = rest.prefix { !"/?#".contains($0) }
    let tail = rest.dropFirst(authority.count).prefix { $0 != "#" }
    host = String(authority)
    path = tail.hasPrefix("/") ? String(tail) : "/" + tail
    httpURL = like + authority + path
  }
}
