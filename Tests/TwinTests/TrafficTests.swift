import Foundation
import HTTP
import JSON
import Testing

@testable import Twin

/// What the twin counts of the requests to its services.
@Suite(.timeLimit(.minutes(5))) struct TrafficTests {
  static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
  static let streams: [(String, [Int])] = [
    (ok + ok, [200, 200]),
    ("HTTP/1.1 204 No Content\r\n\r\n" + ok, [204, 200]),
    ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" + ok, [503, 200]),
    (
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHTTP/\r\n1;x=y\r\na\r\n0\r\nX: y\r\n\r\n"
        + ok,
      [200, 200]
    ),
    ("HTTP/1.0 404 No\r\n\r\nHTTP/1.1 200 within a body\r\n\r\n", [404]),
    ("HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 of another protocol\r\n\r\n", [101]),
    ("HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nHTTP/1.1 500 A\r\n\r\nx" + ok, [200, 200]),
    ("\u{1}\u{2}not http at all\n\n", []),
  ]

  @Test(arguments: streams)
  func `Answers on one connection are told apart, however they are cut`(_ stream: String, _ statuses: [Int]) {
    let bytes = Array(stream.utf8)
    for size in [1, 2, 7, bytes.count] {
      var meter = ResponseMeter()
      var found: [Int] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        found += meter.take(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(found == statuses, "in pieces of \(size)")
    }
  }

  @Test func `A service's real requests are exposed with its release, and a new process counts anew`()
    async throws
  {
    try await RealTwin.with { twin in
      try await twin.set(["SHIPIT_COMMIT": "c1", "SHIPIT_RELEASE": "7"])
      let id = try await twin.upload(program: .good)
      try await twin.reach(id, "SUCCESS")
      for _ in 0..<5 { _ = try await twin.get("/") }
      let address = try #require(await twin.server.core.state.instances.values.first?.address)
      for _ in 0..<5 { _ = try await twin.client.send(HTTPRequest(url: "http://\(address)/")) }
      func exposition() async throws -> String {
        try await twin.client.send(HTTPRequest(url: twin.server.url + "/_twin/metrics")).text
      }
      let labels = "service=\"api\",deployment=\"\(id)\",commit=\"c1\",release=\"7\""
      try await twin.until("all are counted") {
        try await exposition().contains("http_requests_total{\(labels),code=\"200\"} 10\n")
      }
      let text = try await exposition()
      #expect(text.contains("http_requests_total{\(labels),code=\"500\"} 0\n"), "from the start, as 0")
      #expect(text.contains("http_request_duration_seconds_bucket{\(labels),le=\"+Inf\"} 10\n"))
      #expect(text.contains("http_request_duration_seconds_count{\(labels)} 10\n"))
      let pid = try #require(try await twin.get("/")["pid"]?.int)
      kill(Int32(pid), SIGKILL)
      try await twin.until("the one that follows it begins at 0") {
        try await exposition().contains("http_requests_total{\(labels),code=\"200\"} 0\n")
      }
    }
  }
}
