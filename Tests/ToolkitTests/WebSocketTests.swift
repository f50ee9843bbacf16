import Concurrency
import Foundation
import HTTP
import Processes
import TestSupport
import Testing

@Suite("WebSocket client", .timeLimit(.minutes(5)))
struct WebSocketTests {
  private func open(_ server: SocketServer, within: Duration = .seconds(10), limit: Int = 1 << 20)
    async throws -> WebSocket
  {
    try await WebSocket.open(server.webSocketURL, messageLimit: limit, within: within)
  }

  private func failure(_ body: () async throws(WebSocketError) -> Void) async -> WebSocketError? {
    do throws(WebSocketError) {
      try await body()
      return nil
    } catch { return error }
  }

  @Test("says, hears fragments, answers a ping, and says goodbye")
  func conversation() async throws {
    let seen = Locked<[String]>([])
    let server = try SocketServer { connection, _ in
      let head = try connection.acceptWebSocket()
      seen.withLock { $0 = head }
      let hello = try connection.readFrame()
      try connection.writeFrame(9, [7])
      let pong = try connection.readFrame()
      try connection.writeFrame(1, Array("echo ".utf8), isFinal: false)
      try connection.writeFrame(0, hello.payload, isFinal: false)
      try connection.writeFrame(0, pong.payload.map { $0 + 41 })
      let bye = try connection.readFrame()
      seen.withLock { $0.append("bye \(bye.opcode) \(bye.payload)") }
      try connection.writeFrame(8, bye.payload)
      connection.waitForEnd()
    }
    let socket = try await open(server)
    try await socket.send(.text("hello"), within: .seconds(10))
    #expect(try await socket.receive(within: .seconds(10)) == .text("echo hello0"))
    await socket.close(within: .seconds(10))
    let lines = seen.withLock { $0 }
    #expect(lines.first == "GET /feed HTTP/1.1" && lines.contains("Host: 127.0.0.1:\(server.port)"))
    #expect(lines.contains("Sec-WebSocket-Version: 13") && lines.last == "bye 8 [3, 232]")
    let after = await failure { () throws(WebSocketError) in
      try await socket.send(.text("x"), within: .seconds(1))
    }
    #expect(after?.code == .closed)
  }

  @Test("an answer that is no WebSocket comes back with status and body")
  func otherAnswers() async throws {
    let server = try SocketServer { connection, _ in
      _ = try connection.readHead()
      try connection.write("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nno ")
      try connection.write("feed")
      connection.waitForEnd()
    }
    let error = await failure { () throws(WebSocketError) in
      _ = try await WebSocket.open(server.webSocketURL)
    }
    #expect(error?.code == .noWebSocket && error?.answer?.status == 404 && error?.answer?.text == "no feed")
    #expect(error?.message == "127.0.0.1:\(server.port): the handshake was answered with 404")
  }

  @Test("a close says its code and reason, a cut connection that there was none")
  func endings() async throws {
    let server = try SocketServer { connection, number in
      try connection.acceptWebSocket()
      if number == 0 { try connection.writeFrame(8, [3, 244] + Array("restarting".utf8)) }
    }
    let closing = try await open(server)
    let closed = await failure { () throws(WebSocketError) in
      _ = try await closing.receive(within: .seconds(10))
    }
    #expect(closed?.code == .closed && closed?.closeCode == 1012)
    #expect(closed?.message.hasSuffix("the server closed the WebSocket with code 1012: restarting") == true)
    let cut = try await open(server)
    let lost = await failure { () throws(WebSocketError) in _ = try await cut.receive(within: .seconds(10)) }
    #expect(lost?.code == .connectionLost)
  }

  @Test("a message over the limit is refused, and the server is told so")
  func limit() async throws {
    let (codes, told) = AsyncStream.makeStream(of: [UInt8].self)
    let server = try SocketServer { connection, _ in
      try connection.acceptWebSocket()
      try connection.writeFrame(2, [UInt8](repeating: 0, count: 2000))
      told.yield(try connection.readFrame().payload)
    }
    let socket = try await open(server, limit: 1000)
    let error = await failure { () throws(WebSocketError) in
      _ = try await socket.receive(within: .seconds(10))
    }
    #expect(error?.code == .tooLarge)
    var iterator = codes.makeAsyncIterator()
    #expect(await iterator.next() == [3, 241], "1009")
  }

