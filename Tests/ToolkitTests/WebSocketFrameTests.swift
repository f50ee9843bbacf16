import Testing

@testable import HTTP

@Suite("WebSocket frames")
struct WebSocketFrameTests {
  /// RFC 6455 §5.7, byte for byte.
  private static let mask: [UInt8] = [0x37, 0xfa, 0x21, 0x3d]
  private static let hello: [UInt8] = [0x48, 0x65, 0x6c, 0x6c, 0x6f]

  private func read(
    _ bytes: [UInt8], from sender: WebSocketFrameReader.Sender = .server, limit: Int = 1 << 20
  ) throws(WebSocketError) -> WebSocketFrame? {
    var reader = WebSocketFrameReader(from: sender, payloadLimit: limit)
    reader.append(bytes)
    return try reader.next()
  }

  @Test("the examples of RFC 6455 are written and read as they stand there")
  func examples() throws {
    let rows: [(WebSocketFrame, mask: [UInt8]?, [UInt8])] = [
      (WebSocketFrame(.text, Self.hello), nil, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]),
      (
        WebSocketFrame(.text, Self.hello), Self.mask,
        [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
      ),
      (WebSocketFrame(.text, [0x48, 0x65, 0x6c], isFinal: false), nil, [0x01, 0x03, 0x48, 0x65, 0x6c]),
      (WebSocketFrame(.continuation, [0x6c, 0x6f]), nil, [0x80, 0x02, 0x6c, 0x6f]),
      (WebSocketFrame(.ping, Self.hello), nil, [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]),
      (
        WebSocketFrame(.pong, Self.hello), Self.mask,
        [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
      ),
      (
        WebSocketFrame(.binary, [UInt8](repeating: 7, count: 256)), nil,
        [0x82, 0x7E, 0x01, 0x00] + [UInt8](repeating: 7, count: 256)
      ),
      (
        WebSocketFrame(.binary, [UInt8](repeating: 7, count: 65536)), nil,
        [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + [UInt8](repeating: 7, count: 65536)
      ),
    ]
    for (frame, mask, bytes) in rows {
      #expect(frame.encoded(mask: mask) == bytes)
      #expect(try read(bytes, from: mask == nil ? .server : .client) == frame)
    }
  }

  @Test("frames come out whole whatever pieces the bytes come in", arguments: [1, 2, 3, 7, 1000])
  func pieces(size: Int) throws {
    let frames = [
      WebSocketFrame(.text, Self.hello), WebSocketFrame(.ping),
      WebSocketFrame(.binary, [UInt8](repeating: 9, count: 300)),
      WebSocketFrame.close(1000, "bye"),
    ]
    let bytes = frames.flatMap { $0.encoded(mask: nil) }
    var reader = WebSocketFrameReader(from: .server)
    var seen: [WebSocketFrame] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      reader.append(Array(bytes[start..<min(start + size, bytes.count)]))
      while let frame = try reader.next() { seen.append(frame) }
    }
    #expect(seen == frames)
  }

  @Test("what the protocol forbids is refused with the code to close with")
  func forbidden() {
    let rows: [([UInt8], WebSocketFrameReader.Sender, UInt16)] = [
      ([0xC1, 0x00], .server, 1002),  // a reserved bit
      ([0x83, 0x00], .server, 1002),  // an unknown opcode
      ([0x8B, 0x00], .server, 1002),  // an unknown control opcode
      ([0x09, 0x00], .server, 1002),  // a fragmented ping
      ([0x89, 0x7E, 0x00, 0x7E], .server, 1002),  // a long ping
      ([0x81, 0x85, 1, 2, 3, 4], .server, 1002),  // a masked server
      ([0x81, 0x05], .client, 1002),  // an unmasked client
      ([0x82, 0x7E, 0x00, 0x7D], .server, 1002),  // 125 in two bytes
      ([0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], .server, 1002),  // 65535 in eight
      ([0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], .server, 1009),  // the top bit set
      ([0x82, 0x7E, 0x04, 0x01], .server, 1009),  // over the limit, known from the head alone
    ]
    for (bytes, sender, code) in rows {
      #expect("\(bytes)") { _ = try read(bytes, from: sender, limit: 1024) } throws: {
        ($0 as? WebSocketError)?.closeCode == code
      }
    }
  }

  private func assemble(_ frames: [WebSocketFrame], limit: Int = 100) throws(WebSocketError)
    -> [WebSocketAssembly.Event]
  {
    var assembly = WebSocketAssembly(messageLimit: limit)
    var events: [WebSocketAssembly.Event] = []
    for frame in frames { if let event = try assembly.take(frame) { events.append(event) } }
    return events
  }

