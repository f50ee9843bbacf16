import Concurrency
import Foundation
import TestSupport
import Testing

@testable import HTTP

@Suite("Connections", .timeLimit(.minutes(5)))
struct ConnectionTests {
  private static let hasTool = TLSServer.isAvailable

  @Test("bytes go out and come in; the other side's end is an empty piece")
  func bytes() async throws {
    let server = try SocketServer { connection, _ in
      let word = try connection.read(5)
      try connection.write(word.reversed())
    }
    let connection = try await Connection.open("http://127.0.0.1:\(server.port)")
    try await connection.send(Array("hello".utf8), within: .seconds(10))
    var got: [UInt8] = []
    while case let more = try await connection.receive(within: .seconds(10)), !more.isEmpty { got += more }
    #expect(String(decoding: got, as: UTF8.self) == "olleh" && connection.certificate == nil)
  }

  @Test("a port where nothing listens is refused, a silent one costs the budget alone")
  func refusals() async throws {
    let port = try freePort()
    let refused = await failure { () throws(HTTPError) in
      _ = try await Connection.open("http://127.0.0.1:\(port)")
    }
    #expect(refused?.code == .refused)
    let server = try SocketServer { connection, _ in connection.waitForEnd() }
    let connection = try await Connection.open("http://127.0.0.1:\(server.port)")
    let silent = await failure { () throws(HTTPError) in
      _ = try await connection.receive(within: .milliseconds(100))
    }
    #expect(silent?.code == .timeout)
    // Its TLS handshake is never answered.
    let handshake = await failure { () throws(HTTPError) in
      _ = try await Connection.open(
        "https://127.0.0.1:\(server.port)", Connection.Options(timeout: .milliseconds(300)))
    }
    #expect(handshake?.code == .timeout)
  }

  @Test(
    "a certificate tells who it is for and how long it lasts",
    .enabled(if: hasTool, "openssl is not installed"))
  func certificate() async throws {
    try await TLSServer.with(days: 40) { server in
      let options = Connection.Options(
        configuration: .init(certificateAuthorities: server.certificate), keepsCertificate: true)
      let url = "https://localhost:\(server.port)"
      let certificate = try #require(try await Connection.open(url, options).certificate)
      #expect(certificate.subject == "CN = localhost" && certificate.issuer == "CN = localhost")
      // Made a moment ago: forty days, or just less.
      #expect(certificate.daysLeft(at: SystemClock().now) == 39)
      #expect(certificate.daysLeft(at: SystemClock().now + .seconds(86_400 * 41)) == -2)
    }
  }

  @Test(
    "an expired, a foreign and a misnamed certificate are refused, each in its own words",
    .enabled(if: hasTool, "openssl is not installed"))
  func refused() async throws {
    func words(_ server: TLSServer, host: String = "localhost", trusting: Bool = true) async throws -> String?
    {
      let configuration = HTTPClient.Configuration(
        certificateAuthorities: trusting ? server.certificate : nil)
      let error = await failure { () throws(HTTPError) in
        _ = try await Connection.open(
          "https://\(host):\(server.port)", Connection.Options(configuration: configuration))
      }
      #expect(error?.code == .tls)
      return error?.message
    }
    try await TLSServer.with(days: -1) { expired in
      let late = try await words(expired)
      #expect(late?.contains("certificate has expired") == true)
    }
    try await TLSServer.with(days: 40) { good in
      let foreign = try await words(good, trusting: false)
      #expect(foreign?.contains("self-signed") == true)
      let misnamed = try await words(good, host: "127.0.0.1")
      #expect(misnamed?.contains("certificate subject name") == true)
    }
  }

  @Test("moments of certificates are read as OpenSSL and others write them")
  func moments() {
    #expect(Certificate.moment("Feb  3 12:00:00 2027 GMT") == Timestamp(iso8601: "2027-02-03T12:00:00Z"))
    #expect(Certificate.moment("Dec 31 23:59:59 2049 GMT") == Timestamp(iso8601: "2049-12-31T23:59:59Z"))
    #expect(Certificate.moment("2027-02-03 12:00:00 GMT") == Timestamp(iso8601: "2027-02-03T12:00:00Z"))
    for bad in ["", "Feb 30", "Foo  3 12:00:00 2027 GMT", "Feb  3 12:00:00 2027 CET"] {
      #expect(Certificate.moment(bad) == nil)
    }
  }
}
