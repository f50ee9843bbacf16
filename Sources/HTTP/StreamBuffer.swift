/// Holds what has arrived of a streamed body and decides when the transfer pauses and goes on.
///
/// Pure: its owner keeps it under a lock, and carries out what the methods return outside it.
struct StreamBuffer {
  /// The transfer pauses while this many bytes wait unread.
  static let pauseAbove = 256 << 10

  typealias Waiter = CheckedContinuation<Result<[UInt8]?, HTTPError>, Never>

  /// What the transfer does with a piece that arrived.
  enum Arrival {
    /// It was given to a reader who waited: resume it with the piece.
    case handOver(Waiter)
    case kept
    /// Nothing was taken: pause, the same piece comes again.
    case pause
  }

  /// What a reader gets.
  enum Reading {
    case piece([UInt8], resume: Bool)
    /// The end, or why there is no more.
    case over(Result<[UInt8]?, HTTPError>)
    /// Nothing yet; the waiter is kept.
    case wait
  }

  private var unread: [UInt8] = []
  private var waiter: Waiter?
  private var paused = false
  private var ending: Result<[UInt8]?, HTTPError>?

  /// Takes a piece from the network.
  mutating func arrive(_ piece: UnsafeRawBufferPointer) -> Arrival {
    if let waiting = waiter {
      waiter = nil
      return .handOver(waiting)
    }
    if unread.count >= StreamBuffer.pauseAbove {
      paused = true
      return .pause
    }
    unread.append(contentsOf: piece)
    return .kept
  }

  /// Gives a reader everything unread, or keeps it waiting. One reader waits at a time.
  mutating func read(_ reader: Waiter) -> Reading {
    if !unread.isEmpty {
      let piece = unread
      unread = []
      let resume = paused
      paused = false
      return .piece(piece, resume: resume)
    }
    if let ending { return .over(ending) }
    guard waiter == nil else {
      return .over(
        .failure(HTTPError(code: .other, message: "a stream has one reader at a time", nothingSent: false)))
    }
    waiter = reader
    return .wait
  }

  /// Records the end (nil) or the failure; the first one counts. Returns who waits for it.
  mutating func end(_ failure: HTTPError?) -> Waiter? {
    guard ending == nil else { return nil }
    ending = failure.map { .failure($0) } ?? .success(nil)
    let waiting = waiter
    waiter = nil
    return waiting
  }
}
