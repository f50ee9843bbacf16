internal import CCurl
internal import Concurrency

/// Where mail is handed over, and how one is known there.
package struct MailServer: Sendable {
  /// `smtp://host:587` or `smtps://host:465`.
  package var url: String
  package var user: String?
  package var password: String?
  /// What the server is greeted with; nil: libcurl's own choice.
  package var greeting: String?
  /// A PEM file of the authorities to trust instead of the system's.
  package var certificateAuthorities: String?

  package init(
    url: String, user: String? = nil, password: String? = nil, greeting: String? = nil,
    certificateAuthorities: String? = nil
  ) {
    self.url = url
    self.user = user
    self.password = password
    self.greeting = greeting
    self.certificateAuthorities = certificateAuthorities
  }
}

/// Why a mail was not taken.
package struct MailError: Error, Sendable, Hashable {
  package enum Code: String, Sendable {
    /// This libcurl cannot send mail.
    case unsupported
    case refused, nameNotFound, timeout
    /// No encryption was offered, or the certificate was refused.
    case tls
    /// User and password were refused, or the server does not ask for any.
    case login
    /// Every recipient was refused, or the sender.
    case rejected
    /// The connection broke; perhaps the mail was taken.
    case connectionLost
    case other
  }

  package var code: Code
  /// A few words, without user, password or text.
  package var message: String
}

/// What became of a mail that was taken.
package struct MailReceipt: Sendable, Hashable {
  /// How many recipients the server refused while it took others.
  package var refused: Int

  package init(refused: Int) { self.refused = refused }
}

/// Hands mail over.
package protocol MailTransport: Sendable {
  /// - Throws: `MailError`
  func send(_ message: MailMessage, by server: MailServer, limit: Duration) async throws(MailError)
    -> MailReceipt
}

/// Mail by libcurl, on a thread of its own.
///
/// Nothing is sent without encryption, except to this machine without a password; and with a password nothing is
/// sent unless the server took it: libcurl alone would go on without logging in (contract notifications §6).
package struct MailClient: MailTransport {
  package init() {}

  /// Whether the libcurl of this machine can send mail.
  package static var isSupported: Bool {
    guard let info = ccurl_version(), var names = info.pointee.protocols else {
      return false
    }
    while let name = names.pointee {
      if String(cString: name) == "smtp" { return true }
      names += 1
    }
    return false
  }

  package func send(
    _ message: MailMessage, by server: MailServer, limit: Duration
  ) async throws(MailError) -> MailReceipt {
    let answer = await OwnThread.runAbandonable {
      MailSession(message, server, limit: limit).perform()
    }
    guard let answer else { throw MailError(code: .other, message: "it was given up") }
    return try answer.get()
  }
}

/// One conversation with a mail server. Used by one thread.
private final class MailSession {
  private let message: MailMessage
  private let server: MailServer
  private let limit: Duration
  private let bytes: [UInt8]
  private var sent = 0
  private var isLoggedIn = false
  private var refused = 0
  private var sawRefusedLogin = false
  private let words = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  init(_ message: MailMessage, _ server: MailServer, limit: Duration) {
    self.message = message
    self.server = server
    self.limit = limit
    bytes = message.bytes
    words[0] = 0
  }

  deinit { words.deallocate() }

  func perform() -> Result<MailReceipt, MailError> {
    guard MailClient.isSupported, curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK,
      let easy = curl_easy_init()
    else {
      return .failure(MailError(code: .unsupported, message: "this libcurl cannot send mail"))
    }
    defer { curl_easy_cleanup(easy) }
    var recipients: UnsafeMutablePointer<curl_slist>?
    for address in message.to { recipients = curl_slist_append(recipients, "<\(address)>") }
    defer { curl_slist_free_all(recipients) }
    configure(easy, recipients)
    let code = curl_easy_perform(easy)
    guard code != CURLE_OK else { return .success(MailReceipt(refused: refused)) }
    return .failure(error(code))
  }

