import HTTP
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct HTTPSTests {
  @Test(
    .enabled(if: TLSServer.isAvailable, "openssl is not installed"))
  func onlyCertificatesOfTrustedAuthoritiesAreAccepted() async throws {
    try await TLSServer.with { server in
      let url = "https://localhost:\(server.port)/"
      let trusting = HTTPClient(configuration: .init(certificateAuthorities: server.certificate))
      let answer = try await trusting.send(HTTPRequest(url: url))
      #expect(answer.status == 200)
      let error = await failure { () throws(HTTPError) in
        _ = try await HTTPClient().send(HTTPRequest(url: url))
      }
      #expect(error?.code == .tls)
      #expect(error?.nothingSent == true)
      // The right authority does not excuse the wrong name.
      let misnamed = await failure { () throws(HTTPError) in
        _ = try await trusting.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
      }
      #expect(misnamed?.code == .tls)
    }
  }
}
