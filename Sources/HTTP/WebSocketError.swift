/// Why a WebSocket could not be opened or used.
package struct WebSocketError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure a caller decides by.
  package enum Code: String, Sendable, Hashable {
    case badURL
    /// The name does not resolve.
    case nameNotFound
    /// Nothing listens there, or the network is unreachable.
    case refused
    /// The certificate or the TLS handshake was refused.
    case tls
    case timeout
    case connectionLost
    /// The server answered the handshake with something else than a WebSocket; `answer` holds it.
    case noWebSocket
    /// What came is not the protocol.
    case violation
    case tooLarge
    /// The other side closed it; `closeCode` holds its code.
    case closed
    case cancelled
    case other
  }

  package var code: Code
  /// What happened, with host and port, never with what was said.
  package var message: String
  /// With `closed`: the code of the close frame, nil when it had none. Else: the code we close with.
  package var closeCode: UInt16?
  /// With `noWebSocket`: what the server answered instead, its body as far as it came.
  package var answer: HTTPResponse?

  package init(code: Code, message: String, closeCode: UInt16? = nil, answer: HTTPResponse? = nil) {
    self.code = code
    self.message = message
    self.closeCode = closeCode
    self.answer = answer
  }

  package var description: String { message }

  static func violation(_ words: String) -> WebSocketError {
    WebSocketError(code: .violation, message: words, closeCode: 1002)
  }

  static func notText(_ words: String) -> WebSocketError {
    WebSocketError(code: .violation, message: words, closeCode: 1007)
  }

  static func tooLarge(limit: Int) -> WebSocketError {
    WebSocketError(code: .tooLarge, message: "a message is longer than \(limit) bytes", closeCode: 1009)
  }

  init(_ error: HTTPError) {
    let code: Code =
      switch error.code {
      case .badURL: .badURL
      case .nameNotFound: .nameNotFound
      case .refused: .refused
      case .tls: .tls
      case .timeout: .timeout
      case .connectionLost: .connectionLost
      case .bodyTooLarge: .tooLarge
      case .cancelled: .cancelled
      case .other: .other
      }
    self.init(code: code, message: error.message)
  }
}
