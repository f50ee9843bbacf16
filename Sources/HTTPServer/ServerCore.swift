internal import CMicroHTTPD
internal import Concurrency

/// What libmicrohttpd's callbacks work on: the handler and the exchanges under way.
final class ServerCore: Sendable {
  private struct State {
    var stopping = false
    var exchanges: [ObjectIdentifier: Exchange] = [:]
    var tasks: [ObjectIdentifier: Task<Void, Never>] = [:]
    var connections = 0
    /// Connections that no longer speak HTTP, by their exchange.
    var upgraded: [ObjectIdentifier: UpgradedSocket] = [:]
  }

  private let handler: HTTPServer.Handler
  private let bodyLimit: Int
  private let state = Locked(State())

  init(bodyLimit: Int, handler: @escaping HTTPServer.Handler) {
    self.bodyLimit = bodyLimit
    self.handler = handler
  }

  var connections: Int { state.withLock { $0.connections } }

  func connected() { state.withLock { $0.connections += 1 } }

  /// Refuses what comes from now on and ends every exchange.
  /// - Returns: the handlers' tasks, already cancelled.
  func stop() -> [Task<Void, Never>] {
    let (exchanges, tasks, sockets) = state.withLock { state in
      state.stopping = true
      return (
        Array(state.exchanges.values), Array(state.tasks.values), Array(state.upgraded.values)
      )
    }
    // Before the daemon ends: their handles go with it.
    for socket in sockets { socket.finish() }
    for exchange in exchanges { exchange.close() }
    return tasks
  }

  /// Called when a request's head is there. Nil when the server stops.
  func open(_ connection: OpaquePointer, method: String, path: String) -> Exchange? {
    let request = ServerRequest(
      method: method, path: path, query: fields(of: connection, cmicrohttpd_query),
      headers: fields(of: connection, cmicrohttpd_header))
    let exchange = Exchange(request, connection: connection)
    let announced = request.header("Content-Length").flatMap { Int($0) } ?? 0
    exchange.bodyTooLong = announced > bodyLimit
    if !exchange.bodyTooLong { exchange.request.body.reserveCapacity(min(announced, 8 << 20)) }
    let opened = state.withLock { state in
      guard !state.stopping else { return false }
      state.exchanges[ObjectIdentifier(exchange)] = exchange
      return true
    }
    return opened ? exchange : nil
  }

  /// Takes a piece of the request's body. One that is too long is read to its end and dropped, so that the
  /// client gets to see the answer.
  func receive(_ piece: UnsafeRawBufferPointer, _ exchange: Exchange) {
    guard !exchange.bodyTooLong else { return }
    if exchange.request.body.count + piece.count > bodyLimit {
      exchange.bodyTooLong = true
      exchange.request.body = []
    } else {
      exchange.request.body.append(contentsOf: piece)
    }
  }

  /// Called when the request is whole, and again when the answer is there.
  func proceed(_ exchange: Exchange) -> MHD_Result {
    if exchange.bodyTooLong {
      return reply(
        ServerResponse(status: 413, body: .bytes(Array("the body is longer than \(bodyLimit) bytes\n".utf8))),
        exchange)
    }
    switch exchange.turn() {
    case .cut: return cmicrohttpd_no
    case .answer(let response): return reply(response, exchange)
    case .startHandler:
      let request = exchange.request
      exchange.request.body = []
      let id = ObjectIdentifier(exchange)
      // Registered under the lock, so that the task's own removal comes after it.
      let task = state.withLock { state in
        let task = Task.detached { [handler] in
          await exchange.answer(await handler(request))
          self.state.withLock { _ = $0.tasks.removeValue(forKey: id) }
        }
        state.tasks[id] = task
        return task
      }
      exchange.keep(task)
      return cmicrohttpd_yes
    }
  }

  /// Called when libmicrohttpd is done with a request, however it ended.
  func close(_ exchange: Exchange) {
    exchange.close()
    state.withLock { state in
      state.exchanges[ObjectIdentifier(exchange)] = nil
      state.upgraded[ObjectIdentifier(exchange)] = nil
    }
  }

  private func reply(_ answer: ServerResponse, _ exchange: Exchange) -> MHD_Result {
    let response: OpaquePointer?
    switch answer.body {
    case .cut: return cmicrohttpd_no
    case .bytes(let bytes):
      response = bytes.withUnsafeBytes { source in
        cmicrohttpd_response(source.count, source.baseAddress)
      }
    case .stream, .torn:
      let size = if case .torn(let body) = answer.body { UInt64(body.count) } else { UInt64.max }
      response = MHD_create_response_from_callback(
        size, 32 << 10, fillFromStream, Unmanaged.passRetained(exchange).toOpaque(), releaseExchange)
    case .upgraded(let pieces):
      let socket = UpgradedSocket(pieces)
      // Kept until the exchange is closed, which is after the callback.
      let isOpen = state.withLock { state in
        guard !state.stopping else { return false }
        state.upgraded[ObjectIdentifier(exchange)] = socket
        return true
      }
      guard isOpen else { return cmicrohttpd_no }
      response = MHD_create_response_for_upgrade(takeSocket, Unmanaged.passUnretained(socket).toOpaque())
    }
    guard let response else { return cmicrohttpd_no }
    defer { MHD_destroy_response(response) }
    for (name, value) in answer.headers
    where !["content-length", "transfer-encoding"].contains(name.lowercased()) {
      _ = MHD_add_response_header(response, name, value)
    }
    let isUpgrade = if case .upgraded = answer.body { true } else { false }
    let status = isUpgrade ? 101 : (200...599).contains(answer.status) ? answer.status : 500
    return MHD_queue_response(exchange.connection, UInt32(status), response)
  }
}

private func fields(of connection: OpaquePointer, _ kind: MHD_ValueKind) -> [(name: String, value: String)] {
  var found: [(name: String, value: String)] = []
  withUnsafeMutablePointer(to: &found) { list in
    _ = MHD_get_connection_values(
      connection, kind,
      { list, _, name, value in
        guard let name else { return cmicrohttpd_yes }
        list?.assumingMemoryBound(to: [(name: String, value: String)].self).pointee.append(
          (String(cString: name), value.map { String(cString: $0) } ?? ""))
        return cmicrohttpd_yes
      }, list)
  }
  return found
}

private func fillFromStream(
  _ context: UnsafeMutableRawPointer?, _: UInt64, _ space: UnsafeMutablePointer<CChar>?, _ size: Int
) -> Int {
  guard let context else { return -2 }
  return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue().fill(
    UnsafeMutableRawBufferPointer(start: space, count: size))
}

private func releaseExchange(_ context: UnsafeMutableRawPointer?) {
  guard let context else { return }
  Unmanaged<Exchange>.fromOpaque(context).release()
}
