import Foundation
import HTTP
import Testing

/// `openssl s_server` on a loopback port with a certificate of its own making.
private final class TLSServer {
  let port: UInt16
  let certificate: String
  private let directory: String
  private let process = Process()

  static let tool = "/usr/bin/openssl"

  init() throws {
    directory = NSTemporaryDirectory() + "/shipit-tls-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    certificate = directory + "/certificate.pem"
    let key = directory + "/key.pem"
    let make = Process()
    make.executableURL = URL(fileURLWithPath: TLSServer.tool)
    make.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
      certificate,
    ]
    make.standardError = FileHandle.nullDevice
    try make.run()
    make.waitUntilExit()
    port = try freePort()
    process.executableURL = URL(fileURLWithPath: TLSServer.tool)
    process.arguments = [
      "s_server", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-key", key, "-www", "-quiet",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  deinit {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: directory)
  }
}

@Suite struct HTTPSTests {
  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: TLSServer.tool), "openssl is not installed"))
  func onlyCertificatesOfTrustedAuthoritiesAreAccepted() async throws {
    let server = try TLSServer()
    let url = "https://localhost:\(server.port)/"
    let trusting = HTTPClient(configuration: .init(certificateAuthorities: server.certificate))
    #expect(await becomesTrue { (try? await trusting.send(HTTPRequest(url: url)))?.status == 200 })
    let error = await failure { () throws(HTTPError) in _ = try await HTTPClient().send(HTTPRequest(url: url))
    }
    #expect(error?.code == .tls)
    #expect(error?.nothingSent == true)
    // The right authority does not excuse the wrong name.
    let misnamed = await failure { () throws(HTTPError) in
      _ = try await trusting.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
    }
    #expect(misnamed?.code == .tls)
    withExtendedLifetime(server) {}
  }
}
