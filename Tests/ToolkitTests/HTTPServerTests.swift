import Concurrency
import Foundation
import HTTP
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPServerTests {
  @Test func aBodyThatIsTooLongIsAnswered413() async throws {
    let pair = try Pair(bodyLimit: 1000) { request in
      ServerResponse(status: 200, headers: [("X-Length", String(request.body.count))])
    }
    let whole = try await pair.client.send(
      HTTPRequest(method: "POST", url: pair.url(), body: .bytes([UInt8](repeating: 1, count: 1000))))
    #expect(whole.status == 200)
    #expect(whole.header("X-Length") == "1000")
    for count in [1001, 3 << 20] {
      let long = try await pair.client.send(
        HTTPRequest(method: "POST", url: pair.url(), body: .bytes([UInt8](repeating: 1, count: count))))
      #expect(long.status == 413)
    }
  }

  @Test func aTakenPortIsAnErrorThatNamesIt() throws {
    let first = try HTTPServer { _ in ServerResponse(status: 200) }
    let error = #expect(throws: HTTPServerError.self) {
      _ = try HTTPServer(port: first.port) { _ in ServerResponse(status: 200) }
    }
    #expect(error?.description.contains("127.0.0.1:\(first.port)") == true)
  }

  @Test func stoppingCancelsHandlersAndFreesThePort() async throws {
    let arrived = Locked(false)
    let cancelled = Locked(false)
    let pair = try Pair { _ in
      arrived.withLock { $0 = true }
      try? await Task.sleep(for: .seconds(60))
      cancelled.withLock { $0 = Task.isCancelled }
      return ServerResponse(status: 200)
    }
    let port = pair.server.port
    let task = Task { () async -> HTTPError? in
      await failure { () throws(HTTPError) in _ = try await pair.client.send(HTTPRequest(url: pair.url())) }
    }
    #expect(await becomesTrue { arrived.withLock { $0 } })
    await pair.server.shutDown()
    #expect(cancelled.withLock { $0 })
    #expect(await task.value?.code == .connectionLost)
    pair.server.stop()
    let refused = await failure { () throws(HTTPError) in
      _ = try await pair.client.send(HTTPRequest(url: "http://127.0.0.1:\(port)/"))
    }
    #expect(refused?.code == .refused)
  }

  @Test func stoppingEndsAStreamThatHasNothingToSay() async throws {
    let (pieces, feed) = AsyncStream.makeStream(of: [UInt8].self)
    let pair = try Pair { _ in ServerResponse(status: 200, body: .stream(pieces)) }
    feed.yield([1])
    let stream = try await pair.client.stream(HTTPRequest(url: pair.url()))
    var body = stream.body.makeAsyncIterator()
    #expect(try await body.next() == [1])
    await pair.server.shutDown()
    await #expect(throws: HTTPError.self) { _ = try await body.next() }
    feed.finish()
  }

  @Test func stoppingUnderLoadNeitherHangsNorCrashes() async throws {
    for _ in 0..<10 {
      let pair = try Pair { request in
        await Task.yield()
        return ServerResponse(status: 200, body: .bytes(request.body))
      }
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<16 {
          group.addTask {
            for _ in 0..<200 {
              do throws(HTTPError) {
                _ = try await pair.client.send(
                  HTTPRequest(
                    method: "POST", url: pair.url(), body: .bytes([1, 2, 3]), timeout: .seconds(10)))
              } catch {
                return
              }
            }
          }
        }
        group.addTask {
          _ = await becomesTrue { pair.server.connectionsAccepted > 4 }
          pair.server.stop()
        }
      }
    }
  }
}
