import Concurrency
import Foundation
import HTTP
import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPRequestTests {
  @Test func theServerSeesMethodPathQueryHeadersAndBody() async throws {
    let seen = Locked<ServerRequest?>(nil)
    let pair = try Pair { request in
      seen.withLock { $0 = request }
      return ServerResponse(status: 201, headers: [("X-Answer", "yes")], body: .bytes(Array("done".utf8)))
    }
    let response = try await pair.client.send(
      HTTPRequest(
        method: "PATCH", url: pair.url("/a%20b?q=1%262&empty&p=x+y"),
        headers: [("X-Token", "abc"), ("X-Empty", "")], body: .bytes(Array("hello".utf8))))
    #expect(response.status == 201)
    #expect(response.text == "done")
    #expect(response.header("x-ANSWER") == "yes")
    let request = try #require(seen.withLock { $0 })
    #expect(request.method == "PATCH")
    #expect(request.path == "/a b")
    #expect(request.query.map(\.name) == ["q", "empty", "p"])
    #expect(request.query.map(\.value) == ["1&2", "", "x y"])
    #expect(request.header("x-token") == "abc")
    #expect(request.header("X-EMPTY") == "")
    #expect(request.header("User-Agent") == "test/1")
    #expect(request.header("Content-Type") == nil)
    #expect(request.header("Expect") == nil)
    #expect(request.body == Array("hello".utf8))
  }

  @Test func connectionsAreKeptUnlessFreshOnesAreAsked() async throws {
    let pair = try Pair { _ in ServerResponse(status: 200) }
    for _ in 0..<10 { _ = try await pair.client.send(HTTPRequest(url: pair.url())) }
    #expect(pair.server.connectionsAccepted == 1)
    for _ in 0..<3 { _ = try await pair.client.send(HTTPRequest(url: pair.url(), freshConnection: true)) }
    #expect(pair.server.connectionsAccepted == 4)
    _ = try await pair.client.send(HTTPRequest(url: pair.url()))
    #expect(pair.server.connectionsAccepted == 4)
  }

  @Test func aServerThatAsksForTheEndOfTheConnectionGetsANewOne() async throws {
    let pair = try Pair { _ in ServerResponse(status: 200, headers: [("Connection", "close")]) }
    for _ in 0..<3 {
      let response = try await pair.client.send(HTTPRequest(url: pair.url()))
      #expect(response.header("Connection") == "close")
    }
    #expect(pair.server.connectionsAccepted == 3)
  }

  @Test func redirectsAndErrorsAreResponses() async throws {
    let pair = try Pair { request in
      request.path == "/moved"
        ? ServerResponse(status: 302, headers: [("Location", "/elsewhere")]) : ServerResponse(status: 503)
    }
    let moved = try await pair.client.send(HTTPRequest(url: pair.url("/moved")))
    #expect(moved.status == 302)
    #expect(moved.header("location") == "/elsewhere")
    #expect(try await pair.client.send(HTTPRequest(url: pair.url())).status == 503)
  }

  @Test func headAndEmptyPostAreAnswered() async throws {
    let pair = try Pair { request in
      ServerResponse(status: 200, headers: [("X-Length", request.header("Content-Length") ?? "none")])
    }
    let head = try await pair.client.send(HTTPRequest(method: "HEAD", url: pair.url()))
    #expect(head.status == 200 && head.body.isEmpty)
    let post = try await pair.client.send(HTTPRequest(method: "POST", url: pair.url()))
    #expect(post.header("X-Length") == "0")
    let delete = try await pair.client.send(HTTPRequest(method: "DELETE", url: pair.url()))
    #expect(delete.status == 200)
  }

  @Test func aFileIsUploadedByteForByte() async throws {
    // A prime length, so that a lost or doubled buffer of any usual size shifts the pattern.
    let pattern = (0..<4099).map { UInt8(truncatingIfNeeded: $0 &* 40_503 >> 5) }
    var bytes: [UInt8] = []
    while bytes.count < 9 << 20 { bytes += pattern }
    let sent = bytes
    let path = NSTemporaryDirectory() + "/shipit-upload-\(UUID().uuidString)"
    #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let pair = try Pair { request in
      ServerResponse(
        status: request.body == sent && request.header("Expect") == nil ? 200 : 400,
        headers: [("X-Length", request.header("Content-Length") ?? "none")])
    }
    for method in ["POST", "PUT"] {
      let response = try await pair.client.send(
        HTTPRequest(method: method, url: pair.url(), body: .file(path: path)))
      #expect(response.status == 200)
      #expect(response.header("X-Length") == String(sent.count))
    }
  }

  @Test func aMissingFileIsSaidBeforeAnythingIsSent() async throws {
    let pair = try Pair { _ in ServerResponse(status: 200) }
    let error = await failure { () throws(HTTPError) in
      _ = try await pair.client.send(
        HTTPRequest(method: "PUT", url: pair.url(), body: .file(path: "/nowhere/at/all")))
    }
    #expect(error?.nothingSent == true)
    #expect(error?.message.contains("/nowhere/at/all") == true)
    #expect(pair.server.connectionsAccepted == 0)
  }

  @Test func sixtyFourRequestsAreUnderWayAtOnce() async throws {
    let arrived = Locked(0)
    let pair = try Pair(connections: 64) { _ in
      arrived.withLock { $0 += 1 }
      // Nobody is answered before all are there.
      _ = await becomesTrue { arrived.withLock { $0 } >= 64 }
      return ServerResponse(status: 200)
    }
    let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<64 {
        group.addTask {
          try await pair.client.send(HTTPRequest(url: pair.url("/\(number)"))).status
        }
      }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(statuses == Array(repeating: 200, count: 64))
    #expect(pair.server.connectionsAccepted == 64)
  }

  @Test func packedAnswersAreUnpacked() async throws {
    // "hello hello hello" as gzip.
    let packed: [UInt8] = try #require(Data(base64Encoded: "H4sIAAAAAAACA8tIzcnJV8hAkACAiPnlEQAAAA==")).map {
      $0
    }
    let pair = try Pair { request in
      request.header("Accept-Encoding")?.contains("gzip") == true
        ? ServerResponse(status: 200, headers: [("Content-Encoding", "gzip")], body: .bytes(packed))
        : ServerResponse(status: 406)
    }
    #expect(try await pair.client.send(HTTPRequest(url: pair.url())).text == "hello hello hello")
  }

  @Test func manyClientsAndServersLeaveNoThreadAndNoDescriptor() async throws {
    func round() async throws {
      let pair = try Pair { _ in ServerResponse(status: 200) }
      _ = try await pair.client.send(HTTPRequest(url: pair.url()))
      let stream = try await pair.client.stream(HTTPRequest(url: pair.url()))
      for try await _ in stream.body {}
      await pair.server.shutDown()
    }
    try await round()
    let before = openResources()
    for _ in 0..<150 { try await round() }
    // 150 leaked clients would be 150 threads and 450 descriptors more; other tests run meanwhile.
    #expect(
      await becomesTrue {
        let now = openResources()
        return now.descriptors < before.descriptors + 150 && now.threads < before.threads + 75
      })
  }
}