  @Test("fragments make one message, with pings between them")
  func fragments() throws {
    let events = try assemble([
      WebSocketFrame(.text, [0xC3], isFinal: false), WebSocketFrame(.ping, [1]),
      WebSocketFrame(.continuation, [0xA9], isFinal: false), WebSocketFrame(.continuation),
      WebSocketFrame(.binary, [0xFF]), WebSocketFrame(.pong), WebSocketFrame.close(4001, "later"),
      WebSocketFrame(.close),
    ])
    #expect(
      events == [
        .ping([1]), .message(.text("é")), .message(.binary([0xFF])), .pong([]),
        .close(code: 4001, reason: "later"),
        .close(code: nil, reason: ""),
      ])
  }

  @Test("frames in an order or with content that is not allowed are refused")
  func order() {
    let rows: [([WebSocketFrame], UInt16)] = [
      ([WebSocketFrame(.continuation)], 1002),
      ([WebSocketFrame(.text, isFinal: false), WebSocketFrame(.text)], 1002),
      ([WebSocketFrame(.text, [0xC3, 0x28])], 1007),
      ([WebSocketFrame(.close, [3])], 1002),
      ([WebSocketFrame.close(1005)], 1002), ([WebSocketFrame.close(1006)], 1002),
      ([WebSocketFrame.close(999)], 1002), ([WebSocketFrame.close(2000)], 1002),
      ([WebSocketFrame(.close, [3, 232, 0xFF])], 1007),
      (
        [
          WebSocketFrame(.binary, [UInt8](repeating: 0, count: 60), isFinal: false),
          WebSocketFrame(.continuation, [UInt8](repeating: 0, count: 60)),
        ], 1009
      ),
    ]
    for (frames, code) in rows {
      #expect("\(frames)") { _ = try assemble(frames) } throws: {
        ($0 as? WebSocketError)?.closeCode == code
      }
    }
  }

  @Test("a long reason for a close is cut at a character")
  func reason() {
    let frame = WebSocketFrame.close(1000, String(repeating: "é", count: 100))
    #expect(
      frame.payload.count == 124 && String(validating: frame.payload.dropFirst(2), as: UTF8.self) != nil)
  }

  @Test("the handshake proves itself as in RFC 6455 §1.3, and everything else is told apart")
  func handshake() throws {
    #expect(WebSocketHandshake.accept(for: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    let key = Array("the sample nonce".utf8)
    let good =
      "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    func take(_ answer: String, piece: Int = 1000) throws -> WebSocketHandshake.Progress {
      var handshake = WebSocketHandshake(key: key)
      #expect(handshake.key == "dGhlIHNhbXBsZSBub25jZQ==")
      let bytes = Array(answer.utf8)
      var last = WebSocketHandshake.Progress.more
      for start in stride(from: 0, to: bytes.count, by: piece) {
        last = try handshake.take(Array(bytes[start..<min(start + piece, bytes.count)]))
        if case .more = last { continue }
        guard start + piece < bytes.count, case .open(let rest) = last else { continue }
        return .open(rest: rest)
      }
      return last
    }
    guard case .open(let rest) = try take("HTTP/1.1 101 Switching Protocols\r\n\(good)\r\n\u{1}\u{2}") else {
      Issue.record("it is not open")
      return
    }
    #expect(rest == [1, 2], "what comes behind the handshake belongs to the first frame")
    guard case .open = try take("HTTP/1.1 101 S\r\n\(good)\r\n", piece: 1) else {
      Issue.record("it is not open, byte by byte")
      return
    }
    guard case .other(let answer) = try take("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait") else {
      Issue.record("it is no other answer")
      return
    }
    #expect(answer.status == 503 && answer.text == "wait")
    for bad in [
      "HTTP/1.1 101 S\r\n\(good.replacing("s3p", with: "s3q"))\r\n",
      "HTTP/1.1 101 S\r\n\(good.replacing("WebSocket", with: "h2c"))\r\n",
      "HTTP/1.1 101 S\r\n\(good)Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
      "HTTP/1.1 101 S\r\n\(good)Sec-WebSocket-Protocol: chat\r\n\r\n", "SSH-2.0-OpenSSH_9\r\n",
    ] {
      #expect("\(bad)") { _ = try take(bad) } throws: { ($0 as? WebSocketError)?.code == .violation }
    }
  }
}
