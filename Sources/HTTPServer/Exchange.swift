internal import CMicroHTTPD
internal import Concurrency

/// One request and its answer: collects the body, keeps the connection suspended while a task works on the
/// answer, and hands a streamed body over piece by piece.
///
/// `@unchecked Sendable`: `state` has its own lock; `request` and `bodyTooLong` belong to the thread of
/// libmicrohttpd that reads the connection, until the handler's task starts.
final class Exchange: @unchecked Sendable {
  /// Bytes of a streamed body kept for a slow reader before its producer has to wait.
  static let pauseAbove = 256 << 10

  /// What the connection's thread does next.
  enum Turn {
    /// The connection is suspended; the caller starts the handler.
    case startHandler
    case answer(ServerResponse)
    case cut
  }

  private enum Phase {
    case receiving
    /// Suspended until the handler answers.
    case waiting
    case answered(ServerResponse)
    case replying
    /// Suspended until the stream has more.
    case starved
    case closed
  }

  private struct State {
    var phase = Phase.receiving
    var task: Task<Void, Never>?
    var pieces: [UInt8] = []
    var sent = 0
    var ended = false
    /// It ends as a connection that breaks off.
    var isTorn = false
    /// The producer, while it waits for the reader.
    var producer: CheckedContinuation<Void, Never>?
  }

  let connection: OpaquePointer
  var request: ServerRequest
  var bodyTooLong = false
  private let state = Locked(State())

  init(_ request: ServerRequest, connection: OpaquePointer) {
    self.request = request
    self.connection = connection
  }

  /// Called by the connection's thread when the request is whole, and again after each resume.
  func turn() -> Turn {
    state.withLock { state in
      switch state.phase {
      case .receiving:
        // Suspended under the lock: nobody can resume the connection before it is suspended.
        MHD_suspend_connection(connection)
        state.phase = .waiting
        return .startHandler
      case .answered(let response):
        state.phase = .replying
        return .answer(response)
      case .waiting, .replying, .starved, .closed:
        return .cut
      }
    }
  }

  /// Keeps the task, to be cancelled with the exchange.
  func keep(_ task: Task<Void, Never>) {
    let over = state.withLock { state in
      if case .closed = state.phase { return true }
      state.task = task
      return false
    }
    if over { task.cancel() }
  }

  /// Gives the handler's answer to the connection, then feeds a streamed body until it ends.
  func answer(_ response: ServerResponse) async {
    let resume = state.withLock { state in
      guard case .waiting = state.phase else { return false }
      state.phase = .answered(response)
      if case .torn(let body) = response.body {
        (state.pieces, state.ended, state.isTorn) = (Array(body.prefix(body.count / 2)), true, true)
      }
      return true
    }
    guard resume else { return }
    MHD_resume_connection(connection)
    guard case .stream(let pieces) = response.body else { return }
    for await piece in pieces {
      if piece.isEmpty { continue }
      // Once nobody reads any more the task is cancelled: by that the stream ends, and whoever makes it hears of it.
      await offer(piece)
    }
    let starved = state.withLock { state in
      state.ended = true
      guard case .starved = state.phase else { return false }
      state.phase = .replying
      return true
    }
    if starved { MHD_resume_connection(connection) }
  }

  /// Adds a piece, waiting while the reader is far behind. Without effect when nobody reads any more.
  private func offer(_ piece: [UInt8]) async {
    let (open, starved) = state.withLock { state -> (Bool, Bool) in
      if case .closed = state.phase { return (false, false) }
      state.pieces.append(contentsOf: piece)
      guard case .starved = state.phase else { return (true, false) }
      state.phase = .replying
      return (true, true)
    }
    if starved { MHD_resume_connection(connection) }
    guard open else { return }
    await withCheckedContinuation { continuation in
      let go = state.withLock { state in
        if case .closed = state.phase { return true }
        guard state.pieces.count - state.sent >= Exchange.pauseAbove else { return true }
        state.producer = continuation
        return false
      }
      if go { continuation.resume() }
    }
  }

  /// Fills `space` with what the stream has; suspends the connection when it has nothing yet.
  /// - Returns: bytes written, 0 when suspended, or libmicrohttpd's marks for the end and for an error.
  func fill(_ space: UnsafeMutableRawBufferPointer) -> Int {
    let (count, producer) = state.withLock { state -> (Int, CheckedContinuation<Void, Never>?) in
      if case .closed = state.phase { return (-2, nil) }
      let count = min(space.count, state.pieces.count - state.sent)
      guard count > 0 else {
        if state.ended { return (state.isTorn ? -2 : -1, nil) }
        MHD_suspend_connection(connection)
        state.phase = .starved
        return (0, nil)
      }
      state.pieces.withUnsafeBytes { source in
        space.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[state.sent..<state.sent + count]))
      }
      state.sent += count
      if state.sent == state.pieces.count {
        state.pieces.removeAll(keepingCapacity: true)
        state.sent = 0
      }
      guard state.pieces.count - state.sent < Exchange.pauseAbove / 2 else { return (count, nil) }
      let producer = state.producer
      state.producer = nil
      return (count, producer)
    }
    producer?.resume()
    return count
  }

  /// Ends the exchange: cancels its task and wakes whoever waits for it. The connection is closed when
  /// libmicrohttpd turns to it next.
  func close() {
    let (task, producer, suspended) = state.withLock { state in
      let suspended =
        switch state.phase {
        case .waiting, .starved: true
        default: false
        }
      state.phase = .closed
      defer { (state.task, state.producer) = (nil, nil) }
      return (state.task, state.producer, suspended)
    }
    task?.cancel()
    producer?.resume()
    if suspended { MHD_resume_connection(connection) }
  }
}
