import HTTP
import JSON
import Model

/// Sends JSON to a webhook and says what a failure means for another try (contract notifications §1).
struct HookSender: Sendable {
  let http: any HTTPTransport

  /// - Parameter also: other statuses that are given back rather than thrown.
  /// - Returns: an answer of 2xx.
  func send(
    _ body: [UInt8], method: String = "POST", to url: String, headers: [(name: String, value: String)] = [],
    also: Set<Int> = [], limit: Duration
  ) async throws(NoticeFailure) -> HTTPResponse {
    let fields = headers + [("Content-Type", "application/json; charset=utf-8")]
    let response: HTTPResponse
    do throws(HTTPError) {
      response = try await http.send(
        HTTPRequest(
          method: method, url: url, headers: fields, body: .bytes(body), timeout: limit, bodyLimit: 1 << 20))
    } catch {
      throw HookSender.failure(error)
    }
    if (200..<300).contains(response.status) || also.contains(response.status) { return response }
    throw HookSender.failure(response)
  }

  private static func failure(_ error: HTTPError) -> NoticeFailure {
    switch error.code {
    case .badURL: NoticeFailure(.useless, "its address cannot be read")
    case .nameNotFound: NoticeFailure(.harmless(after: nil), "its name does not resolve")
    case .refused: NoticeFailure(.harmless(after: nil), "it refused the connection")
    case .tls: NoticeFailure(.useless, "its certificate or encryption was refused")
    case .timeout: NoticeFailure(error.nothingSent ? .harmless(after: nil) : .doubling, "it did not answer")
    case .cancelled: NoticeFailure(.useless, "it did not answer in time")
    case .connectionLost, .bodyTooLarge, .other:
      NoticeFailure(error.nothingSent ? .harmless(after: nil) : .doubling, "the connection broke")
    }
  }

  /// What another status means.
  static func failure(_ response: HTTPResponse) -> NoticeFailure {
    let word = shortWord(response.text).map { ", \($0)" } ?? ""
    switch response.status {
    case 300..<400: return NoticeFailure(.useless, "it redirects, which is not followed")
    case 401, 403: return NoticeFailure(.useless, "it refused us (\(response.status)\(word))")
    case 404, 410: return NoticeFailure(.useless, "it is gone (\(response.status)\(word))")
    case 413: return NoticeFailure(.useless, "the message is too long for it")
    case 429: return rateLimited(retryAfter(response))
    case 500...: return NoticeFailure(.once, "it failed (\(response.status))")
    default: return NoticeFailure(.useless, "it refused the message (\(response.status)\(word))")
    }
  }

  static func rateLimited(_ wait: Duration?) -> NoticeFailure {
    let words = wait.map { ": again in \(max(1, ($0.components.seconds))) s" } ?? ""
    return NoticeFailure(.harmless(after: wait ?? .seconds(1)), "it is rate-limited\(words)")
  }

  /// Of the header, in seconds; Discord's body has a fraction.
  static func retryAfter(_ response: HTTPResponse) -> Duration? {
    if let seconds = (try? JSON(parsing: response.body))?["retry_after"]?.double, seconds >= 0,
      seconds < 1_000_000
    {
      return .milliseconds(Int64(seconds * 1000) + 1)
    }
    return response.header("Retry-After").flatMap(Int64.init).flatMap {
      (0..<1_000_000).contains($0) ? .seconds($0) : nil
    }
  }

  /// A code such as `invalid_payload`; nothing else of a foreign body is repeated.
  private static func shortWord(_ text: String) -> String? {
    guard (3...40).contains(text.utf8.count),
      text.utf8.allSatisfy({ (97...122).contains($0) || $0 == UInt8(ascii: "_") })
    else { return nil }
    return text
  }
}
