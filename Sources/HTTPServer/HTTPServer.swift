internal import CMicroHTTPD
internal import Concurrency

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// An HTTP/1.1 server on loopback, on libmicrohttpd: its threads read requests, a task answers each,
/// and the connection is suspended meanwhile.
///
/// A client that goes away is noticed when the next piece of its answer is sent, not before.
package final class HTTPServer: Sendable {
  /// Answers one request. Cancelled when the server stops.
  package typealias Handler = @Sendable (ServerRequest) async -> ServerResponse

  /// The port it listens on.
  package let port: UInt16

  private let core: ServerCore
  private let running: Locked<Daemon?>

  /// The daemon's address.
  private struct Daemon: @unchecked Sendable {
    // `@unchecked`: only `stop` uses it, once, after taking it out of the lock.
    let pointer: OpaquePointer
  }

  /// Starts listening on 127.0.0.1.
  /// - Parameters:
  ///   - port: 0 lets the system choose.
  ///   - bodyLimit: longest request body in bytes; longer ones are answered 413.
  /// - Throws: `HTTPServerError` when the port cannot be had.
  package init(port: UInt16 = 0, bodyLimit: Int = 512 << 20, handler: @escaping Handler) throws {
    core = ServerCore(bodyLimit: bodyLimit, handler: handler)
    // The daemon's threads inherit this mask: signals belong to the threads that handle them.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    // `stop` keeps the core alive until the daemon's last callback.
    let daemon = cmicrohttpd_start(
      port, takeRequest, endRequest, noteConnection, Unmanaged.passUnretained(core).toOpaque())
    let reason = String(cString: strerror(errno))
    pthread_sigmask(SIG_SETMASK, &before, nil)
    guard let daemon else {
      throw HTTPServerError(description: "cannot listen on 127.0.0.1:\(port): \(reason)")
    }
    self.port = cmicrohttpd_port(daemon)
    running = Locked(Daemon(pointer: daemon))
  }

  deinit {
    stop()
  }

  /// Connections accepted since the start.
  package var connectionsAccepted: Int { core.connections }

  /// Stops listening, cancels handlers and closes every connection. Does not wait for handlers: what they
  /// still answer is dropped. Further calls do nothing.
  package func stop() {
    _ = cancelAndClose()
  }

  /// `stop`, then waits until every handler has returned. Never call it from a handler.
  package func shutDown() async {
    for task in cancelAndClose() { await task.value }
  }

  private func cancelAndClose() -> [Task<Void, Never>] {
    let tasks = core.stop()
    let daemon = running.withLock { running in
      defer { running = nil }
      return running
    }
    if let daemon { MHD_stop_daemon(daemon.pointer) }
    return tasks
  }
}

/// Why the server could not start.
package struct HTTPServerError: Error, Sendable, CustomStringConvertible {
  package var description: String

  package init(description: String) {
    self.description = description
  }
}

private func takeRequest(
  _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ path: UnsafePointer<CChar>?,
  _ method: UnsafePointer<CChar>?, _: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
  _ uploadSize: UnsafeMutablePointer<Int>?, _ mine: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
  guard let context, let connection, let path, let method, let uploadSize, let mine else {
    return cmicrohttpd_no
  }
  let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
  guard let opened = mine.pointee else {
    guard
      let exchange = core.open(connection, method: String(cString: method), path: String(cString: path))
    else { return cmicrohttpd_no }
    mine.pointee = Unmanaged.passRetained(exchange).toOpaque()
    return cmicrohttpd_yes
  }
  let exchange = Unmanaged<Exchange>.fromOpaque(opened).takeUnretainedValue()
  guard uploadSize.pointee == 0 else {
    core.receive(UnsafeRawBufferPointer(start: upload, count: uploadSize.pointee), exchange)
    uploadSize.pointee = 0
    return cmicrohttpd_yes
  }
  return core.proceed(exchange)
}

private func endRequest(
  _ context: UnsafeMutableRawPointer?, _: OpaquePointer?,
  _ mine: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _: MHD_RequestTerminationCode
) {
  guard let context, let mine, let opened = mine.pointee else { return }
  mine.pointee = nil
  let exchange = Unmanaged<Exchange>.fromOpaque(opened).takeRetainedValue()
  Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue().close(exchange)
}

private func noteConnection(
  _ context: UnsafeMutableRawPointer?, _: OpaquePointer?,
  _: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ event: MHD_ConnectionNotificationCode
) {
  guard let context, event == cmicrohttpd_started else { return }
  Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue().connected()
}
