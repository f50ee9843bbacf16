import Concurrency
import Foundation
import HTTP
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPFailureTests {
  private func error(_ request: HTTPRequest) async -> HTTPError? {
    let client = HTTPClient()
    return await failure { () throws(HTTPError) in _ = try await client.send(request) }
  }

  @Test func nothingWasSentWhereNothingListens() async throws {
    let port = try freePort()
    let error = await error(HTTPRequest(url: "http://127.0.0.1:\(port)/private?token=abc"))
    #expect(error?.code == .refused)
    #expect(error?.nothingSent == true)
    #expect(error?.message.contains("127.0.0.1:\(port)") == true)
    #expect(error?.message.contains("abc") == false)
    #expect(error?.message.contains("private") == false)
  }

  @Test(arguments: [
    "", "no scheme", "http://", "http://a b/", "http://127.0.0.1:99999/", "ftp://127.0.0.1/",
    "file:///etc/passwd", "http://user:word@127.0.0.1/", "http://127.0.0.1/\r\nX: y",
  ])
  func addressesThatAreNotPlainHTTPAreRefused(url: String) async {
    let error = await error(HTTPRequest(url: url))
    #expect(error?.code == .badURL)
    #expect(error?.nothingSent == true)
    #expect(error?.message.contains("word") == false)
  }

  @Test func aLineBreakInAHeaderIsRefused() async {
    let error = await error(
      HTTPRequest(url: "http://127.0.0.1:1/", headers: [("X-A", "secret\r\nX-B: c")]))
    #expect(error?.nothingSent == true)
    #expect(error?.code == .other)
    #expect(error?.message.contains("secret") == false)
  }

  @Test func anUnknownNameIsNamed() async {
    let error = await error(HTTPRequest(url: "http://no-such-host.invalid/", timeout: .seconds(5)))
    // A machine without a name server may only find out by waiting.
    #expect(error?.code == .nameNotFound || error?.code == .timeout)
    #expect(error?.nothingSent == true)
    #expect(error?.message.contains("no-such-host.invalid:80") == true)
  }

  @Test func aCutConnectionLeavesTheEffectUnknown() async throws {
    let pair = try Pair { _ in ServerResponse(status: 200, body: .cut) }
    let error = await failure { () throws(HTTPError) in
      _ = try await pair.client.send(HTTPRequest(method: "POST", url: pair.url(), body: .bytes([1])))
    }
    #expect(error?.code == .connectionLost)
    #expect(error?.nothingSent == false)
  }

  @Test func anAnswerThatBreaksOffIsLost() async throws {
    let server = try RawServer(answers: [["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"]])
    let error = await error(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    #expect(error?.code == .connectionLost)
    #expect(error?.nothingSent == false)
  }

  @Test func anAnswerThatIsNotHTTPIsAnError() async throws {
    let server = try RawServer(answers: [["SSH-2.0-OpenSSH\r\n"]])
    let error = await error(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
    #expect(error?.code == .other)
    #expect(error?.nothingSent == false)
  }

  @Test func aRequestWithAnEffectIsNotSentAgainWhenAKeptConnectionDies() async throws {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    // The second request on the first connection is read and never answered.
    let server = try RawServer(answers: [[whole, ""], [whole]])
    let client = HTTPClient()
    let url = "http://127.0.0.1:\(server.port)/"
    #expect(try await client.send(HTTPRequest(url: url)).text == "ok")
    let lost = await failure { () throws(HTTPError) in
      _ = try await client.send(HTTPRequest(method: "POST", url: url))
    }
    #expect(lost?.code == .connectionLost)
    #expect(lost?.nothingSent == false)
    #expect(server.requests == ["GET / HTTP/1.1", "POST / HTTP/1.1"])
  }

  @Test func aRequestWithoutEffectSurvivesTheEndOfAKeptConnection() async throws {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    let server = try RawServer(answers: [[whole, ""], [whole]])
    let client = HTTPClient()
    let request = HTTPRequest(url: "http://127.0.0.1:\(server.port)/")
    _ = try await client.send(request)
    #expect(try await client.send(request).text == "ok")
  }

  @Test func theDeadlineHoldsWhileTheServerIsSilent() async throws {
    let pair = try Pair { _ in
      try? await Task.sleep(for: .seconds(60))
      return ServerResponse(status: 200)
    }
    let start = ContinuousClock.now
    let error = await failure { () throws(HTTPError) in
      _ = try await pair.client.send(HTTPRequest(url: pair.url(), timeout: .milliseconds(80)))
    }
    #expect(error?.code == .timeout)
    #expect(error?.nothingSent == false)
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func theDeadlineHoldsForARequestThatWaitsForAConnection() async throws {
    let pair = try Pair(connections: 1) { _ in
      try? await Task.sleep(for: .seconds(60))
      return ServerResponse(status: 200)
    }
    let first = Task { try await pair.client.send(HTTPRequest(url: pair.url(), timeout: .seconds(30))) }
    #expect(await becomesTrue { pair.server.connectionsAccepted == 1 })
    let error = await failure { () throws(HTTPError) in
      _ = try await pair.client.send(HTTPRequest(url: pair.url(), timeout: .milliseconds(80)))
    }
    #expect(error?.code == .timeout)
    #expect(error?.nothingSent == true)
    first.cancel()
    _ = await first.result
  }

  @Test func aCancelledTaskEndsItsTransferAtOnce() async throws {
    let arrived = Locked(false)
    let pair = try Pair { _ in
      arrived.withLock { $0 = true }
      try? await Task.sleep(for: .seconds(60))
      return ServerResponse(status: 200)
    }
    let task = Task { () async -> HTTPError? in
      await failure { () throws(HTTPError) in _ = try await pair.client.send(HTTPRequest(url: pair.url())) }
    }
    #expect(await becomesTrue { arrived.withLock { $0 } })
    task.cancel()
    let error = await task.value
    #expect(error?.code == .cancelled)
    #expect(error?.nothingSent == false)
  }

  @Test func aTaskCancelledBeforehandSendsNothing() async throws {
    let pair = try Pair { _ in ServerResponse(status: 200) }
    let task = Task { () async -> HTTPError? in
      withUnsafeCurrentTask { $0?.cancel() }
      return await failure { () throws(HTTPError) in
        _ = try await pair.client.send(HTTPRequest(url: pair.url()))
      }
    }
    let error = await task.value
    #expect(error?.code == .cancelled)
    #expect(error?.nothingSent == true)
    #expect(pair.server.connectionsAccepted == 0)
  }

  @Test func aFailingGroupCancelsItsSiblings() async throws {
    let pair = try Pair { _ in
      try? await Task.sleep(for: .seconds(60))
      return ServerResponse(status: 200)
    }
    let start = ContinuousClock.now
    await #expect(throws: HTTPError.self) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<32 { group.addTask { _ = try await pair.client.send(HTTPRequest(url: pair.url())) } }
        group.addTask { _ = try await pair.client.send(HTTPRequest(url: "http://127.0.0.1:1/")) }
        for try await _ in group {}
      }
    }
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test(arguments: [true, false])
  func aBodyThatIsTooLongIsRefused(announced: Bool) async throws {
    let pair = try Pair { _ in
      let bytes = [UInt8](repeating: 65, count: 100_000)
      return ServerResponse(
        status: 200,
        body: announced
          ? .bytes(bytes)
          : .stream(
            AsyncStream {
              $0.yield(bytes)
              $0.finish()
            }))
    }
    let error = await failure { () throws(HTTPError) in
      _ = try await pair.client.send(HTTPRequest(url: pair.url(), bodyLimit: 99_999))
    }
    #expect(error?.code == .bodyTooLarge)
    let whole = try await pair.client.send(HTTPRequest(url: pair.url(), bodyLimit: 100_000))
    #expect(whole.body.count == 100_000)
  }

  @Test func aClosedClientEndsWhatIsUnderWayAndRefusesMore() async throws {
    let arrived = Locked(false)
    let pair = try Pair { _ in
      arrived.withLock { $0 = true }
      try? await Task.sleep(for: .seconds(60))
      return ServerResponse(status: 200)
    }
    let task = Task { () async -> HTTPError? in
      await failure { () throws(HTTPError) in _ = try await pair.client.send(HTTPRequest(url: pair.url())) }
    }
    #expect(await becomesTrue { arrived.withLock { $0 } })
    pair.client.close()
    pair.client.close()
    #expect(await task.value?.code == .cancelled)
    let late = await failure { () throws(HTTPError) in
      _ = try await pair.client.send(HTTPRequest(url: pair.url()))
    }
    #expect(late?.code == .cancelled && late?.nothingSent == true)
  }
}
