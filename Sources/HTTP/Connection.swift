internal import CCurl
internal import Concurrency

/// A connection that libcurl makes — name, proxy, TLS with every certificate verified — and whose bytes belong
/// to its owner.
///
/// Each call works on a thread of its own, so that nothing blocks the cooperative pool; one call at a time. A call
/// that is cancelled or runs out of time leaves the connection of no further use. It is closed with the end of its
/// life.
package final class Connection: @unchecked Sendable {
  // `@unchecked`: what libcurl owns is used by the thread of one call at a time, which `turn` sees to; only
  // `curl_multi_wakeup`, made for that, is called from others. `shown` is written before `open` returns.

  /// How a connection is made.
  package struct Options: Sendable {
    package var configuration: HTTPClient.Configuration
    /// The budget for all of it.
    package var timeout: Duration
    /// Never through a proxy.
    package var isDirect: Bool
    /// Keep what the other side's certificate says.
    package var keepsCertificate: Bool

    package init(
      configuration: HTTPClient.Configuration = .init(), timeout: Duration = .seconds(10),
      isDirect: Bool = false, keepsCertificate: Bool = false
    ) {
      self.configuration = configuration
      self.timeout = timeout
      self.isDirect = isDirect
      self.keepsCertificate = keepsCertificate
    }
  }

  /// `host:port`.
  package var place: String { target.place }
  /// The other side's certificate, when it was asked for and there is TLS.
  package var certificate: Certificate? { shown }

  let target: HTTPTarget
  private var shown: Certificate?
  private let multi: UnsafeMutableRawPointer
  private let easy: UnsafeMutableRawPointer
  private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private let turn = Locked(Turn())

  private struct Turn {
    var isTaken = false
    var isCancelled = false
  }

  /// Connects to the host and port of an address: with TLS for https, without for http. Nothing is sent over it.
  /// - Throws: `HTTPError`; with `tls` when the certificate is not trusted, not valid now, or of another name.
  package static func open(_ url: String, _ options: Options = Options()) async throws(HTTPError)
    -> Connection
  {
    let deadline = ContinuousClock.now + options.timeout
    let target = try HTTPTarget(url)
    guard TransferLoop.prepared == CURLE_OK, let multi = curl_multi_init() else {
      throw HTTPError(
        code: .other, message: "\(target.place): libcurl could not be started", nothingSent: true)
    }
    guard let easy = curl_easy_init() else {
      curl_multi_cleanup(multi)
      throw HTTPError(code: .other, message: "\(target.place): out of memory", nothingSent: true)
    }
    let connection = Connection(target, multi: multi, easy: easy)
    connection.configure(options)
    try await connection.onThread { $0.connect(deadline, within: options.timeout) }
    return connection
  }

  private init(_ target: HTTPTarget, multi: UnsafeMutableRawPointer, easy: UnsafeMutableRawPointer) {
    self.target = target
    self.multi = multi
    self.easy = easy
    errorText[0] = 0
  }

  deinit {
    curl_multi_remove_handle(multi, easy)
    curl_easy_cleanup(easy)
    curl_multi_cleanup(multi)
    errorText.deallocate()
  }

  /// Sends all of it.
  /// - Throws: `HTTPError` with `timeout`, `connectionLost` or `cancelled`.
  package func send(_ bytes: [UInt8], within timeout: Duration) async throws(HTTPError) {
    let deadline = ContinuousClock.now + timeout
    try await onThread { $0.write(bytes, deadline, within: timeout) }
  }

  /// What arrives next, at most 64 KiB; empty when the other side has ended.
  /// - Throws: `HTTPError` with `timeout`, `connectionLost` or `cancelled`.
  package func receive(within timeout: Duration) async throws(HTTPError) -> [UInt8] {
    let deadline = ContinuousClock.now + timeout
    return try await onThread { $0.read(deadline, within: timeout) }
  }

  // MARK: Threads

  private func onThread<Value: Sendable>(
    _ work: @escaping @Sendable (Connection) -> Result<Value, HTTPError>
  ) async throws(HTTPError) -> Value {
    let isMine = turn.withLock { turn in
      defer { turn.isTaken = true }
      return !turn.isTaken
    }
    guard isMine else { throw trouble(.other, "two calls at a time") }
    defer { turn.withLock { $0.isTaken = false } }
    let result = await withTaskCancellationHandler {
      await OwnThread.run { work(self) }
    } onCancel: {
      turn.withLock { $0.isCancelled = true }
      curl_multi_wakeup(multi)
    }
    return try (result ?? .failure(trouble(.other, "no thread could be started"))).get()
  }

  private func trouble(_ code: HTTPError.Code, _ words: String, nothingSent: Bool = false) -> HTTPError {
    HTTPError(code: code, message: "\(place): \(words)", nothingSent: nothingSent)
  }

  /// Why a call must end now; nil when it may go on.
  private func ending(_ deadline: ContinuousClock.Instant, _ overdue: String, within: Duration) -> HTTPError?
  {
    if turn.withLock({ $0.isCancelled }) { return trouble(.cancelled, "the call was cancelled") }
    guard deadline > .now else { return trouble(.timeout, "\(overdue) within \(within.inSeconds) s") }
    return nil
  }

  // MARK: On the thread of a call

  private func configure(_ options: Options) {
    func number(_ option: CURLoption, _ value: Int) { ccurl_set_long(easy, option, value) }
    func text(_ option: CURLoption, _ value: String) { ccurl_set_text(easy, option, value) }

    text(CURLOPT_URL, target.url)
    text(CURLOPT_PROTOCOLS_STR, "http,https")
    number(CURLOPT_CONNECT_ONLY, 1)
    // What is spoken over it is the owner's choice, and not HTTP/2.
    number(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    number(CURLOPT_NOSIGNAL, 1)
    number(CURLOPT_QUICK_EXIT, 1)
    number(CURLOPT_SSL_VERIFYPEER, 1)
    number(CURLOPT_SSL_VERIFYHOST, 2)
    if let file = options.configuration.certificateAuthorities { text(CURLOPT_CAINFO, file) }
    let limit = min(options.timeout, options.configuration.connectTimeout)
    number(CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: max(1, limit.wholeMilliseconds)))
    number(CURLOPT_TCP_KEEPALIVE, 1)
    if target.loopback || options.isDirect { text(CURLOPT_PROXY, "") }
    // A proxy that were spoken to in HTTP would not pass bytes on.
    number(CURLOPT_HTTPPROXYTUNNEL, 1)
    number(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    text(CURLOPT_USERAGENT, options.configuration.userAgent)
    if options.keepsCertificate { number(CURLOPT_CERTINFO, 1) }
    ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
  }

  private func connect(_ deadline: ContinuousClock.Instant, within: Duration) -> Result<Void, HTTPError> {
    curl_multi_add_handle(multi, easy)
    while true {
      var running: Int32 = 0
      curl_multi_perform(multi, &running)
      var left: Int32 = 0
      while let message = curl_multi_info_read(multi, &left) {
        guard message.pointee.msg == CURLMSG_DONE else { continue }
        let code = ccurl_result(message)
        guard code == CURLE_OK else {
          return .failure(
            HTTPError(curl: code, words: String(cString: errorText), place: place, began: false))
        }
        if let lines = ccurl_first_certificate(easy) { shown = Certificate(lines: texts(lines)) }
        return .success(())
      }
      if let error = ending(deadline, "no connection was made", within: within) { return .failure(error) }
      curl_multi_poll(multi, nil, 0, milliseconds(until: deadline), nil)
    }
  }

  private func write(
    _ bytes: [UInt8], _ deadline: ContinuousClock.Instant, within: Duration
  ) -> Result<Void, HTTPError> {
    bytes.withUnsafeBytes { source in
      var sent = 0
      while sent < source.count {
        if let error = ending(deadline, "it could not be sent", within: within) { return .failure(error) }
        var count = 0
        let code = curl_easy_send(easy, source.baseAddress.map { $0 + sent }, source.count - sent, &count)
        switch code {
        case CURLE_OK: sent += count
        case CURLE_AGAIN: wait(CURL_WAIT_POLLOUT, deadline)
        default: return .failure(lost(code))
        }
      }
      return .success(())
    }
  }

  private func read(_ deadline: ContinuousClock.Instant, within: Duration) -> Result<[UInt8], HTTPError> {
    var space = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      // What has come is taken even when the time is over: it was there in time.
      var count = 0
      let code = space.withUnsafeMutableBytes { curl_easy_recv(easy, $0.baseAddress, $0.count, &count) }
      switch code {
      case CURLE_OK: return .success(Array(space.prefix(count)))
      case CURLE_AGAIN: break
      default: return .failure(lost(code))
      }
      if let error = ending(deadline, "nothing came", within: within) { return .failure(error) }
      wait(CURL_WAIT_POLLIN, deadline)
    }
  }

  private func lost(_ code: CURLcode) -> HTTPError {
    HTTPError(curl: code, words: String(cString: errorText), place: place, began: true)
  }

  private func wait(_ events: Int32, _ deadline: ContinuousClock.Instant) {
    var descriptor = curl_waitfd(fd: ccurl_socket(easy), events: Int16(events), revents: 0)
    curl_multi_poll(multi, &descriptor, 1, milliseconds(until: deadline), nil)
  }

  private func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
    Int32(max(0, min((deadline - .now).wholeMilliseconds + 1, 60_000)))
  }

  private func texts(_ list: UnsafeMutablePointer<curl_slist>) -> [String] {
    var texts: [String] = []
    var next: UnsafeMutablePointer<curl_slist>? = list
    while let entry = next {
      if let text = entry.pointee.data { texts.append(String(cString: text)) }
      next = entry.pointee.next
    }
    return texts
  }
}
