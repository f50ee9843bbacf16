import Concurrency
import Foundation
import HTTP
import HTTPServer
import TestSupport

/// Waits for a condition without a fixed sleep; false when it does not come true in ten seconds.
func becomesTrue(_ condition: () async -> Bool) async -> Bool {
  for _ in 0..<2000 {
    if await condition() { return true }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return false
}

/// A client and a server of this test alone.
struct Pair {
  let server: HTTPServer
  let client: HTTPClient

  init(
    connections: Int = 32, bodyLimit: Int = 64 << 20, handler: @escaping HTTPServer.Handler
  ) throws {
    server = try HTTPServer(bodyLimit: bodyLimit, handler: handler)
    client = HTTPClient(configuration: .init(userAgent: "test/1", connectionsPerHost: connections))
  }

  func url(_ path: String = "/") -> String { "http://127.0.0.1:\(server.port)\(path)" }
}

/// Runs a request that must fail and gives back how.
func failure(_ body: () async throws(HTTPError) -> Void) async -> HTTPError? {
  do throws(HTTPError) {
    try await body()
    return nil
  } catch {
    return error
  }
}

/// A listening socket whose connections are answered with given bytes, for answers no real server gives.
///
/// One thread accepts one connection after another, reads until the blank line and what `extra` asks for,
/// writes `answer` for as many requests as `answers` has for that connection, and closes.
final class RawServer: @unchecked Sendable {
  // `@unchecked`: everything is set before the thread starts, except `seen`, which has its own lock.
  let port: UInt16
  private let listener: ListeningSocket
  private let seen = Locked<[String]>([])

  /// - Parameter answers: for each connection in turn, the answers to its requests; after them it is closed.
  init(answers: [[String]]) throws {
    let (socket, port) = try RawServer.listen()
    let listener = ListeningSocket(socket)
    self.listener = listener
    self.port = port
    let seen = seen
    Thread.detachNewThread {
      for replies in answers {
        let connection = listener.connection()
        guard connection >= 0 else { return }
        for reply in replies {
          guard let request = RawServer.readRequest(connection) else { break }
          seen.withLock { $0.append(request) }
          _ = reply.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        }
        close(connection)
      }
    }
  }

  deinit { listener.end() }

  /// The first line of each request so far.
  var requests: [String] { seen.withLock { $0 } }

  static func listen() throws -> (Int32, UInt16) {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
        bind(socket, place, length) == 0 && Glibc.listen(socket, 16) == 0
          && getsockname(socket, place, &length) == 0
      }
    }
    guard bound else { throw HTTPServerError(description: "no loopback port") }
    return (socket, UInt16(bigEndian: address.sin_port))
  }

  private static func readRequest(_ connection: Int32) -> String? {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
      guard read(connection, &byte, 1) == 1 else { return nil }
      bytes.append(byte)
    }
    return String(decoding: bytes.prefix { $0 != 13 }, as: UTF8.self)
  }
}

/// A loopback port on which nothing listens.
func freePort() throws -> UInt16 {
  let (socket, port) = try RawServer.listen()
  close(socket)
  return port
}

/// How many descriptors and threads this process has.
func openResources() -> (descriptors: Int, threads: Int) {
  func count(_ path: String) -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: path).count) ?? 0
  }
  return (count("/proc/self/fd"), count("/proc/self/task"))
}