  private func configure(_ easy: UnsafeMutableRawPointer, _ recipients: UnsafeMutablePointer<curl_slist>?) {
    func number(_ option: CURLoption, _ value: Int) { ccurl_set_long(easy, option, value) }
    func text(_ option: CURLoption, _ value: String) { ccurl_set_text(easy, option, value) }
    let greeting = server.greeting.map { "/\($0)" } ?? ""
    text(CURLOPT_URL, (server.url.hasSuffix("/") ? String(server.url.dropLast()) : server.url) + greeting)
    text(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
    number(CURLOPT_NOSIGNAL, 1)
    number(CURLOPT_QUICK_EXIT, 1)
    number(CURLOPT_TIMEOUT_MS, Int(clamping: max(1, limit.wholeMilliseconds)))
    number(CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: max(1, limit.wholeMilliseconds)))
    number(CURLOPT_SSL_VERIFYPEER, 1)
    number(CURLOPT_SSL_VERIFYHOST, 2)
    if let file = server.certificateAuthorities { text(CURLOPT_CAINFO, file) }
    let isPlain = server.password == nil && MailSession.isLoopback(server.url)
    number(CURLOPT_USE_SSL, Int(isPlain ? CURLUSESSL_NONE.rawValue : CURLUSESSL_ALL.rawValue))
    text(CURLOPT_PROXY, "")
    if let user = server.user { text(CURLOPT_USERNAME, user) }
    if let password = server.password { text(CURLOPT_PASSWORD, password) }
    text(CURLOPT_MAIL_FROM, "<\(message.from)>")
    ccurl_set_list(easy, CURLOPT_MAIL_RCPT, recipients)
    number(ccurl_some_recipients_may_fail, 1)
    number(CURLOPT_UPLOAD, 1)
    ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, words)
    // This object outlives the call of curl_easy_perform, which is all that uses it.
    let me = Unmanaged.passUnretained(self).toOpaque()
    ccurl_set_pointer(easy, CURLOPT_READDATA, me)
    ccurl_set_transfer_callback(easy, CURLOPT_READFUNCTION) { space, size, count, me in
      guard let me, let space else { return Int(CURL_READFUNC_ABORT) }
      return Unmanaged<MailSession>.fromOpaque(me).takeUnretainedValue()
        .give(UnsafeMutableRawBufferPointer(start: space, count: size * count))
    }
    ccurl_set_pointer(easy, CURLOPT_HEADERDATA, me)
    ccurl_set_transfer_callback(easy, CURLOPT_HEADERFUNCTION) { line, size, count, me in
      guard let me else { return 0 }
      Unmanaged<MailSession>.fromOpaque(me).takeUnretainedValue()
        .hear(UnsafeRawBufferPointer(start: line, count: size * count))
      return size * count
    }
  }

  /// An answer of the server.
  private func hear(_ line: UnsafeRawBufferPointer) {
    let code = String(decoding: line.prefix(3), as: UTF8.self)
    switch code {
    case "235": isLoggedIn = true
    case "535", "534", "530": sawRefusedLogin = true
    case "550", "551", "552", "553", "450", "451", "452": refused += 1
    default: break
    }
  }

  /// The next piece of the mail. Nothing is given to a server that did not take the password.
  private func give(_ space: UnsafeMutableRawBufferPointer) -> Int {
    if server.password != nil, !isLoggedIn { return Int(CURL_READFUNC_ABORT) }
    let count = min(space.count, bytes.count - sent)
    bytes[sent..<sent + count].withUnsafeBytes { space.copyMemory(from: $0) }
    sent += count
    return count
  }

  private func error(_ code: CURLcode) -> MailError {
    let place = MailSession.place(server.url)
    func failure(_ kind: MailError.Code, _ message: String) -> MailError {
      MailError(code: kind, message: message)
    }
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST: return failure(.nameNotFound, "\(place) does not resolve")
    case CURLE_COULDNT_CONNECT: return failure(.refused, "\(place) refused the connection")
    case CURLE_OPERATION_TIMEDOUT: return failure(.timeout, "\(place) did not answer in time")
    case CURLE_USE_SSL_FAILED:
      return failure(.tls, "\(place) offers no encryption (STARTTLS), and nothing is sent without it")
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
      return failure(.tls, "the certificate or the encryption of \(place) was refused")
    case CURLE_LOGIN_DENIED: return failure(.login, "\(place) refused user and password")
    case CURLE_ABORTED_BY_CALLBACK where server.password != nil && !isLoggedIn:
      return failure(.login, "\(place) offers no login, so that it got no mail")
    case CURLE_SEND_ERROR where sawRefusedLogin:
      return failure(.login, "\(place) wants user and password, or others")
    case CURLE_SEND_ERROR where refused > 0:
      return failure(.rejected, "\(place) refused the sender or every recipient")
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING:
      return failure(.connectionLost, "the connection to \(place) broke")
    default: return failure(.other, "\(place): \(String(cString: curl_easy_strerror(code)))")
    }
  }

  private static func place(_ url: String) -> String {
    let rest = url.split(separator: "/", omittingEmptySubsequences: true).dropFirst()
    return String(rest.first ?? "the mail server")
  }

  private static func isLoopback(_ url: String) -> Bool {
    let host = place(url).split(separator: ":").first.map(String.init) ?? ""
    return host == "localhost" || host.hasPrefix("127.")
  }
}
