internal import CCurl
internal import Concurrency

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// libcurl's multi handle and the one thread that drives it.
///
/// The thread starts with the first transfer and keeps this object alive until it is closed.
/// `@unchecked Sendable`: `inbox` has its own lock; every other variable belongs to the loop's thread.
final class TransferLoop: @unchecked Sendable {
  private enum Message {
    case add(Transfer)
    case cancel(Transfer)
    case resume(Transfer)
  }

  private enum Phase {
    case idle
    case running(multi: OpaqueMulti)
    case closed
  }

  /// The multi handle's address, for `curl_multi_wakeup` alone outside the loop's thread.
  private struct OpaqueMulti: @unchecked Sendable {
    // `@unchecked`: used under the inbox's lock, and taken out of it before the handle is freed.
    let pointer: UnsafeMutableRawPointer
  }

  private struct Inbox {
    var phase = Phase.idle
    var messages: [Message] = []
  }

  private let configuration: HTTPClient.Configuration
  private let inbox = Locked(Inbox())
  private var active: [UnsafeMutableRawPointer: Transfer] = [:]
  private var handles: [ObjectIdentifier: UnsafeMutableRawPointer] = [:]
  private var spare: [UnsafeMutableRawPointer] = []
  private var nextDeadline: ContinuousClock.Instant?

  /// libcurl's own start, once for the process.
  static let prepared = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

  init(_ configuration: HTTPClient.Configuration) {
    self.configuration = configuration
  }

  // MARK: Any thread

  /// Starts a transfer; when that is impossible it finishes at once with the reason.
  func add(_ transfer: Transfer) {
    let refusal: String? = inbox.withLock { inbox in
      if case .idle = inbox.phase, let reason = start(&inbox) { return reason }
      return post(.add(transfer), &inbox) ? nil : "the client is closed"
    }
    if let refusal { transfer.finish(transfer.unwanted(refusal)) }
  }

  /// Ends a transfer with `cancelled`, now or as soon as it is added.
  func cancel(_ transfer: Transfer) {
    transfer.markCancelled()
    inbox.withLock { inbox in _ = post(.cancel(transfer), &inbox) }
  }

  /// Lets a paused transfer go on.
  func resume(_ transfer: Transfer) {
    inbox.withLock { inbox in _ = post(.resume(transfer), &inbox) }
  }

  /// Ends every transfer with `cancelled` and lets the thread end. Does not wait.
  func close() {
    inbox.withLock { inbox in
      if case .running(let multi) = inbox.phase { curl_multi_wakeup(multi.pointer) }
      inbox.phase = .closed
    }
  }

  private func post(_ message: Message, _ inbox: inout Inbox) -> Bool {
    guard case .running(let multi) = inbox.phase else { return false }
    inbox.messages.append(message)
    if inbox.messages.count == 1 { curl_multi_wakeup(multi.pointer) }
    return true
  }

