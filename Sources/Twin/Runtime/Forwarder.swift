import Concurrency

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Gives each service a stable loopback port and passes new connections on to whatever is live behind it.
///
/// One thread owns every socket but the listeners' table. A connection stays with the process it was
/// made to; without one behind the port a client reads 502.
final class Forwarder: Sendable {
  private struct Table {
    /// Listener → the port behind it; nil when nothing is live.
    var targets: [Int32: UInt16?] = [:]
    var isStopping = false
    var thread: pthread_t?
  }

  private let table = Locked(Table())
  private let answered: @Sendable (UInt16, Int, Duration) -> Void
  private let wake: (read: Int32, write: Int32)

  /// - Parameter answered: told of each answer the port behind, its status, and how long it took; by the thread.
  /// - Throws: `Refusal` when the system gives no pipe or thread.
  init(answered: @escaping @Sendable (UInt16, Int, Duration) -> Void = { _, _, _ in }) throws {
    self.answered = answered
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Refusal("no pipe for the forwarder: \(Forwarder.reason)") }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    wake = (ends[0], ends[1])
    let me = Unmanaged.passRetained(self)
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    // Signals belong to the threads that handle them: the thread inherits a full mask.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    let result = pthread_create(
      &thread, nil,
      { argument in
        #if canImport(Darwin)
          Unmanaged<Forwarder>.fromOpaque(argument).takeRetainedValue().loop()
        #else
          if let argument { Unmanaged<Forwarder>.fromOpaque(argument).takeRetainedValue().loop() }
        #endif
        return nil
      }, me.toOpaque())
    pthread_sigmask(SIG_SETMASK, &before, nil)
    guard result == 0 else {
      me.release()
      throw Refusal("no thread for the forwarder: \(String(cString: strerror(result)))")
    }
    let started = thread
    table.withLock { $0.thread = started }
  }

  /// Opens a port.
  /// - Returns: the listener, to route by, and its port.
  func listen() throws -> (listener: Int32, port: UInt16) {
    let (descriptor, port) = try Loopback.listener()
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    table.withLock { $0.targets[descriptor] = .some(nil) }
    rouse()
    return (descriptor, port)
  }

  /// Passes connections that arrive from now on to `port`, or to nobody.
  func route(_ listener: Int32, to port: UInt16?) {
    table.withLock { $0.targets[listener] = .some(port) }
  }

  /// Closes every socket and waits for the thread. Further calls do nothing.
  func stop() {
    let thread = table.withLock { table in
      table.isStopping = true
      defer { table.thread = nil }
      return table.thread
    }
    guard let thread else { return }
    rouse()
    pthread_join(thread, nil)
    close(wake.read)
    close(wake.write)
  }

  private func rouse() {
    var byte: UInt8 = 1
    _ = write(wake.write, &byte, 1)
  }

  private func loop() {
    var connections: [ForwardedConnection] = []
    while true {
      let (listeners, stopping) = table.withLock { (Array($0.targets.keys), $0.isStopping) }
      if stopping { break }
      var polls = [pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0)]
      polls += listeners.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      for connection in connections { polls += connection.interests }
      guard poll(&polls, nfds_t(polls.count), -1) >= 0 || errno == EINTR else { break }
      if polls[0].revents != 0 {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(wake.read, &bytes, 64) > 0 {}
      }
      let base = 1 + listeners.count
      for index in connections.indices {
        connections[index].handle(client: polls[base + 2 * index], server: polls[base + 2 * index + 1])
      }
      connections.removeAll(where: \.isOver)
      for (index, listener) in listeners.enumerated() where polls[1 + index].revents != 0 {
        let target = table.withLock { $0.targets[listener] ?? nil }
        while let connection = ForwardedConnection(accepting: listener, to: target, answered: answered) {
          connections.append(connection)
        }
      }
    }
    for index in connections.indices { connections[index].end() }
    for listener in table.withLock({ Array($0.targets.keys) }) { close(listener) }
  }

  private static var reason: String { String(cString: strerror(errno)) }
}

/// Sockets on 127.0.0.1.
enum Loopback {
  static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  static func stream() -> Int32 {
    #if canImport(Darwin)
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
      var yes: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &yes, socklen_t(MemoryLayout<Int32>.size))
    #else
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    return descriptor
  }

  /// A listening socket on a port that the system chooses.
  static func listener() throws -> (descriptor: Int32, port: UInt16) {
    let descriptor = stream()
    guard descriptor >= 0 else { throw Refusal("no socket: \(String(cString: strerror(errno)))") }
    var place = address(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) == 0 && listen(descriptor, 128) == 0
          && getsockname(descriptor, address, &length) == 0
      }
    }
    guard bound else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw Refusal("no port on 127.0.0.1: \(reason)")
    }
    return (descriptor, UInt16(bigEndian: place.sin_port))
  }

  /// A port that was free a moment ago.
  static func freePort() throws -> UInt16 {
    let (descriptor, port) = try listener()
    close(descriptor)
    return port
  }
}
