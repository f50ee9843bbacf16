import Concurrency
import Foundation
import HTTP
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPStreamTests {
  private static let piece = [UInt8](repeating: 7, count: 32 << 10)

  /// A stream that makes a piece whenever one is asked for, and counts them.
  private static func counted(_ made: Locked<Int>, limit: Int) -> AsyncStream<[UInt8]> {
    AsyncStream(unfolding: {
      made.withLock { count -> [UInt8]? in
        guard count < limit else { return nil }
        count += 1
        return piece
      }
    })
  }

  @Test func piecesArriveBeforeTheAnswerIsOver() async throws {
    let (pieces, feed) = AsyncStream.makeStream(of: [UInt8].self)
    let pair = try Pair { _ in
      ServerResponse(status: 200, headers: [("Content-Type", "text/event-stream")], body: .stream(pieces))
    }
    feed.yield(Array("one\n".utf8))
    let stream = try await pair.client.stream(HTTPRequest(url: pair.url()))
    #expect(stream.status == 200)
    var body = stream.body.makeAsyncIterator()
    #expect(try await body.next() == Array("one\n".utf8))
    feed.yield(Array("two\n".utf8))
    #expect(try await body.next() == Array("two\n".utf8))
    feed.finish()
    #expect(try await body.next() == nil)
  }

  @Test func aReaderThatDoesNotReadStopsTheProducer() async throws {
    let made = Locked(0)
    let total = 4096  // 128 MiB
    let pair = try Pair { _ in
      ServerResponse(status: 200, body: .stream(HTTPStreamTests.counted(made, limit: total)))
    }
    let stream = try await pair.client.stream(HTTPRequest(url: pair.url(), timeout: .seconds(60)))
    // The producer comes to rest once our 256 KiB, the server's and the sockets' buffers are full.
    var last = -1
    #expect(
      await becomesTrue {
        let now = made.withLock { $0 }
        defer { last = now }
        try? await Task.sleep(for: .milliseconds(50))
        return now > 0 && now == last
      })
    #expect(made.withLock { $0 } < total / 4)
    var received = 0
    var longest = 0
    for try await piece in stream.body {
      received += piece.count
      longest = max(longest, piece.count)
    }
    #expect(received == total * HTTPStreamTests.piece.count)
    #expect(longest <= 320 << 10)
  }

  @Test func aDroppedStreamEndsItsTransfer() async throws {
    let made = Locked(0)
    let over = Locked(false)
    let pair = try Pair { _ in
      ServerResponse(
        status: 200,
        body: .stream(
          AsyncStream(
            unfolding: {
              made.withLock { $0 += 1 }
              return HTTPStreamTests.piece
            }, onCancel: { over.withLock { $0 = true } })))
    }
    do {
      let stream = try await pair.client.stream(HTTPRequest(url: pair.url()))
      var body = stream.body.makeAsyncIterator()
      #expect(try await body.next() != nil)
    }
    // The server's side ends because the connection does.
    #expect(await becomesTrue { over.withLock { $0 } })
  }

  @Test func aCancelledReaderStopsWaiting() async throws {
    let (pieces, feed) = AsyncStream.makeStream(of: [UInt8].self)
    let pair = try Pair { _ in ServerResponse(status: 200, body: .stream(pieces)) }
    feed.yield([1])
    let stream = try await pair.client.stream(HTTPRequest(url: pair.url()))
    let first = Locked(false)
    let task = Task {
      for try await _ in stream.body { first.withLock { $0 = true } }
    }
    #expect(await becomesTrue { first.withLock { $0 } })
    task.cancel()
    _ = await task.result
    feed.finish()
  }

  @Test func aBrokenStreamGivesWhatCameAndThenFails() async throws {
    let server = try RawServer(answers: [["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"]])
    let client = HTTPClient()
    let stream = try await client.stream(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    var text = ""
    let error = await #expect(throws: HTTPError.self) {
      for try await piece in stream.body { text += String(decoding: piece, as: UTF8.self) }
    }
    #expect(text == "only this")
    #expect(error?.code == .connectionLost)
  }

  @Test func aStreamThatStaysSilentTooLongTimesOut() async throws {
    let (pieces, feed) = AsyncStream.makeStream(of: [UInt8].self)
    let pair = try Pair { _ in ServerResponse(status: 200, body: .stream(pieces)) }
    feed.yield([1])
    let stream = try await pair.client.stream(
      HTTPRequest(url: pair.url(), timeout: .seconds(600), stallTimeout: .seconds(1)))
    let error = await #expect(throws: HTTPError.self) {
      for try await _ in stream.body {}
    }
    #expect(error?.code == .timeout)
    feed.finish()
  }

  @Test func theStreamOutlivesTheLastReferenceToItsClient() async throws {
    let made = Locked(0)
    let server = try HTTPServer { _ in
      ServerResponse(status: 200, body: .stream(HTTPStreamTests.counted(made, limit: 100)))
    }
    let stream = try await HTTPClient().stream(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    var received = 0
    for try await piece in stream.body { received += piece.count }
    #expect(received == 100 * HTTPStreamTests.piece.count)
  }
}