  /// Starts the thread; returns why it could not.
  private func start(_ inbox: inout Inbox) -> String? {
    guard TransferLoop.prepared == CURLE_OK, let multi = curl_multi_init() else {
      return "libcurl could not be started"
    }
    ccurl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.connectionsPerHost)
    ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, max(16, configuration.connectionsPerHost * 2))
    let launch = Unmanaged.passRetained(Launch(loop: self, multi: multi))
    // Signals belong to the threads that handle them; SIGPIPE stays pending here and harms nobody.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let status = pthread_create(&thread, &attributes, runLoop, launch.toOpaque())
    guard status == 0 else {
      launch.release()
      curl_multi_cleanup(multi)
      return "no thread could be started: \(String(cString: strerror(status)))"
    }
    inbox.phase = .running(multi: OpaqueMulti(pointer: multi))
    return nil
  }

  // MARK: The loop's thread

  /// What the thread is handed at its start.
  fileprivate final class Launch {
    let loop: TransferLoop
    let multi: UnsafeMutableRawPointer

    init(loop: TransferLoop, multi: UnsafeMutableRawPointer) {
      self.loop = loop
      self.multi = multi
    }
  }

  fileprivate func run(_ multi: UnsafeMutableRawPointer) {
    while true {
      let (messages, closed) = inbox.withLock { inbox in
        defer { inbox.messages = [] }
        if case .closed = inbox.phase { return (inbox.messages, true) }
        return (inbox.messages, false)
      }
      if closed {
        shutDown(multi, messages)
        return
      }
      for message in messages { handle(message, multi) }
      var running: Int32 = 0
      curl_multi_perform(multi, &running)
      collect(multi)
      endOverdue(multi)
      curl_multi_poll(multi, nil, 0, waitMilliseconds(), nil)
    }
  }

  private func handle(_ message: Message, _ multi: UnsafeMutableRawPointer) {
    switch message {
    case .add(let transfer): begin(transfer, multi)
    case .cancel(let transfer):
      guard let easy = handles[ObjectIdentifier(transfer)] else { return }
      remove(easy, multi)
      transfer.finish(transfer.unwanted("the request was cancelled"))
    case .resume(let transfer):
      guard let easy = handles[ObjectIdentifier(transfer)] else { return }
      curl_easy_pause(easy, CURLPAUSE_CONT)
    }
  }

  private func begin(_ transfer: Transfer, _ multi: UnsafeMutableRawPointer) {
    guard !transfer.isCancelled else {
      transfer.finish(transfer.unwanted("the request was cancelled"))
      return
    }
    guard let easy = spare.popLast() ?? curl_easy_init() else {
      transfer.finish(transfer.unwanted("out of memory"))
      return
    }
    do throws(HTTPError) {
      try transfer.configure(easy, configuration)
    } catch {
      recycle(easy)
      transfer.finish(error)
      return
    }
    active[easy] = transfer
    handles[ObjectIdentifier(transfer)] = easy
    nextDeadline = min(nextDeadline ?? transfer.deadline, transfer.deadline)
    curl_multi_add_handle(multi, easy)
  }

  /// Finishes the transfers that libcurl reports as done.
  private func collect(_ multi: UnsafeMutableRawPointer) {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
        let transfer = active[easy]
      else { continue }
      let code = ccurl_result(message)
      let error =
        code == CURLE_OK
        ? nil
        : transfer.failure
          ?? HTTPError(
            curl: code, words: String(cString: transfer.errorText), place: transfer.target.place,
            began: transfer.began)
      remove(easy, multi)
      transfer.finish(error)
    }
  }

  private func endOverdue(_ multi: UnsafeMutableRawPointer) {
    guard let deadline = nextDeadline, deadline <= .now else { return }
    let now = ContinuousClock.now
    for (easy, transfer) in active where transfer.deadline <= now {
      remove(easy, multi)
      transfer.finish(transfer.overdue)
    }
    nextDeadline = active.values.map(\.deadline).min()
  }

  private func waitMilliseconds() -> Int32 {
    guard let nextDeadline else { return 60_000 }
    let left = (nextDeadline - .now).wholeMilliseconds + 1
    return Int32(max(0, min(left, 60_000)))
  }

  private func remove(_ easy: UnsafeMutableRawPointer, _ multi: UnsafeMutableRawPointer) {
    curl_multi_remove_handle(multi, easy)
    if let transfer = active.removeValue(forKey: easy) {
      handles[ObjectIdentifier(transfer)] = nil
    }
    recycle(easy)
  }

  private func recycle(_ easy: UnsafeMutableRawPointer) {
    guard spare.count < 32 else {
      curl_easy_cleanup(easy)
      return
    }
    curl_easy_reset(easy)
    spare.append(easy)
  }

  private func shutDown(_ multi: UnsafeMutableRawPointer, _ messages: [Message]) {
    for case .add(let transfer) in messages { transfer.finish(transfer.unwanted("the client is closed")) }
    for (easy, transfer) in active {
      remove(easy, multi)
      transfer.finish(transfer.unwanted("the client is closed"))
    }
    for easy in spare { curl_easy_cleanup(easy) }
    spare = []
    curl_multi_cleanup(multi)
  }
}

#if canImport(Darwin)
  private func runLoop(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    launchLoop(argument)
  }
#else
  private func runLoop(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    argument.flatMap(launchLoop)
  }
#endif

private func launchLoop(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  let launch = Unmanaged<TransferLoop.Launch>.fromOpaque(argument).takeRetainedValue()
  launch.loop.run(launch.multi)
  return nil
}
