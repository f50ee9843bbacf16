internal import CCurl
internal import Concurrency

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// One request on its way: what libcurl's callbacks write to and what the caller waits for.
///
/// `@unchecked Sendable`: `shared` has its own lock; every other variable belongs to the loop's thread,
/// where libcurl's callbacks run too.
final class Transfer: @unchecked Sendable {
  /// What the caller waits for: for `send` the whole response, for `stream` its head with an empty body.
  typealias Answer = CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>

  let request: HTTPRequest
  let target: HTTPTarget
  /// Whether the body is handed over in pieces.
  let streams: Bool
  /// When the whole transfer must be over.
  let deadline: ContinuousClock.Instant

  private struct Shared {
    var answer: Answer?
    var cancelled = false
    var buffer = StreamBuffer()
  }
  private let shared = Locked(Shared())

  /// True from the moment libcurl has a connection and begins to send.
  var began = false
  /// Why a callback stopped the transfer; wins over libcurl's code.
  var failure: HTTPError?
  var head = ResponseHead()
  var body: [UInt8] = []
  var received = 0
  var fields: UnsafeMutablePointer<curl_slist>?
  var file: Int32 = -1
  var fileLeft: Int64 = 0
  var fileSize: Int64 = 0
  let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  init(_ request: HTTPRequest, target: HTTPTarget, streams: Bool) {
    self.request = request
    self.target = target
    self.streams = streams
    deadline = ContinuousClock.now + request.timeout
    errorText[0] = 0
  }

  deinit {
    errorText.deallocate()
  }

  /// Frees what only libcurl needed, once its handle is off the loop.
  func releaseResources() {
    curl_slist_free_all(fields)
    fields = nil
    if file >= 0 { close(file) }
    file = -1
  }

  // MARK: The caller's side, on any thread

  /// Keeps the caller's continuation; called once, before the transfer is posted.
  func expect(_ answer: Answer) {
    shared.withLock { $0.answer = answer }
  }

  /// Marks the transfer as unwanted; the loop ends it. May come before the transfer is posted.
  func markCancelled() {
    shared.withLock { $0.cancelled = true }
  }

  var isCancelled: Bool { shared.withLock { $0.cancelled } }

  /// Gives everything unread to `reader`, now or later. Returns true when the loop has to resume the transfer.
  func give(to reader: StreamBuffer.Waiter) -> Bool {
    switch shared.withLock({ $0.buffer.read(reader) }) {
    case .piece(let bytes, let resume):
      reader.resume(returning: .success(bytes))
      return resume
    case .over(let ending): reader.resume(returning: ending)
    case .wait: break
    }
    return false
  }

  // MARK: The loop's side

  /// Ends the transfer: whoever waits for a head, a response or a piece learns how.
  func finish(_ error: HTTPError?) {
    releaseResources()
    let error = error ?? failure
    let (answer, waiter) = shared.withLock { shared in
      let answer = shared.answer
      shared.answer = nil
      return (answer, shared.buffer.end(error))
    }
    if let error {
      waiter?.resume(returning: .failure(error))
      answer?.resume(returning: .failure(error))
    } else {
      waiter?.resume(returning: .success(nil))
      answer?.resume(returning: .success(response))
    }
    body = []
  }

  private var response: HTTPResponse {
    HTTPResponse(status: head.status, headers: head.headers, body: body)
  }

  /// The error for a deadline that passed, with how far the transfer had come.
  var overdue: HTTPError {
    let progress =
      if head.complete { "the answer broke off after \(received) bytes" } else if began {
        "no answer came"
      } else { "no connection was made" }
    return HTTPError(
      code: .timeout,
      message: "\(target.place): \(progress) within \(request.timeout.inSeconds) s", nothingSent: !began)
  }

  /// The error for a transfer nobody wants any more.
  func unwanted(_ why: String) -> HTTPError {
    HTTPError(code: .cancelled, message: "\(target.place): \(why)", nothingSent: !began)
  }

  // MARK: libcurl's callbacks, on the loop's thread

  /// Called with each header line; returns what was taken.
  func takeHeader(_ line: UnsafeRawBufferPointer) -> Int {
    guard head.take(line) else {
      failure = HTTPError(
        code: .other,
        message: "\(target.place): the answer's header is longer than \(ResponseHead.limit) bytes",
        nothingSent: false)
      return 0
    }
    if streams, head.complete {
      let answer = shared.withLock { shared in
        let answer = shared.answer
        shared.answer = nil
        return answer
      }
      answer?.resume(returning: .success(response))
    }
    return line.count
  }

  /// Called with each piece of the body; returns what was taken, or the wish to pause.
  func takeBody(_ piece: UnsafeRawBufferPointer) -> Int {
    guard streams else {
      guard body.count + piece.count <= request.bodyLimit else {
        failure = HTTPError(
          code: .bodyTooLarge,
          message: "\(target.place): the answer is longer than \(request.bodyLimit) bytes",
          nothingSent: false)
        return 0
      }
      body.append(contentsOf: piece)
      received += piece.count
      return piece.count
    }
    switch shared.withLock({ $0.buffer.arrive(piece) }) {
    case .handOver(let waiter): waiter.resume(returning: .success(Array(piece)))
    case .kept: break
    case .pause: return Int(CURL_WRITEFUNC_PAUSE)
    }
    received += piece.count
    return piece.count
  }

  /// Fills `space` from the uploaded file; 0 at its end.
  func readFile(into space: UnsafeMutableRawBufferPointer) -> Int {
    // A file that grows meanwhile is sent as long as it was announced.
    let wanted = Int(min(Int64(space.count), fileLeft))
    guard wanted > 0 else { return 0 }
    let count = read(file, space.baseAddress, wanted)
    guard count > 0 else {
      failure = HTTPError(
        code: .other, message: "\(target.place): the file to send became shorter or unreadable meanwhile",
        nothingSent: false)
      return Int(CURL_READFUNC_ABORT)
    }
    fileLeft -= Int64(count)
    return count
  }

  /// Goes back in the file when libcurl must send it again.
  func seekFile(to offset: Int64) -> Bool {
    guard lseek(file, off_t(offset), SEEK_SET) >= 0 else { return false }
    fileLeft = fileSize - offset
    return true
  }

  /// Called when a connection stands and the request is about to go out. False stops it.
  ///
  /// libcurl sends a request again by itself when a kept connection dies under it. That is only right for
  /// methods without an effect; for the others the first sending may have had its effect.
  func begin() -> Bool {
    if began, !["GET", "HEAD", "OPTIONS"].contains(request.method) {
      failure = HTTPError(
        code: .connectionLost,
        message: "\(target.place): the connection was closed after the request was sent on it",
        nothingSent: false)
      return false
    }
    began = true
    return true
  }
}
