internal import CMicroHTTPD
internal import Concurrency

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// A connection that no longer speaks HTTP: sends what its stream gives, and reads only to notice that the
/// other side is gone.
///
/// `@unchecked Sendable`: socket and handle are only touched under the lock of `state`, and no more once it is
/// closed.
final class UpgradedSocket: @unchecked Sendable {
  private struct State {
    var socket: Int32 = -1
    var handle: OpaquePointer?
    var isClosed = false
    var tasks: [Task<Void, Never>] = []
  }

  private let pieces: AsyncStream<[UInt8]>
  private let state = Locked(State())

  init(_ pieces: AsyncStream<[UInt8]>) { self.pieces = pieces }

  /// Takes the connection over.
  func begin(_ socket: Int32, _ handle: OpaquePointer) {
    let isOver = state.withLock { state in
      if state.isClosed {
        cmicrohttpd_close_upgraded(handle)
      } else {
        (state.socket, state.handle) = (socket, handle)
      }
      return state.isClosed
    }
    if isOver { return }
    let writer = Task.detached { [self] in
      for await piece in pieces {
        guard await send(piece) else { break }
      }
      finish()
    }
    let reader = Task.detached { [self] in
      while isThere() {
        do { try await Task.sleep(for: .milliseconds(50)) } catch { break }
      }
      finish()
    }
    let late = state.withLock { state in
      state.tasks = [writer, reader]
      return state.isClosed
    }
    if late { for task in [writer, reader] { task.cancel() } }
  }

  /// Closes the connection. Further calls do nothing.
  func finish() {
    let tasks = state.withLock { state -> [Task<Void, Never>] in
      guard !state.isClosed else { return [] }
      state.isClosed = true
      if let handle = state.handle { cmicrohttpd_close_upgraded(handle) }
      state.handle = nil
      return state.tasks
    }
    for task in tasks { task.cancel() }
  }

  /// Whether the other side still has the connection; what it says is dropped.
  private func isThere() -> Bool {
    var space = [UInt8](repeating: 0, count: 4096)
    return state.withLock { state in
      guard !state.isClosed else { return false }
      let count = recv(state.socket, &space, space.count, dontWait)
      return count > 0 || (count < 0 && [EAGAIN, EWOULDBLOCK, EINTR].contains(errno))
    }
  }

  private func send(_ piece: [UInt8]) async -> Bool {
    var rest = piece[...]
    while !rest.isEmpty {
      let sent = state.withLock { state -> Int in
        guard !state.isClosed else { return -2 }
        let flags = dontWait | noSignal
        let count = rest.withUnsafeBytes { sendBytes(state.socket, $0.baseAddress, $0.count, flags) }
        guard count < 0 else { return count }
        return [EAGAIN, EWOULDBLOCK, EINTR].contains(errno) ? -1 : -2
      }
      guard sent > -2 else { return false }
      if sent > 0 { rest = rest.dropFirst(sent) }
      if sent == -1 { do { try await Task.sleep(for: .milliseconds(10)) } catch { return false } }
    }
    return true
  }
}

/// libmicrohttpd's callback once the answer 101 is sent.
func takeSocket(
  _ context: UnsafeMutableRawPointer?, _: OpaquePointer?, _: UnsafeMutableRawPointer?,
  _: UnsafePointer<CChar>?, _: Int, _ socket: MHD_socket, _ handle: OpaquePointer?
) {
  guard let context, let handle else { return }
  Unmanaged<UpgradedSocket>.fromOpaque(context).takeUnretainedValue().begin(socket, handle)
}

/// `send`, whose name a method has here.
private func sendBytes(_ socket: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
  send(socket, bytes, count, flags)
}

private let dontWait = Int32(truncatingIfNeeded: MSG_DONTWAIT)
#if canImport(Darwin)
  // The process ignores SIGPIPE.
  private let noSignal: Int32 = 0
#else
  private let noSignal = Int32(truncatingIfNeeded: MSG_NOSIGNAL)
#endif
