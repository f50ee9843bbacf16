import Concurrency
import Crypto
import Foundation
import HTTP

/// A listening loopback socket whose connections a script serves, one thread each: for servers that say exactly
/// what a test wants, WebSockets among them.
package final class SocketServer: Sendable {
  package typealias Script = @Sendable (ServedConnection) throws -> Void

  package let port: UInt16
  private let listener: ListeningSocket

  /// - Parameter script: serves a connection, given its number from 0; the connection is closed when it returns.
  package init(_ script: @escaping @Sendable (ServedConnection, Int) throws -> Void) throws {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
        bind(socket, place, length) == 0 && listen(socket, 16) == 0
          && getsockname(socket, place, &length) == 0
      }
    }
    guard bound else { throw ServedConnection.Ended() }
    let listener = ListeningSocket(socket)
    self.listener = listener
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread {
      var number = 0
      while case let connection = listener.connection(), connection >= 0 {
        let mine = number
        number += 1
        Thread.detachNewThread {
          try? script(ServedConnection(connection), mine)
          close(connection)
        }
      }
    }
  }

  deinit { listener.end() }

  package var webSocketURL: String { "ws://127.0.0.1:\(port)/feed" }
}

/// A listening socket, shared by a server and its thread. Its number is free for others when both are done with it:
/// closed earlier, it may be another server's when the thread comes to accept, which then takes that one's client.
package final class ListeningSocket: Sendable {
  private let descriptor: Int32

  package init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// The next connection; below 0 once it has ended.
  package func connection() -> Int32 { accept(descriptor, nil, nil) }

  /// Refuses clients from now on, and wakes who accepts.
  package func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}

/// One connection of a `SocketServer`, read and written by its script's thread.
package struct ServedConnection: Sendable {
  /// The other side has gone.
  package struct Ended: Error {}

  private let descriptor: Int32

  fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Exactly so many bytes.
  package func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var got = 0
    while got < count {
      let more = bytes.withUnsafeMutableBytes {
        recv(descriptor, $0.baseAddress.map { $0 + got }, count - got, 0)
      }
      guard more > 0 else { throw Ended() }
      got += more
    }
    return bytes
  }

  /// The lines of a request's head.
  package func readHead() throws -> [String] {
    var bytes: [UInt8] = []
    while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) { bytes += try read(1) }
    return String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n").filter { !$0.isEmpty }
  }

  package func write(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let more = bytes.withUnsafeBytes {
        send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard more > 0 else { throw Ended() }
      sent += more
    }
  }

  package func write(_ text: String) throws { try write(Array(text.utf8)) }

  /// Nothing more comes; returns when the other side has gone too.
  package func waitForEnd() { while (try? read(1)) != nil {} }

  // MARK: WebSocket

  /// Answers the opening handshake; gives the request's lines.
  @discardableResult
  package func acceptWebSocket(extra: String = "") throws -> [String] {
    let head = try readHead()
    let key = head.first { $0.lowercased().hasPrefix("sec-websocket-key:") }?.dropFirst(18)
    let text = (key ?? "").trimmingCharacters(in: .whitespaces) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    let accept = Data(SHA1.digest(of: Array(text.utf8))).base64EncodedString()
    try write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: \(accept)\r\n\(extra)\r\n")
    return head
  }

  /// One unmasked frame of less than 64 KiB.
  package func writeFrame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) throws {
    let length: [UInt8] =
      payload.count < 126
      ? [UInt8(payload.count)] : [126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    try write([(isFinal ? 0x80 : 0) | opcode] + length + payload)
  }

  package func writeText(_ text: String) throws { try writeFrame(1, Array(text.utf8)) }

  /// The next frame of a client, unmasked.
  package func readFrame() throws -> (opcode: UInt8, payload: [UInt8]) {
    let start = try read(2)
    var count = Int(start[1] & 127)
    if count == 126 { count = try read(2).reduce(0) { $0 << 8 | Int($1) } }
    guard start[1] & 128 != 0 else { throw Ended() }
    let mask = try read(4)
    let payload = try read(count).enumerated().map { $1 ^ mask[$0 & 3] }
    return (start[0] & 15, payload)
  }
}
