/// One frame of the WebSocket protocol (RFC 6455 §5.2). Pure.
package struct WebSocketFrame: Sendable, Hashable {
  package enum Opcode: UInt8, Sendable, Hashable {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    /// Stands between the fragments of a message, is whole, and at most 125 bytes long.
    package var isControl: Bool { rawValue >= 8 }
  }

  /// The last frame of its message.
  package var isFinal: Bool
  package var opcode: Opcode
  package var payload: [UInt8]

  package init(_ opcode: Opcode, _ payload: [UInt8] = [], isFinal: Bool = true) {
    self.isFinal = isFinal
    self.opcode = opcode
    self.payload = payload
  }

  /// A close frame. A reason of more than 123 bytes is cut at a character.
  package static func close(_ code: UInt16, _ reason: String = "") -> WebSocketFrame {
    var text = reason
    while text.utf8.count > 123 { text.removeLast() }
    return WebSocketFrame(.close, [UInt8(code >> 8), UInt8(code & 255)] + Array(text.utf8))
  }

  /// The frame's bytes.
  /// - Parameter mask: four bytes that nobody can foresee for what a client sends (§5.3); nil for a server.
  package func encoded(mask: [UInt8]?) -> [UInt8] {
    var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | opcode.rawValue]
    let masked: UInt8 = mask == nil ? 0 : 0x80
    switch payload.count {
    case ...125: bytes.append(masked | UInt8(payload.count))
    case ...0xFFFF:
      bytes.append(masked | 126)
      bytes += [UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    default:
      bytes.append(masked | 127)
      let length = UInt64(payload.count)
      bytes += (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(56 - 8 * $0)) }
    }
    guard let mask else { return bytes + payload }
    return bytes + mask + WebSocketFrame.masked(payload, mask)
  }

  /// Masks or unmasks: the same operation.
  static func masked(_ payload: [UInt8], _ mask: [UInt8]) -> [UInt8] {
    var payload = payload
    for index in payload.indices { payload[index] ^= mask[index & 3] }
    return payload
  }
}

/// Takes frames out of bytes as they arrive. Pure.
package struct WebSocketFrameReader: Sendable {
  /// Which side sent the bytes; a client must mask its frames, a server must not (§5.1).
  package enum Sender: Sendable { case client, server }

  private let sender: Sender
  private let payloadLimit: Int
  private var bytes: [UInt8] = []

  /// - Parameter payloadLimit: the longest payload of a frame accepted, in bytes.
  package init(from sender: Sender, payloadLimit: Int = 1 << 20) {
    self.sender = sender
    self.payloadLimit = payloadLimit
  }

  package mutating func append(_ more: [UInt8]) { bytes += more }

  /// The next frame; nil when more bytes are needed for it.
  /// - Throws: `WebSocketError` for what the protocol forbids; nothing after it can be read.
  package mutating func next() throws(WebSocketError) -> WebSocketFrame? {
    guard bytes.count >= 2 else { return nil }
    guard bytes[0] & 0x70 == 0 else {
      throw .violation("a frame uses an extension that was not agreed on")
    }
    guard let opcode = WebSocketFrame.Opcode(rawValue: bytes[0] & 15) else {
      throw .violation("a frame has the unknown opcode \(bytes[0] & 15)")
    }
    let isFinal = bytes[0] & 0x80 != 0
    let isMasked = bytes[1] & 0x80 != 0
    guard isMasked == (sender == .client) else {
      throw .violation(isMasked ? "the server masks its frames" : "the client does not mask its frames")
    }
    var start = 2
    var length = UInt64(bytes[1] & 127)
    if opcode.isControl, length > 125 || !isFinal {
      throw .violation("a control frame is \(isFinal ? "longer than 125 bytes" : "fragmented")")
    }
    if length >= 126 {
      let count = length == 126 ? 2 : 8
      guard bytes.count >= start + count else { return nil }
      length = bytes[start..<start + count].reduce(0) { $0 << 8 | UInt64($1) }
      guard length >= (count == 2 ? 126 : 0x1_0000) else {
        throw .violation("a frame's length is written longer than it need be")
      }
      start += count
    }
    guard length <= UInt64(payloadLimit) else { throw .tooLarge(limit: payloadLimit) }
    let mask = isMasked ? 4 : 0
    let end = start + mask + Int(length)
    guard bytes.count >= end else { return nil }
    var payload = Array(bytes[start + mask..<end])
    if isMasked { payload = WebSocketFrame.masked(payload, Array(bytes[start..<start + 4])) }
    bytes.removeFirst(end)
    return WebSocketFrame(opcode, payload, isFinal: isFinal)
  }
}
