internal import Crypto

/// The opening handshake of a client (RFC 6455 §4.1). Pure.
package struct WebSocketHandshake {
  /// The key of this handshake: 16 random bytes in Base64.
  let key: String
  private var head = ResponseHead()
  private var bytes: [UInt8] = []
  private var asked: Set<String> = []

  /// How far the answer has come.
  enum Progress {
    case more
    /// The WebSocket is open; `rest` came behind the handshake and belongs to the first frames.
    case open(rest: [UInt8])
    /// Another answer, with its body as far as it is there.
    case other(HTTPResponse)
  }

  init(key: [UInt8] = randomBytes(16)) { self.key = Base64.encode(key) }

  /// The request.
  /// - Parameter host: host and port as the address has them.
  /// - Throws: `WebSocketError` when a header field cannot be sent.
  mutating func request(
    host: String, path: String, headers: [(name: String, value: String)]
  ) throws(WebSocketError) -> [UInt8] {
    var lines = [
      "GET \(path) HTTP/1.1", "Host: \(host)", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
    ]
    for (name, value) in headers {
      guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ":") }),
        !value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 })
      else {
        throw WebSocketError(
          code: .other, message: "a header field has a name or a line break that cannot be sent")
      }
      asked.insert(name.lowercased())
      lines.append("\(name): \(value)")
    }
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  /// Takes bytes of the answer.
  /// - Throws: `WebSocketError` when the answer is no HTTP, or switches to something that was not asked for.
  mutating func take(_ more: [UInt8]) throws(WebSocketError) -> Progress {
    bytes += more
    while !head.complete, let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
      let line = Array(bytes[...end])
      bytes.removeFirst(line.count)
      guard line.withUnsafeBytes({ head.take($0) }) else {
        throw .violation("the head of the answer is longer than \(ResponseHead.limit) bytes")
      }
      // `ResponseHead` sees 101 as an interim head and goes on: here it is the last.
      if head.status == 101, line == [13, 10] || line == [10] { return try judge() }
      guard head.status > 0 else { throw .violation("the answer is not HTTP") }
    }
    if !head.complete, bytes.count > ResponseHead.limit { throw .violation("the answer is not HTTP") }
    guard head.complete else { return .more }
    return .other(HTTPResponse(status: head.status, headers: head.headers, body: bytes))
  }

  /// Bytes of the other answer's body that are still to come by its own word; nil when it does not say.
  func bodyLeft(_ answer: HTTPResponse) -> Int? {
    answer.header("Content-Length").flatMap { Int($0) }.map { max(0, $0 - answer.body.count) }
  }

  private func judge() throws(WebSocketError) -> Progress {
    let answer = HTTPResponse(status: head.status, headers: head.headers)
    func tokens(_ name: String) -> [String] {
      answer.headers.filter { $0.name.lowercased() == name }
        .flatMap { $0.value.split(separator: ",") }
        .map { $0.split(separator: " ").joined(separator: " ").lowercased() }
    }
    guard tokens("upgrade").contains("websocket"), tokens("connection").contains("upgrade") else {
      throw .violation("the server switches to another protocol than WebSocket")
    }
    guard answer.header("Sec-WebSocket-Accept") == WebSocketHandshake.accept(for: key) else {
      throw .violation("the server does not prove that it has read the handshake (Sec-WebSocket-Accept)")
    }
    for field in ["sec-websocket-extensions", "sec-websocket-protocol"]
    where answer.header(field) != nil && !asked.contains(field) {
      throw .violation("the server agrees on a \(field) that was not asked for")
    }
    return .open(rest: bytes)
  }

  /// What a server answers to a key (§4.2.2): Base64 of the SHA-1 of the key and a fixed text.
  package static func accept(for key: String) -> String {
    Base64.encode(SHA1.digest(of: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
  }
}
