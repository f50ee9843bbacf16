import Concurrency
import HTTP
import Model

/// Judges the messages of a WebSocket: a feed may say other things first, so each is looked at until one is as
/// expected. Pure.
struct MessageJudge: Sendable {
  let expectation: MessageExpectation
  private(set) var count = 0
  /// What the last message lacked.
  private var last: Sight?

  init(_ expectation: MessageExpectation) { self.expectation = expectation }

  /// What is wanted, in a few words.
  var wanted: String {
    let time = expectation.within.map { " within \($0.inWords)" } ?? ""
    if let message = expectation.message {
      return "the message \(ServedIdentity.printable(message, limit: 100))\(time)"
    }
    if let (path, comparison) = expectation.json.min(by: { $0.key < $1.key }) {
      return "a message with \(path) \(comparison.sign.rawValue) \(comparison.operand)\(time)"
    }
    return "a WebSocket\(time)"
  }

  /// Whether a message is the expected one.
  mutating func take(_ message: WebSocketMessage) -> Bool {
    count += 1
    let bytes: [UInt8]
    var detail: String?
    switch message {
    case .text(let text):
      bytes = Array(text.utf8)
      detail = "the last message began: \(ServedIdentity.printable(text, limit: 200))"
      if let wanted = expectation.message, text != wanted {
        last = Sight("got another message", wanted: self.wanted, detail: detail, .steady)
        return false
      }
    case .binary(let binary):
      bytes = binary
      detail = "the last message had \(binary.count) bytes and no text"
      if expectation.message != nil {
        last = Sight("got another message", wanted: wanted, detail: detail, .steady)
        return false
      }
    }
    guard var sight = JSONJudge(expectation.json).sight(in: bytes, detail: detail) else { return true }
    sight.saw = sight.saw.replacing("did not answer JSON", with: "got a message that is not JSON")
      .replacing("answered JSON without", with: "got a message without")
      .replacing("answered ", with: "got a message with ")
    sight.wanted = wanted
    last = sight
    return false
  }

  /// What was seen when no expected message came.
  func sight(_ error: WebSocketError) -> Sight {
    switch error.code {
    case .noWebSocket:
      guard let answer = error.answer else { break }
      var sight = Sight(answer, wanted: wanted)
      sight.saw = "got \(answer.status) instead of a WebSocket"
      return sight
    case .timeout:
      return last
        ?? Sight(
          expectation.wantsMessage ? "got no message" : "got no answer in time", wanted: wanted,
          detail: error.message, .passing)
    case .closed:
      // Restarting, overloaded, a gateway's trouble, or gone without a word (RFC 6455 §7.4, IANA's registry).
      let canPass = error.closeCode.map { [1001, 1006, 1011, 1012, 1013, 1014].contains($0) } ?? true
      return Sight("was closed", wanted: wanted, detail: error.message, canPass ? .passing : .steady)
    case .violation: return Sight("got no WebSocket", wanted: wanted, detail: error.message, .steady)
    case .tooLarge: return Sight("got too long a message", wanted: wanted, detail: error.message, .steady)
    default: break
    }
    return Sight(MessageJudge.http(error), wanted: wanted)
  }

  private static func http(_ error: WebSocketError) -> HTTPError {
    let code: HTTPError.Code =
      switch error.code {
      case .badURL: .badURL
      case .nameNotFound: .nameNotFound
      case .refused: .refused
      case .tls: .tls
      case .connectionLost: .connectionLost
      default: .other
      }
    return HTTPError(code: code, message: error.message, nothingSent: false)
  }
}

extension HealthProber {
  /// One look: opens a WebSocket, says what is to be said, and waits for what is expected.
  /// - Throws: `CancellationError`.
  func look(
    _ url: String, send text: String?, _ expectation: MessageExpectation, timeout: Duration
  ) async throws -> CheckAnswer {
    var judge = MessageJudge(expectation)
    let began = ContinuousClock.now
    let limit = min(timeout, expectation.within ?? timeout)
    do throws(WebSocketError) {
      let socket = try await WebSocket.open(url, configuration: connections, within: limit)
      let opened = ContinuousClock.now - began
      if let text { try await socket.send(.text(text), within: limit - opened) }
      var summary = "open after \(opened.inWords)"
      if expectation.wantsMessage {
        while true {
          let left = max(.milliseconds(1), limit - (ContinuousClock.now - began))
          if judge.take(try await socket.receive(within: left)) { break }
        }
        summary += ", the message after \((ContinuousClock.now - began).inWords)"
      }
      await socket.close(within: .milliseconds(500))
      return .holds(summary)
    } catch {
      if error.code == .cancelled || Task.isCancelled { throw CancellationError() }
      return .fails(judge.sight(error))
    }
  }
}
