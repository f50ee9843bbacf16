internal import CCurl
internal import Concurrency

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

extension Transfer {
  /// Sets an easy handle up for this request. Runs on the loop's thread.
  func configure(_ easy: UnsafeMutableRawPointer, _ configuration: HTTPClient.Configuration)
    throws(HTTPError)
  {
    func number(_ option: CURLoption, _ value: Int) { ccurl_set_long(easy, option, value) }
    func text(_ option: CURLoption, _ value: String) { ccurl_set_text(easy, option, value) }

    text(CURLOPT_URL, target.url)
    text(CURLOPT_PROTOCOLS_STR, "http,https")
    number(CURLOPT_NOSIGNAL, 1)
    // Without it a cancel would wait for a name server that does not answer.
    number(CURLOPT_QUICK_EXIT, 1)
    number(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    number(CURLOPT_PIPEWAIT, target.secure ? 1 : 0)
    number(CURLOPT_FOLLOWLOCATION, 0)
    number(CURLOPT_SSL_VERIFYPEER, 1)
    number(CURLOPT_SSL_VERIFYHOST, 2)
    if let file = configuration.certificateAuthorities { text(CURLOPT_CAINFO, file) }
    number(
      CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: max(1, configuration.connectTimeout.wholeMilliseconds)))
    number(CURLOPT_TCP_KEEPALIVE, 1)
    number(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    text(CURLOPT_ACCEPT_ENCODING, "gzip")
    text(CURLOPT_USERAGENT, configuration.userAgent)
    if target.loopback { text(CURLOPT_PROXY, "") }
    if !["GET", "HEAD", "OPTIONS"].contains(request.method) {
      // A request with an effect should not meet a connection that the other side is about to close.
      number(CURLOPT_MAXAGE_CONN, 20)
    }
    if request.freshConnection {
      number(CURLOPT_FRESH_CONNECT, 1)
      number(CURLOPT_FORBID_REUSE, 1)
    }
    if let stall = request.stallTimeout {
      number(CURLOPT_LOW_SPEED_LIMIT, 1)
      number(CURLOPT_LOW_SPEED_TIME, Int(clamping: max(1, (stall.wholeMilliseconds + 999) / 1000)))
    }
    if !streams {
      ccurl_set_offset(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(max(1, request.bodyLimit)))
    }
    try setBody(easy)
    try setFields(easy)
    setCallbacks(easy)
  }

  private func refuse(_ why: String) -> HTTPError {
    HTTPError(code: .other, message: "\(target.place): \(why)", nothingSent: true)
  }

  private func setBody(_ easy: UnsafeMutableRawPointer) throws(HTTPError) {
    let method = request.method
    guard !method.isEmpty, method.utf8.allSatisfy({ (65...90).contains($0) }) else {
      throw refuse("the method is not a word in capitals")
    }
    switch request.body {
    case .none where method == "HEAD": ccurl_set_long(easy, CURLOPT_NOBODY, 1)
    // These announce a body of no bytes, which many servers demand.
    case .none where ["POST", "PUT", "PATCH"].contains(method): post(easy, [])
    case .none: ccurl_set_long(easy, CURLOPT_HTTPGET, 1)
    case .bytes(let bytes): post(easy, bytes)
    case .file(let path):
      file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard file >= 0 else {
        throw refuse("the file to send, \(path), cannot be opened: \(String(cString: strerror(errno)))")
      }
      var facts = stat()
      guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
        throw refuse("the file to send, \(path), is not a regular file")
      }
      fileSize = Int64(facts.st_size)
      fileLeft = fileSize
      ccurl_set_long(easy, CURLOPT_UPLOAD, 1)
      ccurl_set_offset(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(fileSize))
      ccurl_set_long(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10)
    }
    if method != "HEAD" { ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, method) }
  }

  private func post(_ easy: UnsafeMutableRawPointer, _ bytes: [UInt8]) {
    ccurl_set_long(easy, CURLOPT_POST, 1)
    ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
    bytes.withUnsafeBytes { source in
      // libcurl copies; a null pointer would make it ask the read callback instead.
      var none: UInt8 = 0
      if let base = source.baseAddress, !source.isEmpty {
        ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: base))
      } else {
        ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, &none)
      }
    }
  }

  private func setFields(_ easy: UnsafeMutableRawPointer) throws(HTTPError) {
    var lines = ["Expect:"]
    if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
      lines.append("Content-Type:")
    }
    for (name, value) in request.headers {
      guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ":") }),
        !value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 })
      else { throw refuse("a header field has a name or a line break that cannot be sent") }
      // With a colon and nothing after it libcurl would leave the field out.
      lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)")
    }
    for line in lines {
      guard let longer = curl_slist_append(fields, line) else { throw refuse("out of memory") }
      fields = longer
    }
    ccurl_set_list(easy, CURLOPT_HTTPHEADER, fields)
  }

  private func setCallbacks(_ easy: UnsafeMutableRawPointer) {
    // The loop keeps the transfer alive until the handle is off the loop.
    let me = Unmanaged.passUnretained(self).toOpaque()
    ccurl_set_pointer(easy, CURLOPT_PRIVATE, me)
    ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
    ccurl_set_pointer(easy, CURLOPT_HEADERDATA, me)
    ccurl_set_transfer_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, _, count, me in
      guard let transfer = Transfer.from(me) else { return 0 }
      return transfer.takeHeader(UnsafeRawBufferPointer(start: bytes, count: count))
    }
    ccurl_set_pointer(easy, CURLOPT_WRITEDATA, me)
    ccurl_set_transfer_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, _, count, me in
      guard let transfer = Transfer.from(me) else { return 0 }
      return transfer.takeBody(UnsafeRawBufferPointer(start: bytes, count: count))
    }
    ccurl_set_pointer(easy, CURLOPT_PREREQDATA, me)
    ccurl_set_request_callback(easy) { me, _, _, _, _ in
      Transfer.from(me)?.begin() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
    }
    guard file >= 0 else { return }
    ccurl_set_pointer(easy, CURLOPT_READDATA, me)
    ccurl_set_transfer_callback(easy, CURLOPT_READFUNCTION) { space, size, count, me in
      guard let transfer = Transfer.from(me) else { return Int(CURL_READFUNC_ABORT) }
      return transfer.readFile(into: UnsafeMutableRawBufferPointer(start: space, count: size * count))
    }
    ccurl_set_pointer(easy, CURLOPT_SEEKDATA, me)
    ccurl_set_seek_callback(easy) { me, offset, origin in
      guard origin == SEEK_SET, let transfer = Transfer.from(me) else { return CURL_SEEKFUNC_FAIL }
      return transfer.seekFile(to: Int64(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
    }
  }

  /// The transfer behind a callback's pointer.
  static func from(_ pointer: UnsafeMutableRawPointer?) -> Transfer? {
    pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }
}