  @Test("a silent server costs no more than the budget, before and after the handshake")
  func deadlines() async throws {
    let server = try SocketServer { connection, number in
      if number == 1 { try connection.acceptWebSocket() }
      connection.waitForEnd()
    }
    let silent = await failure { () throws(WebSocketError) in
      _ = try await WebSocket.open(server.webSocketURL, within: .seconds(1))
    }
    #expect(silent?.code == .timeout)
    #expect(silent?.message == "127.0.0.1:\(server.port): the handshake was not answered within 1.0 s")
    let socket = try await open(server)
    let quiet = await failure { () throws(WebSocketError) in
      _ = try await socket.receive(within: .milliseconds(200))
    }
    #expect(quiet?.message == "127.0.0.1:\(server.port): no message came within 0.2 s")
  }

  @Test("a cancelled wait ends at once")
  func cancellation() async throws {
    let (waits, waiting) = AsyncStream.makeStream(of: Void.self)
    let server = try SocketServer { connection, _ in
      try connection.acceptWebSocket()
      waiting.yield()
      connection.waitForEnd()
    }
    let socket = try await open(server)
    let task = Task {
      await failure { () throws(WebSocketError) in _ = try await socket.receive(within: .seconds(600)) }
    }
    for await _ in waits { break }
    task.cancel()
    #expect(await task.value?.code == .cancelled)
  }

  @Test("what cannot be reached is told apart")
  func unreachable() async throws {
    let port = try freePort()
    let refused = await failure { () throws(WebSocketError) in
      _ = try await WebSocket.open("ws://127.0.0.1:\(port)/")
    }
    #expect(refused?.code == .refused)
    let scheme = await failure { () throws(WebSocketError) in
      _ = try await WebSocket.open("http://127.0.0.1/")
    }
    #expect(scheme?.code == .badURL)
  }

  @Test("nothing is left open")
  func resources() async throws {
    let server = try SocketServer { connection, _ in
      try connection.acceptWebSocket()
      try connection.writeText("hi")
      connection.waitForEnd()
    }
    func once() async throws {
      let socket = try await open(server)
      #expect(try await socket.receive(within: .seconds(10)) == .text("hi"))
    }
    try await once()
    let before = openResources()
    for _ in 0..<40 { try await once() }
    // 40 leaked connections would be 120 descriptors more; other tests run meanwhile.
    #expect(await becomesTrue { openResources().descriptors < before.descriptors + 40 })
  }

  private static let interpreter = "/usr/bin/python3"

  private static func python(_ program: String) -> ProcessSpecification {
    ProcessSpecification(interpreter, ["-c", program], environment: ["PATH": "/usr/bin:/bin"])
  }

  @Test(
    "a server of another make is understood: long and fragmented messages, pings, its goodbye",
    .enabled("python3-websockets is not installed") {
      let result = try? await Launcher().run(Self.python("import websockets"), timeout: .seconds(60))
      return result?.exit.isSuccess == true
    })
  func another() async throws {
    let program = """
      import asyncio, sys, websockets
      async def serve(socket, path=None):
          async for message in socket:
              if message == "bye":
                  await socket.close(4321, "as asked")
              elif message == "ping":
                  await (await socket.ping())
                  await socket.send("ponged")
              else:
                  await socket.send([message[:10], message[10:]])
      async def main():
          async with websockets.serve(serve, "127.0.0.1", 0) as server:
              print(server.sockets[0].getsockname()[1], flush=True)
              await asyncio.Future()
      asyncio.run(main())
      """
    try await TestChild.with(Self.python(program), ready: { Int($0) }) { port in
      let socket = try await WebSocket.open("ws://127.0.0.1:\(port)/")
      for text in ["short", String(repeating: "é", count: 200), String(repeating: "long ", count: 40_000)] {
        try await socket.send(.text(text), within: .seconds(20))
        #expect(try await socket.receive(within: .seconds(20)) == .text(text))
      }
      try await socket.send(.text("ping"), within: .seconds(20))
      #expect(try await socket.receive(within: .seconds(20)) == .text("ponged"))
      try await socket.send(.text("bye"), within: .seconds(20))
      let closed = await failure { () throws(WebSocketError) in
        _ = try await socket.receive(within: .seconds(20))
      }
      #expect(closed?.closeCode == 4321)
    }
  }
}
