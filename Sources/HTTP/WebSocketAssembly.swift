/// A message of a WebSocket.
package enum WebSocketMessage: Sendable, Hashable {
  case text(String)
  case binary([UInt8])
}

/// Puts messages together from frames and checks what RFC 6455 says of their order (§5.4, §5.5, §8.1). Pure.
package struct WebSocketAssembly: Sendable {
  /// What a frame led to.
  package enum Event: Sendable, Hashable {
    case message(WebSocketMessage)
    /// To be answered with a pong of the same payload.
    case ping([UInt8])
    case pong([UInt8])
    /// The other side closes; the code is nil when it gave none.
    case close(code: UInt16?, reason: String)
  }

  private let messageLimit: Int
  private var fragments: (opcode: WebSocketFrame.Opcode, bytes: [UInt8])?

  /// - Parameter messageLimit: the longest message accepted, in bytes, all fragments together.
  package init(messageLimit: Int = 1 << 20) { self.messageLimit = messageLimit }

  /// Takes the next frame; nil when its message goes on.
  /// - Throws: `WebSocketError` for what the protocol forbids.
  package mutating func take(_ frame: WebSocketFrame) throws(WebSocketError) -> Event? {
    switch frame.opcode {
    case .ping: return .ping(frame.payload)
    case .pong: return .pong(frame.payload)
    case .close: return try close(frame.payload)
    case .text, .binary:
      guard fragments == nil else { throw .violation("a message begins before the last one has ended") }
      fragments = (frame.opcode, [])
    case .continuation:
      guard fragments != nil else { throw .violation("a fragment belongs to no message") }
    }
    guard var message = fragments else { return nil }
    guard message.bytes.count + frame.payload.count <= messageLimit else {
      throw .tooLarge(limit: messageLimit)
    }
    message.bytes += frame.payload
    guard frame.isFinal else {
      fragments = message
      return nil
    }
    fragments = nil
    guard message.opcode == .text else { return .message(.binary(message.bytes)) }
    guard let text = String(validating: message.bytes, as: UTF8.self) else {
      throw .notText("a text message is not UTF-8")
    }
    return .message(.text(text))
  }

  private func close(_ payload: [UInt8]) throws(WebSocketError) -> Event {
    if payload.isEmpty { return .close(code: nil, reason: "") }
    guard payload.count >= 2 else { throw .violation("a close frame holds half a code") }
    let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
    guard WebSocketAssembly.isSendable(code) else {
      throw .violation("a close frame holds the code \(code), which must not be sent")
    }
    guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else {
      throw .notText("the reason of a close is not UTF-8")
    }
    return .close(code: code, reason: reason)
  }

  /// Codes that may stand in a close frame (§7.4.1, and what IANA has registered since).
  static func isSendable(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
